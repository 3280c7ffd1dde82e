/**
 * Where values are computed. Every loop has two lists of its own besides its body: `before`, which runs once in front of it, and
 * `head`, which runs at the start of each iteration. A value that depends on outer loops only is put in front of the outermost loop
 * that it does not depend on; one that is made of loop indices alone goes to the head of the innermost of these loops, where it is
 * there for the whole iteration. What loads, or reads a variable that changes, is computed where it stands.
 */
import { at, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder, mostCalls } from "../../ir/expr-order.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Body } from "./body.ts";
import type { Code, ValueType } from "./code.ts";
import type { Width } from "./types.ts";

/** What a name stands for. Levels count the loops around: 0 outside of all. */
export type Meaning =
  /** A local: an axis, a parameter (which are `free`: they do not change in an iteration), a let or a variable. */
  | { readonly kind: "local"; readonly local: number; readonly level: number; readonly isFree: boolean }
  /** A let made of free values: computed where it is first wanted. */
  | { readonly kind: "free"; readonly value: Expr; readonly level: number }
  /** A vector in registers. */
  | { readonly kind: "vector"; readonly registers: readonly number[]; readonly width: Width }
  /** An index that goes up with the vector axis: spelled where it is used. */
  | { readonly kind: "index"; readonly value: Expr };

interface Loop {
  readonly before: Code;
  readonly head: Code;
  /** Locals of values that `before` and `head` compute, by what they are. */
  readonly placed: Map<string, number>;
  /** Variables that change in the loop. */
  readonly assigned: ReadonlySet<string>;
}

/** Where a value may be computed: the level of the loop that it depends on, and whether it is made of free values only. */
export interface Place {
  readonly level: number;
  readonly isFree: boolean;
}

/** What loads, and what is a vector. */
const nowhere: Place = { level: Infinity, isFree: false };
const anywhere: Place = { level: 0, isFree: true };

export class Frame {
  readonly #body: Body;
  readonly #names = new Map<string, Meaning>();
  /** Places of names that are free: they stay what they are. */
  readonly #free = new Map<string, Place>();
  readonly #loops: Loop[] = [{ before: [], head: [], placed: new Map(), assigned: new Set() }];
  readonly #places = new Map<Expr, Place>();
  /** The same of what reads variables, until something is named or a loop begins or ends. */
  readonly #passing = new Map<Expr, Place>();
  /** The level of the list that instructions go to. */
  level = 0;

  /** What is placed in one scope is there in all of it: in the loop that instructions go to. */
  get scope(): object {
    return at(this.#loops, this.level);
  }

  constructor(body: Body) {
    this.#body = body;
  }

  /** What runs first of all. */
  get prologue(): Code {
    return at(this.#loops, 0).head;
  }

  define(name: string, meaning: Meaning): void {
    this.#names.set(name, meaning);
    this.#forget();
    if (meaning.kind === "free" || (meaning.kind === "local" && meaning.isFree)) this.#free.set(name, { level: meaning.level, isFree: true });
    else this.#free.delete(name);
  }

  meaning(name: string): Meaning {
    return lookup(this.#names, name, "the meaning of");
  }

  known(name: string): Meaning | undefined {
    return this.#names.get(name);
  }

  /** A loop: its own lists are filled while `inside` runs. */
  within(assigned: ReadonlySet<string>, inside: (loop: { readonly before: Code; readonly head: Code }) => void): void {
    const loop: Loop = { before: [], head: [], placed: new Map(), assigned };
    this.#loops.push(loop);
    this.level++;
    this.#forget();
    inside(loop);
    this.level--;
    this.#loops.pop();
    this.#forget();
  }

  #forget(): void {
    // to clear a map that is empty makes a new table
    if (this.#passing.size > 0) this.#passing.clear();
  }

  placeOf(e: Expr): Place {
    return this.#placeBelow(e, 0);
  }

  #placeBelow(e: Expr, depth: number): Place {
    if (e.op === "const") return anywhere;
    if (e.op === "var" || e.op === "axis") return this.#free.get(e.name) ?? this.#placeOfName(e.name);
    if (e.op === "load") return nowhere;
    const known = this.#places.get(e) ?? this.#passing.get(e);
    if (known !== undefined) return known;
    // operands first, so that none of them asks further down
    if (depth === mostCalls) for (const part of exprOrder(e.args)) this.#placeBelow(part, depth + 1);
    const place = this.#combined(e, depth + 1);
    // what reads a variable may stand elsewhere next time
    (place.isFree ? this.#places : this.#passing).set(e, place);
    return place;
  }

  #combined(e: Expr, depth: number): Place {
    let level = 0;
    let isFree = true;
    for (let i = 0; i < e.args.length; i++) {
      const a = e.args[i];
      if (a === undefined || a.op === "const") continue;
      const place = this.#placeBelow(a, depth);
      level = Math.max(level, place.level);
      isFree &&= place.isFree;
    }
    return { level, isFree };
  }

  #placeOfName(name: string): Place {
    const meaning = this.#names.get(name);
    if (meaning?.kind !== "local") return nowhere;
    const changes = this.#loops.findLastIndex((loop) => loop.assigned.has(name));
    return { level: Math.max(meaning.level, changes), isFree: false };
  }

  /** Whether a value can be computed elsewhere and kept. */
  isMovable(e: Expr): boolean {
    return this.movesTo(e) !== null;
  }

  /** The level that a movable value goes to; null for others. */
  movesTo(e: Expr): number | null {
    const { level, isFree } = this.placeOf(e);
    return level < this.level || (isFree && level === this.level) ? level : null;
  }

  /** Whether it is better computed in front of the loops around: it does not depend on the innermost. */
  isOuter(e: Expr): boolean {
    return this.placeOf(e).level < this.level;
  }

  /** The local that holds a movable value of this level. `key` says what it is, `emit` leaves it on the stack. */
  place(key: string, level: number, value: { readonly name: string; readonly type: ValueType; readonly emit: () => void }): number {
    const isOuter = level < this.level;
    const loop = at(this.#loops, isOuter ? level + 1 : level);
    const known = loop.placed.get(key);
    if (known !== undefined) return known;
    const outer = this.level;
    this.level = level;
    let local = 0;
    const code = this.#body.apart(() => {
      value.emit();
      local = this.#body.keep(value.name, value.type);
    });
    this.level = outer;
    (isOuter ? loop.before : loop.head).push(...code);
    loop.placed.set(key, local);
    return local;
  }

  /** The local of what was placed at this level under this key. */
  placedAs(key: string, level: number): number | undefined {
    return this.#loops[level < this.level ? level + 1 : level]?.placed.get(key);
  }

  /** The local of a value that is placed already. */
  placed(e: Expr): number | undefined {
    return this.placedAs(keyOf(e), this.placeOf(e).level);
  }
}
