/**
 * chains: functions of functions are computed one after another for a strip or a row of elements, on CPUs with vectors.
 *
 *   for %i in 0..4096 [grid] { store %out[%i] = log1p(exp(load %x[%i])) }
 *     → for %i in 0..4096 step 256 [grid] { local %chain0: f32[256]
 *         for %ic1 in 0..256 { store %chain0[%ic1] = exp(load %x[%i + %ic1]) }
 *         for %ic2 in 0..256 { store %out[%i + %ic2] = log1p(load %chain0[%ic2]) } }
 *
 * A function is some forty operations that wait for one another. A processor works on as many elements at once as fit into what it
 * looks ahead; of a chain twice as long on half of them, so that two functions take longer together than apart. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, mapOperands } from "../../ir/expr.ts";
import { ix } from "../../ir/indexing.ts";
import type { For, Kernel, Let, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { tidy } from "../lower/tidy.ts";
import { isMadeOfOthers } from "./cost.ts";
import { isPlain, shortRow } from "./nest.ts";
import type { Straight, Strip } from "./strip.ts";
import { overStrip, letsFor, straight, stripOf, turnsOf, withStrips } from "./strip.ts";

/** Beyond so many strips what is kept leaves the nearest cache. */
const mostStrips = 6;

/** The kernel with strips between the functions of its elements, or the kernel itself where none is a function of another. */
export function chainsInStrips(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const list = inner === undefined ? null : straight(inner.body);
  if (inner === undefined || list === null || !isPlain(inner.axis) || inner.axis.hi.op !== "const") return kernel;
  const size = stripOf(inner.axis.hi.value);
  if (size === 0 || list.stores.some((s) => s.atomic !== undefined)) return kernel;
  const chains = new Chains(list);
  if (!chains.isWorthKeeping) return kernel;
  const turns = turnsOf(inner.axis, size);
  const { locals, loops } = chains.kept(turns, "chain_");
  const last = overStrip(turns, `c${chains.length}`, (index) => {
    const f = chains.reading(locals, { depth: chains.length, index });
    return chains.withLets(
      list.stores.map((s) => ({ ...s, value: f(s.value) })),
      f,
    );
  });
  return withStrips(kernel, nest, size, [...locals, ...loops, last]);
}

/** The same of what is reduced in a grid point: each function of a chain for the whole row, where that stays near the core. */
export function chainsInRows(kernel: Kernel, nest: readonly For[], { rowBytes }: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined) return kernel;
  const body = inner.body.flatMap((s, i) => (s.kind === "reduce" ? (keptRows(s, `chain${i}_`, rowBytes) ?? [s]) : [s]));
  if (body.length === inner.body.length) return kernel;
  return { ...kernel, body: tidy(nest.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: f === inner ? body : below }], [])) };
}

/** Rows of functions, and the reduction that reads them; null where it has no chain. */
function keptRows(r: Reduce, prefix: string, rowBytes: number): readonly Stmt[] | null {
  const [axis] = r.axes;
  if (axis === undefined || r.axes.length > 1 || axis.kind !== "serial" || !isPlain(axis) || axis.hi.op !== "const" || axis.hi.value < shortRow) return null;
  const list = straight(r.body);
  const chains = list === null ? null : new Chains(list, r.values);
  if (chains === null || !chains.isWorthKeeping) return null;
  const size = axis.hi.value;
  const { locals, loops } = chains.kept({ axis, size, first: ix(0) }, prefix);
  if (localBytes(locals) > rowBytes) return null;
  const f = chains.reading(locals, { depth: chains.length, index: axisIndex(axis.name, 0, size - 1) });
  const read = r.body.map((s): Stmt => (s.kind === "let" || s.kind === "store" ? { ...s, value: f(s.value) } : s));
  return [...locals, ...loops, { ...r, body: read, values: r.values.map(f) }];
}

const isFloat = ({ dtype }: Expr): boolean => dtype === "float32" || dtype === "float64";

/** Where something is read: what has been kept before this depth, at this place. */
interface Reading {
  readonly depth: number;
  readonly index: Expr;
}

/** The functions of a body, by how many others each waits for. */
class Chains {
  readonly #lets: readonly Let[];
  readonly #values: ReadonlyMap<string, Expr>;
  readonly #depths = new Map<Expr, number>();
  /** What others wait for, what is needed first in front. */
  readonly #functions: readonly Expr[];
  /** The functions of the longest chain. */
  readonly length: number;

  constructor({ lets, stores }: Straight, values: readonly Expr[] = []) {
    const roots = [...values, ...stores.map((s) => s.value)];
    this.#lets = lets;
    this.#values = new Map(lets.map((l) => [l.name, l.value]));
    this.length = Math.max(0, ...roots.map((e) => this.#depthOf(e)));
    const functions = [...this.#depths.keys()].filter((e) => isMadeOfOthers(e.op) && this.#depthOf(e) < this.length);
    this.#functions = functions.toSorted((a, b) => this.#depthOf(a) - this.#depthOf(b));
  }

  get isWorthKeeping(): boolean {
    return this.length > 1 && this.#functions.length <= mostStrips && this.#functions.every(isFloat);
  }

  /** Scratch for each function that others wait for, and a loop for those of each depth. */
  kept(strip: Strip, prefix: string): { readonly locals: readonly Local[]; readonly loops: readonly For[] } {
    const locals = this.#functions.map((e, i): Local => ({ kind: "local", name: `${prefix}${i}`, dtype: e.dtype, size: strip.size, space: "scratch" }));
    const loops: For[] = [];
    for (let depth = 1; depth < this.length; depth++) loops.push(overStrip(strip, `c${depth}`, (index) => this.#stored(locals, { depth, index })));
    return { locals, loops };
  }

  /** What keeps the functions of a depth. */
  #stored(locals: readonly Local[], { depth, index }: Reading): readonly Stmt[] {
    const f = this.reading(locals, { depth, index });
    const stores = this.#functions.flatMap((e, i): Store[] =>
      this.#depthOf(e) === depth ? [{ kind: "store", buffer: at(locals, i).name, index, value: f(e) }] : [],
    );
    return this.withLets(stores, f);
  }

  /** Statements behind the lets that they need. */
  withLets(stores: readonly Store[], f: (e: Expr) => Expr): readonly Stmt[] {
    const lets = this.#lets.map((l) => ({ ...l, value: f(l.value) }));
    return [...letsFor(expressionsIn(stores), lets), ...stores];
  }

  /** Expressions with loads in the place of functions that are kept. */
  reading(locals: readonly Local[], { depth, index }: Reading): (e: Expr) => Expr {
    const own = new Map(this.#functions.map((e, i) => [e, at(locals, i)]));
    const done = new Map<Expr, Expr>();
    const map = (e: Expr): Expr => {
      const known = done.get(e);
      if (known !== undefined) return known;
      const local = this.#depthOf(e) < depth ? own.get(e) : undefined;
      const whole = e.args.length === 0 || local !== undefined ? e : mapOperands(e, map);
      const found = local === undefined ? whole : load(local.name, local.dtype, index);
      done.set(e, found);
      return found;
    };
    return map;
  }

  /** How many functions wait for one another up to an expression. */
  #depthOf(e: Expr): number {
    const known = this.#depths.get(e);
    if (known !== undefined) return known;
    const named = e.op === "var" ? this.#values.get(e.name) : undefined;
    const below = named === undefined ? e.args.map((a) => this.#depthOf(a)) : [this.#depthOf(named)];
    const depth = Math.max(0, ...below) + (isMadeOfOthers(e.op) ? 1 : 0);
    this.#depths.set(e, depth);
    return depth;
  }
}
