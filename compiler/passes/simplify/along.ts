/**
 * How a value moves along one of its axes: `coefficient · position + rest`, where the rest knows nothing of that axis.
 *
 *   %0 = iota {axis=1}; %1 = multiply %0, 2; %2 = add %1, (broadcast %r {axes=[0]})     along axis 1: 2 · position + %r
 *
 * Only what is exact is said: integers wrap around as they do in the sums themselves, floats stay whole numbers that are all there.
 */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Node, Value } from "../../ir/node.ts";
import { int, ints, make } from "../../ir/node.ts";
import type { Shape } from "../../ir/shape.ts";
import * as a from "../../ops/arithmetic.ts";
import * as layout from "../../ops/layout.ts";
import { iota, iotaValue } from "../../ops/source.ts";
import * as views from "../../ops/views.ts";
import { constantOf } from "../storage.ts";

/** A value, made where it is needed, with bounds of its elements; ±Infinity where none are known, or where it may have wrapped around. */
export interface Bounded {
  readonly value: () => Value;
  readonly lo: number;
  readonly hi: number;
}

export interface Along {
  readonly coefficient: number;
  /** Of the value's shape without the axis. */
  readonly rest: Bounded;
}

/** Nobody looks deeper than this. */
const deepest = 16;

export const without = (shape: Shape, axis: number): number[] => shape.filter((_, i) => i !== axis);

/** Up to here all whole numbers of a dtype are there. */
export function wholeNumbers(dtype: DType): number {
  if (dtype === "int32") return 2 ** 31 - 1;
  if (dtype === "float32") return 2 ** 24;
  return dtype === "float64" ? 2 ** 53 : 0;
}

const unknown = (value: () => Value): Bounded => ({ value, lo: -Infinity, hi: Infinity });
const number = (n: number, dtype: DType, shape: Shape): Bounded => ({ value: () => layout.fill(n, { dtype, shape }), lo: n, hi: n });

/** The bounds that a value's definition tells at once. */
function boundsOf(value: Value): Pick<Bounded, "lo" | "hi"> {
  const n = constantOf(value);
  if (typeof n === "number") return { lo: n, hi: n };
  let v = value;
  for (let i = 0; i < deepest && v.node.op.kind === "view" && v.node.args.length === 1; i++) v = at(v.node.args, 0);
  const { node } = v;
  return node.op === iota ? { lo: 0, hi: Math.max(0, at(v.shape, int(node.attrs, "axis")) - 1) } : { lo: -Infinity, hi: Infinity };
}

/** How a view's axis lies in its operand: at `start + step · position` along `axis`, nowhere in particular where that is null. */
export interface Seen {
  readonly axis: number | null;
  readonly start: number;
  readonly step: number;
  /** The same view of what is left of the operand (all of it where the axis is nowhere) when the axis is gone. */
  readonly rest: (x: Value) => Value;
}

/** How a view of one operand moves along an axis of its result, or null where it does in no simple way. */
export function seenThrough(v: Value, axis: number): Seen | null {
  const { node } = v;
  const x = at(node.args, 0);
  const shape = without(v.shape, axis);
  switch (node.op) {
    case layout.broadcastOp: {
      const axes = ints(node.attrs, "axes");
      const kept = axes.filter((b) => b !== axis).map((b) => (b > axis ? b - 1 : b));
      return { axis: axes.includes(axis) ? axes.indexOf(axis) : null, start: 0, step: 1, rest: (rest) => layout.broadcast(rest, shape, kept) };
    }
    case layout.reshapeOp: {
      const inner = sameAxis(v.shape, x.shape, axis);
      return inner === null ? null : { axis: inner, start: 0, step: 1, rest: (rest) => layout.reshape(rest, shape) };
    }
    case layout.permuteOp: {
      const axes = ints(node.attrs, "axes");
      const inner = at(axes, axis);
      const order = without(axes, axis).map((b) => (b > inner ? b - 1 : b));
      return { axis: inner, start: 0, step: 1, rest: (rest) => layout.permute(rest, order) };
    }
    case views.sliceOp: {
      const [start, size, step] = [ints(node.attrs, "start"), ints(node.attrs, "size"), ints(node.attrs, "step")];
      const cut = (rest: Value): Value => views.slice(rest, without(start, axis), without(size, axis), without(step, axis));
      return { axis, start: at(start, axis), step: at(step, axis), rest: cut };
    }
    case views.flipOp: {
      const axes = ints(node.attrs, "axes");
      const others = axes.filter((b) => b !== axis).map((b) => (b > axis ? b - 1 : b));
      const turned = (rest: Value): Value => (others.length === 0 ? rest : views.flip(rest, others));
      return axes.includes(axis) ? { axis, start: at(v.shape, axis) - 1, step: -1, rest: turned } : { axis, start: 0, step: 1, rest: turned };
    }
    default:
      return null;
  }
}

/** How `v` moves along an axis, or null where that cannot be told. */
export function along(v: Value, axis: number): Along | null {
  return new Walk().along(v, axis, 0);
}

class Walk {
  readonly #known = new Map<string, Along | null>();

  along(v: Value, axis: number, depth: number): Along | null {
    const key = `${v.node.id}.${v.index}.${axis}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = depth > deepest ? null : checked(v, axis, this.#of(v, axis, depth));
    this.#known.set(key, found);
    return found;
  }

  #of(v: Value, axis: number, depth: number): Along | null {
    const { node } = v;
    if (node.results.length > 1) return null;
    if (node.op === iota) return ofIota(v, axis);
    if (node.op.kind === "view") return this.#ofView(v, axis, depth);
    return node.op.kind === "elementwise" && node.args.length > 0 ? this.#ofElementwise(v, axis, depth) : null;
  }

  #ofView(v: Value, axis: number, depth: number): Along | null {
    const seen = seenThrough(v, axis);
    if (seen === null) return null;
    const x = at(v.node.args, 0);
    if (seen.axis === null) return { coefficient: 0, rest: { value: () => seen.rest(x), ...boundsOf(x) } };
    const found = this.along(x, seen.axis, depth + 1);
    if (found === null) return null;
    const { coefficient, rest } = found;
    const viewed: Bounded = { ...rest, value: () => seen.rest(rest.value()) };
    return { coefficient: coefficient * seen.step, rest: plus(viewed, coefficient * seen.start) };
  }

  #ofElementwise(v: Value, axis: number, depth: number): Along | null {
    const { node } = v;
    const parts: Along[] = [];
    for (const x of node.args) {
      const part = this.along(x, axis, depth + 1);
      if (part === null) return null;
      parts.push(part);
    }
    const moved = combined(node, parts);
    if (moved !== null) return moved;
    if (parts.some((p) => p.coefficient !== 0)) return null;
    const remade = (): Value =>
      make(
        node.op,
        parts.map((p) => p.rest.value()),
        node.attrs,
      );
    return { coefficient: 0, rest: unknown(remade) };
  }
}

/** Sums, differences, multiples and casts of what moves. */
function combined({ op, args, results }: Node, parts: readonly Along[]): Along | null {
  const { dtype } = at(results, 0);
  if (wholeNumbers(dtype) === 0) return null;
  const [x, y] = [at(parts, 0), parts[1]];
  if (op === a.castOp) {
    const isExact = wholeNumbers(at(args, 0).dtype) > 0 && Number.isFinite(x.rest.lo) && Number.isFinite(x.rest.hi);
    return isExact ? { ...x, rest: { ...x.rest, value: () => a.cast(x.rest.value(), dtype) } } : null;
  }
  if (y === undefined) return null;
  if (op === a.addOp) return { coefficient: x.coefficient + y.coefficient, rest: sumOf(x.rest, y.rest) };
  if (op === a.subtractOp) return { coefficient: x.coefficient - y.coefficient, rest: difference(x.rest, y.rest) };
  if (op !== a.multiplyOp) return null;
  const [left, right] = [constantOf(at(args, 0)), constantOf(at(args, 1))];
  if (typeof right === "number") return multiple(x, right, dtype);
  return typeof left === "number" ? multiple(y, left, dtype) : null;
}

/** A negative multiple of a float 0 is -0. */
function multiple(x: Along, k: number, dtype: DType): Along | null {
  if (!Number.isInteger(k) || (isFloat(dtype) && k < 0)) return null;
  const ends = [x.rest.lo * k, x.rest.hi * k].map((n) => (Number.isNaN(n) ? 0 : n));
  return { coefficient: x.coefficient * k, rest: { value: () => a.multiply(x.rest.value(), k), lo: Math.min(...ends), hi: Math.max(...ends) } };
}

function ofIota(v: Value, axis: number): Along {
  const own = int(v.node.attrs, "axis");
  const shape = without(v.shape, axis);
  if (own === axis) return { coefficient: 1, rest: number(0, v.dtype, shape) };
  const value = (): Value => iotaValue(shape, own > axis ? own - 1 : own, v.dtype);
  return { coefficient: 0, rest: { value, lo: 0, hi: Math.max(0, at(v.shape, own) - 1) } };
}

/** The axis of another shape that an axis is where only axes of length 1 come and go. */
function sameAxis(shape: Shape, other: Shape, axis: number): number | null {
  const long = (list: Shape): number[] => list.map((_, i) => i).filter((i) => list[i] !== 1);
  const [mine, theirs] = [long(shape), long(other)];
  const isSame = mine.length === theirs.length && mine.every((i, k) => shape[i] === other[at(theirs, k)]);
  return isSame && mine.includes(axis) ? at(theirs, mine.indexOf(axis)) : null;
}

/** What is said of a value that moves holds only while its numbers are whole and do not wrap around. */
function checked(v: Value, axis: number, found: Along | null): Along | null {
  if (found === null) return null;
  const most = wholeNumbers(v.dtype);
  const { coefficient, rest } = found;
  const end = coefficient * Math.max(0, at(v.shape, axis) - 1);
  const fits = rest.lo + Math.min(0, end) >= -most && rest.hi + Math.max(0, end) <= most;
  if (fits) return found;
  if (coefficient !== 0 && (isFloat(v.dtype) || most === 0)) return null;
  return { coefficient, rest: unknown(rest.value) };
}

const plus = ({ value, lo, hi }: Bounded, n: number): Bounded => (n === 0 ? { value, lo, hi } : { value: () => a.add(value(), n), lo: lo + n, hi: hi + n });
const isZero = ({ lo, hi }: Bounded): boolean => lo === 0 && hi === 0;

/** The sum of two. */
export function sumOf(x: Bounded, y: Bounded): Bounded {
  if (isZero(y)) return x;
  return isZero(x) ? y : { value: () => a.add(x.value(), y.value()), lo: x.lo + y.lo, hi: x.hi + y.hi };
}

/** The difference of two. */
export function difference(x: Bounded, y: Bounded): Bounded {
  return isZero(y) ? x : { value: () => a.subtract(x.value(), y.value()), lo: x.lo - y.hi, hi: x.hi - y.lo };
}

/** The lesser of a value and a number. */
export const atMost = (x: Bounded, n: number): Bounded => (x.hi <= n ? x : { value: () => a.minimum(x.value(), n), lo: Math.min(x.lo, n), hi: n });

/** The greater of a value and a number. */
export const atLeast = (x: Bounded, n: number): Bounded => (x.lo >= n ? x : { value: () => a.maximum(x.value(), n), lo: n, hi: Math.max(x.hi, n) });
