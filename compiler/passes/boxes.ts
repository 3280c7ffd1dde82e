/** Boxes of values: what an element of a view is made of, where only some of them are asked for. */
import { at, lookup } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { axisIndex, variable } from "../ir/expr.ts";
import type { Interner } from "../ir/graph.ts";
import { ix, subIndex } from "../ir/indexing.ts";
import type { Node, Value } from "../ir/node.ts";
import { sameShape } from "../ir/shape.ts";
import { broadcast, slice } from "../ops/views.ts";

/** From `start` on, `size` elements along each axis. */
export interface Box {
  readonly start: readonly number[];
  readonly size: readonly number[];
}

/** All of a value. */
export const wholeBox = (shape: readonly number[]): Box => ({ start: shape.map(() => 0), size: shape });

/** A piece that a view may choose in a box. */
export interface Choice {
  readonly value: Value;
  /** From an index in the view to that in the operand, where all axes correspond. */
  readonly shift: readonly number[] | null;
  /** The box of the operand that is asked for, if no other piece is. */
  readonly box: Box | null;
}

/** Whether a node may be a view of several pieces; starts and indices are no pieces. */
export const mayChoose = ({ op, args, results }: Node): boolean => op.kind === "view" && args.length > 1 && args.every((a) => a.dtype === at(results, 0).dtype);

/** The pieces of a view that hold somewhere in a box, the first that holds everywhere last. */
export function choiceIn(node: Node, box: Box): readonly Choice[] {
  if (node.op.kind !== "view") return [];
  const index = box.start.map((from, i) => (at(box.size, i) === 1 ? ix(from) : axisIndex(`b${i}`, from, from + at(box.size, i) - 1)));
  const read = (k: number): Expr => variable(`read${k}`, "int32");
  const pieces = node.op.pieces(index, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read });
  const choice: Choice[] = [];
  for (const piece of pieces) {
    const value = at(node.args, piece.operand);
    const shift = shiftOf(piece.index, index);
    if (shift !== null && piece.guard !== undefined && placeIn(value, shift, box) === null) continue;
    const moved = shift === null ? null : { start: box.start.map((from, i) => from + at(shift, i)), size: box.size };
    choice.push({ value, shift, box: piece.guard === undefined && choice.length === 0 ? moved : null });
    if (piece.guard === undefined) break;
  }
  return choice;
}

/** How far each index of an operand is from that of the view; null where they do not correspond one by one. */
function shiftOf(operand: readonly Expr[], view: readonly Expr[]): readonly number[] | null {
  if (operand.length !== view.length) return null;
  const shift: number[] = [];
  for (const [i, e] of operand.entries()) {
    const offset = subIndex(e, at(view, i));
    if (offset.op !== "const") return null;
    shift.push(Number(offset.value));
  }
  return shift;
}

/** The part of a view's box in which this operand lies; null where there is none. */
export function placeIn(operand: Value, shift: readonly number[], { start, size }: Box): Box | null {
  const from = start.map((lo, i) => Math.max(lo, -at(shift, i)));
  const to = start.map((lo, i) => Math.min(lo + at(size, i), at(operand.shape, i) - at(shift, i)));
  return to.every((hi, i) => hi > at(from, i)) ? { start: from, size: to.map((hi, i) => hi - at(from, i)) } : null;
}

interface Asked {
  readonly value: Value;
  readonly box: Box;
}

const keyOf = ({ value, box }: Asked): string => `${value.node.id}.${value.index} ${box.start.join()} ${box.size.join()}`;
const isWhole = ({ value, box }: Asked): boolean => sameShape(value.shape, box.size);

/** A box of a value as a value: elementwise ops, and views of which one piece is left, are done in the box only. */
export function restricted(whole: Value, box: Box, intern: Interner): Value {
  const done = new Map<string, Value>();
  const open: Asked[] = [{ value: whole, box }];
  for (let asked = open.at(-1); asked !== undefined; asked = open.at(-1)) {
    const needed = isWhole(asked) ? [] : operandsOf(asked);
    const missing = needed.filter((a) => !done.has(keyOf(a)));
    open.push(...missing);
    if (missing.length > 0) continue;
    open.pop();
    const made = needed.map((a) => lookup(done, keyOf(a), "a box"));
    done.set(keyOf(asked), isWhole(asked) ? asked.value : boxOf(asked, made, intern));
  }
  return lookup(done, keyOf({ value: whole, box }), "a box");
}

function operandsOf({ value, box }: Asked): readonly Asked[] {
  const { node } = value;
  if (node.op.kind === "elementwise") return node.args.map((a) => ({ value: a, box }));
  const [only, ...others] = choiceIn(node, box);
  return only !== undefined && others.length === 0 && only.box !== null ? [{ value: only.value, box: only.box }] : [];
}

function boxOf({ value, box }: Asked, made: readonly Value[], intern: Interner): Value {
  const { node } = value;
  if (node.op.kind === "elementwise") return at(intern.node(node.op, made, node.attrs, node.provenance).results, value.index);
  const [piece] = made;
  if (piece !== undefined) return piece;
  // one number all over the box, as what a pad fills with
  const [only, ...others] = choiceIn(node, box);
  return only !== undefined && others.length === 0 && only.value.shape.length === 0 ? broadcast(only.value, box.size, []) : slice(value, box.start, box.size);
}
