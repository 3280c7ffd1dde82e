/**
 * Accumulators of a reduction by several lanes: a vector in scratch, which targets keep in registers,
 *
 *   local %s_lanes: f32[16] scratch      for %kv in 0..16 [vector] { store %s_lanes[%kv] = load %s_lanes[%kv] + … }
 *
 * or scalars, for targets without vectors: `carry %s_lanes0 …`, and a copy of the body for each.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load, variable } from "../../ir/expr.ts";
import { ix } from "../../ir/indexing.ts";
import type { Reduce, Stmt } from "../../ir/loop.ts";
import { vector } from "./copy.ts";

export type Spelling = "vectors" | "scalars";

/** What lanes begin with. */
export interface Start {
  readonly lanes: number;
  readonly init: readonly Expr[];
}

/** Several sets of accumulators: level 0 has the result in the end, others have blocks of it. */
export interface Accumulators {
  readonly name: (part: number, level: number) => string;
  /** What stands in front of everything. */
  readonly declared: (level: number) => readonly Stmt[];
  /** The accumulators of a level, with nothing in them. */
  readonly cleared: (level: number, start: Start) => readonly Stmt[];
  readonly tuple: (level: number, lane: Expr) => Expr[];
  /** A new value for a part of a tuple. */
  readonly set: (part: Expr, value: Expr) => Stmt;
  /** The same for each lane; what it names ends in the suffix. */
  readonly each: (lanes: number, body: (lane: Expr, suffix: string) => readonly Stmt[]) => readonly Stmt[];
}

function nameOf(r: Reduce, part: number, level: number): string {
  const suffix = level === 0 ? "lanes" : `block${level === 1 ? "" : level}`;
  return `${at(r.names, part)}_${suffix}`;
}

export class Vectors implements Accumulators {
  readonly #r: Reduce;
  readonly #lanes: number;
  readonly #axis: string;

  constructor(r: Reduce, lanes: number, axis: string) {
    this.#r = r;
    this.#lanes = lanes;
    this.#axis = axis;
  }

  readonly name = (part: number, level: number): string => nameOf(this.#r, part, level);

  readonly declared = (level: number): readonly Stmt[] =>
    this.#r.init.map(({ dtype }, part) => ({ kind: "local", name: this.name(part, level), dtype, size: this.#lanes, space: "scratch" }));

  readonly cleared = (level: number, { lanes, init }: Start): readonly Stmt[] =>
    this.each(lanes, (lane) => this.tuple(level, lane).map((part, i) => this.set(part, at(init, i))));

  readonly tuple = (level: number, lane: Expr): Expr[] => this.#r.init.map(({ dtype }, part) => load(this.name(part, level), dtype, lane));

  readonly set = (part: Expr, value: Expr): Stmt => ({ kind: "store", buffer: part.name, index: at(part.args, 0), value });

  readonly each = (lanes: number, body: (lane: Expr, suffix: string) => readonly Stmt[]): readonly Stmt[] => [
    vector(this.#axis, lanes, (lane) => body(lane, "")),
  ];
}

export class Scalars implements Accumulators {
  readonly #r: Reduce;

  constructor(r: Reduce) {
    this.#r = r;
  }

  readonly name = (part: number, level: number): string => nameOf(this.#r, part, level);

  readonly declared = (): readonly Stmt[] => [];

  readonly cleared = (level: number, { lanes, init }: Start): readonly Stmt[] =>
    Array.from({ length: lanes }, (_, i) => this.tuple(level, ix(i)).map((part, k): Stmt => ({ kind: "carry", name: part.name, init: at(init, k) }))).flat();

  readonly tuple = (level: number, lane: Expr): Expr[] => this.#r.init.map(({ dtype }, part) => variable(`${this.name(part, level)}${lane.value}`, dtype));

  readonly set = (part: Expr, value: Expr): Stmt => ({ kind: "assign", name: part.name, value });

  readonly each = (lanes: number, body: (lane: Expr, suffix: string) => readonly Stmt[]): readonly Stmt[] =>
    Array.from({ length: lanes }, (_, i) => body(ix(i), `_${i}`)).flat();
}
