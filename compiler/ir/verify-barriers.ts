/**
 * Barriers between lanes that share memory: what a lane loop stores into a group local, another loop may only load or store after a
 * barrier, and what it loads, another may only store after one. Also from the end of a loop's body to its next turn. (Scratch that
 * lanes share is the targets' affair: they put barriers where they share it out.)
 */
import type { CompilerBug } from "./errors.ts";
import { exprOrder } from "./expr-order.ts";
import type { Stmt } from "./loop.ts";
import { bodiesOf, expressionsOf, statements } from "./loop.ts";

/** Throws where lanes could meet in a group local. */
export function verifyBarriers(body: readonly Stmt[], bug: (message: string) => CompilerBug): void {
  const shared = new Set([...statements(body)].flatMap((s) => (s.kind === "local" && s.space === "group" ? [s.name] : [])));
  if (shared.size > 0) new BarrierVerifier(shared, bug).list(body, { reads: new Set(), writes: new Set() });
}

/** Group locals touched since the last barrier. */
interface Touched {
  readonly reads: Set<string>;
  readonly writes: Set<string>;
}

const dealsLanes = (s: Stmt): boolean => {
  if (s.kind === "for") return s.axis.kind === "lane";
  return s.kind === "reduce" && s.axes.some((a) => a.kind === "lane");
};

class BarrierVerifier {
  readonly #shared: ReadonlySet<string>;
  readonly #bug: (message: string) => CompilerBug;

  constructor(shared: ReadonlySet<string>, bug: (message: string) => CompilerBug) {
    this.#shared = shared;
    this.#bug = bug;
  }

  list(list: readonly Stmt[], since: Touched): void {
    for (const s of list) this.#statement(s, since);
  }

  #statement(s: Stmt, since: Touched): void {
    if (s.kind === "barrier") {
      since.reads.clear();
      since.writes.clear();
      return;
    }
    if (dealsLanes(s)) return this.#meet(this.#touchedBy([...statements([s])]), since);
    this.#meet(this.#touchedBy([s]), since);
    if (s.kind === "if") return this.#branches(s.then, s.otherwise, since);
    // the next turn meets what this one left; grid points do not meet
    const again = s.kind === "reduce" || (s.kind === "for" && s.axis.kind !== "grid" && s.axis.kind !== "group");
    for (const body of bodiesOf(s)) {
      this.list(body, since);
      if (again) this.list(body, since);
    }
  }

  #branches(then: readonly Stmt[], otherwise: readonly Stmt[], since: Touched): void {
    const sides = [then, otherwise].map((list) => {
      const side = { reads: new Set(since.reads), writes: new Set(since.writes) };
      this.list(list, side);
      return side;
    });
    since.reads.clear();
    since.writes.clear();
    for (const side of sides) add(side, since);
  }

  /** What statements themselves touch, without their bodies. */
  #touchedBy(list: readonly Stmt[]): Touched {
    const touched: Touched = { reads: new Set(), writes: new Set() };
    for (const s of list) {
      for (const e of exprOrder(expressionsOf(s))) if (e.op === "load" && this.#shared.has(e.name)) touched.reads.add(e.name);
      if (s.kind === "store" && this.#shared.has(s.buffer)) touched.writes.add(s.buffer);
    }
    return touched;
  }

  #meet(next: Touched, since: Touched): void {
    const unseen = [...next.reads, ...next.writes].find((name) => since.writes.has(name));
    if (unseen !== undefined) throw this.#bug(`%${unseen} is used after lanes stored to it, with no barrier between`);
    const early = [...next.writes].find((name) => since.reads.has(name));
    if (early !== undefined) throw this.#bug(`%${early} is stored to while other lanes may still load from it: there is no barrier between`);
    add(next, since);
  }
}

function add(from: Touched, to: Touched): void {
  from.reads.forEach((name) => to.reads.add(name));
  from.writes.forEach((name) => to.writes.add(name));
}
