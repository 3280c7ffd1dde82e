/** Gradients with respect to the elements of ragged rows: in the same rows, and equal to finite differences. */
import { describe, expect, it } from "vitest";
import type { NDArray } from "../../src/index.ts";
import {
  array,
  concat,
  cumprod,
  cumsum,
  flip,
  fromPadded,
  fromRows,
  grad,
  gradients,
  jacobian,
  jvp,
  logSoftmax,
  nn,
  ragged,
  sort,
  stopGradient,
  take,
  valueAndGrad,
  vjp,
  where,
} from "../../src/index.ts";

const rows = [[0.5, -1.25, 2], [0.75], [], [1.5, -0.5]];
const x = fromRows(rows);
const flat = rows.flat();
const offsets = [0, 3, 4, 4, 6];
const withElement = (i: number, by: number): NDArray => ragged(flat.with(i, (flat[i] ?? 0) + by), { offsets });
/** Distinct weights, so that no sum hides where a gradient goes. */
const weighted = (y: NDArray): NDArray => {
  const weights = array(Float64Array.from({ length: y.size }, (_, i) => 0.3 + i * 0.7));
  return y.flatten().mul(weights).sum();
};

const functions: readonly (readonly [string, (x: NDArray) => NDArray])[] = [
  ["elementwise", (x) => x.sin().mul(x)],
  ["with one value a row", (x) => x.mul(array([[1], [2], [3], [4]])).exp()],
  ["less the mean of each row", (x) => x.sub(x.mean({ axis: 1, keepdims: true })).square()],
  ["sum within rows", (x) => x.square().sum({ axis: 1 })],
  ["sum over rows", (x) => x.square().sum({ axis: 0 })],
  ["sum of all", (x) => x.square().sum()],
  ["prod", (x) => x.prod({ axis: 1 })],
  ["max", (x) => where(x.rowLengths().greater(0), x.max({ axis: 1 }), 0)],
  ["var over rows", (x) => x.var({ axis: 0 })],
  ["norm", (x) => x.norm({ axis: 1 })],
  ["logsumexp", (x) => where(x.rowLengths().greater(0), x.logsumexp({ axis: 1 }), 0)],
  ["softmax", (x) => x.softmax()],
  ["softmax over rows", (x) => x.softmax({ axis: 0 })],
  ["logSoftmax", (x) => logSoftmax(x)],
  ["cumsum", (x) => cumsum(x.square(), 1)],
  ["cumprod", (x) => cumprod(x, 1)],
  ["sort", (x) => sort(x.square())],
  ["flip", (x) => flip(x.square())],
  ["toPadded", (x) => x.square().toPadded(7)],
  ["fromPadded", (x) => fromPadded(x.square().toPadded(7), [2, 0, 1, 3])],
  ["flatValues", (x) => x.flatValues().square()],
  ["a row", (x) => x.at(0).square()],
  ["an element of each row", (x) => x.at([0, 1, 3], -1).square()],
  ["a slice of each row", (x) => x.at(":", "1:").square()],
  ["rows taken twice", (x) => take(x.square(), [3, 0, 3], { axis: 0 })],
  ["rows chosen by a mask", (x) => x.at([true, false, false, true]).square()],
  ["elements chosen by a mask", (x) => x.at(x.greater(0)).square()],
  ["concat of rows", (x) => concat([x, x.square()])],
  ["concat within rows", (x) => concat([x, x.square()], { axis: 1 })],
  ["fromRows", (x) => fromRows([x.at(0).square(), x.at(3)])],
  ["a loss", (x) => nn.mseLoss(x, x.sin())],
];

describe("gradients of ragged rows", () => {
  it.each(functions)("%s", (_, f) => {
    const g = grad((y: NDArray) => weighted(f(y)))(x);
    expect(g.rowLengths().tolist()).toEqual([3, 1, 0, 2]);
    const step = 1e-5;
    const slopes = flat.map((_, i) => (Number(weighted(f(withElement(i, step))).item()) - Number(weighted(f(withElement(i, -step))).item())) / (2 * step));
    g.dataSync().forEach((got, i) => expect(Math.abs(got - (slopes[i] ?? Number.NaN))).toBeLessThan(1e-7 * (1 + Math.abs(got))));
  });

  it("of one value a row are dense", () => {
    const perRow = array([[1], [2], [3], [4]]);
    expect(grad((w: NDArray) => x.mul(w).sum())(perRow).tolist()).toEqual([[1.25], [0.75], [0], [1]]);
  });
  it("come with values, for several arguments, and twice", () => {
    const [value, [gx, gy]] = valueAndGrad((a: NDArray, b: NDArray) => a.mul(b).sum(), { argnums: [0, 1] })(x, x.mul(2));
    expect(value.item()).toBe(2 * flat.reduce((s, n) => s + n * n, 0));
    expect(gx?.tolist()).toEqual(rows.map((row) => row.map((n) => 2 * n)));
    expect(gy?.tolist()).toEqual(rows);
    const second = grad((a: NDArray) => grad((b: NDArray) => b.pow(3).sum())(a).sum())(x);
    expect(second.tolist()).toEqual(rows.map((row) => row.map((n) => 6 * n)));
  });
  it("in a direction, and back from a cotangent", () => {
    const [y, dy] = jvp((a: NDArray) => a.square(), [x], [x]);
    expect([y.tolist(), dy.tolist()]).toEqual([rows.map((r) => r.map((n) => n * n)), rows.map((r) => r.map((n) => 2 * n * n))]);
    const [sums, back] = vjp((a: NDArray) => a.sum({ axis: 1 }), x);
    expect(sums.tolist()).toEqual([1.25, 0.75, 0, 1]);
    expect(back(array([1, 2, 3, 4]))[0]?.tolist()).toEqual([[1, 1, 1], [2], [], [4, 4]]);
    expect(() => vjp((a: NDArray) => a.square(), x)[1](fromRows([[1], [1], [1], [1, 1, 1]]))).toThrow("row 0 has 3 elements in one operand and 1 in the other");
  });
  it("stop where they are told to", () => {
    expect(grad((a: NDArray) => stopGradient(a).mul(a).sum())(x).tolist()).toEqual(rows);
    expect(gradients(x.square().sum(), [x])[0]?.tolist()).toEqual(rows.map((row) => row.map((n) => 2 * n)));
  });
  it("have no Jacobian, and say so", () => {
    expect(() => jacobian((a: NDArray) => a.sum({ axis: 1 }))(x)).toThrow(/jacobian: f64\[4,~\] .*toPadded/);
    expect(() => jacobian((a: NDArray) => a.mul(x))(array([[1], [2], [3], [4]]))).toThrow(/jacobian: f64\[4,~\] .*toPadded/);
  });
});
