/** Reductions, prefixes, contraction, gather and scatter, sort: elements and errors. Derivatives are in the walk. */
import { describe, expect, it } from "vitest";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import { at, DTypeError, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { gather, gatherAlong, scatter, scatterAlong } from "../../compiler/ops/gather.ts";
import { prefixLogSumExp, prefixMax, prefixMin, prefixProd, prefixSum } from "../../compiler/ops/prefix.ts";
import { argmax, argmin, reduceAll, reduceAny, reduceMax, reduceMin, reduceProd, reduceSum } from "../../compiler/ops/reductions.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { counting, elementsOf, ints32, leaf } from "./structure.ts";

const row = (...list: number[]): Value => leaf([list.length], list);
const bools = (...list: number[]): Value => leaf([list.length], list, "bool");
const gradient = (y: Value, x: Value, ...ct: number[]): number[] => elementsOf(at(vjp([y], [x], [leaf(y.shape, ct)]), 0) ?? row());

describe("reductions", () => {
  it.each<[string, Value, number[]]>([
    ["sum over two axes", reduceSum(counting([2, 3, 2]), [0, 2]), [14, 22, 30]],
    ["sum of nothing", reduceSum(leaf([2, 0], []), [1]), [0, 0]],
    ["sum of int32 wraps", reduceSum(ints32([2], [2147483647, 1]), [0]), [-2147483648]],
    ["product of nothing", reduceProd(leaf([0], []), [0]), [1]],
    ["product", reduceProd(row(2, 3, 4), [0]), [24]],
    ["max with NaN", reduceMax(row(1, NaN, 3), [0]), [NaN]],
    ["max of -Infinity", reduceMax(row(-Infinity, -Infinity), [0]), [-Infinity]],
    ["max of int32", reduceMax(ints32([2], [-2147483648, -7]), [0]), [-7]],
    ["min of uint32", reduceMin(leaf([2], [4294967295, 4000000000], "uint32"), [0]), [4000000000]],
    ["any", reduceAny(bools(0, 1, 0), [0]), [1]],
    ["any of nothing", reduceAny(bools(), [0]), [0]],
    ["all", reduceAll(bools(1, 1, 0), [0]), [0]],
    ["all of nothing", reduceAll(bools(), [0]), [1]],
    ["argmax: the first among equals", argmax(row(1, 3, 3, 2), [0]), [1]],
    ["argmax: the first NaN", argmax(row(1, NaN, 9, NaN), [0]), [1]],
    ["argmax of -Infinity", argmax(row(-Infinity, -Infinity), [0]), [0]],
    ["argmin: the first among equals", argmin(ints32([4], [4, 2, 3, 2]), [0]), [1]],
    ["argmin of Infinity and NaN", argmin(row(Infinity, NaN), [0]), [1]],
    ["argmax over two axes counts row by row", argmax(leaf([2, 2, 2], [0, 9, 1, 2, 3, 4, 5, 8]), [0, 2]), [1, 3]],
  ])("%s", (_, value, want) => {
    expect(elementsOf(value)).toEqual(want);
  });

  it("share the gradient of an extreme evenly among equals", () => {
    const x = row(1, 3, 3, 2);
    expect(gradient(reduceMax(x, [0]), x, 6)).toEqual([0, 3, 3, 0]);
    expect(gradient(reduceMin(x, [0]), x, 6)).toEqual([6, 0, 0, 0]);
  });

  it("have the gradient of a product with zeros", () => {
    const [none, single, two] = [row(2, 3, 4), row(2, 0, 4), row(0, 0, 4)];
    expect(gradient(reduceProd(none, [0]), none, 1)).toEqual([12, 8, 6]);
    expect(gradient(reduceProd(single, [0]), single, 1)).toEqual([0, 8, 0]);
    expect(gradient(reduceProd(two, [0]), two, 1)).toEqual([0, 0, 0]);
  });

  it.each<[string, () => Value, RegExp]>([
    ["max of nothing", () => reduceMax(leaf([2, 0], []), [1]), /reduce max: f64\[2,0\] has no elements along axes \[1\]/],
    ["argmin of nothing", () => argmin(row(), [0]), /argmin: f64\[0\] has no elements/],
    ["falling axes", () => reduceSum(counting([2, 2]), [1, 0]), /must rise/],
    ["an axis twice", () => reduceSum(counting([2, 2]), [0, 0]), /twice/],
  ])("refuse %s", (_, make, message) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(message);
  });

  it("refuse dtypes and axes", () => {
    expect(() => reduceSum(bools(1), [0])).toThrow(DTypeError);
    expect(() => reduceAny(row(1), [0])).toThrow(/reduce any: takes bool/);
    expect(() => reduceMax(row(1), [1])).toThrow(IndexError);
  });
});

describe("prefixes", () => {
  it.each<[string, Value, number[]]>([
    ["sum", prefixSum(row(1, 2, 3), 0), [1, 3, 6]],
    ["sum from the end", prefixSum(row(1, 2, 3), 0, "reverse"), [6, 5, 3]],
    ["sum along the first axis", prefixSum(counting([2, 2]), 0), [0, 1, 2, 4]],
    ["product", prefixProd(row(2, 0, 3), 0), [2, 0, 0]],
    ["max", prefixMax(row(1, 3, 2, NaN, 5), 0)[0], [1, 3, 3, NaN, NaN]],
    ["position of the max: the last among equals", prefixMax(row(1, 3, 3, 2, 3), 0)[1], [0, 1, 2, 2, 4]],
    ["position of the min from the end", prefixMin(row(1, 3, 1, 2, 2), 0, "reverse")[1], [0, 2, 2, 3, 4]],
    ["position of the max of -Infinity", prefixMax(row(-Infinity, -Infinity), 0)[1], [0, 1]],
    ["log-sum-exp of large numbers", prefixLogSumExp(row(1000, 1000), 0), [1000, 1000 + Math.LN2]],
    ["log-sum-exp of infinities", prefixLogSumExp(row(-Infinity, 0, Infinity, 0), 0), [-Infinity, 0, Infinity, Infinity]],
  ])("%s", (_, value, want) => {
    expect(elementsOf(value)).toEqual(want);
  });

  it("have the gradient of a product with zeros", () => {
    const x = leaf([2, 4], [2, 0, 3, 4, 1, 0, 0, 5]);
    expect(gradient(prefixProd(x, 1), x, 1, 1, 1, 1, 1, 1, 1, 1)).toEqual([1, 2 + 6 + 24, 0, 0, 1, 1, 0, 0]);
  });

  it("have gradients of log-sum-exps of large and of infinite numbers", () => {
    const large = row(1000, -1000, 1000);
    expect(gradient(prefixLogSumExp(large, 0), large, 1, 1, 1).map((g) => Number(g.toFixed(10)))).toEqual([2.5, 0, 0.5]);
    const infinite = row(-Infinity, 0);
    expect(gradient(prefixLogSumExp(infinite, 0), infinite, 0, 1)).toEqual([0, 1]);
  });

  it("have gradients on axes of length 0 and 1", () => {
    const [none, single] = [row(), row(3)];
    expect(gradient(prefixProd(none, 0), none)).toEqual([]);
    expect(gradient(prefixProd(single, 0), single, 2)).toEqual([2]);
    expect(gradient(reduceProd(none, [0]), none, 2)).toEqual([]);
  });
});

describe("dot", () => {
  it("sums products over contracted axes, for each of the batch axes", () => {
    expect(elementsOf(dot(counting([2, 3]), counting([3, 2]), [[1], [0]]))).toEqual([10, 13, 28, 40]);
    const batched = dot(counting([2, 2]), counting([2, 2]), [[1], [0]], [[0], [1]]);
    expect([batched.shape, elementsOf(batched)]).toEqual([[2], [2, 11]]);
    expect(dot(counting([2, 3, 4]), counting([4, 5]), [[2], [0]]).shape).toEqual([2, 3, 5]);
  });

  it("is zero over nothing", () => {
    expect(elementsOf(dot(leaf([1, 0], []), leaf([0, 2], []), [[1], [0]]))).toEqual([0, 0]);
  });

  it("needs no permute to differentiate a matmul", () => {
    const [a, b] = [counting([2, 3]), counting([3, 4])];
    const kinds = vjp([dot(a, b, [[1], [0]])], [a, b], [counting([2, 4])]).map((v) => v?.node.op.kind);
    expect(kinds).toEqual(["contraction", "contraction"]);
  });

  it("refuses axes that do not pair up", () => {
    expect(() => dot(counting([2, 3]), counting([2, 3]), [[1], [0]])).toThrow(/contracted axes \[1\] and \[0\] of f64\[2,3\] · f64\[2,3\] differ/);
    expect(() => dot(counting([2]), ints32([2], [1, 2]), [[0], [0]])).toThrow(DTypeError);
    expect(() => dot(counting([2]), counting([2]), [[1], [0]])).toThrow(IndexError);
  });
});

describe("gather and scatter", () => {
  const x = counting([2, 3]);
  const twice = ints32([3], [0, 2, 0]);

  it.each<[string, Value, number[]]>([
    ["slices", gather(x, ints32([2], [2, 0]), 1), [2, 0, 5, 3]],
    ["slices at clamped indices", gather(x, ints32([2], [-1, 7]), 0), [0, 1, 2, 3, 4, 5]],
    ["elements along an axis", gatherAlong(x, ints32([2, 1], [2, 1]), 1), [2, 4]],
    ["set: the last wins", scatter(row(9, 9, 9), twice, row(1, 2, 3), 0, "set"), [3, 9, 2]],
    ["add: all count", scatter(row(9, 9, 9), twice, row(1, 2, 3), 0, "add"), [13, 9, 11]],
    ["mul", scatter(row(9, 9, 9), twice, row(1, 2, 3), 0, "mul"), [27, 9, 18]],
    ["min", scatter(row(2, 9, 9), twice, row(1, 2, 3), 0, "min"), [1, 9, 2]],
    ["max", scatter(row(2, 9, 9), twice, row(1, 2, 3), 0, "max"), [3, 9, 9]],
    ["clamped as gather is", scatter(row(0, 0), ints32([2], [-5, 5]), row(1, 2), 0, "add"), [1, 2]],
    ["along an axis", scatterAlong(x, ints32([2, 1], [2, 0]), leaf([2, 1], [10, 20]), 1, "add"), [0, 1, 12, 23, 4, 5]],
  ])("%s", (_, value, want) => {
    expect(elementsOf(value)).toEqual(want);
  });

  it("give an overwritten update no gradient", () => {
    const updates = row(1, 2, 3);
    expect(gradient(scatter(row(9, 9, 9), twice, updates, 0, "set"), updates, 5, 6, 7)).toEqual([0, 7, 5]);
  });

  it("share the gradient of an extreme among equals", () => {
    const [base, updates] = [row(3, 0, 0), row(3, 2, 3)];
    const y = scatter(base, twice, updates, 0, "max");
    expect(gradient(y, base, 6, 1, 1)).toEqual([2, 1, 0]);
    expect(gradient(y, updates, 6, 1, 1)).toEqual([2, 1, 2]);
  });

  it("refuse what does not fit", () => {
    expect(() => gather(x, row(1), 0)).toThrow(DTypeError);
    expect(() => gather(x, twice, 2)).toThrow(IndexError);
    expect(() => gather(leaf([0], []), twice, 0)).toThrow(/has nothing along axis 0/);
    expect(() => gatherAlong(x, twice, 1)).toThrow(/ranks and all other axes must be equal/);
    expect(() => scatter(x, twice, row(1, 2, 3), 1, "add")).toThrow(/updates are f64\[3\]; the indices address f64\[2,3\]/);
    expect(() => scatter(bools(0), ints32([1], [0]), bools(1), 0, "add")).toThrow(/bool has no arithmetic/);
  });
});

describe("sort", () => {
  const x = row(2, NaN, 1, 2);
  it.each<[string, Value, number[]]>([
    ["values, NaN last", sort(x, 0)[0], [1, 2, 2, NaN]],
    ["positions, stable", sort(x, 0)[1], [2, 0, 3, 1]],
    ["descending, NaN first", sort(x, 0, "descending")[0], [NaN, 2, 2, 1]],
    ["descending positions, stable", sort(x, 0, "descending")[1], [1, 0, 3, 2]],
    ["bools", sort(bools(1, 0, 1), 0)[1], [1, 0, 2]],
  ])("%s", (_, value, want) => {
    expect(elementsOf(value)).toEqual(want);
  });

  it("sends gradients back to where elements came from", () => {
    const y = row(3, 1, 2);
    expect(gradient(sort(y, 0)[0], y, 10, 20, 30)).toEqual([30, 10, 20]);
  });
});
