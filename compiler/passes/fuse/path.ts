/** Whether data flows from one thing to another, searched from both ends at once: the end with less around it decides. */

/** Edges in both directions. */
export interface Flow<T> {
  readonly after: (thing: T) => readonly T[];
  readonly before: (thing: T) => readonly T[];
}

/** Beyond this many steps the answer is yes, which is the safe one. Of siblings, far apart in a large graph, there are too many to search for long. */
const maxSteps = { "no direct ones": 4096, all: 4096, near: 96 } as const;

/** Which edges count; `near`: all, but only a short search is worth while. */
export type Edges = keyof typeof maxSteps;

/** A path from `from` to `to` of two edges or more, or of one where `direct` edges count. Each step is reported. */
export function leads<T>(from: T, to: T, flow: Flow<T>, edges: Edges, step: () => void): boolean {
  const onward = new Side(from, flow.after);
  const back = new Side(to, flow.before);
  const skipped = edges === "no direct ones" ? [to, from] : [null, null];
  if (onward.start(back, skipped[0] ?? null)) return true;
  // most lead to one place only
  if (onward.isDone) return false;
  if (back.start(onward, skipped[1] ?? null)) return true;
  for (let steps = 0; steps < maxSteps[edges]; steps += 2) {
    if (onward.isDone || back.isDone) return false;
    step();
    if (onward.advance(back) || back.advance(onward)) return true;
  }
  return true;
}

class Side<T> {
  readonly #edges: (thing: T) => readonly T[];
  readonly #origin: T;
  readonly #seen: Set<T>;
  readonly #open: T[] = [];
  #next = 0;

  constructor(origin: T, edges: (thing: T) => readonly T[]) {
    this.#edges = edges;
    this.#origin = origin;
    this.#seen = new Set([origin]);
  }

  get isDone(): boolean {
    return this.#next >= this.#open.length;
  }

  /** Looks around the origin; true where the sides meet. */
  start(other: Side<T>, skipped: T | null): boolean {
    return this.#enter(
      this.#edges(this.#origin).filter((t) => t !== skipped),
      other,
    );
  }

  /** Looks around one more thing; true where the sides meet. */
  advance(other: Side<T>): boolean {
    const thing = this.#open[this.#next++];
    return thing !== undefined && this.#enter(this.#edges(thing), other);
  }

  #enter(things: readonly T[], other: Side<T>): boolean {
    for (const t of things) {
      if (other.#seen.has(t)) return true;
      if (this.#seen.has(t)) continue;
      this.#seen.add(t);
      this.#open.push(t);
    }
    return false;
  }
}
