/** Four elements at once: what is vectorised and how, and that the numbers are the interpreter's at sizes around multiples of 4. */
import { afterAll, describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import {
  absolute,
  add,
  bitcast,
  cast,
  isNaN,
  less,
  logicalNot,
  maximum,
  minimum,
  multiply,
  negative,
  quotient,
  remainderTrunc,
  subtract,
  where,
} from "../../compiler/ops/arithmetic.ts";
import { exp, sqrt } from "../../compiler/ops/exponential.ts";
import { gather } from "../../compiler/ops/gather.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { broadcast, permute, reduceSum, reshape } from "../../compiler/ops/layout.ts";
import { prefixProd, prefixSum } from "../../compiler/ops/prefix.ts";
import { argmin, reduceMax, reduceMin } from "../../compiler/ops/reductions.ts";
import { threefry } from "../../compiler/ops/random.ts";
import { constantValue, iotaValue } from "../../compiler/ops/source.ts";
import { tanh } from "../../compiler/ops/trigonometric.ts";
import { concat, dynamicUpdate, flip, pad, slice } from "../../compiler/ops/views.ts";
import { wgsl } from "../../compiler/target.ts";
import { itemBytes, reflect } from "./reflect.ts";
import { openRunner } from "./run.ts";
import type { Options, Program } from "./running.ts";
import { expectValues, f32s, one, shaderList, two } from "./running.ts";
import { openTint } from "./tint.ts";

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

const tools = { tint, runner };

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 63, 64, 65, 66, 257, 1000, 1001, 1002, 1003];
const matrices: readonly Shape[] = [
  [1, 1],
  [3, 3],
  [2, 4],
  [4, 2],
  [5, 8],
  [8, 5],
  [3, 2],
  [7, 12],
  [13, 66],
  [64, 65],
  [33, 128],
];

const row = (b: Value, shape: Shape): Value => broadcast(b, shape, [1]);
const column = (b: Value, shape: Shape): Value => broadcast(b, shape, [0]);

describe("one axis of n elements", () => {
  const programs: Readonly<Record<string, (n: number) => Program>> = {
    "a chain": (n) => two(f32s([n], [n]), (x, y) => [add(multiply(tanh(add(multiply(x, 0.3), y)), 2), sqrt(absolute(x)))]),
    "float comparisons": (n) => two(f32s([n], [n]), (x, y) => [less(x, y), where(isNaN(sqrt(x)), y, sqrt(x)), maximum(x, y), minimum(x, sqrt(y))]),
    int32: (n) =>
      two(
        [
          ["int32", [n]],
          ["int32", [n]],
        ],
        (x, y) => [add(multiply(x, y), negative(x)), quotient(x, y), remainderTrunc(x, y), maximum(x, absolute(y)), cast(x, "float32"), less(x, y)],
      ),
    uint32: (n) =>
      two(
        [
          ["uint32", [n]],
          ["uint32", [n]],
        ],
        (x, y) => [subtract(x, y), quotient(x, y), remainderTrunc(x, y), cast(x, "int32"), cast(x, "bool"), minimum(x, y)],
      ),
    bool: (n) =>
      two(
        [
          ["bool", [n]],
          ["bool", [n]],
        ],
        (x, y) => [logicalNot(x), where(x, y, logicalNot(y)), cast(x, "float32"), cast(x, "int32")],
      ),
    "casts of floats": (n) => one("float32", [n], (x) => [cast(x, "int32"), cast(x, "uint32"), cast(x, "bool"), bitcast(x, "int32")]),
    "random bits": (n) =>
      two(
        [
          ["uint32", [n]],
          ["uint32", [n]],
        ],
        (x, y) => [...threefry(x, y, y, x)],
      ),
    "its own index": (n) =>
      one("float32", [n], (x) => [multiply(x, iotaValue([n], 0, "float32")), iotaValue([n], 0, "int32"), less(x, iotaValue([n], 0, "float32"))]),
    backwards: (n) => one("float32", [n], (x) => [add(flip(x, [0]), x)]),
    "a slice at an odd place": (n) => one("float32", [n + 3], (x) => [negative(slice(x, [1], [n])), negative(slice(x, [3], [n]))]),
    "a slice at a vector's place": (n) => one("float32", [n + 9], (x) => [exp(slice(x, [4], [n])), exp(slice(x, [8], [n]))]),
    "every second": (n) => one("float32", [2 * n], (x) => [negative(slice(x, [1], [n], [2]))]),
    padded: (n) => two(f32s([n], []), (x, z) => [negative(pad(x, z, [3], [2])), negative(pad(x, z, [4], [0])), negative(pad(x, z, [0], [1], [1]))]),
    joined: (n) => two(f32s([n], [n]), (x, y) => [negative(concat([x, y], 0)), negative(concat([slice(x, [0], [1]), y], 0))]),
    picked: (n) =>
      two(
        [
          ["float32", [n]],
          ["int32", [n]],
        ],
        (x, i) => [multiply(gather(x, i, 0), x)],
      ),
    "the sum, the least and its place": (n) => one("float32", [n], (x) => [reduceSum(exp(negative(absolute(x))), [0]), reduceMin(x, [0]), argmin(x, [0])]),
    "an update of a part": (n) =>
      two(f32s([n + 9], [n]), (x, y) => [4, 5].map((start) => dynamicUpdate(negative(x), y, [0], [constantValue(start, "int32")], [1]))),
    "in place": (n) => ({ ...two(f32s([n], [n]), (x, y) => [add(multiply(x, y), 1), multiply(y, 3)]), donated: [0, 1] }),
    "an update in place": (n) => ({
      ...two(f32s([n + 9], [n]), (x, y) => [dynamicUpdate(x, negative(y), [0], [constantValue(4, "int32")], [1])]),
      donated: [0],
    }),
  };
  const cases = Object.entries(programs).flatMap(([name, make]) => sizes.map((n): [string, number, Program] => [name, n, make(n)]));

  it.skipIf(tint === null).each(cases)("%s of %i", async (_, __, program) => {
    await expectValues(program, tools);
  });
  it.skipIf(tint === null).each(cases.filter(([, n]) => n === 7 || n === 1001))("%s of %i, unfused", async (_, __, program) => {
    await expectValues(program, tools, { fusion: false });
  });
});

describe("two axes", () => {
  const programs: Readonly<Record<string, (shape: Shape) => Program>> = {
    "rows and columns": (shape) =>
      ({
        inputs: f32s(shape, [at(shape, 1)], [at(shape, 0)]),
        build: ([x, b, c]) => (x && b && c ? [multiply(add(x, row(b, shape)), column(c, shape))] : []),
      }) satisfies Program,
    "two outputs": (shape) => two(f32s(shape, shape), (x, y) => [add(x, y), less(x, y), permute(subtract(x, y), [1, 0])]),
    transposed: (shape) => two(f32s(shape, [at(shape, 1), at(shape, 0)]), (x, y) => [add(x, permute(y, [1, 0]))]),
    "a part": (shape) => one("float32", [at(shape, 0) + 2, at(shape, 1) + 5], (x) => [negative(slice(x, [1, 4], shape)), exp(slice(x, [2, 1], shape))]),
    padded: (shape) => two(f32s(shape, []), (x, z) => [negative(pad(x, z, [1, 4], [0, 3])), negative(pad(x, z, [0, 1], [1, 2]))]),
    backwards: (shape) => one("float32", shape, (x) => [add(flip(x, [0]), x), add(flip(x, [1]), x)]),
    "three axes": (shape) =>
      one("float32", [3, ...shape], (x) => [add(x, broadcast(reshape(slice(x, [1, 0, 0], [1, ...shape]), shape), [3, ...shape], [1, 2]))]),
    "sums down columns": (shape) => one("float32", shape, (x) => [reduceSum(x, [0]), reduceMax(x, [0]), reduceMin(exp(x), [0])]),
    "running sums down columns": (shape) => one("float32", shape, (x) => [prefixSum(x, 0)]),
    "running products of integers down columns": (shape) => one("int32", shape, (x) => [prefixProd(x, 0)]),
  };
  const cases = Object.entries(programs).flatMap(([name, make]) => matrices.map((shape): [string, Shape, Program] => [name, shape, make(shape)]));
  it.skipIf(tint === null).each(cases)("%s of %j", async (_, __, program) => {
    await expectValues(program, tools);
    await expectValues(program, tools, { fusion: false });
    await expectValues(program, tools, { target: wgsl });
  });
});

/** The declarations of storage in the only shader of a program. */
function storage(program: Program, options: Options = {}): readonly string[] {
  return shaderList(program, { target: wgsl, ...options }).flatMap((k) =>
    [...k.source.matchAll(/var<storage, \w+> (?<item>\w+: array<[\w<>]+>);/g)].map((m) => m.groups?.["item"] ?? ""),
  );
}

describe("what is declared as vectors", () => {
  it("elements in their order, whole rows and single values beside them", () => {
    const shape = [40, 36];
    const program: Program = {
      inputs: f32s(shape, [36], [40]),
      build: ([x, b, c]) => (x && b && c ? [multiply(add(x, row(b, shape)), column(c, shape))] : []),
    };
    expect(storage(program)).toEqual(["in0: array<vec4<f32>>", "in1: array<vec4<f32>>", "in2: array<f32>", "out0: array<vec4<f32>>"]);
  });

  it("axes are joined where rows are no multiple of 4, and a transposed operand is read element by element", () => {
    const program = two(f32s([40, 37], [37, 40]), (x, y) => [add(x, permute(y, [1, 0]))]);
    expect(storage(program)).toEqual(["in0: array<vec4<f32>>", "in1: array<f32>", "out0: array<vec4<f32>>"]);
  });

  it("bools and integers are vectors of words", () => {
    const program = two(
      [
        ["bool", [100]],
        ["int32", [100]],
      ],
      (x, y) => [where(x, y, negative(y))],
    );
    expect(storage(program)).toEqual(["in0: array<vec4<u32>>", "in1: array<vec4<i32>>", "out0: array<vec4<i32>>"]);
  });

  it("buffers of one binding all are or none is", () => {
    const program = one("float32", [100], (x) => [multiply(exp(x), x)]);
    expect(storage(program, { fusion: false })).toEqual([
      "in0: array<vec4<f32>>",
      "out0: array<vec4<f32>>",
      "in0: array<vec4<f32>>",
      "in1: array<vec4<f32>>",
      "out0: array<vec4<f32>>",
    ]);
    // the second kernel reads its temporary backwards, so that it shares a binding with nothing whole
    const mixed = one("float32", [66, 66], (x) => [exp(permute(exp(permute(exp(x), [1, 0])), [1, 0]))]);
    for (const declared of storage(mixed, { fusion: false })) expect(declared).toMatch(/array<(?:vec4<\w+>|f32|u32)>$/);
  });

  it("few elements and rows that are read down their columns stay as they are", () => {
    expect(storage(one("float32", [63], (x) => [exp(x)]))).toEqual(["in0: array<f32>", "out0: array<f32>"]);
    expect(storage(one("float32", [36, 40], (x) => [exp(permute(x, [1, 0]))]))).toContain("out0: array<vec4<f32>>");
  });

  it("bindings and layouts are what wgsl_reflect reads", () => {
    const program = two(f32s([1001], [1001]), (x, y) => [add(x, y), less(x, y)]);
    for (const shader of shaderList(program, { target: wgsl })) {
      const found = reflect(shader.source);
      expect(found.bindings).toEqual(shader.bindings.map(({ name, group, binding, access }) => ({ name, group, binding, access })));
      expect(found.uniformBytes).toBe(shader.uniformBytes);
      expect(found.workgroupSize).toEqual(shader.workgroupSize);
      expect(itemBytes(shader.source)).toEqual(Object.fromEntries(shader.bindings.slice(1).map((b) => [b.name, 16])));
    }
  });
});
