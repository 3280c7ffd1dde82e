/** Rows that several grid points of a workgroup hold between two contractions, whole and a block at a time, against the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import { statements } from "../../compiler/ir/loop.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { at } from "../../compiler/ir/errors.ts";
import { divide, lessEqual, multiply, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { exp } from "../../compiler/ops/exponential.ts";
import { broadcast, reduceSum } from "../../compiler/ops/layout.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { wgsl } from "../../compiler/target.ts";
import { numbers as fixed } from "./fixtures.ts";
import { shadersOf } from "./plan.ts";
import { races } from "./reflect.ts";
import { openRunner } from "./run.ts";
import type { Program } from "./running.ts";
import { expectValues, f32s, planned } from "./running.ts";
import { openTint } from "./tint.ts";

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

interface Size {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly width: number;
}

/** Attention, of each query to all keys or to those up to its own position. */
function attention({ batch, queries, keys, depth, width }: Size, mask: "all" | "causal"): Program {
  const square = [batch, queries, keys];
  const build = ([q, k, v]: readonly Value[]): readonly Value[] => {
    if (q === undefined || k === undefined || v === undefined) return [];
    const scores = multiply(dot(q, k, [[2], [2]], [[0], [0]]), 0.01);
    const near = lessEqual(iotaValue(square, 2, "int32"), iotaValue(square, 1, "int32"));
    const s = mask === "all" ? scores : where(near, scores, -Infinity);
    const along = (x: Value): Value => broadcast(x, square, [0, 1]);
    const e = exp(subtract(s, along(reduceMax(s, [2]))));
    return [dot(divide(e, along(reduceSum(e, [2]))), v, [[2], [1]], [[0], [0]])];
  };
  return { inputs: f32s([batch, queries, depth], [batch, keys, depth], [batch, keys, width]), build };
}

/** How many rows the one kernel of a program takes at once, and how many loops visit blocks only where they are needed. */
function shapeOf(program: Program): { readonly rows: number; readonly blocks: number } {
  const { plan } = planned(program, { target: wgsl });
  expect(plan.kernels.length).toBe(1);
  const list = statements(at(plan.kernels, 0).body);
  const steps = list.flatMap((s) => (s.kind === "for" && s.axis.kind === "grid" ? [s.axis.step] : []));
  return {
    rows: Math.max(...steps),
    blocks: list.filter((s) => s.kind === "for" && s.axis.kind === "serial" && s.body.some((one) => one.kind === "if")).length,
  };
}

const few: Size = { batch: 1, queries: 520, keys: 40, depth: 8, width: 12 };

describe("values", () => {
  const sizes: readonly Size[] = [
    few,
    { ...few, queries: 517, keys: 129, width: 7 },
    { ...few, batch: 3, queries: 190, keys: 256, depth: 5 },
    { ...few, queries: 515, keys: 520 },
    { batch: 2, queries: 300, keys: 700, depth: 32, width: 32 },
    { batch: 1, queries: 130, keys: 1025, depth: 16, width: 20 },
  ];
  const cases = sizes.flatMap((size) => (["all", "causal"] as const).map((mask): [string, Size, typeof mask] => [JSON.stringify(size), size, mask]));
  it.skipIf(tint === null).each(cases)("%s", async (_, size, mask) => {
    await expectValues(attention(size, mask), { tint, runner }, { target: wgsl });
  });
  it.skipIf(tint === null).each(cases)("%s, by lanes that share nothing", async (_, size, mask) => {
    await expectValues(attention(size, mask), { tint, runner }, { target: { ...wgsl, groupMemoryPays: false } });
  });
});

describe("how rows are shared out", () => {
  it("eight of them where that leaves enough workgroups", () => {
    expect(shapeOf(attention(few, "all")).rows).toBe(8);
    expect(shapeOf(attention({ ...few, queries: 260 }, "all")).rows).toBe(4);
  });
  it("long rows go a block at a time, and blocks that are masked away are not visited", () => {
    expect(shapeOf(attention({ ...few, keys: 640 }, "causal")).blocks).toBe(1);
    expect(shapeOf(attention({ ...few, keys: 640 }, "all")).blocks).toBe(0);
  });
});

describe("lanes that share nothing", () => {
  const sources = (size: Size, mask: "all" | "causal"): string[] => {
    const { plan } = planned(attention(size, mask), { target: { ...wgsl, groupMemoryPays: false } });
    return [...shadersOf(plan).values()].map((shader) => shader.source);
  };
  const whole: Size = { ...few, queries: 512 };
  const sizes = [whole, { ...whole, keys: 640 }].flatMap((size) => (["all", "causal"] as const).map((mask) => ({ ...size, mask })));
  it.each(sizes)("hold four rows at once: $keys keys, $mask", ({ mask, ...size }) => {
    const source = at(sources(size, mask), 0);
    expect(source.match(/^ +var \w+: array<.*>;$/gm)?.map((line) => line.includes("array<vec4<f32>,"))).not.toContain(false);
    expect(source).toMatch(/^ +var dot\w*: vec4f = /m);
    expect(source).not.toMatch(/^ +var dot\w*: f32 = /m);
    // what no row of the four may see is not visited
    expect(/^ +if \((?!point)/m.test(source)).toBe(mask === "causal");
  });
});

describe("no lanes race", () => {
  it.each([{ ...few, queries: 128, keys: 40, depth: 2, width: 4 }])("$keys keys", (size) => {
    const { plan } = planned(attention(size, "all"), { target: wgsl });
    const [whole] = shadersOf(plan).values();
    const kernel = at(plan.kernels, 0);
    if (whole === undefined) throw new Error("a program of one kernel");
    const memory = Object.fromEntries(kernel.buffers.map((b, i) => [b.name, fixed(4 * Math.ceil(b.size / 4), i + 1)]));
    // one workgroup: others run the same
    const shader: WgslKernel = { ...whole, dispatch: [1, 1, 1] };
    expect(races(shader, memory, {})).toEqual([]);
    expect(races({ ...shader, source: shader.source.replaceAll("workgroupBarrier();", "") }, memory, {}).join()).toContain("Data race");
  });
});
