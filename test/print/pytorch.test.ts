import { describe, expect, it } from "vitest";
import { tensor } from "../../src/index.ts";
import { formatValues } from "../../src/print/format.ts";
import { standardOptions } from "../../src/print/options.ts";
import { printedCases } from "./fixtures.ts";

describe("tensors print as PyTorch prints them", () => {
  const cases = printedCases("pytorch");
  it("whatever they hold, under every option", () => expect(cases.length).toBeGreaterThan(100));
  it.each(cases)("$dtype $shape $options", (c) => {
    expect(formatValues("tensor", c.data.map(Number), c, { ...standardOptions.tensor, ...c.options })).toBe(c.repr);
  });
});

describe("where PyTorch changes its mind", () => {
  it.each([
    // beyond 1e8, below 1e-4, and beyond a ratio of 1000, with exponents
    [tensor([1e8, 0.2e6]), "tensor([100000000,    200000])"],
    [tensor([100.5, 0.25]), "tensor([100.5000,   0.2500])"],
    [tensor([300.5, 0.25]), "tensor([3.0050e+02, 2.5000e-01])"],
    [tensor([0.00005]), "tensor([5.0000e-05])"],
    // ties go to the even digit, as in Python's format
    [tensor([0.03125, 0.09375]), "tensor([0.0312, 0.0938])"],
    // zeros, NaN and infinities do not widen the others
    [tensor([0.5, -0]), "tensor([0.5000, -0.0000])"],
    [tensor([Number.NaN, 0]), "tensor([nan, 0.])"],
    [tensor([Infinity, 0.5]), "tensor([   inf, 0.5000])"],
    [tensor([true, true]), "tensor([True, True])"],
    [tensor([true, false]), "tensor([ True, False])"],
    [tensor(false), "tensor(False)"],
    [tensor(0), "tensor(0)"],
    [tensor([[], []]), "tensor([], size=(2, 0))"],
    [tensor([], { dtype: "int32" }), "tensor([], dtype=int32)"],
  ])("%#", (x, text) => expect(String(x)).toBe(text));

  it("gives each line the same number of elements", () => {
    const lines = String(tensor(Array.from({ length: 20 }, (_, i) => i / 8))).split("\n");
    expect(lines.map((line) => line.split(",").filter((word) => word.trim() !== "").length)).toEqual([9, 9, 2]);
  });
  it("moves the dtype to a line of its own", () => {
    const text = String(
      tensor(
        Array.from({ length: 9 }, (_, i) => i / 8),
        { dtype: "float64" },
      ),
    );
    expect(text.split("\n")[1]).toBe("       dtype=float64)");
  });
});
