import { describe, expect, test } from "vitest";
import { parseKernels } from "../../compiler/ir/parse-loop.ts";
import { parsePlan } from "../../compiler/ir/parse-plan.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { peakBytes, printPlan, printProgram } from "../../compiler/ir/print-plan.ts";
import { tensorType } from "../../compiler/ir/shape.ts";

const planText = `plan @step(%0, %3) scalars f32, i32 {
  input %0: f32[2,3], 24 bytes
  temp %1: f32[6], 24 bytes at 8
  output %2: f32[6], 24 bytes donates %0
  input %3: bool[5], 5 bytes
  output %4: f64[], 8 bytes
  arena 32 bytes, peak 69 bytes

  alloc %1
  run @double(%0, %1) scalars 0
  fill %4 with -0
  run @double(%1, %2) scalars 0
  copy %1 to %2
  free %1
  return %2: f32[3,2], %2: f32[6], %4: f64[]
}`;
const kernelText = `kernel @double(%x: f32[6] read, %y: f32[6] write, %k: f32) {
  for %i in 0..6 [grid] {
    store %y[%i] = load %x[%i] * %k
  }
}`;

describe("Plan text", () => {
  test("with its kernels parses and prints the same", () => {
    const plan = parsePlan(`${planText}\n${kernelText}`);
    expect(printPlan(plan)).toBe(planText);
    expect(printProgram(plan)).toBe(`${planText}\n\n${kernelText}\n`);
  });

  test("without its kernels takes those given", () => {
    const kernels = parseKernels(kernelText);
    expect(parsePlan(planText, kernels).kernels).toEqual(kernels);
  });

  test("says what the plan says", () => {
    const plan = parsePlan(planText, parseKernels(kernelText));
    const expected: Omit<Plan, "kernels"> = {
      name: "step",
      inputs: [0, 3],
      scalars: ["float32", "int32"],
      arenaBytes: 32,
      buffers: [
        { id: 0, role: "input", type: tensorType("float32", [2, 3]), bytes: 24, offset: 0, donates: null },
        { id: 1, role: "temp", type: tensorType("float32", [6]), bytes: 24, offset: 8, donates: null },
        { id: 2, role: "output", type: tensorType("float32", [6]), bytes: 24, offset: 0, donates: 0 },
        { id: 3, role: "input", type: tensorType("bool", [5]), bytes: 5, offset: 0, donates: null },
        { id: 4, role: "output", type: tensorType("float64", []), bytes: 8, offset: 0, donates: null },
      ],
      steps: [
        { kind: "alloc", buffer: 1 },
        { kind: "kernel", kernel: 0, buffers: [0, 1], scalars: [0] },
        { kind: "fill", buffer: 4, value: -0 },
        { kind: "kernel", kernel: 0, buffers: [1, 2], scalars: [0] },
        { kind: "copy", from: 1, to: 2 },
        { kind: "free", buffer: 1 },
      ],
      outputs: [
        { buffer: 2, type: tensorType("float32", [3, 2]) },
        { buffer: 2, type: tensorType("float32", [6]) },
        { buffer: 4, type: tensorType("float64", []) },
      ],
    };
    expect(plan).toMatchObject(expected);
    expect(peakBytes(plan)).toBe(24 + 5 + 8 + 32);
  });

  const malformed: readonly (readonly [string, string, string])[] = [
    ["%0, %3", "%0, %9", "1:16: %9 is no input of the plan"],
    ["24 bytes at", "23 bytes at", "3:20: %1 needs 24 bytes, the text says 23"],
    ["donates %0", "donates %7", "4:39: unknown buffer %7"],
    ["temp %1", "temp %0", "3:8: %0 is defined twice"],
    ["peak 69", "peak 70", "7:24: the plan needs 69 bytes, the text says 70"],
    ["alloc %1", "allocate %1", "9:3: expected a step or return, found allocate"],
    ["run @double(%0, %1)", "run @half(%0, %1)", "10:7: unknown kernel @half"],
    ["run @double(%0, %1)", "run @double(%0)", "10:7: @double takes 2 buffers, not 1"],
    ["(%0, %1) scalars 0", "(%0, %1) scalars 2", "10:31: the plan has 2 scalars, counted from 0: there is no 2"],
    ["(%0, %1) scalars 0", "(%0, %1)", "10:7: @double takes 1 scalars, not 0"],
    ["fill %4 with -0", "fill %4 with x", "11:16: expected a number, found x"],
    ["f32[3,2]", "f32[3,3]", "15:10: an output has the elements of its buffer"],
    ["  return", "  ; return", "16:1: expected a step or return, found }"],
  ];
  for (const [from, to, message] of malformed) {
    test(`${to}: ${message}`, () => {
      const text = planText.replace(from, to);
      expect(() => parsePlan(text, parseKernels(kernelText))).toThrow(expect.objectContaining({ name: "ParseError", message }));
    });
  }
});
