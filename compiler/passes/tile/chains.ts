/**
 * chains: functions of functions are computed one after another for a strip of elements, on CPUs with vectors.
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
import { load, mapOperands } from "../../ir/expr.ts";
import type { For, Kernel, Let, Local, Stmt, Store } from "../../ir/loop.ts";
import { isMadeOfOthers } from "./cost.ts";
import { isPlain } from "./nest.ts";
import { letsFor, overStrip, stripOf, withStrips } from "./strip.ts";

/** Beyond so many strips what is kept leaves the nearest cache. */
const mostStrips = 6;

/** The kernel with strips between its functions, or the kernel itself where none is a function of another. */
export function chainsInStrips(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis) || inner.axis.hi.op !== "const") return kernel;
  const lets = inner.body.filter((s) => s.kind === "let");
  const stores = inner.body.filter((s) => s.kind === "store");
  const size = stripOf(inner.axis.hi.value);
  if (size === 0 || lets.length + stores.length !== inner.body.length || stores.some((s) => s.atomic !== undefined)) return kernel;
  const chains = new Chains(lets, stores);
  if (chains.length < 2 || chains.kept.length > mostStrips || !chains.kept.every(isFloat)) return kernel;
  return withStrips(kernel, nest, size, chains.stages(inner, size));
}

const isFloat = ({ dtype }: Expr): boolean => dtype === "float32" || dtype === "float64";

/** The functions of a body, by how many others each waits for. */
class Chains {
  readonly #lets: readonly Let[];
  readonly #stores: readonly Store[];
  readonly #values: ReadonlyMap<string, Expr>;
  readonly #depths = new Map<Expr, number>();
  /** The functions of the longest chain. */
  readonly length: number;
  /** What others wait for, what is needed first in front. */
  readonly kept: readonly Expr[];

  constructor(lets: readonly Let[], stores: readonly Store[]) {
    this.#lets = lets;
    this.#stores = stores;
    this.#values = new Map(lets.map((l) => [l.name, l.value]));
    this.length = Math.max(0, ...stores.map((s) => this.#depthOf(s.value)));
    const functions = [...this.#depths.keys()].filter((e) => isMadeOfOthers(e.op) && this.#depthOf(e) < this.length);
    this.kept = functions.toSorted((a, b) => this.#depthOf(a) - this.#depthOf(b));
  }

  /** A loop for the functions of each depth, and one for what is stored. */
  stages({ axis }: For, size: number): Stmt[] {
    const locals = this.kept.map((e, i): Local => ({ kind: "local", name: `chain${i}`, dtype: e.dtype, size, space: "scratch" }));
    const own = new Map(this.kept.map((e, i) => [e, at(locals, i)]));
    const loops: Stmt[] = [];
    for (let depth = 1; depth < this.length; depth++) {
      const made = this.kept.filter((e) => this.#depthOf(e) === depth);
      loops.push(
        overStrip(axis, size, `c${depth}`, (index) => {
          const f = this.#reading(own, { depth, index });
          const stores = made.map((e): Stmt => ({ kind: "store", buffer: own.get(e)?.name ?? "", index, value: f(e) }));
          return this.#withLets(stores, f);
        }),
      );
    }
    const last = overStrip(axis, size, `c${this.length}`, (index) => {
      const f = this.#reading(own, { depth: this.length, index });
      return this.#withLets(
        this.#stores.map((s) => ({ ...s, value: f(s.value) })),
        f,
      );
    });
    return [...locals, ...loops, last];
  }

  /** Statements behind the lets that they need. */
  #withLets(stores: readonly Stmt[], f: (e: Expr) => Expr): readonly Stmt[] {
    const lets = this.#lets.map((l) => ({ ...l, value: f(l.value) }));
    const values = stores.flatMap((s) => (s.kind === "store" ? [s.value, s.index, ...(s.guard === undefined ? [] : [s.guard])] : []));
    return [...letsFor(values, lets), ...stores];
  }

  /** Expressions with loads in the place of functions that are not of this depth, which are there. */
  #reading(own: ReadonlyMap<Expr, Local>, { depth, index }: { readonly depth: number; readonly index: Expr }): (e: Expr) => Expr {
    const done = new Map<Expr, Expr>();
    const map = (e: Expr): Expr => {
      const known = done.get(e);
      if (known !== undefined) return known;
      const local = this.#depthOf(e) < depth ? own.get(e) : undefined;
      const whole = e.args.length === 0 ? e : mapOperands(e, map);
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
