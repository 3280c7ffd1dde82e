/** Views and writes by example; test/mutation/programs.test.ts has the random ones. */
import { describe, expect, it } from "vitest";
import { add, array, arange, at, copy, flip, grad, ravel, sharesMemory, slidingWindowView, tensor, zeros } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";

const grid = (): NDArray => arange(12).reshape(3, 4);

describe("what shares memory", () => {
  const x = grid();
  const shares: readonly (readonly [string, NDArray, boolean])[] = [
    ["a slice", x.at("1:", "::2"), true],
    ["an index", x.at(1), true],
    ["one element, as a place", x.at(1, 2), true],
    ["one element, as a number", at(x, 1, 2), false],
    ["one element after ...", at(x, 1, 2, "..."), true],
    ["a reshape of what is dense", x.reshape(2, 6), true],
    ["a reshape of a transpose", x.T.reshape(12), false],
    ["a transpose", x.T, true],
    ["ravel of what is dense", ravel(x), true],
    ["ravel of a transpose", ravel(x.T), false],
    ["flatten", x.flatten(), false],
    ["a flip", flip(x), true],
    ["a diagonal", x.diagonal(), true],
    ["windows", slidingWindowView(x, [2, 2]), true],
    ["a broadcast", x.broadcastTo([2, 3, 4]), true],
    ["squeeze", x.expandDims(0).squeeze(), true],
    ["split", x.split(2, { axis: 1 })[1] ?? x, true],
    ["integer indices", x.get([0, 1]), false],
    ["arithmetic", x.add(0), false],
    ["a copy", copy(x), false],
    ["astype", x.astype("float64"), false],
    ["nothing", x.at("3:"), false],
  ];
  it.each(shares)("%s", (_, y, expected) => expect(sharesMemory(x, y)).toBe(expected));

  it("parts that lie between each other do not", () => {
    expect(sharesMemory(x.at(":", "::2"), x.at(":", "1::2"))).toBe(false);
    expect(sharesMemory(x.at(":", "::2"), x.at("1:"))).toBe(true);
  });
});

describe("writes", () => {
  it("are seen by the base and by every view", () => {
    const x = grid();
    const [row, column] = [x.at(1), x.T.at(0)];
    row.set(7);
    column.at(0).set(-1);
    expect(x.tolist()).toEqual([
      [-1, 1, 2, 3],
      [7, 7, 7, 7],
      [8, 9, 10, 11],
    ]);
    expect(column.tolist()).toEqual([-1, 7, 8]);
  });

  it("leave what was read before as it was", () => {
    const x = array([1, 2, 3]);
    const before = x.get("1:").mul(10);
    x.at(1).set(0);
    expect([before.tolist(), x.get("1:").mul(10).tolist()]).toEqual([
      [20, 30],
      [0, 30],
    ]);
  });

  it("give back what at was called on first", () => {
    const x = grid();
    expect(x.at(0).at(1).set(5)).toBe(x);
  });

  it("change a tensor's copy only", () => {
    const t = tensor([1, 2, 3]);
    expect([t.at("1:").add(1).tolist(), t.at().mul(2).tolist(), t.tolist()]).toEqual([
      [1, 3, 4],
      [2, 4, 6],
      [1, 2, 3],
    ]);
  });

  it("get and free functions compute", () => {
    const x = array([1, 2]);
    expect([x.get(0).add(1).item(), add(x.at(0), 1).item(), x.tolist()]).toEqual([2, 2, [1, 2]]);
  });

  it("count repeated positions each in add, the last in set", () => {
    const x = zeros([3]);
    x.at([0, 0, 2]).add(1);
    x.at([1, 1]).set([5, 6]);
    expect(x.tolist()).toEqual([2, 6, 1]);
  });
});

describe("refusals", () => {
  const x = arange(4, { dtype: "int32" });
  it.each<readonly [string, () => unknown, string]>([
    ["another kind", () => x.at(0).set(array([0.5])), 'set: f64[1] into i32[] loses what float64 holds. Say so with astype("int32").'],
    ["a division of integers", () => x.at("1:").div(2), "div: f64[3] into i32[3] loses what float64 holds."],
    ["a number it cannot hold", () => x.at(0).set(1.5), "set: 1.5 cannot be represented as int32."],
    ["a shape", () => x.at("1:").set(array([1, 2], { dtype: "int32" })), "set: i32[2] does not broadcast into i32[3]."],
    ["a broadcast", () => x.broadcastTo([2, 4]).at(0).set(1), "set: this array cannot be written: it was broadcast"],
    ["windows", () => slidingWindowView(x, 2).at(0).set(1), "{ writeable: true }"],
  ])("%s", (_, write, message) => expect(write).toThrow(message));
});

it("gradients flow through writes, from what is written and from what is kept", () => {
  const f = (a: NDArray, v: NDArray): NDArray => {
    const m = a.mul(1);
    m.at("1:3").set(v);
    m.at("2:").mul(a.get("2:"));
    return m.square().sum();
  };
  // m = [a0, v0, v1 a2, a3²]
  const [a, v] = grad(f, { argnums: [0, 1] })(array([1, 2, 3, 4]), array([5, 6]));
  expect([a?.tolist(), v?.tolist()]).toEqual([
    [2, 0, 2 * 18 * 6, 4 * 4 ** 3],
    [10, 2 * 18 * 3],
  ]);
});
