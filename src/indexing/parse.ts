/**
 * What stands between the brackets, made plain: `x.at(1, "::2", "...", null, [0, 2])` becomes one item an axis.
 *
 *   parseIndex("at", f64[4,6,5], [1, "::-2", null])
 *     point    axis 0, position 1
 *     span     axis 1, start 5, size 3, step -2
 *     newaxis
 *     span     axis 2, start 0, size 5, step 1
 *
 * Items stand in the order of the result's axes. Points, spans and new axes are basic: they are a map onto memory, and so a view.
 * Index arrays and masks are advanced: they pick elements, and a point among them counts as one of them (NumPy's rule).
 */
import { at, IndexError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { shapeText, typeText } from "../../compiler/ir/shape.ts";
import type { DeviceName } from "../devices.ts";
import { requireDevice } from "../devices.ts";
import type { Face } from "../handle.ts";
import { Lazy } from "../handle.ts";
import type { Entries, IndexList } from "./entries.ts";
import { entriesOf } from "./entries.ts";
import { position } from "./position.ts";
import type { Progression } from "./slice.ts";
import { parseSlice, resolveSlice, Slice } from "./slice.ts";

/**
 * A position, a slice (also as text, `"1:9:2"`), `"..."` for all axes between, null for a new axis, an integer array or list, a
 * mask (a boolean array or list, over as many axes as it has; true and false are masks over none).
 */
export type Index<T extends Lazy = Lazy> = number | boolean | Slice | string | null | T | IndexList;

/** One position: its axis is not in the result. */
export interface Point {
  readonly kind: "point";
  readonly axis: number;
  /** From 0 on. */
  readonly position: number;
}
/** A slice of an axis, or all of it. */
export interface Span extends Progression {
  readonly kind: "span";
  readonly axis: number;
  /** Whether the user wrote the start: such starts become operands, so that a moving slice is one plan. */
  readonly given: boolean;
}
export interface NewAxis {
  readonly kind: "newaxis";
}
/** One axis picked from by positions, which count from the end where negative. Those of lists are in range and not negative. */
export interface PickIndices {
  readonly kind: "indices";
  readonly axis: number;
  readonly entries: Entries;
}
/** The axes (neighbours; none for true and false) picked from where a mask is true. */
export interface PickMask {
  readonly kind: "mask";
  readonly axes: readonly number[];
  readonly entries: Entries;
}

export type BasicItem = Point | Span | NewAxis;
export type Pick = PickIndices | PickMask;
export type Item = BasicItem | Pick;

export interface ParsedIndex {
  /** The call, for errors. */
  readonly op: string;
  /** What is indexed, and where it lives. */
  readonly type: TensorType;
  readonly device: DeviceName;
  /** In the order of the result; every axis of what is indexed is in exactly one. */
  readonly items: readonly Item[];
  /** Whether points and picks stand side by side, as they were written: what picks make then stands in their place, else in front. */
  readonly adjacent: boolean;
}

/** The items where all are basic (the index is a view), else null. */
export function basicItems({ items }: ParsedIndex): readonly BasicItem[] | null {
  const basic = items.filter((item) => item.kind === "point" || item.kind === "span" || item.kind === "newaxis");
  return basic.length === items.length ? basic : null;
}

/** What is indexed: a handle, or what of it counts here. */
export interface Indexed {
  readonly face: Face;
  readonly type: TensorType;
  readonly device: string;
}

/**
 * Reads an index of `x`. Throws an IndexError where there are too many entries, where a position or an entry of a list is out of
 * range (it names index, axis and length), where a mask does not fit its axes; a DTypeError for arrays of floats.
 */
export function parseIndex(op: string, x: Indexed, index: readonly Index[]): ParsedIndex {
  const entries = index.map((entry) => read(op, x, entry));
  const consumed = entries.reduce((n, e) => n + axesTaken(e), 0);
  const rank = x.type.shape.length;
  const gaps = entries.filter((e) => e.kind === "rest").length;
  if (gaps > 1) throw new IndexError(`${op}: "..." stands twice. Write it once.`);
  if (consumed > rank) throw new IndexError(`${op}: ${consumed} indices for ${typeText(x.type)}, which has ${rank} axes.`);
  const items: Item[] = [];
  let axis = 0;
  for (const entry of gaps === 0 ? [...entries, rest] : entries) {
    const taken = entry.kind === "rest" ? rank - consumed : axesTaken(entry);
    items.push(...place(op, x.type, entry, axis, taken));
    axis += taken;
  }
  return { op, type: x.type, device: requireDevice(op, x.device), items, adjacent: standTogether(entries) };
}

function standTogether(entries: readonly Entry[]): boolean {
  const places = entries.flatMap((e, i) => (e.kind === "position" || e.kind === "array" ? [i] : []));
  return places.every((place, k) => k === 0 || place === at(places, k - 1) + 1);
}

/** An entry of the index, before it is known which axes it is about. */
type Entry =
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "slice"; readonly slice: Slice }
  | { readonly kind: "rest" }
  | NewAxis
  | { readonly kind: "array"; readonly entries: Entries };

const rest: Entry = { kind: "rest" };

function axesTaken(entry: Entry): number {
  if (entry.kind === "rest" || entry.kind === "newaxis") return 0;
  return entry.kind === "array" && entry.entries.type.dtype === "bool" ? entry.entries.type.shape.length : 1;
}

function read(op: string, x: Indexed, entry: Index): Entry {
  if (entry === null) return { kind: "newaxis" };
  if (entry === "...") return rest;
  if (typeof entry === "number") return { kind: "position", position: entry };
  if (typeof entry === "string") return { kind: "slice", slice: parseSlice(op, entry) };
  if (entry instanceof Slice) return { kind: "slice", slice: entry };
  if (entry instanceof Lazy && entry.face !== x.face)
    throw new UnsupportedError(`${op}: mixes an array and a tensor. Convert one of them: tensor(x) or array(x).`);
  const listed = typeof entry === "boolean" || entry instanceof Lazy || Array.isArray(entry) || ArrayBuffer.isView(entry);
  if (!listed) throw new IndexError(`${op}: ${String(entry)} is no index. Use numbers, slices, "...", null, integer arrays or masks.`);
  return { kind: "array", entries: entriesOf(op, entry) };
}

function place(op: string, type: TensorType, entry: Entry, axis: number, taken: number): readonly Item[] {
  const length = type.shape[axis] ?? 0;
  switch (entry.kind) {
    case "position":
      return [{ kind: "point", axis, position: position(op, entry.position, axis, length) }];
    case "slice": {
      const { start, size, step } = resolveSlice(entry.slice, length);
      return [{ kind: "span", axis, start, size, step, given: entry.slice.start !== null && size > 0 }];
    }
    case "rest":
      return Array.from({ length: taken }, (_, i) => wholeAxis(axis + i, at(type.shape, axis + i)));
    case "newaxis":
      return [entry];
    case "array":
      return [picked(op, type, entry.entries, axis, taken)];
    default:
      throw entry satisfies never;
  }
}

const wholeAxis = (axis: number, length: number): Span => ({ kind: "span", axis, start: 0, size: length, step: 1, given: false });

function picked(op: string, type: TensorType, entries: Entries, axis: number, taken: number): Pick {
  if (entries.type.dtype === "bool") {
    const axes = Array.from({ length: taken }, (_, i) => axis + i);
    requireMaskFits(op, type, entries.type, axes);
    return { kind: "mask", axes, entries };
  }
  const length = at(type.shape, axis);
  if (entries.from === "handle") return { kind: "indices", axis, entries };
  return { kind: "indices", axis, entries: { ...entries, data: entries.data.map((i) => position(op, i, axis, length)) } };
}

function requireMaskFits(op: string, type: TensorType, mask: TensorType, axes: readonly number[]): void {
  const wrong = axes.findIndex((axis, i) => mask.shape[i] !== type.shape[axis]);
  if (wrong < 0) return;
  const axis = at(axes, wrong);
  throw new IndexError(
    `${op}: a mask ${shapeText(mask.shape)} at axis ${at(axes, 0)} of ${typeText(type)}: ` +
      `axis ${axis} has ${at(type.shape, axis)} elements, the mask ${at(mask.shape, wrong)}. They must be equal.`,
  );
}
