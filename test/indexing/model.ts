/**
 * What an index means, spelled out element by element: where each element of `x[index]` lies in x. Reading and writing follow from
 * that, so one small model stands for all of NumPy's rules.
 */
import fc from "fast-check";
import type { NDArray } from "../../src/index.ts";
import { array, slice } from "../../src/index.ts";
import type { Index } from "../../src/indexing/parse.ts";

/** An entry of an index as the model takes it. */
export type Entry =
  | { readonly kind: "point"; readonly at: number }
  | { readonly kind: "slice"; readonly start: number | null; readonly stop: number | null; readonly step: number }
  | { readonly kind: "newaxis" }
  | { readonly kind: "ellipsis" }
  | { readonly kind: "indices"; readonly shape: readonly number[]; readonly data: readonly number[]; readonly as: Spelling }
  | { readonly kind: "mask"; readonly shape: readonly number[]; readonly data: readonly boolean[]; readonly as: Spelling };

/** How an index array is passed: nested lists, data, or computed when it is needed. */
export type Spelling = "list" | "handle" | "computed";

/** The elements of `x[index]`, as row-major offsets into x. */
export interface Taken {
  readonly shape: readonly number[];
  readonly offsets: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const get = <T>(list: readonly T[], i: number): T => {
  const x = list[i];
  if (x === undefined) throw new Error(`no element ${i}`);
  return x;
};

/** All positions of a shape in row-major order. */
export function positions(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])), [[]]);
}
const offsetOf = (shape: readonly number[], position: readonly number[]): number => position.reduce((sum, p, axis) => sum * get(shape, axis) + p, 0);

interface Part {
  readonly kind: "points" | "line" | "newaxis";
  /** For points: an integer array over one axis; for lines: the positions taken. */
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Python's slice of a range, by walking it. */
function line(entry: Entry & { kind: "slice" }, length: number): number[] {
  const all = Array.from({ length }, (_, i) => i);
  const fromEnd = (n: number): number => (n < 0 ? n + length : n);
  const bound = (n: number | null, otherwise: number): number => (n === null ? otherwise : fromEnd(n));
  const { step } = entry;
  const taken: number[] = [];
  if (step > 0) for (let i = Math.max(0, bound(entry.start, 0)); i < Math.min(length, bound(entry.stop, length)); i += step) taken.push(i);
  else for (let i = Math.min(length - 1, bound(entry.start, length - 1)); i > Math.max(-1, bound(entry.stop, -1)); i += step) taken.push(i);
  return taken.filter((i) => all.includes(i));
}

const broadcast = (shapes: readonly (readonly number[])[]): number[] =>
  shapes.reduce<number[]>((a, b) => {
    const rank = Math.max(a.length, b.length);
    return Array.from({ length: rank }, (_, i) => {
      const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
      if (x !== y && x !== 1 && y !== 1) throw new Error("index arrays do not broadcast");
      return x === 1 ? y : x;
    });
  }, []);

function axesUsed(entries: readonly Entry[]): number {
  const each = entries.map((e) => {
    if (e.kind === "mask") return e.shape.length;
    return e.kind === "newaxis" || e.kind === "ellipsis" ? 0 : 1;
  });
  return each.reduce((a: number, b) => a + b, 0);
}

function indicesIn(e: Entry): readonly number[] {
  if (e.kind === "point") return [e.at];
  return e.kind === "indices" ? e.data : [];
}

/** Where the elements of `x[entries]` lie. */
export function take(shape: readonly number[], entries: readonly Entry[]): Taken {
  const used = axesUsed(entries);
  const full = entries.some((e) => e.kind === "ellipsis") ? entries : [...entries, { kind: "ellipsis" } as const];
  const advanced = entries.some((e) => e.kind === "indices" || e.kind === "mask");
  const parts: Part[] = [];
  const runs: number[] = [];
  let axis = 0;
  full.forEach((entry, place) => {
    if (entry.kind === "newaxis") parts.push({ kind: "newaxis", shape: [1], data: [] });
    else if (entry.kind === "ellipsis") {
      for (let i = used; i < shape.length; i++) {
        const length = get(shape, axis++);
        parts.push({ kind: "line", shape: [length], data: Array.from({ length }, (_, k) => k) });
      }
    } else if (entry.kind === "slice") {
      const data = line(entry, get(shape, axis++));
      parts.push({ kind: "line", shape: [data.length], data });
    } else {
      runs.push(place);
      const wrap = (i: number, length: number): number => (i < 0 ? i + length : i);
      if (entry.kind === "point") parts.push({ kind: "points", shape: [], data: [wrap(entry.at, get(shape, axis++))] });
      else if (entry.kind === "indices") {
        const length = get(shape, axis++);
        parts.push({ kind: "points", shape: entry.shape, data: entry.data.map((i) => wrap(i, length)) });
      } else {
        const found = positions(entry.shape).filter((_, k) => entry.data[k]);
        if (entry.shape.length === 0) parts.push({ kind: "points", shape: [entry.data[0] === true ? 1 : 0], data: [] });
        entry.shape.forEach((_, k) => parts.push({ kind: "points", shape: [found.length], data: found.map((p) => get(p, k)) }));
        axis += entry.shape.length;
      }
    }
  });
  const points = parts.filter((p) => p.kind === "points");
  const common = broadcast(points.map((p) => p.shape));
  const together = runs.every((r, i) => i === 0 || r === get(runs, i - 1) + 1);
  const first = advanced && !together ? 0 : parts.findIndex((p) => p.kind === "points");
  const left = parts.filter((p) => p.kind !== "points");
  const front = first < 0 ? 0 : parts.slice(0, first).filter((p) => p.kind !== "points").length;
  const result = [...left.slice(0, front).map((p) => get(p.shape, 0)), ...common, ...left.slice(front).map((p) => get(p.shape, 0))];
  const offsets = positions(result).map((position) => {
    const shared = position.slice(front, front + common.length);
    const rest = [...position.slice(0, front), ...position.slice(front + common.length)];
    const source: number[] = [];
    let next = 0;
    for (const part of parts) {
      if (part.kind === "newaxis") next++;
      else if (part.kind === "line") source.push(get(part.data, get(rest, next++)));
      else if (part.data.length > 0) {
        const lead = shared.length - part.shape.length;
        source.push(
          get(
            part.data,
            offsetOf(
              part.shape,
              part.shape.map((n, i) => (n === 1 ? 0 : get(shared, lead + i))),
            ),
          ),
        );
      }
    }
    return offsetOf(shape, source);
  });
  return { shape: result, offsets };
}

// ---- the same index for lazuli

const nested = <T>(data: readonly T[], shape: readonly number[]): unknown => {
  if (shape.length === 0) return data[0];
  const [length = 0, ...rest] = shape;
  const size = sizeOf(rest);
  return Array.from({ length }, (_, i) => nested(data.slice(i * size, (i + 1) * size), rest));
};
const isIndex = (x: unknown): x is Index<NDArray> => Array.isArray(x) || typeof x === "number" || typeof x === "boolean";

function arrayIndex({ kind, data, shape, as }: Entry & { kind: "indices" | "mask" }): Index<NDArray> {
  const bool = kind === "mask";
  const list = nested<number | boolean>(data, shape);
  if (as === "list" && isIndex(list) && (bool || shape.length > 0) && data.length > 0) return list;
  const handle = array(data.map(Number), { dtype: bool ? "bool" : "int32", shape });
  if (as !== "computed") return handle;
  return bool
    ? array(data.map(Number), { shape }).mul(2).greater(1)
    : array(
        data.map((i) => Number(i) - 1),
        { dtype: "int32", shape },
      ).add(1);
}

/** The entries as arguments of `x.at`. */
export const indexOf = (entries: readonly Entry[]): Index<NDArray>[] =>
  entries.map((e) => {
    if (e.kind === "point") return e.at;
    if (e.kind === "slice") return slice(e.start, e.stop, e.step);
    if (e.kind === "newaxis") return null;
    return e.kind === "ellipsis" ? "..." : arrayIndex(e);
  });

// ---- random indices

export interface Program {
  readonly shape: readonly number[];
  readonly entries: readonly Entry[];
}

const spelling: fc.Arbitrary<Spelling> = fc.constantFrom("list", "handle", "computed");

function sliceOf(length: number): fc.Arbitrary<Entry> {
  const bound = fc.option(fc.integer({ min: -length - 1, max: length + 1 }));
  return fc.record({ kind: fc.constant("slice" as const), start: bound, stop: bound, step: fc.constantFrom(1, 1, 2, 3, -1, -2) });
}
function indicesOf(length: number, shape: readonly number[]): fc.Arbitrary<Entry> {
  const data = fc.array(fc.integer({ min: -length, max: length - 1 }), { minLength: sizeOf(shape), maxLength: sizeOf(shape) });
  return fc.record({ kind: fc.constant("indices" as const), shape: fc.constant(shape), data, as: spelling });
}
function maskOf(shape: readonly number[], count: number): fc.Arbitrary<Entry> {
  // masks that stand beside arrays must broadcast with them: `count` elements are true
  const all = Array.from({ length: sizeOf(shape) }, (_, i) => i);
  const chosen = fc.shuffledSubarray(all, { minLength: Math.min(count, all.length), maxLength: Math.min(count, all.length) });
  return fc.record({
    kind: fc.constant("mask" as const),
    shape: fc.constant(shape),
    data: chosen.map((on) => all.map((i) => on.includes(i))),
    as: spelling,
  });
}

/** A random shape, and an index of it with all kinds of entries. */
export const program: fc.Arbitrary<Program> = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), fc.integer({ min: 0, max: 3 }), fc.infiniteStream(fc.nat(99)))
  .chain(([shape, count, dice]) => {
    const roll = (n: number): number => (dice.next().value ?? 0) % n;
    const entries: fc.Arbitrary<Entry>[] = [];
    let ellipsis = false;
    let axis = 0;
    while (axis < shape.length && roll(6) > 0) {
      const length = get(shape, axis);
      const kind = roll(9);
      if (kind === 0) entries.push(fc.constant({ kind: "newaxis" }));
      else if (kind === 1 && !ellipsis) {
        ellipsis = true;
        entries.push(fc.constant({ kind: "ellipsis" }));
        axis += roll(shape.length - axis + 1);
      } else if (kind === 2) {
        const rank = roll(Math.min(3, shape.length - axis + 1));
        const masked = shape.slice(axis, axis + rank);
        entries.push(maskOf(masked, count));
        axis += rank;
      } else if (kind <= 5 && length > 0) {
        const form = [[count], [1, count], [2, 1], [1], []][roll(5)] ?? [];
        entries.push(indicesOf(length, form));
        axis++;
      } else if (kind === 6 && length > 0) {
        entries.push(fc.integer({ min: -length, max: length - 1 }).map((at) => ({ kind: "point", at })));
        axis++;
      } else {
        entries.push(sliceOf(length));
        axis++;
      }
    }
    return fc.tuple(...entries).map((list) => ({ shape, entries: list }));
  })
  .filter(({ shape, entries }) => fits(shape, entries));

/** Whether axes and arrays fit: entries behind an ellipsis stand at other axes than they were made for. */
function fits(shape: readonly number[], entries: readonly Entry[]): boolean {
  try {
    const used = axesUsed(entries);
    let axis = 0;
    for (const e of entries) {
      if (e.kind === "ellipsis") axis += shape.length - used;
      else if (e.kind === "mask") {
        if (e.shape.some((n, i) => n !== shape[axis + i])) return false;
        axis += e.shape.length;
      } else if (e.kind !== "newaxis") {
        const length = get(shape, axis++);
        if (indicesIn(e).some((i) => i < -length || i >= length)) return false;
      }
    }
    take(shape, entries);
    return used <= shape.length;
  } catch {
    return false;
  }
}
