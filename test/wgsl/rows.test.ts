/** A walk over the op table on WGSL: every sample of every row in float32, compiled by Tint. test/webgpu/walk.test.ts runs them. */
import { afterAll, describe, expect, it } from "vitest";
import { makeNode } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Sample } from "../ops/samples.ts";
import { narrowed, samplesOf } from "../ops/samples.ts";
import { openTint } from "./tint.ts";

/** The shaders of a row's sample. */
function shadersFor(op: Primitive, sample: Sample): readonly WgslKernel[] {
  const { operands, attrs } = narrowed(sample);
  const params = operands.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  return compileGraph({ name: "sample", params, outputs: makeNode(op, params, attrs).results }, wgsl, { verify: true }).compiled.shaders;
}

const rows = opTable
  .filter((op) => op.kind !== "param")
  .flatMap((op) => samplesOf(op).map((sample): [string, Primitive, Sample] => [`${op.name}: ${sample.title}`, op, sample]));

const tint = await openTint();
afterAll(() => tint?.close());

describe("rows", () => {
  it.skipIf(tint === null).each(rows)("%s compiles", async (_, op, sample) => {
    for (const shader of shadersFor(op, sample)) expect(await tint?.check(shader)).toEqual([]);
  });
});
