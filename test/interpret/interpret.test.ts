import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { add, argmax, both, cumsum, data, dot, evaluate, evaluateAll, pick, same, scatter, shift, sort, sum, tens } from "./rows.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("elementwise and sources", () => {
  test("float32 rounds at the operation", () => expect(evaluate(add(data([0.1]), data([0.2])))).toEqual([Math.fround(Math.fround(0.1) + Math.fround(0.2))]));
  test("int32 wraps", () => expect(evaluate(add(data([2147483647], [1], "int32"), data([1], [1], "int32")))).toEqual([-2147483648]));
  test("uint32 wraps", () => expect(evaluate(add(data([4294967295], [1], "uint32"), data([3], [1], "uint32")))).toEqual([2]));
  test("a row may have several results", () =>
    expect(evaluateAll(...both(data([2, 3]), data([4, 5])).results)).toEqual([
      [6, 8],
      [8, 15],
    ]));
  test("a result may be an operand itself", () => expect(evaluate(same(data([1, 2])))).toEqual([1, 2]));
  test("sizes beyond one block", () => expect(evaluate(add(data(range(3000)), data(range(3000)))).at(-1)).toBe(5998));
  test("a source computes with its index", () => expect(evaluate(tens([2, 3], 1))).toEqual([0, 10, 20, 0, 10, 20]));
  test("empty values", () => expect(evaluate(add(data([], [0, 3]), data([], [0, 3])))).toEqual([]));
  test("barriers are identities", () => expect(evaluate(detach(data([7])))).toEqual([7]));
});

describe("moving elements", () => {
  test("the first piece that holds is read", () => expect(evaluate(shift(data([1, 2, 3, 4]), 1, 9))).toEqual([9, 1, 2, 3]));
  test("a gather reads its index", () => expect(evaluate(pick(data(range(6), [2, 3]), data([2, 0], [2], "int32")))).toEqual([2, 3]));
  test("reading outside names the op and the place", () => {
    const bad = pick(data(range(6), [2, 3]), data([2, 3], [2], "int32"));
    expect(() => evaluate(bad)).toThrow("pick: reads outside an operand of shape [2,3] at [1,3]");
  });
  test("scatter add meets what is there", () =>
    expect(evaluate(scatter("add", data([1, 1, 1]), data([2, 0, 2], [3], "int32"), data([10, 20, 30])))).toEqual([21, 1, 41]));
  test("scatter set lets the last one win", () => expect(evaluate(scatter("set", data([1, 1]), data([1, 1], [2], "int32"), data([5, 6])))).toEqual([1, 6]));
  test("scatter min propagates NaN", () => expect(evaluate(scatter("min", data([1]), data([0], [1], "int32"), data([NaN])))).toEqual([NaN]));
  test("scatter drops what falls outside", () => expect(evaluate(scatter("set", data([1, 1]), data([-1, 2], [2], "int32"), data([5, 6])))).toEqual([1, 1]));
});

describe("reductions, prefixes, contractions", () => {
  test("over the last axis", () => expect(evaluate(sum(data(range(6), [2, 3]), [1]))).toEqual([3, 12]));
  test("over the first axis", () => expect(evaluate(sum(data(range(6), [2, 3]), [0]))).toEqual([3, 5, 7]));
  test("over the outer two of three axes", () => expect(evaluate(sum(data(range(12), [2, 3, 2]), [0, 1]))).toEqual([30, 36]));
  test("in order, rounding at every step", () => expect(evaluate(sum(data([16777216, 1, 1, -16777216]), [0]))).toEqual([0]));
  test("of nothing is the neutral element", () => expect(evaluate(sum(data([], [2, 0]), [1]))).toEqual([0, 0]));
  test("tuples carry the position", () => expect(evaluate(argmax(data([1, 5, 2, 9, 0, 9], [2, 3]), [1]))).toEqual([1, 0]));
  test("positions over two axes count row-major", () => expect(evaluate(argmax(data([1, 5, 2, 9, 0, 9], [2, 3]), [0, 1]))).toEqual([3]));
  test("prefix", () => expect(evaluate(cumsum(data([1, 2, 3, 4], [2, 2]), 1, "forward"))).toEqual([1, 3, 3, 7]));
  test("prefix from the end along the first axis", () => expect(evaluate(cumsum(data([1, 2, 3, 4], [2, 2]), 0, "reverse"))).toEqual([4, 6, 3, 4]));
  test("dot", () => expect(evaluate(dot(data([1, 2, 3, 4], [2, 2]), data([5, 6, 7, 8], [2, 2]), [[1], [0]], [[], []]))).toEqual([19, 22, 43, 50]));
  test("batched dot, transposed right side", () => {
    const x = data(range(8), [2, 2, 2]);
    expect(evaluate(dot(x, x, [[2], [2]], [[0], [0]]))).toEqual([1, 3, 3, 13, 41, 59, 59, 85]);
  });
  test("dot over nothing is zero", () => expect(evaluate(dot(data([], [2, 0]), data([], [0, 1]), [[1], [0]], [[], []]))).toEqual([0, 0]));
});

describe("sort", () => {
  const x = data([3, NaN, 1, 2, 1, NaN], [6]);
  test("ascending, stable, NaN last", () =>
    expect(evaluateAll(...sort(x, 0, "ascending"))).toEqual([
      [1, 1, 2, 3, NaN, NaN],
      [2, 4, 3, 0, 1, 5],
    ]));
  test("descending, stable, NaN first", () =>
    expect(evaluateAll(...sort(x, 0, "descending"))).toEqual([
      [NaN, NaN, 3, 2, 1, 1],
      [1, 5, 0, 3, 2, 4],
    ]));
  test("along the first axis", () =>
    expect(evaluateAll(...sort(data([4, 1, 3, 2], [2, 2]), 0, "ascending"))).toEqual([
      [3, 1, 4, 2],
      [1, 0, 0, 1],
    ]));
});

describe("graphs", () => {
  test("100,000 nodes deep", () => {
    let x: Value = data([0]);
    const one = data([1]);
    for (let i = 0; i < 100_000; i++) x = add(x, one);
    expect(evaluate(x)).toEqual([100_000]);
  });
  test("a value asked for twice, and an input asked for", () => {
    const x = data([1]);
    const y = add(x, x);
    expect(evaluateAll(y, x, y)).toEqual([[2], [1], [2]]);
  });
  test("one result of several", () => expect(evaluate(at(both(data([2]), data([4])).results, 1))).toEqual([8]));
});
