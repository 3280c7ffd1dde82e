/** The six kernels that the Loop IR must be able to say: compiled by Tint, reflected, searched for races, and run. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.ts";
import type { WgslKernel } from "../../compiler/codegen/wgsl/emit.ts";
import { legalize } from "../../compiler/passes/legalize.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Fixture } from "./fixtures.ts";
import { fixtures } from "./fixtures.ts";
import { openRunner } from "./run.ts";
import type { Runner } from "./run.ts";
import { openTint } from "./tint.ts";
import type { Tint } from "./tint.ts";

const emitted = (f: Fixture): WgslKernel => emitWgsl(legalize(f.kernel, wgsl), wgsl);
const titled = fixtures.map((f): [string, Fixture] => [`${f.kernel.name} ${f.kernel.buffers.map((b) => `${b.name}[${b.size}]`).join(" ")}`, f]);

let tint: Tint | null = null;
let runner: Runner | null = null;
beforeAll(async () => {
  tint = await openTint();
  runner = await openRunner();
});
afterAll(() => {
  tint?.close();
  runner?.close();
});

describe("the kernels of the charter", () => {
  it.each(titled)("%s: Tint compiles it", async (_, f) => {
    if (tint === null) return;
    const shader = emitted(f);
    expect(await tint.check(shader), shader.source).toEqual([]);
  });

  it.each(titled)("%s: gives the numbers of plain JavaScript", async (_, f) => {
    if (runner === null) return;
    const before = f.memory();
    const after = await runner.run(emitted(f), before, f.scalars);
    for (const [name, want] of Object.entries(f.expect(before))) {
      const got = [...(after[name] ?? [])];
      expect(got.length).toBe(want.length);
      want.forEach((w, i) => expect(got[i], `${name}[${i}]`).toBeCloseTo(w, 5));
    }
  });
});
