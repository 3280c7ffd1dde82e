/** Printed text against NumPy and PyTorch: exactly theirs where the two habits of JavaScript do not apply, and what they make of it where they do. */
import { describe, expect, it } from "vitest";
import type { GoldenData } from "./golden/cases.ts";
import { goldenCases } from "./golden/cases.ts";
import type { Form, Habit } from "./golden/printing.ts";
import { formOf, printCase, withHabits } from "./golden/printing.ts";

const cases = goldenCases(11).map((c) => {
  const [data] = c.inputs;
  if (data === undefined || c.text === undefined) throw new Error(`${c.id} has no input or no text`);
  return { id: c.id, data, stored: c.text, form: formOf(c), expected: withHabits(formOf(c), data, c.text) };
});

describe("goldens of area 11", () => {
  it.each(cases)("$id", ({ form, data, expected }) => expect(printCase(form, data)).toBe(expected.text));

  it("are compared with the stored text itself unless a habit says otherwise", () => {
    const plain = cases.filter((c) => c.expected.habits.length === 0);
    expect(plain.filter((c) => c.expected.text !== c.stored)).toEqual([]);
    expect(plain.length).toBeGreaterThanOrEqual(12);
    expect(cases.filter((c) => c.expected.habits.length > 0 && c.expected.text === c.stored)).toEqual([]);
  });
  it("owe a whole number to the first habit only where all are whole", () => {
    const changed = cases.filter((c) => c.expected.habits.includes("whole floats"));
    expect(changed.length).toBeGreaterThan(5);
    expect(changed.filter((c) => !c.data.data.every((x) => Number.isInteger(x)))).toEqual([]);
  });
});

describe("the rule for where the habits apply", () => {
  const data = (dtype: GoldenData["dtype"], shape: readonly number[], ...xs: GoldenData["data"]): GoldenData => ({ dtype, shape, data: xs });
  const rows: readonly (readonly [Form, GoldenData, string, string, readonly Habit[]])[] = [
    // floats that are all whole lose the point, and the width goes with it
    ["numpyRepr", data("float64", [3], 1, -2, 30), "array([ 1., -2., 30.])", "array([ 1, -2, 30])", ["whole floats"]],
    ["numpyRepr", data("float64", [2], 0, -0), "array([ 0., -0.])", "array([ 0, -0])", ["whole floats"]],
    ["numpyRepr", data("float64", [], 5), "array(5.)", "array(5)", ["whole floats"]],
    ["numpyRepr", data("float64", [2], 1, 2000), "array([1.e+00, 2.e+03])", "array([   1, 2000])", ["whole floats"]],
    ["torchRepr", data("float32", [3], 1, 2, 3), "tensor([1., 2., 3.])", "tensor([1, 2, 3])", ["whole floats"]],
    ["numpyStr", data("float64", [2, 1], 1, 20), "[[ 1.]\n [20.]]", "[[ 1]\n [20]]", ["whole floats"]],
    // one fraction, a NaN, an infinity or a number beyond 2^53 keeps all as they are
    ["numpyRepr", data("float64", [2], 1, 0.5), "array([1. , 0.5])", "array([1. , 0.5])", []],
    ["numpyRepr", data("float64", [2], 1, "NaN"), "array([ 1., nan])", "array([ 1., nan])", []],
    ["torchRepr", data("float32", [2], 1, "-Infinity"), "tensor([1., -inf])", "tensor([1., -inf])", []],
    ["numpyRepr", data("float64", [2], 1, 1e20), "array([1.e+00, 1.e+20])", "array([1.e+00, 1.e+20])", []],
    // the dtype is shown unless it is the face's own default or bool
    ["numpyRepr", data("int64", [2], 1, 20), "array([ 1, 20])", "array([ 1, 20], dtype=int64)", ["dtype"]],
    ["numpyRepr", data("int32", [1], 1), "array([1], dtype=int32)", "array([1], dtype=int32)", []],
    ["numpyRepr", data("float32", [1], 0.5), "array([0.5], dtype=float32)", "array([0.5], dtype=float32)", []],
    ["numpyRepr", data("float64", [0, 3]), "array([], shape=(0, 3), dtype=float64)", "array([], shape=(0, 3))", ["dtype"]],
    ["torchRepr", data("float64", [1], 0.5), "tensor([0.5000])", "tensor([0.5000], dtype=float64)", ["dtype"]],
    ["torchRepr", data("int32", [1], 7), "tensor([7], dtype=torch.int32)", "tensor([7], dtype=int32)", ["dtype"]],
    ["torchRepr", data("bool", [2], true, false), "tensor([ True, False])", "tensor([ True, False])", []],
  ];
  it.each(rows)("%s %j of %j", (form, given, stored, text, habits) => {
    expect(withHabits(form, given, stored)).toEqual({ text, habits });
    expect(printCase(form, given)).toBe(text);
  });
});
