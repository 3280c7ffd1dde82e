/**
 * What is generated for cards (rows dealt out to lanes, tiles staged in workgroup memory), run on the adapter that is there. A
 * software adapter gets other code from the library, because such code is slow on it; right it is there too.
 */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { targetFor } from "../../src/targets.ts";
import { expectClose } from "../filetests/close.ts";
import { fusionRows } from "../fusion/rows.ts";
import { recorded } from "../recorded.ts";
import { gpu } from "./adapter.ts";
import { runOnGpu } from "./run.ts";

const card = { ...wgsl, groupMemoryPays: true };
const emulated = { ...wgsl, groupMemoryPays: false };

describe.skipIf(gpu === null)("code for cards", () => {
  test("a software adapter is not given it", () => expect(targetFor("webgpu").groupMemoryPays).toBe(gpu?.isSoftware !== true));

  const cases = fusionRows.map(({ row, expression, outputs, slack }) => ({ row, expression, slack, ...recorded(...outputs()) }));
  const differing = cases.filter(({ graph }) => {
    const [here, there] = [card, emulated].map((target) => compileGraph(graph, target).compiled.sources.join());
    return here !== there;
  });
  test("differs for many of the fusion cases", () => expect(differing.length).toBeGreaterThan(10));

  test.each(differing)("row $row: $expression", { timeout: 60_000 }, async ({ row, graph, inputs, slack }) => {
    expectClose(await runOnGpu(graph, inputs, card), interpretGraph(graph, inputs), `row ${row}`, slack);
  });
});
