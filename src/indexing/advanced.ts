/**
 * Reading and writing with index arrays and masks, by NumPy's rules, in few nodes:
 *
 *   box       what points and slices leave, the picked axes whole             slice, dynamic slice
 *   merged    the picked axes side by side, seen as one                       permute, reshape (no elements move)
 *   picked    gather along it: before + B + after                             gather or scatter
 *   result    B where the first pick stood, or in front of all where slices or new axes stand between picks; new axes
 *
 * B is the shape that index arrays broadcast to; a mask over k axes counts as k arrays of the positions where it is true. A point
 * beside index arrays counts as one of them where it is asked whether they stand together. Repeated positions: the last one written
 * counts (`set`), or all do (`add`, `mul`, `min`, `max`).
 */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sameShape, shapeText, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add, cast, divide, maximum, minimum, multiply, negative, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { gather, scatter } from "../../compiler/ops/gather.ts";
import * as views from "../../compiler/ops/views.ts";
import type { BoxItem } from "./basic.ts";
import { boxShape, readBox, writeBox } from "./basic.ts";
import { inRange, requireKnownInRange } from "./bounds.ts";
import { entriesValue } from "./entries.ts";
import type { BasicItem, Item, NewAxis, ParsedIndex, Pick, Span } from "./parse.ts";
import { mergedPositions } from "./picks.ts";

/** How what is written meets what is there. */
export type WriteMode = "set" | "add" | "sub" | "mul" | "div" | "min" | "max";

const combine: Readonly<Record<WriteMode, (x: Value, update: Value) => Value>> = {
  set: (_, update) => update,
  add,
  sub: subtract,
  mul: multiply,
  div: divide,
  min: minimum,
  max: maximum,
};

const seq = (n: number, from: number = 0): number[] => Array.from({ length: n }, (_, i) => from + i);
const isPick = (item: Item): item is Pick => item.kind === "indices" || item.kind === "mask";
const isLeft = (item: Item): item is Span | NewAxis => item.kind === "span" || item.kind === "newaxis";
const axesOf = (pick: Pick): readonly number[] => (pick.kind === "mask" ? pick.axes : [pick.axis]);

/** Throws an IndexError where an index on the host is out of range: what reading would throw, at a call that does not read yet. */
export function requireKnownIndices({ op, type, device, items }: ParsedIndex): void {
  for (const item of items) {
    if (item.kind !== "indices" || item.entries.from === "list") continue;
    requireKnownInRange(item.entries.value, { op, axis: item.axis, length: at(type.shape, item.axis), device });
  }
}

/**
 * The elements of `v` at an index. Masks are evaluated now; an UnsupportedError where they are computed on a GPU. Differentiable.
 */
export function readIndex(v: Value, parsed: ParsedIndex): Value {
  const box = boxOf(parsed);
  if (box !== null) return readBox(v, box);
  const plan = arrange(parsed);
  const positions = mergedPositions(parsed, plan.picks);
  const picked = gather(merged(readBox(v, plan.box), plan), positions, plan.before.length);
  const placed = views.permute(picked, placing(plan, positions.shape.length));
  return views.reshape(placed, resultShape(plan, positions.shape));
}

/**
 * `v` with `update` written or combined at an index; the update is cast to the dtype of `v` and broadcasts to what `readIndex` gives (a
 * ShapeError where it does not). Where the index is one mask, an update of the shape of all that the mask covers is taken where the
 * mask is true; that and an update that broadcasts need no evaluation. Other masks are evaluated now. Differentiable both ways.
 */
export function writeIndex(v: Value, parsed: ParsedIndex, update: Value, mode: WriteMode): Value {
  const u = cast(update, v.dtype);
  const box = boxOf(parsed);
  if (box !== null) return writeCombined(v, box, broadcastUpdate(parsed, u, boxShape(box)), mode);
  const plan = arrange(parsed);
  return writeMasked(v, parsed, plan, u, mode) ?? writePicked(v, parsed, plan, u, mode);
}

// ---- slices alone

/** The items where slices do: basic ones, and computed positions of rank 0. Null where elements must be picked. */
function boxOf({ op, type, device, items }: ParsedIndex): readonly BoxItem[] | null {
  if (items.some((item) => isPick(item) && (item.kind === "mask" || item.entries.type.shape.length > 0))) return null;
  return items.flatMap((item): BoxItem[] => {
    if (!isPick(item)) return [item];
    if (item.kind === "mask") return [];
    const { axis, entries } = item;
    const position = inRange(entriesValue(entries, device), { op, axis, length: at(type.shape, axis), device });
    return [{ kind: "computed point", axis, position }];
  });
}

function writeCombined(v: Value, box: readonly BoxItem[], update: Value, mode: WriteMode): Value {
  return writeBox(v, box, mode === "set" ? update : combine[mode](readBox(v, box), update));
}

/** NumPy's rule for assignments: leading axes of length 1 may be too many. */
function broadcastUpdate({ op, type }: ParsedIndex, update: Value, shape: Shape): Value {
  const spare = update.shape.length - shape.length;
  const fits = spare <= 0 || update.shape.slice(0, spare).every((n) => n === 1);
  const kept = fits && spare > 0 ? views.reshape(update, update.shape.slice(spare)) : update;
  const lead = shape.length - kept.shape.length;
  if (fits && kept.shape.every((n, i) => n === 1 || n === shape[lead + i])) return views.broadcastTo(kept, shape);
  throw new ShapeError(`${op}: ${typeText(update.type)} does not broadcast to ${shapeText(shape)}, what the index takes of ${typeText(type)}.`);
}

// ---- picking

/** How the axes lie: box axes in the order before, picked, after; result axes with B among what slices and new axes leave. */
interface Arrangement {
  readonly box: readonly BasicItem[];
  readonly picks: readonly Pick[];
  /** Box axes in the order before, picked, after. */
  readonly order: readonly number[];
  readonly before: Shape;
  readonly picked: Shape;
  readonly after: Shape;
  /** What slices and new axes leave, in the order of the result. */
  readonly left: readonly (Span | NewAxis)[];
  /** How many of `left` stand in front of B. */
  readonly front: number;
}

function arrange({ type, items, adjacent }: ParsedIndex): Arrangement {
  const picks = items.filter(isPick);
  const pickedAxes = new Set(picks.flatMap(axesOf));
  const box = items.flatMap((item): BasicItem[] => {
    if (isPick(item)) return axesOf(item).map((axis) => ({ kind: "span", axis, start: 0, size: at(type.shape, axis), step: 1, given: false }));
    return item.kind === "newaxis" ? [] : [item];
  });
  const axes = box.filter((item) => item.kind === "span");
  const firstPick = items.findIndex(isPick);
  const spansBefore = items.slice(0, firstPick).filter((item) => item.kind === "span").length;
  const spans = axes.flatMap(({ axis }, i) => (pickedAxes.has(axis) ? [] : [i]));
  const taken = axes.flatMap(({ axis }, i) => (pickedAxes.has(axis) ? [i] : []));
  const sizes = (list: readonly number[]): number[] => list.map((i) => at(axes, i).size);
  const [before, after] = [spans.slice(0, spansBefore), spans.slice(spansBefore)];
  const firstPicking = items.findIndex((item) => isPick(item) || item.kind === "point");
  return {
    box,
    picks,
    order: [...before, ...taken, ...after],
    before: sizes(before),
    picked: sizes(taken),
    after: sizes(after),
    left: items.filter(isLeft),
    front: adjacent ? items.slice(0, firstPicking).filter(isLeft).length : 0,
  };
}

const isSpan = (item: Span | NewAxis): boolean => item.kind === "span";
const lengthOf = (item: Span | NewAxis): number => (item.kind === "span" ? item.size : 1);

/** The shape of the result where index arrays broadcast to `shape`. */
function resultShape({ left, front }: Arrangement, shape: Shape): Shape {
  const lengths = left.map(lengthOf);
  return [...lengths.slice(0, front), ...shape, ...lengths.slice(front)];
}

/** The axes of what was picked (before, B of some rank, after) in the order of the result. */
function placing({ before, after, left, front }: Arrangement, rank: number): readonly number[] {
  const spansInFront = left.slice(0, front).filter(isSpan).length;
  const spans = seq(before.length + after.length).map((k) => (k < before.length ? k : k + rank));
  return [...spans.slice(0, spansInFront), ...seq(rank, before.length), ...spans.slice(spansInFront)];
}

function inverse(axes: readonly number[]): number[] {
  const places = axes.map(() => 0);
  axes.forEach((a, i) => (places[a] = i));
  return places;
}

/** The box with the picked axes side by side, seen as one. */
const merged = (box: Value, { order, before, picked, after }: Arrangement): Value =>
  views.reshape(views.permute(box, order), [...before, sizeOf(picked), ...after]);

/** The box again. */
const unmerged = (x: Value, { order, before, picked, after }: Arrangement): Value =>
  views.permute(views.reshape(x, [...before, ...picked, ...after]), inverse(order));

/** An update of the shape of the result as before, B, after. */
function arrangedUpdate(update: Value, plan: Arrangement, shape: Shape): Value {
  const axes = placing(plan, shape.length);
  const picked = [...plan.before, ...shape, ...plan.after];
  const placed = views.reshape(
    update,
    axes.map((a) => at(picked, a)),
  );
  return views.permute(placed, inverse(axes));
}

function writePicked(v: Value, parsed: ParsedIndex, plan: Arrangement, update: Value, mode: WriteMode): Value {
  const positions = mergedPositions(parsed, plan.picks);
  const { shape } = positions;
  const wide = broadcastUpdate(parsed, update, resultShape(plan, shape));
  const box = merged(readBox(v, plan.box), plan);
  const written = scattered(box, positions, arrangedUpdate(wide, plan, shape), plan.before.length, mode);
  return writeBox(v, plan.box, unmerged(written, plan));
}

function scattered(x: Value, positions: Value, update: Value, axis: number, mode: WriteMode): Value {
  if (mode === "sub") return scatter(x, positions, negative(update), axis, "add");
  if (mode !== "div") return scatter(x, positions, update, axis, mode);
  return divide(x, scatter(views.onesLike(x), positions, update, axis, "mul"));
}

// ---- one mask

/** Where the index is one mask and the update needs no counting of its true elements: a choice element by element. Else null. */
function writeMasked(v: Value, parsed: ParsedIndex, plan: Arrangement, update: Value, mode: WriteMode): Value | null {
  const [mask, second] = plan.picks;
  if (mask?.kind !== "mask" || second !== undefined) return null;
  const wide = maskUpdate(parsed, plan, update);
  if (wide === null) return null;
  const box = readBox(v, plan.box);
  const chosen = views.broadcast(entriesValue(mask.entries, parsed.device), box.shape, seq(plan.picked.length, plan.before.length));
  return writeBox(v, plan.box, where(chosen, combine[mode](box, views.broadcastTo(wide, box.shape)), box));
}

/** The update as it broadcasts to the box; null where it has one element for each true one. */
function maskUpdate(parsed: ParsedIndex, plan: Arrangement, update: Value): Value | null {
  const full = resultShape(plan, plan.picked);
  if (sameShape(update.shape, full)) return arrangedUpdate(update, plan, plan.picked);
  const one = resultShape(plan, [1]);
  const along = update.shape.length - (one.length - plan.front);
  if (along >= 0 && update.shape[along] !== 1) return null;
  const uniform = arrangedUpdate(broadcastUpdate(parsed, update, one), plan, [1]);
  return views.reshape(uniform, [...plan.before, ...plan.picked.map(() => 1), ...plan.after]);
}
