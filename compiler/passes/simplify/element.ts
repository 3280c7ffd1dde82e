/**
 * The elements of a value at one position of an axis, which is gone then.
 *
 *   subtract %x, (broadcast %max {axes=[0]})   at %i of axis 1   →   subtract (gather along %x, %i), %max
 */
import { at } from "../../ir/errors.ts";
import type { Node, Value } from "../../ir/node.ts";
import { make } from "../../ir/node.ts";
import * as a from "../../ops/arithmetic.ts";
import { gatherAlong } from "../../ops/gather.ts";
import * as layout from "../../ops/layout.ts";
import type { Bounded } from "./along.ts";
import { along, sumOf, without } from "./along.ts";

/** Values that are looked at for what an element comes from. */
const nearby = 32;

/** The elements of `v` at one position of an axis, which is clamped. */
export function elementAt(v: Value, axis: number, position: Bounded): Value {
  return movedTo(v, axis, position) ?? gathered(v, axis, position);
}

/** The element as a sum of what moves along the axis and of what does not, where that is exact. */
function movedTo(v: Value, axis: number, position: Bounded): Value | null {
  const moved = along(v, axis);
  if (moved === null || (moved.coefficient !== 0 && v.dtype !== "int32")) return null;
  const { coefficient, rest } = moved;
  if (coefficient === 0) return rest.value();
  const way = coefficient === 1 ? position.value() : a.multiply(position.value(), coefficient);
  return sumOf({ value: () => way, lo: -Infinity, hi: Infinity }, rest).value();
}

function gathered(v: Value, axis: number, position: Bounded): Value {
  const index = layout.reshape(position.value(), v.shape.with(axis, 1));
  return layout.reshape(gatherAlong(v, index, axis), without(v.shape, axis));
}

/** The same, if reading it is less than a loop over its row; null where it is not. */
export const readAt = (v: Value, axis: number, position: Bounded): Value | null =>
  isOfRows(v) ? new FromMemory(axis, position).element(v) : elementAt(v, axis, position);

/** Whether elements are computed from a reduction of others, as those of a softmax are: a loop walks their rows anyway, and meets the chosen one. */
export function isOfRows(v: Value): boolean {
  const seen = new Set<Node>();
  const open = [v.node];
  for (let node = open.pop(); node !== undefined && seen.size < nearby; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op.kind === "reduction") return true;
    if (node.op.kind === "elementwise" || node.op.kind === "view") for (const arg of node.args) open.push(arg.node);
  }
  return false;
}

/** Elements computed from what lies in memory and from what does not move along the axis; null where others have a share in them. */
class FromMemory {
  readonly #axis: number;
  readonly #position: Bounded;
  readonly #known = new Map<Value, Value | null>();

  constructor(axis: number, position: Bounded) {
    this.#axis = axis;
    this.#position = position;
  }

  element(v: Value): Value | null {
    const known = this.#known.get(v);
    if (known !== undefined) return known;
    if (this.#known.size >= nearby) return null;
    this.#known.set(v, null);
    const found = movedTo(v, this.#axis, this.#position) ?? (isInMemory(v) ? gathered(v, this.#axis, this.#position) : this.#computed(v));
    this.#known.set(v, found);
    return found;
  }

  #computed({ node }: Value): Value | null {
    if (node.op.kind !== "elementwise" || node.results.length > 1) return null;
    const args: Value[] = [];
    for (const arg of node.args) {
      const element = this.element(arg);
      if (element === null) return null;
      args.push(element);
    }
    return make(node.op, args, node.attrs);
  }
}

function isInMemory(value: Value): boolean {
  let v = value;
  for (let i = 0; i < nearby && v.node.op.kind === "view" && v.node.args.length === 1; i++) v = at(v.node.args, 0);
  return v.node.op.kind === "param";
}
