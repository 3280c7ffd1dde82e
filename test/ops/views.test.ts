import { describe, expect, it } from "vitest";
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { axisIndex, load } from "../../compiler/ir/expr.ts";
import { flatten, keyOf } from "../../compiler/ir/indexing.ts";
import type { Value } from "../../compiler/ir/node.ts";
import {
  broadcast,
  broadcastTo,
  concat,
  dynamicSlice,
  dynamicUpdate,
  flip,
  onesLike,
  pad,
  permute,
  reshape,
  slice,
  zerosLike,
} from "../../compiler/ops/views.ts";
import { diagonal, window } from "../../compiler/ops/windows.ts";
import { counting, elementsOf, ints32, leaf } from "./structure.ts";

const names = ["i", "j", "k", "l"];
const text = (e: Expr): string => (e.op === "axis" ? e.name : keyOf(e).replaceAll("%", ""));

/** The pieces of a view as text: `operand[index] if guard`. */
function piecesOf(value: Value): string[] {
  const { op, args, attrs } = value.node;
  const out = value.shape.map((n, i) => axisIndex(at(names, i), 0, n - 1));
  if (op.kind !== "view" && op.kind !== "gather") return [];
  const shape = (k: number): readonly number[] => at(args, k).shape;
  const read = (k: number, index: readonly Expr[]): Expr => load(`b${k}`, at(args, k).dtype, flatten(index, shape(k)));
  return op
    .pieces(out, { attrs, operands: args.length, shape, read })
    .map((p) => `${p.operand}[${p.index.map(text).join(", ")}]${p.guard ? ` if ${text(p.guard)}` : ""}`);
}

describe("pieces", () => {
  it.each<[string, Value, string[]]>([
    ["a reshape that splits an axis", reshape(counting([20]), [4, 5]), ["0[add(mul(i,5),j)]"]],
    ["a reshape that merges axes", reshape(counting([4, 5]), [20]), ["0[idiv(i,5), irem(i,5)]"]],
    ["a reshape that adds axes of length 1", reshape(counting([4, 5]), [4, 1, 5, 1]), ["0[i, k]"]],
    ["a permutation", permute(counting([2, 3, 4]), [2, 0, 1]), ["0[j, k, i]"]],
    ["a broadcast", broadcast(counting([3]), [2, 3, 4], [1]), ["0[j]"]],
    ["a slice", slice(counting([9]), [1], [3], [2]), ["0[add(mul(i,2),1)]"]],
    ["a flip", flip(counting([4, 3]), [0]), ["0[add(mul(i,-1),3), j]"]],
    ["padding at the end", pad(counting([3]), 0, [0], [2]), ["0[i] if lt(i,3)", "1[]"]],
    ["padding around", pad(counting([3]), 0, [1], [2]), ["0[add(i,-1)] if and(ge(add(i,-1),0),lt(add(i,-1),3))", "1[]"]],
    ["a concatenation", concat([counting([2]), counting([3])], 0), ["0[i] if lt(i,2)", "1[add(i,-2)] if ge(add(i,-2),0)"]],
    ["a window", window(counting([9]), [0], [3], [2]), ["0[add(mul(i,2),j)]"]],
    ["a diagonal", diagonal(counting([3, 4]), 0, 1, 1), ["0[i, add(i,1)]"]],
    ["a dynamic slice", dynamicSlice(counting([9]), [0], [ints32([], [2])], [3]), ["0[add(i,min(max(load:b1(0),0),6))]"]],
    ["a dynamic slice that fits one place only", dynamicSlice(counting([3]), [0], [ints32([], [2])], [3]), ["0[i]"]],
  ])("of %s", (_, value, want) => {
    expect(piecesOf(value)).toEqual(want);
  });

  it("knows the bounds of a start that was clamped", () => {
    const { op, args, attrs } = dynamicSlice(counting([9]), [0], [ints32([], [2])], [3]).node;
    const pieces =
      op.kind === "view"
        ? op.pieces([axisIndex("i", 0, 2)], { attrs, operands: 2, shape: (k) => at(args, k).shape, read: () => load("b", "int32", axisIndex("z", 0, 0)) })
        : [];
    expect(pieces.map((p) => [at(p.index, 0).lo, at(p.index, 0).hi])).toEqual([[0, 8]]);
  });
});

describe("elements", () => {
  it.each<[string, Value, number[]]>([
    ["reshape of reshape", reshape(reshape(counting([2, 3, 2]), [6, 2]), [3, 4]), Array.from({ length: 12 }, (_, i) => i)],
    ["permute", permute(counting([2, 3]), [1, 0]), [0, 3, 1, 4, 2, 5]],
    ["broadcastTo stretches axes of length 1", broadcastTo(leaf([2, 1], [5, 6]), [2, 2, 2]), [5, 5, 6, 6, 5, 5, 6, 6]],
    ["broadcastTo of length 1 to 0", broadcastTo(leaf([1], [5]), [0]), []],
    ["pad, all kinds", pad(leaf([2], [1, 2]), 9, [1], [2], [2]), [9, 1, 9, 9, 2, 9, 9]],
    ["pad of nothing", pad(leaf([0], []), 9, [1], [1], [3]), [9, 9]],
    ["slice with steps", slice(counting([7]), [1], [3], [2]), [1, 3, 5]],
    ["flip", flip(counting([2, 2]), [0, 1]), [3, 2, 1, 0]],
    ["concat with an empty one", concat([leaf([2, 0], []), counting([2, 2]), leaf([2, 1], [8, 9])], 1), [0, 1, 8, 2, 3, 9]],
    ["dynamic slice, start too large", dynamicSlice(counting([5]), [0], [ints32([], [9])], [2]), [3, 4]],
    ["dynamic slice, start negative", dynamicSlice(counting([5]), [0], [ints32([], [-1])], [2], [3]), [0, 3]],
    ["dynamic update", dynamicUpdate(counting([5]), leaf([2], [7, 8]), [0], [ints32([], [1])], [2]), [0, 7, 2, 8, 4]],
    ["dynamic update, clamped as the slice is", dynamicUpdate(counting([3]), leaf([2], [7, 8]), [0], [ints32([], [9])]), [0, 7, 8]],
    ["dynamic update with nothing", dynamicUpdate(counting([3]), leaf([0], []), [0], [ints32([], [1])]), [0, 1, 2]],
    ["window", window(counting([5]), [0], [3], [2]), [0, 1, 2, 2, 3, 4]],
    ["diagonal below", diagonal(counting([3, 2]), 0, 1, -1), [2, 5]],
    ["diagonal outside", diagonal(counting([2, 2]), 0, 1, 5), []],
    ["fills", concat([zerosLike(counting([1])), onesLike(counting([1]))], 0), [0, 1]],
  ])("of %s", (_, value, want) => {
    expect(elementsOf(value)).toEqual(want);
  });

  it("are the same value where nothing changes", () => {
    const x = counting([2, 3]);
    const same = [
      reshape(x, [2, 3]),
      permute(x, [0, 1]),
      broadcastTo(x, [2, 3]),
      pad(x, 0, [0, 0], [0, 0]),
      slice(x, [0, 0], [2, 3]),
      flip(x, []),
      concat([x], 0),
      window(x, [], []),
    ];
    expect(same.every((y) => y === x)).toBe(true);
  });
});

describe("errors", () => {
  const x = counting([2, 3]);
  it.each<[string, () => Value, RegExp]>([
    ["reshape", () => reshape(x, [4]), /f64\[2,3\] has 6 elements, \[4\] has 4/],
    ["reshape to a negative length", () => reshape(x, [-1]), /\[-1\] is no shape/],
    ["permute", () => permute(x, [0, 0]), /name each of \[0,1\] once/],
    ["broadcast", () => broadcast(x, [2, 4], [0, 1]), /does not lie along axes \[0,1\] of \[2,4\]/],
    ["broadcast with falling axes", () => broadcast(counting([2, 2]), [2, 2], [1, 0]), /axes rise/],
    ["broadcastTo", () => broadcastTo(x, [3, 3]), /f64\[2,3\] does not broadcast to \[3,3\]/],
    ["pad", () => pad(x, 0, [0, -1], [0, 0]), /no shape/],
    ["pad with one entry", () => pad(x, 0, [0], [0]), /padding has 1 entries for f64\[2,3\]/],
    ["pad with another dtype", () => pad(x, ints32([], [0]), [1, 1], [0, 0]), /fill i32\[\]/],
    ["slice", () => slice(x, [0, 1], [2, 3]), /leave f64\[2,3\]/],
    ["slice with step 0", () => slice(x, [0, 0], [2, 3], [1, 0]), /Steps are 1 or more/],
    ["concat of nothing", () => concat([], 0), /nothing to join/],
    ["concat", () => concat([x, counting([3, 3])], 1), /differ outside axis 1/],
    ["dynamic slice", () => dynamicSlice(x, [0], [ints32([], [0])], [3]), /do not fit f64\[2,3\]/],
    ["dynamic slice with a float start", () => dynamicSlice(x, [0], [leaf([], [0])], [1]), /starts are int32/],
    ["dynamic slice without start", () => dynamicSlice(x, [0], [], [1]), /give one each/],
    ["dynamic update", () => dynamicUpdate(x, counting([2, 2]), [0], [ints32([], [0])]), /must be equal/],
    ["window", () => window(x, [1], [4]), /longer than axis 1/],
    ["window of size 0", () => window(x, [1], [0]), /1 or more/],
  ])("of %s", (_, make, message) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(message);
  });
});
