/**
 * The general convolution: one row for the forward pass, both gradients and transposed convolution, of any rank.
 *
 *   y[n,g,o,p] = Σ over c, k of x[n,g,c, (p·stride + k·windowDilation - low) / inputDilation] · w[g,o,c,k]
 *
 * Positions before the first element and behind the last one read 0; positions between elements that `inputDilation` moved apart
 * are no terms at all: the loops run over the taps that meet an element only. Groups are an axis of their own, so that no index
 * divides; callers reshape, which is free.
 */
import { at, DTypeError, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { apply, axisIndex } from "../ir/expr.ts";
import { addIndex, conjoin, divIndex, ix, modIndex, mulIndex, within } from "../ir/indexing.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { ints, make } from "../ir/node.ts";
import type { Border, ContractionPrimitive, Place, Primitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { shapeText, tensorType, typeText } from "../ir/shape.ts";
import { requireClass } from "./define.ts";
import { checkLengths, permute } from "./layout.ts";
import { flip } from "./views.ts";

/** Axes in front of those that are walked: batch, groups and channels; groups, results and channels. */
const lead = 3;

/** How the window moves along each axis. */
export interface ConvGeometry {
  /** Positions between windows. */
  readonly strides: readonly number[];
  /** Zeros in front of the first element; negative: elements left out. */
  readonly low: readonly number[];
  /** Zeros behind the last element; negative: elements left out. */
  readonly high: readonly number[];
  /** Positions from one element to the next. */
  readonly inputDilation: readonly number[];
  /** Positions from one tap of the window to the next. */
  readonly windowDilation: readonly number[];
}

/** One axis of it. */
interface Walk {
  readonly stride: number;
  readonly low: number;
  readonly high: number;
  readonly spread: number;
  readonly dilation: number;
}

const attrNames = ["strides", "low", "high", "inputDilation", "windowDilation"] as const;

const walkOf = (attrs: Attrs, i: number): Walk => {
  const [stride, low, high, spread, dilation] = attrNames.map((name) => at(ints(attrs, name), i));
  return { stride: stride ?? 1, low: low ?? 0, high: high ?? 0, spread: spread ?? 1, dilation: dilation ?? 1 };
};

const seq = (n: number, from: number = 0): number[] => Array.from({ length: n }, (_, i) => from + i);

/** Positions from the first to the last of `n` that are `step` apart, both counted. */
const span = (n: number, step: number): number => (n === 0 ? 0 : (n - 1) * step + 1);

/** How many windows there are along an axis: 0 where not one fits. */
function windows(length: number, window: number, { stride, low, high, spread, dilation }: Walk): number {
  const room = span(length, spread) + low + high - span(window, dilation);
  return room < 0 ? 0 : Math.floor(room / stride) + 1;
}

function checkGeometry(x: TensorType, w: TensorType, attrs: Attrs): void {
  const rank = x.shape.length - lead;
  const lists = attrNames.map((name) => ints(attrs, name));
  const types = `${typeText(x)}, ${typeText(w)}`;
  if (x.dtype !== w.dtype) throw new DTypeError(`conv: operands differ in dtype: ${types}. Convert one with astype.`);
  requireClass("conv", x.dtype, "numeric");
  const fits = rank >= 1 && w.shape.length === x.shape.length && x.shape[1] === w.shape[0] && x.shape[2] === w.shape[2];
  if (!fits) throw new ShapeError(`conv: ${types}: they are (batch, groups, channels, …) and (groups, results, channels, …), of one rank.`);
  if (lists.some((list) => list.length !== rank)) throw new ShapeError(`conv: ${types} with ${lists.map(shapeText).join(", ")}: give ${rank} entries each.`);
  const [strides, low, high, spread, dilation] = lists;
  [strides, spread, dilation, w.shape.slice(lead)].forEach((list) => checkLengths("conv", list ?? []));
  const whole = [...(low ?? []), ...(high ?? [])].every((n) => Number.isSafeInteger(n));
  const positive = [...(strides ?? []), ...(spread ?? []), ...(dilation ?? [])].every((n) => n >= 1);
  if (!whole || !positive) throw new ShapeError(`conv: ${types} with ${lists.map(shapeText).join(", ")}: strides and dilations are 1 or more.`);
}

/** Of a window along one axis, the taps that can meet elements: every `step`-th one. */
const stepOf = ({ spread, dilation }: Walk): number => spread / gcd(spread, dilation);
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** b with a·b = 1 modulo n, for a and n without a common divisor. */
const inverse = (a: number, n: number): number =>
  Math.max(
    0,
    seq(n).findIndex((b) => (a * b) % n === 1 % n),
  );

/** Where the j-th tap that meets elements stands in the window and on which element it falls; and when it does. */
interface Tap {
  readonly element: Expr;
  readonly tap: Expr;
  /** Whether there is such a tap. */
  readonly exists: Expr | undefined;
}

function tapAt(out: Expr, j: Expr, window: number, walk: Walk): Tap {
  const { stride, low, spread, dilation } = walk;
  const start = addIndex(mulIndex(out, stride), -low);
  if (spread === 1) return { element: addIndex(start, mulIndex(j, dilation)), tap: j, exists: undefined };
  // start + tap·dilation = element·spread, all of it divided by what the two have in common
  const common = gcd(spread, dilation);
  const [step, pace] = [spread / common, dilation / common];
  const meets = common === 1 ? undefined : apply("eq", [modIndex(start, common), ix(0)]);
  const from = divIndex(start, common);
  const first = step === 1 ? ix(0) : modIndex(mulIndex(from, step - inverse(pace % step, step)), step);
  const tap = addIndex(first, mulIndex(j, step));
  const base = pace === 1 ? divIndex(addIndex(from, step - 1), step) : divIndex(addIndex(from, mulIndex(first, pace)), step);
  return { element: addIndex(base, mulIndex(j, pace)), tap, exists: conjoin(meets, within(tap, 0, window)) };
}

export const convOp: ContractionPrimitive = {
  kind: "contraction",
  name: "conv",
  doc: "Windows of operand 0 (batch, groups, channels, …) times operand 1 (groups, results, channels, …): (batch, groups, results, …).",
  arity: 2,
  attrs: { strides: "ints", low: "ints", high: "ints", inputDilation: "ints", windowDilation: "ints" },
  infer: (args, attrs) => {
    const [x, w] = [at(args, 0), at(args, 1)];
    checkGeometry(x, w, attrs);
    const counts = seq(x.shape.length - lead).map((i) => windows(at(x.shape, lead + i), at(w.shape, lead + i), walkOf(attrs, i)));
    return [tensorType(x.dtype, [at(x.shape, 0), at(x.shape, 1), at(w.shape, 1), ...counts])];
  },
  depth: (args, attrs) => {
    const { shape } = at(args, 1);
    return [at(shape, 2), ...shape.slice(lead).map((n, i) => Math.ceil(n / stepOf(walkOf(attrs, i))))];
  },
  factors: (out, depth, { attrs, shape }) => {
    const [n, g, o] = [at(out, 0), at(out, 1), at(out, 2)];
    const [x, w] = [shape(0), shape(1)];
    const taps = out.slice(lead).map((e, i) => tapAt(e, at(depth, i + 1), at(w, lead + i), walkOf(attrs, i)));
    const exists = taps.reduce<Expr | undefined>((all, t) => conjoin(all, t.exists), undefined);
    const inside = taps.reduce<Expr | undefined>((all, t, i) => conjoin(all, within(t.element, 0, at(x, lead + i))), exists);
    return [place([n, g, at(depth, 0), ...taps.map((t) => t.element)], inside), place([g, o, at(depth, 0), ...taps.map((t) => t.tap)], exists)];
  },
  border: (args, attrs) => borderOf(at(args, 0), at(args, 1), attrs),
  derivative: {
    by: "linear",
    operands: [0, 1],
    each: true,
    transpose: (cotangent, node) => [inputTranspose(cotangent, node), windowTranspose(cotangent, node)],
  },
};

/** The elements that windows meet in front of the first one and behind the last one, as zeros of the operand. */
function borderOf(x: TensorType, w: TensorType, attrs: Attrs): Border | null {
  const met = geometryIn(attrs).map((walk, i) => {
    const [length, window] = [at(x.shape, lead + i), at(w.shape, lead + i)];
    const last = windows(length, window, walk) - 1;
    const { element } = tapAt(axisIndex("o", 0, last), axisIndex("k", 0, Math.ceil(window / stepOf(walk)) - 1), window, walk);
    return { low: Math.max(0, -element.lo), high: Math.max(0, element.hi - length + 1), empty: last < 0 };
  });
  if (met.some((m) => m.empty) || met.every((m) => m.low === 0 && m.high === 0)) return null;
  const inside = geometry(
    geometryIn(attrs).map((walk, i) => {
      const { low, high } = at(met, i);
      return { ...walk, low: walk.low - low * walk.spread, high: walk.high - high * walk.spread };
    }),
  );
  const around = (side: "low" | "high"): number[] => [...seq(lead).map(() => 0), ...met.map((m) => m[side])];
  return { low: around("low"), high: around("high"), attrs: { ...inside } };
}

const place = (index: readonly Expr[], guard: Expr | undefined): Place => (guard === undefined ? { index } : { index, guard });

const geometryIn = (attrs: Attrs): Walk[] => ints(attrs, "strides").map((_, i) => walkOf(attrs, i));

const geometry = (walks: readonly Walk[]): ConvGeometry => ({
  strides: walks.map((w) => w.stride),
  low: walks.map((w) => w.low),
  high: walks.map((w) => w.high),
  inputDilation: walks.map((w) => w.spread),
  windowDilation: walks.map((w) => w.dilation),
});

/** Results and channels exchanged, and the window turned round: what takes a cotangent back. */
export function turnedWindow(w: Value): Value {
  const axes = seq(w.shape.length);
  return flip(permute(w, [0, 2, 1, ...axes.slice(lead)]), axes.slice(lead));
}

/** What remains behind the last element so that exactly `count` windows fit. */
const highFor = (count: number, length: number, window: number, w: Omit<Walk, "high">): number =>
  (count - 1) * w.stride + span(window, w.dilation) - span(length, w.spread) - w.low;

/** The cotangent, its elements as far apart as windows were, under the turned window. */
function inputTranspose(cotangent: Value, node: Node): Value {
  const [x, w] = [at(node.args, 0), at(node.args, 1)];
  const walks = geometryIn(node.attrs).map((walk, i): Walk => {
    const [length, count, window] = [at(x.shape, lead + i), at(cotangent.shape, lead + i), at(w.shape, lead + i)];
    const back = { stride: walk.spread, low: (window - 1) * walk.dilation - walk.low, spread: walk.stride, dilation: walk.dilation };
    return { ...back, high: highFor(length, count, window, back) };
  });
  return conv(cotangent, turnedWindow(w), geometry(walks));
}

/** The operand under the cotangent as a window: batch and channels exchange their parts. */
function windowTranspose(cotangent: Value, node: Node): Value {
  const [x, w] = [at(node.args, 0), at(node.args, 1)];
  const walks = geometryIn(node.attrs).map((walk, i): Walk => {
    const [length, count, window] = [at(x.shape, lead + i), at(cotangent.shape, lead + i), at(w.shape, lead + i)];
    const back = { stride: walk.dilation, low: walk.low, spread: walk.spread, dilation: walk.stride };
    return { ...back, high: highFor(window, length, count, back) };
  });
  const axes = seq(x.shape.length - lead, lead);
  const sums = conv(permute(x, [2, 1, 0, ...axes]), permute(cotangent, [1, 2, 0, ...axes]), geometry(walks));
  return permute(sums, [1, 2, 0, ...axes]);
}

/**
 * The convolution of `x` (batch, groups, channels, …) with `w` (groups, results, channels, …): (batch, groups, results, …). A
 * ShapeError where ranks, groups or channels differ.
 */
export const conv = (x: Value, w: Value, { strides, low, high, inputDilation, windowDilation }: ConvGeometry): Value =>
  make(convOp, [x, w], { strides, low, high, inputDilation, windowDilation });

/** The rows of this file. */
export const convolutionOps: readonly Primitive[] = [convOp];
