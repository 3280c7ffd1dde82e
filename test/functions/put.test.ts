import { describe, expect, it } from "vitest";
import { arange, array, grad, put, putAlongAxis, tensor } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";

describe("put", () => {
  it("changes an array and its views, and gives it back", () => {
    const x = arange(6).reshape(2, 3);
    const row = x.at(1);
    const before = row.get().add(0);
    expect(put(x, [3, -1], array([30, 50]))).toBe(x);
    expect([row.tolist(), before.tolist()]).toEqual([
      [30, 4, 50],
      [3, 4, 5],
    ]);
  });
  it("writes through a view that lies apart", () => {
    const x = arange(6).reshape(2, 3);
    put(x.T, [1, 2], array([-1, -2]));
    expect(x.tolist()).toEqual([
      [0, -2, 2],
      [-1, 4, 5],
    ]);
  });
  it("of a tensor gives a new one", () => {
    const t = tensor([1, 2, 3]);
    expect([put(t, [0], 9).tolist(), t.tolist()]).toEqual([
      [9, 2, 3],
      [1, 2, 3],
    ]);
    expect(
      put(
        tensor([
          [1, 2],
          [3, 4],
        ]).at(1),
        [0],
        9,
      ).tolist(),
    ).toEqual([9, 4]);
  });
  it("repeats values, and the last of repeated positions counts", () => {
    expect(
      put(
        arange(6),
        [
          [0, 1],
          [2, 3],
        ],
        array([7, 8]),
      ).tolist(),
    ).toEqual([7, 8, 7, 8, 4, 5]);
    expect(put(arange(3), [1, 1, 1], array([7, 8])).tolist()).toEqual([0, 7, 2]);
    expect(put(arange(3), [], array([7, 8])).tolist()).toEqual([0, 1, 2]);
  });
  it("wraps and clips where told", () => {
    expect(put(arange(3), [4, -4], 9, { mode: "wrap" }).tolist()).toEqual([0, 9, 9]);
    expect(put(arange(3), [4, -4], array([8, 9]), { mode: "clip" }).tolist()).toEqual([9, 1, 8]);
  });
  it("is differentiable in both", () => {
    const weights = array([1, 10, 100]);
    const [gx, gu] = grad<NDArray>((x, u) => put(x, [2, 0, 2], u).mul(weights).sum(), { argnums: [0, 1] })(arange(3), array([1, 2, 3]));
    expect([gx?.tolist(), gu?.tolist()]).toEqual([
      [0, 10, 0],
      [0, 1, 100],
    ]);
  });
  it.each<[() => unknown, string, string]>([
    [() => put(arange(3), [3], 1), "IndexError", "put: index 3 is out of range for axis 0 with 3 elements."],
    [() => put(arange(3), [0, 1], array([])), "ShapeError", "put: there are 2 positions and no values"],
    [() => put(array([1], { dtype: "int32" }), [0], 0.5), "DTypeError", "put: 0.5 cannot be represented as int32"],
    [() => put(arange(3).broadcastTo([2, 3]), [0], 1), "UnsupportedError", "cannot be written"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});

describe("putAlongAxis", () => {
  it("writes one element an index", () => {
    const x = arange(6).reshape(2, 3);
    expect(putAlongAxis(x, [[0], [-1]], array([[10], [20]]), 1)).toBe(x);
    expect(x.tolist()).toEqual([
      [10, 1, 2],
      [3, 4, 20],
    ]);
    expect(
      putAlongAxis(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        [[1, 0]],
        0,
        0,
      ).tolist(),
    ).toEqual([
      [1, 0],
      [0, 4],
    ]);
    expect(
      putAlongAxis(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        [[1]],
        tensor([[5], [6]]),
        1,
      ).tolist(),
    ).toEqual([
      [1, 5],
      [3, 6],
    ]);
  });
  it.each<[() => unknown, string, string]>([
    [() => putAlongAxis(arange(3), [3], 1, 0), "IndexError", "putAlongAxis: index 3 is out of range for axis 0 with 3 elements."],
    [() => putAlongAxis(arange(6).reshape(2, 3), [0], 1, 0), "ShapeError", "putAlongAxis: i32[1] for f64[2,3]"],
    [() => putAlongAxis(arange(3), [0, 1], array([1, 2, 3]), 0), "ShapeError", "does not broadcast into f64[2]"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});
