/**
 * Where lanes must wait for each other. The emitter walks the statements that all lanes run alike and keeps what was touched since
 * the last barrier; a statement that meets it gets a barrier before it. So shared memory is right whether or not the schedule
 * wrote its barriers, and the ones it wrote are not doubled.
 */
import { exprOrder } from "../../ir/expr-order.ts";
import type { Stmt } from "../../ir/loop.ts";
import { bodiesOf, expressionsOf } from "../../ir/loop.ts";
import { dealsLanes } from "./lanes.ts";

/** Names of the shared memory that statements touch. `lone` was written by lane 0 alone. */
export interface Touched {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly lone: ReadonlySet<string>;
}

export const touching = (what: { readonly reads?: readonly string[]; readonly writes?: readonly string[] }): Touched => ({
  reads: new Set(what.reads),
  writes: new Set(what.writes),
  lone: new Set(),
});

/** What statements outside lane loops touch of the memory that lanes share. */
export function touchedBy(list: readonly Stmt[], isShared: (name: string) => boolean): Touched {
  const [reads, writes, lone] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const walk = (s: Stmt, among: Set<string>): void => {
    for (const e of exprOrder(expressionsOf(s))) if (e.op === "load" && isShared(e.name)) reads.add(e.name);
    if (s.kind === "store" && isShared(s.buffer)) among.add(s.buffer);
    const inner = dealsLanes(s) ? writes : among;
    for (const body of bodiesOf(s)) for (const t of body) walk(t, inner);
  };
  for (const s of list) walk(s, lone);
  return { reads, writes, lone };
}

/** What was touched since the last barrier. */
export class Pending {
  readonly #reads: Set<string>;
  readonly #writes: Set<string>;
  readonly #lone: Set<string>;

  constructor(from: Touched = touching({})) {
    this.#reads = new Set(from.reads);
    this.#writes = new Set(from.writes);
    this.#lone = new Set(from.lone);
  }

  touched(): Touched {
    return { reads: this.#reads, writes: this.#writes, lone: this.#lone };
  }

  /** The memory in which lanes that go on to touch `next` could meet another lane's unfinished access. */
  meets(next: Touched): string[] {
    const [reads, writes, lone] = [this.#reads, this.#writes, this.#lone];
    return [
      ...[...next.reads].filter((name) => writes.has(name) || lone.has(name)),
      ...[...next.writes].filter((name) => writes.has(name) || lone.has(name) || reads.has(name)),
      ...[...next.lone].filter((name) => writes.has(name) || reads.has(name)),
    ];
  }

  add(next: Touched): void {
    next.reads.forEach((name) => this.#reads.add(name));
    next.writes.forEach((name) => this.#writes.add(name));
    next.lone.forEach((name) => this.#lone.add(name));
  }

  /** A barrier passed: accesses of the memory it orders are done. */
  clear(isOrdered: (name: string) => boolean): void {
    for (const set of [this.#reads, this.#writes, this.#lone]) for (const name of set) if (isOrdered(name)) set.delete(name);
  }
}
