/** Random graphs as shaders: all are compiled by Tint. test/webgpu/fuzz.test.ts runs them. */
import { afterAll, expect, test } from "vitest";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { shadersOf } from "../wgsl/plan.ts";
import { openTint } from "../wgsl/tint.ts";
import { checkPrograms, checkProgramsAsync } from "./check.ts";
import { inRows, narrow } from "./worlds.ts";

const tint = await openTint();
afterAll(() => tint?.close());

test.each([{ world: narrow }, { world: inRows(narrow) }])("every graph has shaders", ({ world }) => {
  checkPrograms(world, 150, (program) => {
    const { plan, compiled } = compileGraph(program.graph, wgsl, { verify: true });
    expect(compiled.sources.length).toBe(plan.kernels.length);
  });
});

test.skipIf(tint === null)("Tint takes every shader", async () => {
  for (const world of [narrow, inRows(narrow)])
    await checkProgramsAsync(world, 40, async (program) => {
      const { plan } = compileGraph(program.graph, wgsl);
      for (const shader of shadersOf(plan).values())
        expect({ source: shader.source, errors: await tint?.check(shader) }).toEqual({ source: shader.source, errors: [] });
    });
});
