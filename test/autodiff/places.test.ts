/** Gradients of slices: where they go is a constant of the plan as long as it stays the same, and a parameter once it does not. */
import { beforeEach, describe, expect, it } from "vitest";
import { configure, counters, gradients, resetCounters, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";

const given = Array.from({ length: 24 }, (_, i) => i - 5);

/** The gradient of the squares of a box of x, and of the first column of its rows. */
function gradientOf(x: Tensor, row: number, column: number): Tensor {
  const rows = `${row}:${row + 2}`;
  const box = x
    .get(rows, `${column}:${column + 2}`)
    .square()
    .sum();
  const [g] = gradients(box.add(x.get(rows, ":1").sum()), [x]);
  if (g === undefined) throw new Error("a gradient is missing");
  return g;
}

/** The same, element by element. */
const wanted = (row: number, column: number): number[] =>
  given.map((n, k) => {
    const [i, j] = [Math.floor(k / 4), k % 4];
    const isRow = i >= row && i < row + 2;
    return (isRow && j >= column && j < column + 2 ? 2 * n : 0) + (isRow && j === 0 ? 1 : 0);
  });

describe.each(["js", "wasm"] as const)("on %s", (target) => {
  beforeEach(() => configure({ target }));

  it("takes a place for a constant until it moves", () => {
    const x = tensor(given, { shape: [6, 4] })
      .evalSync()
      .requireGrad();
    resetCounters();
    const compiled = [
      [1, 0],
      [1, 0],
      [2, 0],
      [4, 0],
      [4, 1],
      [0, 2],
      [1, 0],
    ].map(([row = 0, column = 0]) => {
      expect(gradientOf(x, row, column).ravel().tolist()).toEqual(wanted(row, column));
      return counters().plansCompiled;
    });
    // once, once more when rows move, and once more when columns do
    expect(compiled).toEqual([1, 1, 2, 2, 3, 3, 3]);
  });
});
