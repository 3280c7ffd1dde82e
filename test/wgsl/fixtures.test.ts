/** The six kernels that the Loop IR must be able to say: compiled by Tint, run as WGSL and as JavaScript, and printed and parsed. */
import { afterAll, describe, expect, it } from "vitest";
import { emitJs } from "../../compiler/codegen/js/emit.ts";
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import { verifyKernel } from "../../compiler/ir/verify-loop.ts";
import { legalize } from "../../compiler/passes/legalize.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Fixture, Memory } from "./fixtures.ts";
import { adam, fixtures } from "./fixtures.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

const emitted = (f: Fixture): WgslKernel => emitWgsl(legalize(f.kernel, wgsl), wgsl);
const title = (f: Fixture): string => `${f.kernel.name} ${f.kernel.buffers.map((b) => `${b.name}[${b.size}]`).join(" ")}`;
const verified = fixtures.map((f): [string, Fixture] => [title(f), f]);
// the verifier wants one grid, which JavaScript's loops do not need and WGSL's dispatch does not either
const sideBySide = adam([70, 33], "grids");
const all: typeof verified = [...verified, [title(sideBySide), sideBySide]];

function expectNumbers(f: Fixture, before: Memory, after: Memory): void {
  for (const [name, want] of Object.entries(f.expect(before))) {
    const got = [...(after[name] ?? [])];
    expect(got.length).toBe(want.length);
    want.forEach((w, i) => expect(got[i], `${name}[${i}]`).toBeCloseTo(w, 5));
  }
}

/** Runs a kernel as generated JavaScript, its buffers one after the other in one heap. */
function runJs(kernel: Kernel, memory: Memory, scalars: Readonly<Record<string, number>>): Memory {
  const bytes = new ArrayBuffer(1 << 16);
  const heap = { f32: new Float32Array(bytes), i32: new Int32Array(bytes) };
  let next = 0;
  const bases = kernel.buffers.map((b) => {
    const start = next;
    next += b.size + 1;
    const view = b.dtype === "int32" ? heap.i32 : heap.f32;
    view.set(memory[b.name] ?? [], start);
    return start;
  });
  const [run]: readonly ((...args: unknown[]) => void)[] = new Function(emitJs([kernel]))();
  run?.(heap, ...bases, ...kernel.scalars.map((p) => scalars[p.name]));
  return Object.fromEntries(kernel.buffers.map((b, i) => [b.name, (b.dtype === "int32" ? heap.i32 : heap.f32).slice(bases[i], (bases[i] ?? 0) + b.size)]));
}

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

describe("the kernels of the charter", () => {
  it.each(verified)("%s: keeps the invariants of the Loop IR, also legalised", (_, f) => {
    expect(() => verifyKernel(f.kernel)).not.toThrow();
    expect(() => verifyKernel(legalize(f.kernel, wgsl))).not.toThrow();
  });

  it.skipIf(tint === null).each(all)("%s: Tint compiles it", async (_, f) => {
    expect(await tint?.check(emitted(f))).toEqual([]);
  });

  it.skipIf(runner === null).each(all)("%s: as WGSL gives the numbers of plain JavaScript", async (_, f) => {
    const before = f.memory();
    expectNumbers(f, before, (await runner?.run(emitted(f), before, f.scalars)) ?? {});
  });

  it.each(all)("%s: as generated JavaScript gives them too, lanes being plain loops", (_, f) => {
    const before = f.memory();
    expectNumbers(f, before, runJs(f.kernel, before, f.scalars));
    expectNumbers(f, before, runJs(legalize(f.kernel, wgsl), before, f.scalars));
  });
});
