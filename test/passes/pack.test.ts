/** Packed operands: the same bits as loops over operands where they are, for every layout and size. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { configure, conv2d, convTranspose2d, inspect, matmul, relu, tensor } from "../../src/index.ts";

/** Whole numbers and halves: sums of products are exact, so that every order gives the same. */
function numbers(shape: readonly number[], seed: number, dtype: "float32" | "float64" | "int32" = "float32"): Tensor {
  const size = shape.reduce((n, d) => n * d, 1);
  const values = Array.from({ length: size }, (_, i) => ((i * 7919 + seed * 31) % 13) - 6);
  return tensor(values, { dtype }).reshape(shape);
}
/** Numbers whose sums are rounded, so that another order gives other bits. */
function fractions(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((n, d) => n * d, 1);
  return tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37 + seed))).reshape(shape);
}

const on = (target: "wasm" | "js" | "interpreter", record: () => Tensor): readonly number[] => {
  configure({ target });
  return [...record().evalSync().dataSync()].map(Number);
};

beforeEach(() => configure({ debug: true }));
afterEach(() => configure({ target: "wasm", debug: false }));

const cases: readonly (readonly [string, (make: (shape: readonly number[], seed: number) => Tensor) => Tensor])[] = [
  ["whole tiles", (make) => matmul(make([32, 64], 1), make([64, 256], 2))],
  ["edges in rows, columns and blocks", (make) => matmul(make([37, 51], 1), make([51, 203], 2))],
  ["fewer columns than a tile", (make) => matmul(make([40, 700], 1), make([700, 5], 2).mul(2))],
  ["a long walk, in blocks of it", (make) => matmul(make([17, 1300], 1), make([1300, 70], 2))],
  ["columns that lie across", (make) => matmul(make([30, 90], 1), make([130, 90], 2).T)],
  ["rows that lie across", (make) => matmul(make([90, 30], 1).T, make([90, 130], 2))],
  ["both across", (make) => matmul(make([90, 33], 1).T, make([131, 90], 2).T)],
  ["work in front of both sides", (make) => matmul(relu(make([35, 60], 1).sub(1)), make([60, 140], 2).square().add(1))],
  ["work behind", (make) => relu(matmul(make([35, 60], 1), make([60, 140], 2)).add(make([140], 3))).mul(2)],
  ["batches", (make) => matmul(make([3, 21, 70], 1), make([3, 70, 150], 2))],
  ["one side shared by batches", (make) => matmul(make([3, 21, 70], 1), make([70, 150], 2))],
  ["many rows of few columns", (make) => matmul(make([530, 40], 1), make([24, 40], 2).T)],
  ["a convolution", (make) => conv2d(make([2, 5, 13, 19], 1), make([18, 5, 3, 3], 2), { padding: 1, stride: [1, 2] })],
  ["a convolution with short lines", (make) => relu(conv2d(make([2, 5, 9, 7], 1), make([18, 5, 3, 3], 2), { padding: 1, bias: make([18], 3) }))],
  ["lines shorter than a vector", (make) => conv2d(make([1, 40, 9, 9], 1), make([33, 40, 3, 3], 2), { stride: 2 })],
  ["lines of groups", (make) => conv2d(make([1, 12, 14, 14], 1), make([36, 6, 3, 3], 2), { padding: 1, groups: 2 })],
  ["results that lie across", (make) => matmul(make([40, 70], 1), make([70, 48], 2)).T.add(make([48, 40], 3))],
  [
    "a transposed convolution, by the remainders of its results",
    (make) => convTranspose2d(make([1, 20, 7, 9], 1), make([20, 24, 3, 4], 2), { stride: [2, 3] }),
  ],
  ["rows far apart, several tiles of them at once", (make) => convTranspose2d(make([1, 224, 5, 5], 1), make([224, 70, 3, 3], 2))],
  ["remainders that do not divide", (make) => convTranspose2d(make([1, 20, 6, 5], 1), make([20, 24, 3, 3], 2), { stride: 2, padding: 1 })],
  [
    "spread windows over spread elements",
    (make) => convTranspose2d(make([2, 6, 5, 5], 1), make([6, 18, 3, 3], 2), { stride: 4, dilation: 2, outputPadding: 3 }),
  ],
  ["a walk in chunks", (make) => relu(matmul(make([21, 5000], 1), make([5000, 27], 2)).add(make([27], 3)))],
  ["a walk in chunks, both across", (make) => matmul(make([4608, 19], 1).T, make([33, 4608], 2).T)],
  ["a walk along several axes in chunks", (make) => conv2d(make([2, 3, 40, 70], 1), make([20, 3, 37, 64], 2))],
  ["windows as results", (make) => conv2d(make([3, 2, 30, 30], 1), make([20, 2, 25, 25], 2)).sum({ axis: 0 })],
];

describe("contractions with packed operands", () => {
  test.each(cases)("%s: js and wasm agree to the bit", (_, build) => {
    const record = (): Tensor => build(fractions);
    expect(on("wasm", record)).toEqual(on("js", record));
  });
  test.each(cases)("%s: what the interpreter gives", (_, build) => {
    const record = (): Tensor => build((shape, seed) => numbers(shape, seed));
    expect(on("wasm", record)).toEqual(on("interpreter", record));
  });
  test.each([
    ["float64", 90],
    ["int32", 90],
    ["float64", 4200],
    ["int32", 4200],
  ] as const)("%s over %i", (dtype, depth) => {
    const record = (): Tensor => matmul(numbers([35, depth], 1, dtype), numbers([130, depth], 2, dtype).T);
    expect(on("wasm", record)).toEqual(on("interpreter", record));
  });
});

describe("operands are packed", () => {
  const loopsOf = (x: Tensor): string => {
    configure({ target: "wasm" });
    return inspect(x).text("loops");
  };
  test("columns, where they do not lie near by, by blocks", () => {
    const loops = loopsOf(matmul(numbers([64, 300], 1), numbers([300, 200], 2)));
    expect(loops).toContain("local %columns: f32[16800] scratch");
    expect(loops).not.toContain("local %rows");
  });
  test("rows, where they lie across", () => {
    expect(loopsOf(matmul(numbers([300, 64], 1).T, numbers([300, 200], 2)))).toContain("local %rows: f32[1200] scratch");
  });
  test("lines of an image together, where one makes no whole tiles", () => {
    const loops = loopsOf(conv2d(numbers([1, 8, 16, 16], 1), numbers([32, 8, 3, 3], 2)));
    expect(loops).toMatch(/%g1g2b in 0\.\.196 step \d+/);
    expect(loopsOf(conv2d(numbers([1, 8, 34, 34], 1), numbers([32, 8, 3, 3], 2)))).not.toContain("g1g2");
  });
  test("a long walk, chunk by chunk", () => {
    const loops = loopsOf(matmul(numbers([64, 5000], 1), numbers([5000, 64], 2)));
    expect(loops).toContain("for %k0c in 0..5000 step 512 [serial]");
    expect(loops).toContain("local %sums: f32[4096] scratch");
  });
  test("columns for few rows, where there is much of them", () => {
    expect(loopsOf(matmul(numbers([8, 300], 1), numbers([300, 600], 2)))).toContain("local %columns");
  });
  test("a walk over what is packed is one loop", () => {
    const loops = loopsOf(conv2d(numbers([1, 8, 16, 16], 1), numbers([32, 8, 3, 3], 2)));
    expect(loops).toContain("for %k0k1k2 in 0..72 [serial]");
    expect(loops).not.toContain("reduce");
  });
  test("results of a transposed convolution, those of one remainder together", () => {
    const loops = loopsOf(convTranspose2d(numbers([1, 20, 8, 8], 1), numbers([20, 24, 2, 2], 2), { stride: 2 }));
    expect(loops).toContain("for %g1r in 0..2 [grid]");
    expect(loops).toContain("for %g0 in 0..24 step 4 [grid]");
  });
  test("not, where they lie near by as tiles read them, or serve few rows", () => {
    expect(loopsOf(matmul(numbers([64, 30], 1), numbers([30, 100], 2)))).not.toContain("local");
    expect(loopsOf(matmul(numbers([8, 300], 1), numbers([300, 200], 2)))).not.toContain("local");
  });
});
