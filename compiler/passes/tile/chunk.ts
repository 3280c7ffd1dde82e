/**
 * chunk: a walk too long for near caches, cut into chunks: each is packed and walked by all tiles of a block before the next one is,
 * and the tiles' sums wait in scratch.
 *
 *   for %kc in 0..20000 step 512 { … pack … for each tile { carry %s; for %k in 0..512 { … } store %sums[…] = load %sums[…] + %s } }
 *
 * Sums keep their order: a walk along one axis adds up by the blocks that `accumulate` makes, one along several goes on where it was.
 */
import type { DType } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, variable } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, normalIndex, subIndex, unflatten } from "../../ir/indexing.ts";
import type { Axis, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { block, group } from "./accumulate.ts";
import { bringInto } from "./combine.ts";
import type { Place } from "./copy.ts";
import { copied, loop, minOf, vector } from "./copy.ts";
import { divides } from "./flat.ts";
import { loopsOver } from "./nest.ts";
import { movedTo } from "./sides.ts";

/** Steps of a walk that is not cut. */
const longest = 4096;

/** A part of a walk: axes around it, and its own, the first of them cut. */
export interface Chunk {
  readonly outer: readonly Axis[];
  /** The axis that is cut, and how many of its steps a chunk has. */
  readonly cut: Axis;
  readonly size: number;
  /** The axes inside of a chunk; the first counts from the start of the chunk. */
  readonly axes: readonly Axis[];
  /** Steps of a whole chunk. */
  readonly steps: number;
  /** The cut axis and the step of a chunk, by the axes of a chunk. */
  readonly place: readonly [string, Expr];
  readonly step: Expr;
  /** The same by the one loop along a chunk. */
  readonly flat: { readonly axis: Axis; readonly places: readonly [string, Expr][] };
}

/** The chunks of a walk; null where it is one. */
export function chunkOf(reduce: Reduce): Chunk | null {
  const lengths = reduce.axes.map((a) => a.hi.value);
  const product = (list: readonly number[]): number => list.reduce((n, d) => n * d, 1);
  if (product(lengths) <= longest || (isBlocked(reduce) && product(lengths) > block * group)) return null;
  const i = lengths.findIndex((_, axis) => product(lengths.slice(axis + 1)) <= block);
  const below = lengths.slice(i + 1);
  const cut = at(reduce.axes, i);
  const size = Math.min(cut.hi.value, Math.floor(block / product(below)));
  const start = axisIndex(`${cut.name}c`, 0, Math.floor((cut.hi.value - 1) / size) * size);
  const length = cut.hi.value % size === 0 ? ix(size) : minOf(ix(size), subIndex(ix(cut.hi.value), start));
  const own: Axis = { ...cut, name: `${cut.name}w`, hi: length };
  const axes = [own, ...reduce.axes.slice(i + 1)];
  const steps = size * product(below);
  const index = axisIndex(`${cut.name}s`, 0, steps - 1);
  const positions = axes.map((a, k) => axisIndex(a.name, 0, (k === 0 ? size : a.hi.value) - 1));
  const step = positions.reduce((sum, p, k) => addIndex(sum, mulIndex(p, product(below.slice(k)))), ix(0));
  return {
    outer: reduce.axes.slice(0, i),
    cut,
    size,
    axes,
    steps,
    place: [cut.name, addIndex(start, at(positions, 0))],
    step,
    flat: {
      axis: { ...own, name: index.name, hi: mulIndex(length, product(below)) },
      places: unflatten(index, [size, ...below]).map((e, k) => [at(axes, k).name, e]),
    },
  };
}

/** Whether `accumulate` adds up blocks of the walk. */
const isBlocked = (r: Reduce): boolean => r.axes.length === 1 && !r.exact;

/** Loops over the chunks. */
export function overChunks({ outer, cut, size }: Chunk, body: readonly Stmt[]): readonly Stmt[] {
  const chunks = loop("serial", { name: `${cut.name}c`, lo: ix(0), hi: cut.hi }, size, body);
  return loopsOver(outer, [chunks]);
}

/** An expression of the walk as one of the loop along a chunk; null where an index would have to divide. */
export function alongChunk(e: Expr, { place, flat }: Chunk): Expr | null {
  const moved = movedTo(movedTo(e, [place]), flat.places);
  return divides([moved], flat.axis.name) ? null : moved;
}

/** The sums of a block's tiles. */
export interface Sums {
  readonly locals: readonly Local[];
  /** Where the sums of one result are: what is loaded there. */
  readonly loads: readonly Expr[];
  readonly fill: readonly Stmt[];
}

/** How large they are, and what their axis and their memory are called. */
interface SumsIn {
  readonly size: number;
  readonly lanes: number;
  readonly name: string;
  readonly memory: (dtype: DType, i: number) => string;
}

export function sumsOf(reduce: Reduce, index: Expr, { size, lanes, name, memory }: SumsIn): Sums {
  const named = reduce.init.map((e, i) => ({ name: memory(e.dtype, i), dtype: e.dtype, init: e }));
  const from = axisIndex(name, 0, size - lanes);
  const store = (lane: Expr): Stmt[] => named.map((s) => ({ kind: "store", buffer: s.name, index: addIndex(from, lane), value: s.init }));
  return {
    locals: named.map((s) => ({ kind: "local", name: s.name, dtype: s.dtype, size, space: "scratch" })),
    loads: named.map((s) => load(s.name, s.dtype, index)),
    fill: [loop("serial", { name, lo: ix(0), hi: ix(size) }, lanes, [vector(`${name}v`, lanes, store)])],
  };
}

/** One chunk of the walk for some results at once. `values`: those of a step of the loop along the chunk. */
export function chunkTurn(r: Reduce, values: readonly Expr[], { chunk, sums, points }: { chunk: Chunk; sums: Sums; points: readonly Place[] }): Stmt[] {
  const n = r.names.length;
  const goesOn = !isBlocked(r);
  const results = points.map((point) => {
    const all = copied({ body: [], values: [...sums.loads, ...values] }, point).values;
    return { kept: all.slice(0, n), values: all.slice(n), own: r.names.map((name, i) => variable(`${name}_q${point.suffix}`, at(r.init, i).dtype)) };
  });
  const carries = results.flatMap(({ kept, own }) => own.map((v, i): Stmt => ({ kind: "carry", name: v.name, init: goesOn ? at(kept, i) : at(r.init, i) })));
  const added = results.flatMap(({ own, values: step }) => {
    const name = (i: number): string => at(own, i).name;
    return bringInto(r, { parts: own, name, set: (i, value) => ({ kind: "assign", name: name(i), value }) }, step, "_u");
  });
  const stored = results.flatMap(({ kept, own }) => {
    const set = (i: number, value: Expr): Stmt => ({ kind: "store", buffer: at(kept, i).name, index: normalIndex(at(at(kept, i).args, 0)), value });
    return goesOn ? own.map((v, i) => set(i, v)) : bringInto(r, { parts: kept, name: (i) => at(own, i).name, set }, own, "_b");
  });
  const { axis } = chunk.flat;
  return [...carries, loop("serial", { name: axis.name, lo: ix(0), hi: axis.hi }, 1, added), ...stored];
}
