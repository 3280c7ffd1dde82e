/** Elements that go down, or lie some apart: registers and shuffles where there are any, lane by lane elsewhere. */
import { describe, expect, test } from "vitest";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../../compiler/ir/dtype.ts";
import { check, textOf } from "./check.ts";

const turns = 3;

/** A kernel that loads elements so far apart, of a buffer that ends where they do; with a condition, where the element stands in the rows of one. */
function kernelOf(dtype: DType, stride: number, lanes: number, condition: string = ""): string {
  const size = (turns * lanes - 1) * Math.abs(stride) + 1;
  const { short } = dtypeInfo(dtype);
  const place = stride < 0 ? `${size - 1} + (%i * ${lanes} + %v) * ${stride}` : `(%i * ${lanes} + %v) * ${stride}`;
  return `kernel @k(%x: ${short}[${size}] read, %y: ${short}[${turns * lanes}] write) {
    for %i in 0..${turns} [grid] {
      for %v in 0..${lanes} [vector] {
        store %y[%i * ${lanes} + %v] = load %x[${place}${condition}]
      }
    }
  }`;
}

describe.each([-3, -2, -1, 2, 3])("elements %i apart", (stride) => {
  describe.each([4, 6, 8, 16, 19])("%i at once", (lanes) => {
    test.each<DType>(["float32", "int32", "uint32", "float64"])("%s", (dtype) => void check(kernelOf(dtype, stride, lanes)));
    test("behind a condition", () => {
      for (const limit of [0, 2, lanes, lanes + 3, 3 * lanes]) check(kernelOf("float32", stride, lanes, ` if %i * ${lanes} + %v < ${limit}`));
    });
  });
});

test("of four bytes each, whole registers are one access or two", () => {
  const count = (stride: number, dtype: DType = "float32"): number => textOf(check(kernelOf(dtype, stride, 4))).match(/shuffle/g)?.length ?? 0;
  expect([-2, -1, 2].map((stride) => count(stride))).toEqual([1, 1, 1]);
  expect([-3, 1, 3].map((stride) => count(stride))).toEqual([0, 0, 0]);
  expect(count(-1, "float64")).toBe(0);
});

describe.each([2, 3, 4, 5, 7])("rows of %i elements that lanes share", (length) => {
  const kernel = (dtype: DType, place: string): string => {
    const { short } = dtypeInfo(dtype);
    return `kernel @k(%x: ${short}[${4 * turns}] read, %c: ${short}[${length}] read, %y: ${short}[${turns * 4 * length}] write) {
    for %i in 0..${turns} [grid] {
      for %v in 0..${4 * length} [vector] {
        store %y[%i * ${4 * length} + %v] = load ${place}
      }
    }
  }`;
  };
  const quotient = `%x[%i * 4 + %v / ${length}]`;
  const remainder = `%c[%v rem ${length}]`;
  test.each<DType>(["float32", "int32", "float64", "float16", "uint8", "bool"])("%s", (dtype) => {
    for (const place of [quotient, remainder]) check(kernel(dtype, place));
  });
  test("the last element is the last of the memory: nothing behind it is touched", () => {
    expect(textOf(check(kernel("float32", quotient)))).not.toMatch(/load32_lane/);
  });
});
