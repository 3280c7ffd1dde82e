/** Sorting. */
import { at } from "../ir/errors.ts";
import type { Value } from "../ir/node.ts";
import { flag, int, makeNode } from "../ir/node.ts";
import type { Primitive, RoutinePrimitive } from "../ir/primitive.ts";
import { normalizeAxis, tensorType } from "../ir/shape.ts";
import { gatherAlong, scatterAlong } from "./gather.ts";
import { zerosLike } from "./layout.ts";

export const sortOp: RoutinePrimitive = {
  kind: "routine",
  routine: "sort",
  name: "sort",
  doc: "The elements in order along `axis`, and the int32 positions that they had: stable; NaN last, first where descending.",
  arity: 1,
  attrs: { axis: "int", descending: "flag" },
  infer: (args, attrs) => {
    const x = at(args, 0);
    normalizeAxis("sort", int(attrs, "axis"), x.shape.length);
    flag(attrs, "descending");
    return [x, tensorType("int32", x.shape)];
  },
  derivative: {
    by: "rules",
    vjp: (node, [ct]) => (ct ? [scatterAlong(zerosLike(ct), at(node.results, 1), ct, int(node.attrs, "axis"), "add")] : []),
    jvp: (node, [t]) => (t ? [gatherAlong(t, at(node.results, 1), int(node.attrs, "axis"))] : []),
  },
};

/** `x` in order along `axis` and the int32 positions that its elements had; stable, NaN last (descending: first). */
export function sort(x: Value, axis: number, order: "ascending" | "descending" = "ascending"): readonly [Value, Value] {
  const { results } = makeNode(sortOp, [x], { axis, descending: order === "descending" });
  return [at(results, 0), at(results, 1)];
}

/** The rows of this file. */
export const sortOps: readonly Primitive[] = [sortOp];
