/** How many kernels ragged rows take: as many as dense ones do. */
import { beforeAll, describe, expect, it } from "vitest";
import type { NDArray } from "../../src/index.ts";
import { array, configure, grad, inspect, logSoftmax, ones, where } from "../../src/index.ts";

beforeAll(() => configure({ target: "js" }));

const x = array([[0.5, 0.25, 0.75], [0.125], [], [0.5, 0.5]]);
const pairs = array([
  [
    [1, 2],
    [3, 4],
  ],
  [[5, 6]],
  [],
]);
const deep = array([[[1], [2, 3]], [[4, 5, 6]], []]);

/** What is computed of rows of two and more axes, the last of which is within rows. */
const functions: readonly (readonly [string, (x: NDArray) => NDArray])[] = [
  ["elementwise", (x) => x.mul(2).add(1).tanh()],
  ["a sum a row", (x) => x.square().sum({ axis: -1 })],
  ["a logsumexp a row", (x) => x.logsumexp({ axis: -1 })],
  ["softmax", (x) => x.softmax()],
  ["logSoftmax", (x) => logSoftmax(x)],
  ["less the mean of each row", (x) => x.sub(x.mean({ axis: -1, keepdims: true }))],
  ["layer norm", (x) => x.sub(x.mean({ axis: -1, keepdims: true })).div(x.var({ axis: -1, keepdims: true }).add(1e-5).sqrt())],
  ["masked softmax", (x) => where(x.greater(0.3), x, Number.NEGATIVE_INFINITY).softmax()],
  ["the gradient of a softmax", (x) => grad((y: NDArray) => y.softmax().mul(y).sum())(x)],
];
const count = (y: NDArray): number => inspect(y).kernels.length;

describe("kernels", () => {
  it.each(functions)("%s: one, as of dense rows", (_, f) => {
    expect([count(f(x)), count(f(ones([4, 3]).mul(2)))]).toEqual([1, 1]);
  });
  it.each(functions)("%s of rows of rows: one", (_, f) => expect(count(f(deep))).toBe(1));
  it("of pairs within rows: one", () => {
    const kept = { axis: 1, keepdims: true } as const;
    expect([count(pairs.softmax({ axis: 1 })), count(pairs.sub(pairs.mean(kept)))]).toEqual([1, 1]);
  });
  it("that pad, cut back and compute: few", () => {
    expect([count(x.toPadded(-1).exp()), count(x.mul(2).toPadded().sum({ axis: 1 })), count(x.get("1:").mul(2)), count(x.sum({ axis: 0 }))]).toEqual([
      1, 1, 1, 1,
    ]);
  });
});
