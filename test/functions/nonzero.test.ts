import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  argwhere,
  array,
  compress,
  counters,
  extract,
  flatnonzero,
  grad,
  maskedSelect,
  nonzero,
  resetCounters,
  tensor,
  where,
  zeros,
} from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";

const m = array([
  [0, 5, 0],
  [7, 0, -1],
]);
const lists = (xs: readonly NDArray[]): unknown[] => xs.map((x) => x.tolist());

describe("nonzero", () => {
  it("gives the positions, an array for each axis", () => {
    expect(lists(nonzero(m))).toEqual([
      [0, 1, 1],
      [1, 0, 2],
    ]);
    expect(nonzero(m)[0]?.dtype).toBe("int32");
    expect(lists(nonzero(zeros([2, 0])))).toEqual([[], []]);
    expect(lists(nonzero(array([NaN, 0, -0, 1])))).toEqual([[0, 3]]);
  });
  it("is where with one argument", () =>
    expect(lists(where(m.greater(0)))).toEqual([
      [0, 1],
      [1, 0],
    ]));
  it("flattened, and as rows", () => {
    expect(flatnonzero(m).tolist()).toEqual([1, 3, 5]);
    expect(argwhere(m).tolist()).toEqual([
      [0, 1],
      [1, 0],
      [1, 2],
    ]);
    expect([argwhere(array(3)).shape, argwhere(array(0)).shape]).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });

  it("with a size evaluates nothing", () => {
    resetCounters();
    const found = nonzero(m.mul(2), { size: 4, fillValue: -1 });
    expect(counters().plansRun).toBe(0);
    expect(lists(found)).toEqual([
      [0, 1, 1, -1],
      [1, 0, 2, -1],
    ]);
    expect(flatnonzero(m, { size: 2 }).tolist()).toEqual([1, 3]);
    expect(argwhere(m, { size: 1 }).tolist()).toEqual([[0, 1]]);
    expect(flatnonzero(m, { size: 0 }).tolist()).toEqual([]);
    expect(flatnonzero(zeros([0]), { size: 2, fillValue: 9 }).tolist()).toEqual([9, 9]);
  });
  it("with a size is the beginning of all of them", () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 12 }), fc.integer({ min: 0, max: 14 }), (data, size) => {
        const all = data.flatMap((x, i) => (x === 0 ? [] : [i]));
        const want = Array.from({ length: size }, (_, i) => all[i] ?? -7);
        expect(flatnonzero(array(data, { shape: [data.length] }), { size, fillValue: -7 }).tolist()).toEqual(want);
      }),
    ));

  it.each<[() => unknown, string, string]>([
    [() => nonzero(array(1)), "ShapeError", "nonzero: f64[] has no axes"],
    [() => nonzero(m, { size: -1 }), "ShapeError", "nonzero: size -1 is no length"],
    // @ts-expect-error both or none
    [() => where(m, 1), "UnsupportedError", "where: takes a condition"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});

describe("compress, extract, maskedSelect", () => {
  it("keep what a condition holds for", () => {
    expect(compress([false, true], m, { axis: 0 }).tolist()).toEqual([[7, 0, -1]]);
    expect(compress(array([0, 2, 3]), m, { axis: 1 }).tolist()).toEqual([
      [5, 0],
      [0, -1],
    ]);
    expect(compress([true, false, true], m).tolist()).toEqual([0, 0]);
    expect(extract(m.notEqual(0), m).tolist()).toEqual([5, 7, -1]);
    expect(maskedSelect(m, array([true, false, true])).tolist()).toEqual([0, 0, 7, -1]);
    expect(maskedSelect(array([1, 2]), array([[true], [false], [true]])).tolist()).toEqual([1, 2, 1, 2]);
  });
  it("differentiate", () => {
    const slope = grad<NDArray>((x) => extract(x.greater(0), x).square().sum())(array([1, -2, 3]));
    expect(slope.tolist()).toEqual([2, 0, 6]);
  });
  it.each<[() => unknown, string, string]>([
    [
      () => compress([false, false, true], m, { axis: 0 }),
      "IndexError",
      "compress: the condition is true at 2, which is out of range for axis 0 with 2 elements.",
    ],
    [() => compress(m, m), "ShapeError", "compress: the condition is bool[2,3]"],
    [() => compress(tensor([1]), tensor([1]).mul(1), { axis: 1 }), "IndexError", "compress: axis 1 is out of range"],
    [() => maskedSelect(m, array([true, false])), "ShapeError", "do not broadcast"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});
