/**
 * The positions of an axis at which a condition holds, where they are one run of neighbours.
 *
 *   less (iota {axis=1}), (broadcast %n {axes=[0]})     along axis 1: from 0 to before %n
 */
import { at } from "../../ir/errors.ts";
import type { Node, Value } from "../../ir/node.ts";
import * as a from "../../ops/arithmetic.ts";
import { fill } from "../../ops/layout.ts";
import type { Along, Bounded } from "./along.ts";
import { along, atLeast, atMost, difference, seenThrough, without } from "./along.ts";

export interface Range {
  /** From this position on, and before that one, int32 of the condition's shape without the axis; both lie from 0 to the length. */
  readonly from: Bounded;
  readonly to: Bounded;
  /** Where there is one position at most: that one, which may lie outside. */
  readonly only: Bounded | null;
  /** What else must hold, of the condition's shape. */
  readonly others: readonly Value[];
}

type Side = "less" | "less equal" | "equal" | "not equal" | "greater equal" | "greater";
const sides: ReadonlyMap<Node["op"], Side> = new Map([
  [a.lessOp, "less"],
  [a.lessEqualOp, "less equal"],
  [a.equalOp, "equal"],
  [a.notEqualOp, "not equal"],
  [a.greaterEqualOp, "greater equal"],
  [a.greaterOp, "greater"],
]);
/** The other way round. */
const mirrored: Readonly<Record<Side, Side>> = {
  less: "greater",
  "less equal": "greater equal",
  equal: "equal",
  "not equal": "not equal",
  "greater equal": "less equal",
  greater: "less",
};
/** What holds of whole numbers where the key does not. */
const opposite: Readonly<Record<Side, Side>> = {
  less: "greater equal",
  "less equal": "greater",
  equal: "not equal",
  "not equal": "equal",
  "greater equal": "less",
  greater: "less equal",
};

/** Conditions that are looked at. */
const mostParts = 8;
/** Numbers up to here can be moved by as many positions without wrapping around. */
const calm = 2 ** 30;

/** Where along the axis a condition holds (or does not hold), or null where no part of it says so. */
export function rangeOf(condition: Value, axis: number, wanted: "holds" | "fails" = "holds"): Range | null {
  const ranges: { readonly part: Value; readonly range: Range }[] = [];
  const others: Value[] = [];
  const open = [condition];
  for (let next = open.pop(), n = 0; next !== undefined; next = open.pop(), n++) {
    const { node } = next;
    if (node.op === a.logicalAndOp && n < mostParts && wanted === "holds") {
      open.push(at(node.args, 1), at(node.args, 0));
      continue;
    }
    const range = node.op.kind === "view" ? viewed(next, axis, wanted) : compared(node, axis, wanted);
    if (range === null) others.push(next);
    else ranges.push({ part: next, range });
  }
  if (ranges.length === 0 || (wanted === "fails" && others.length > 0)) return null;
  const only = ranges.find(({ range }) => range.only !== null);
  if (only !== undefined) return { ...only.range, others: [...others, ...ranges.filter((r) => r !== only).map((r) => r.part)] };
  return { ...ranges.map(({ range }) => range).reduce(both), others };
}

/** A view of a condition, as masks are broadcast over the elements that they choose. */
function viewed(v: Value, axis: number, wanted: "holds" | "fails"): Range | null {
  const seen = v.node.args.length === 1 ? seenThrough(v, axis) : null;
  if (seen === null || seen.axis === null || seen.step !== 1 || seen.start !== 0) return null;
  const x = at(v.node.args, 0);
  if (at(x.shape, seen.axis) !== at(v.shape, axis)) return null;
  const range = rangeOf(x, seen.axis, wanted);
  if (range === null || range.others.length > 0) return null;
  const same = (b: Bounded): Bounded => ({ ...b, value: () => seen.rest(b.value()) });
  return { from: same(range.from), to: same(range.to), only: range.only === null ? null : same(range.only), others: [] };
}

const both = (x: Range, y: Range): Range => ({
  from: { value: () => a.maximum(x.from.value(), y.from.value()), lo: Math.max(x.from.lo, y.from.lo), hi: Math.max(x.from.hi, y.from.hi) },
  to: { value: () => a.minimum(x.to.value(), y.to.value()), lo: Math.min(x.to.lo, y.to.lo), hi: Math.min(x.to.hi, y.to.hi) },
  only: null,
  others: [],
});

/** Where a comparison of a position with a number holds. */
function compared({ op, args }: Node, axis: number, wanted: "holds" | "fails"): Range | null {
  const said = sides.get(op);
  if (said === undefined || at(args, 0).dtype !== "int32") return null;
  const side = wanted === "holds" ? said : opposite[said];
  const [x, y] = [along(at(args, 0), axis), along(at(args, 1), axis)];
  if (side === "not equal" || x === null || y === null) return null;
  const slope = x.coefficient - y.coefficient;
  if (slope !== 1 && slope !== -1) return null;
  const { shape } = at(args, 0);
  const length = at(shape, axis);
  // position + own compares with other
  const [own, other] = slope === 1 ? [x, y] : [y, x];
  if (side === "equal") return atPosition(difference(other.rest, own.rest), shape, axis);
  const edge = edgeOf(own, other, length);
  return edge === null ? null : onOneSide(edge, slope === 1 ? side : mirrored[side], shape, axis);
}

function atPosition(position: Bounded, shape: readonly number[], axis: number): Range {
  const length = at(shape, axis);
  const from = atMost(atLeast(position, 0), length);
  const after: Bounded = { value: () => a.add(atMost(atLeast(position, -1), length - 1).value(), 1), lo: 0, hi: length };
  return { from, to: after, only: position, others: [] };
}

/** The number that the position itself compares with: `other - own`, where that does not wrap around. */
function edgeOf(own: Along, other: Along, length: number): Bounded | null {
  const isCalm = ({ lo, hi }: Bounded): boolean => lo >= -calm && hi <= calm;
  if (length > calm || !isCalm(own.rest) || own.coefficient * other.coefficient < 0) return null;
  if (own.coefficient !== 1 || other.coefficient !== 0) return isCalm(other.rest) ? difference(other.rest, own.rest) : null;
  // far away is as good as just outside
  return difference(atMost(atLeast(other.rest, own.rest.lo - 1), own.rest.hi + length + 1), own.rest);
}

function onOneSide(edge: Bounded, side: Side, shape: readonly number[], axis: number): Range {
  const length = at(shape, axis);
  const number = (n: number): Bounded => ({ value: () => fill(n, { dtype: "int32", shape: without(shape, axis) }), lo: n, hi: n });
  const moved = (by: number): Bounded => (by === 0 ? edge : { value: () => a.add(edge.value(), by), lo: edge.lo + by, hi: edge.hi + by });
  const inside = (x: Bounded): Bounded => atMost(atLeast(x, 0), length);
  const below = side === "less" || side === "less equal";
  const bound = inside(moved(side === "less equal" || side === "greater" ? 1 : 0));
  return below ? { from: number(0), to: bound, only: null, others: [] } : { from: bound, to: number(length), only: null, others: [] };
}
