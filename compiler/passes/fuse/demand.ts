/** What a node asks of its operands, given the index at which it is asked for itself. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, ix } from "../../ir/indexing.ts";
import type { Node, Value } from "../../ir/node.ts";
import { int, ints, result } from "../../ir/node.ts";
import type { ContractionPrimitive, Piece } from "../../ir/primitive.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Axes } from "./axes.ts";
import type { Demand } from "./cluster.ts";

/** A demand on one operand. */
export interface Ask {
  readonly value: Value;
  readonly demand: Demand;
}

/** Relative work of one element of a light node, in additions. */
export function costOf({ op }: Node): number {
  if (op.kind === "elementwise") return op.cost;
  return op.kind === "view" || op.kind === "gather" ? 0.5 : 0;
}

/** What a node adds to the size of its kernel, in operations. Lowering goes one step deeper for each op that moves its index: those weigh more. */
export const weightOf = (node: Node): number => (node.op.kind === "elementwise" ? Math.max(1, costOf(node)) : 4);

/** The pieces of a view without those whose guards fail wherever they are asked for; all of them where nothing is asked for. */
export function piecesInside(pieces: readonly Piece[], { args }: Node): readonly Piece[] {
  // one piece is all there is
  if (pieces.length < 2) return pieces;
  const isOutside = ({ operand, index, guard }: Piece): boolean =>
    guard !== undefined && index.some((e, i) => e.hi < 0 || e.lo >= at(at(args, operand).shape, i));
  const inside = pieces.filter((p) => !isOutside(p));
  return inside.length > 0 ? inside : pieces;
}

/** Whether a condition is known when a kernel runs: vectors compute both of its sides. */
const isFoundOut = (guard: Expr): boolean => exprOrder([guard]).some((e) => e.op === "var" || e.op === "load");

/** Demands of a light node for the demand on one of its results. */
export function asksOfLight(node: Node, demand: Demand, axes: Axes): Ask[] {
  const { index } = demand;
  if (index === null) return node.args.slice(0, 1).map((value) => ({ value, demand }));
  if (node.op.kind === "view" || node.op.kind === "gather") {
    const asks: Ask[] = [];
    const read = (k: number, i: readonly Expr[]): Expr => {
      asks.push({ value: at(node.args, k), demand: { ...demand, index: i } });
      return variable(`q${node.id}_${k}_${asks.length}`, "int32");
    };
    const row = (k: number, position: Expr, size: number): Expr => {
      const found = axes.rowOf(at(node.args, k), position, size);
      if (found.op === "load") read(k, [variable(`q${node.id}_${k}`, "int32")]);
      return found;
    };
    const pieces = node.op.pieces(index, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read, row });
    for (const p of piecesInside(pieces, node)) {
      const value = at(node.args, p.operand);
      const part = p.guard === undefined || isFoundOut(p.guard) ? 1 : Math.min(1, sizeOf(value.shape) / Math.max(1, sizeOf(result(node, 0).shape)));
      asks.push({ value, demand: { index: p.index, inner: demand.inner, nest: demand.nest, carried: demand.carried, share: demand.share * part } });
    }
    return asks;
  }
  if (node.op.kind === "barrier") return [{ value: at(node.args, 0), demand }];
  return node.args.map((value) => ({ value, demand }));
}

/** The grid and the demands of a node that is the anchor of a new cluster. */
export interface Anchor {
  readonly grid: readonly string[];
  /** Index of each result of the anchor in the cluster's axes. */
  readonly form: readonly Expr[];
  readonly asks: readonly Ask[];
}

/** A place in a grid point, or in one loop of it over some axes. */
const askedAt = (index: Demand["index"], loops: readonly string[] = []): Demand => ({ index, inner: loops, nest: loops, carried: 0, share: 1 });

const axisOrZero = (axes: Axes, length: number): Expr => (length === 1 ? ix(0) : axes.add(length));
const namesOf = (list: readonly Expr[]): string[] => list.filter((e) => e.op === "axis").map((e) => e.name);

export function anchorOf(node: Node, axes: Axes): Anchor {
  const form = result(node, 0).shape.map((n) => axisOrZero(axes, n));
  const grid = namesOf(form);
  switch (node.op.kind) {
    case "reduction": {
      const reduced = ints(node.attrs, "axes");
      const operand = at(node.args, 0);
      let kept = 0;
      const index = operand.shape.map((n, i) => (reduced.includes(i) ? axisOrZero(axes, n) : at(form, kept++)));
      const inner = namesOf(reduced.map((a) => at(index, a)));
      return { grid, form, asks: [{ value: operand, demand: askedAt(index, inner) }] };
    }
    case "segment":
      return { grid, form, asks: segmentAsks(node, form, axes) };
    case "contraction":
      return { grid, form, asks: contractionAsks(node, node.op, form, axes) };
    case "prefix": {
      const along = at(form, int(node.attrs, "axis"));
      const inner = namesOf([along]);
      const asks = node.args.map((value) => ({ value, demand: askedAt(form, inner) }));
      return { grid: grid.filter((g) => !inner.includes(g)), form, asks };
    }
    case "scatter": {
      const updates = at(node.args, node.op.updates);
      const space = updates.shape.map((n) => axisOrZero(axes, n));
      const asks: Ask[] = [{ value: at(node.args, 0), demand: askedAt(null) }];
      const read = (k: number, i: readonly Expr[]): Expr => {
        asks.push({ value: at(node.args, k), demand: askedAt(i) });
        return variable(`q${node.id}_${k}`, "int32");
      };
      node.op.target(space, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read });
      asks.push({ value: updates, demand: askedAt(space) });
      return { grid: namesOf(space), form, asks };
    }
    case "routine":
      return { grid: [], form, asks: node.args.map((value) => ({ value, demand: askedAt(null) })) };
    default:
      return { grid, form, asks: asksOfLight(node, askedAt(form), axes) };
  }
}

/** All elements, one row in each grid point, and where the row starts and ends; the only row is all there is. */
function segmentAsks(node: Node, form: readonly Expr[], axes: Axes): Ask[] {
  const [values, offsets] = [at(node.args, 0), at(node.args, 1)];
  const along = axisOrZero(axes, at(values.shape, 0));
  const row = at(form, 0);
  if (along.op === "axis" && row.op === "axis") axes.setSegment(along.name, { offsets, row: row.name });
  const elements = { value: values, demand: askedAt([along, ...form.slice(1)], namesOf([along])) };
  const bounds = row.op === "axis" ? [row, addIndex(row, 1)] : [];
  return [elements, ...bounds.map((bound) => ({ value: offsets, demand: askedAt([bound]) }))];
}

function contractionAsks(node: Node, op: ContractionPrimitive, form: readonly Expr[], axes: Axes): Ask[] {
  const types = node.args.map((a) => a.type);
  const depth = op.depth(types, node.attrs).map((n) => axisOrZero(axes, n));
  const places = op.factors(form, depth, { attrs: node.attrs, shape: (k) => at(types, k).shape });
  const loops = namesOf(depth);
  return places.map(({ index }, k) => ({ value: at(node.args, k), demand: askedAt(index, loops) }));
}
