import { describe, expect, test } from "vitest";
import { CompilerBug } from "../../compiler/ir/errors.ts";
import { parseKernels } from "../../compiler/ir/parse-loop.ts";
import { parsePlan } from "../../compiler/ir/parse-plan.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { verifyPlan } from "../../compiler/ir/verify-plan.ts";

const kernels = parseKernels(`
  kernel @double(%x: f32[6] read, %y: f32[6] write) { for %i in 0..6 [grid] { store %y[%i] = load %x[%i] * 2f32 } }
  kernel @scale(%y: f32[6] update, %k: f32) { for %i in 0..6 [grid] { store %y[%i] = load %y[%i] * %k } }
  kernel @scratch(%t: f32[6] scratch, %y: f32[6] write) { for %i in 0..6 [grid] { store %t[%i] = 1f32 store %y[%i] = load %t[%i] } }
`);
const buffers = `
  input %0: f32[2,3], 24 bytes
  temp %1: f32[6], 24 bytes at 0
  temp %2: f32[6], 24 bytes at 24
  temp %3: f32[6], 24 bytes at 16
  output %4: f32[6], 24 bytes
  output %5: f32[6], 24 bytes donates %0
  temp %7: f32[6], 24 bytes at 0
  arena 48 bytes, peak 96 bytes
`;
const planOf = (steps: string): Plan => parsePlan(`plan @p(%0) scalars f32, i32 { ${buffers} ${steps} return %4: f32[2,3], %5: f32[6] }`, kernels);
const through = (first: string): string => `${first} run @double(%0, %4) run @double(%4, %5)`;
const limits = { maxBindings: 2 };

describe("verifyPlan accepts", () => {
  const right: readonly (readonly [string, string])[] = [
    ["a chain over temps that live at once", through("alloc %1 run @double(%0, %1) alloc %2 run @double(%1, %2) free %1 free %2")],
    ["temps that overlap one after the other", through("alloc %1 fill %1 with 1 free %1 alloc %3 fill %3 with 1 free %3")],
    ["an update in place", through("alloc %1 fill %1 with 1 run @scale(%1) scalars 0 free %1")],
    ["a scratch", through("alloc %1 run @scratch(%1, %4) free %1")],
    ["an update of what was taken over", "run @double(%0, %4) run @scale(%5) scalars 0"],
    ["a temp that takes over another", through("alloc %1 fill %1 with 1 run @double(%1, %7) run @double(%7, %4) free %1")],
    ["a copy that became no step", through("alloc %1 fill %1 with 1 run @double(%7, %4) free %1")],
    ["copies", "copy %0 to %4 copy %4 to %5"],
    ["outputs that are allocated", `alloc %4 alloc %5 ${through("")}`],
  ];
  for (const [name, steps] of right) test(`${name}`, () => expect(() => verifyPlan(planOf(steps), limits)).not.toThrow());
});

describe("verifyPlan rejects", () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ["a temp read before it is written", "alloc %1 run @double(%1, %4)", "run @double(%1, %4): %1 is read before it was written"],
    ["an update of what was not written", "alloc %1 run @scale(%1) scalars 0", "%1 is read before it was written"],
    ["a temp that is not allocated", "run @double(%0, %1)", "%1 is used before it was allocated"],
    ["use after free", through("alloc %1 fill %1 with 0 free %1 copy %1 to %4"), "copy %1 to %4: %1 is used after it was freed"],
    ["two allocations", "alloc %1 alloc %1", "alloc %1: allocated twice"],
    ["two frees", "alloc %1 free %1 free %1", "free %1: freed twice"],
    ["a free before the allocation", "free %1", "free %1: freed before it was allocated"],
    ["a free of an output", "free %4", "free %4: an output is not freed by the plan"],
    ["a leak", through("alloc %1"), "at the end: %1 was never freed"],
    ["temps that overlap", "alloc %1 alloc %3", "alloc %3: overlaps %1, which lives (16+24 and 0+24)"],
    ["a write to an input", "fill %0 with 0", "fill %0 with 0: %0 is an input and written"],
    ["a read of what was taken over", "run @double(%0, %5) run @double(%0, %4)", "run @double(%0, %4): %0 is read after %5 has taken it over"],
    [
      "a read of a temp that was taken over",
      "alloc %1 fill %1 with 1 run @double(%1, %7) copy %1 to %4",
      "copy %1 to %4: %1 is read after %7 has taken it over",
    ],
    [
      "a temp that took over one which was freed",
      "alloc %1 fill %1 with 1 run @double(%1, %7) free %1 copy %7 to %4",
      "copy %7 to %4: %7 is used after it was freed",
    ],
    ["a temp that takes over nothing", "run @double(%0, %7)", "%7 is used before it was allocated"],
    ["an output that is not written", "run @double(%0, %4)", "at the end: output %5 was never written"],
    ["an output as scratch", "run @scratch(%4, %5)", "%4 is an output and used as scratch"],
    ["a value as scratch", "alloc %1 fill %1 with 0 run @scratch(%1, %4)", "%1 holds a value and is used as scratch"],
    ["a scratch that is read", "alloc %1 run @scratch(%1, %4) copy %1 to %5", "%1 is read before it was written"],
    ["a buffer written and read at once", "fill %4 with 0 run @double(%4, %4)", "%4 is written and bound twice"],
  ];
  for (const [name, steps, message] of wrong) {
    test(`${name}`, () => {
      expect(() => verifyPlan(planOf(steps), limits)).toThrow(CompilerBug);
      expect(() => verifyPlan(planOf(steps), limits)).toThrow(`verify plan @p: `);
      expect(() => verifyPlan(planOf(steps), limits)).toThrow(message);
    });
  }

  const sound = planOf(through(""));
  const forged: readonly (readonly [string, Plan, string])[] = [
    [
      "a kernel that does not fit its buffers",
      { ...sound, buffers: sound.buffers.map((b) => (b.id === 4 ? { ...b, type: { dtype: "float32", shape: [3] } } : b)), outputs: [] },
      "%4 is f32[3], the kernel's %y is float32[6]",
    ],
    [
      "a scalar of another dtype",
      { ...sound, steps: [{ kind: "kernel", kernel: 1, buffers: [5], scalars: [1] }] },
      "scalar 1 is int32, the kernel's %k is float32",
    ],
    ["operands too few", { ...sound, steps: [{ kind: "kernel", kernel: 0, buffers: [5], scalars: [] }] }, "the kernel takes 2 buffers"],
    ["a temp outside of the arena", { ...sound, arenaBytes: 40 }, "%2 ends at 48, the arena at 40"],
    ["a buffer too small", { ...sound, buffers: sound.buffers.map((b) => (b.id === 4 ? { ...b, bytes: 20 } : b)) }, "%4 has 20 bytes, f32[6] needs 24"],
    [
      "a buffer between two elements",
      { ...sound, buffers: sound.buffers.map((b) => (b.id === 1 ? { ...b, offset: 2 } : b)) },
      "%1 of f32[6] stands at 2, between two elements",
    ],
    ["two buffers of one id", { ...sound, buffers: [...sound.buffers, ...sound.buffers.slice(0, 1)] }, "there are two buffers %0"],
    ["an input that no param gives", { ...sound, inputs: [] }, "%0 is an input that no param gives"],
    ["a temp that is returned", { ...sound, outputs: [{ buffer: 1, type: { dtype: "float32", shape: [6] } }] }, "%1 is returned and is no output"],
    ["an output of another size", { ...sound, outputs: [{ buffer: 4, type: { dtype: "float32", shape: [5] } }] }, "%4 is f32[6] and returned as f32[5]"],
    [
      "a donor that is no input",
      { ...sound, buffers: sound.buffers.map((b) => (b.id === 5 ? { ...b, donates: 4 } : b)) },
      "only an output takes over an input",
    ],
    ["two that take over one", { ...sound, buffers: sound.buffers.map((b) => (b.id === 4 ? { ...b, donates: 0 } : b)) }, "%0 is taken over twice"],
  ];
  for (const [name, plan, message] of forged) test(`${name}`, () => expect(() => verifyPlan(plan, limits)).toThrow(message));

  test("more bindings than the target has", () => {
    expect(() => verifyPlan(sound, { maxBindings: 1 })).toThrow("run @double(%0, %4): binds 2 buffers, the target allows 1");
  });
});
