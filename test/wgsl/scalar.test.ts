/** Every scalar operation on every dtype that WGSL has: compiled by Tint, and run against the scalar meaning of the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { scalarFunction, supports } from "../../compiler/interpret-scalar.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { apply, constant, load, scalarArity, scalarOps } from "../../compiler/ir/expr.ts";
import type { Expr, ScalarOp } from "../../compiler/ir/expr.ts";
import { legalize } from "../../compiler/passes/legalize.ts";
import { vectorise } from "../../compiler/passes/tile/vector.ts";
import { wgsl } from "../../compiler/target.ts";
import { axis, kernel, loop, reads, store, writes } from "./building.ts";
import type { Memory } from "./fixtures.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

const dtypes: readonly DType[] = ["bool", "int32", "uint32", "float32"];

/** An operation, the dtype of its operands and that of its result. */
interface Case {
  readonly op: ScalarOp;
  readonly from: DType;
  readonly to: DType;
}

function casesOf(op: ScalarOp): Case[] {
  if (op === "cast" || op === "bitcast") return dtypes.flatMap((from) => dtypes.map((to) => ({ op, from, to })));
  const tests = new Set<ScalarOp>(["eq", "ne", "lt", "le", "gt", "ge", "isnan"]);
  return dtypes.map((from) => ({ op, from, to: tests.has(op) ? "bool" : from }));
}
const cases = scalarOps.flatMap(casesOf).filter((c) => supports(c.op, c.to, c.from));

/** Edges of each dtype. Subnormal floats are left out: devices may flush them to 0. */
const edges: Readonly<Partial<Record<DType, readonly number[]>>> = {
  bool: [0, 1],
  int32: [0, 1, -1, 2, 3, -7, 31, 32, 33, -32, 1000003, 2147483647, -2147483648],
  uint32: [0, 1, 2, 3, 7, 31, 32, 33, 1000003, 2147483648, 4294967295],
  float32: [
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3,
    -3.7,
    0.1,
    1e-3,
    10,
    88,
    -88,
    100,
    1234.5678,
    1e6,
    3e9,
    -3e9,
    5e9,
    1e20,
    -1e20,
    3e38,
    1.2e-38,
    1.0000001,
    0.9999999,
    Infinity,
    -Infinity,
    NaN,
  ].map(Math.fround),
};
const edgesOf = (dtype: DType): readonly number[] => edges[dtype] ?? [];

/** The operands: all pairs of edges; where an operation has three (select), the first is a bool. */
function operands({ op, from }: Case): readonly (readonly [number, number])[] {
  const list = edgesOf(from);
  return scalarArity(op) === 1 ? list.map((a) => [a, 0] as const) : list.flatMap((a) => list.map((b) => [a, b] as const));
}

type Width = "one element at a time" | "four at once";
const widths: readonly Width[] = ["one element at a time", "four at once"];

function kernelOf(c: Case, width: Width): WgslKernel {
  const n = operands(c).length;
  const i = axis("i", "grid", 0, n);
  const [a, b] = [load("a", c.from, i.at), load("b", c.from, i.at)];
  const args: readonly Expr[] = scalarArity(c.op) === 3 ? [apply("eq", [a, b]), a, b] : [a, b].slice(0, scalarArity(c.op));
  const value = apply(c.op, args, c.to);
  const written = kernel(`${c.op} ${c.from}`, [reads("a", n, c.from), reads("b", n, c.from), writes("y", n, c.to)], [loop(i, [store("y", i.at, value)])]);
  const vectors = vectorise(written, { ...wgsl, lanes: 1 });
  return emitWgsl(legalize(width === "four at once" ? vectors : written, wgsl), wgsl);
}

/** Numbers as a storage buffer holds them: one word each. */
const words = (dtype: DType, list: readonly number[]): Float32Array | Int32Array =>
  dtype === "float32" ? Float32Array.from(list) : Int32Array.from(list, (x) => x | 0);
const number = (dtype: DType, word: number): number => (dtype === "uint32" ? word >>> 0 : word);

const meaning = ({ op, from, to }: Case): ((a: number, b: number) => number) => {
  const f = scalarFunction(op, to, from);
  return op === "select" || op === "rare" ? (a, b): number => (a === b ? a : b) : (a, b): number => f(a, b, 0);
};

/** Units in the last place that a result may be off; 0 where operations are exact by IEEE 754. */
function tolerance({ op, to }: Case): number {
  if (to !== "float32") return 0;
  const exact = new Set<ScalarOp>([
    "neg",
    "abs",
    "min",
    "max",
    "floor",
    "ceil",
    "trunc",
    "round",
    "fmod",
    "copysign",
    "nextafter",
    "select",
    "rare",
    "cast",
    "bitcast",
    "add",
    "sub",
    "mul",
  ]);
  return exact.has(op) ? 0 : 8;
}

const isSubnormal = (x: number): boolean => x !== 0 && Math.abs(x) < 2 ** -126;
const ulp = (x: number): number => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126))) - 23);

/** What is wrong with a result, or undefined. */
function wrong(c: Case, [a, b]: readonly [number, number], got: number): string | undefined {
  const want = meaning(c)(a, b);
  const flushed = c.to === "float32" && isSubnormal(want) && Math.abs(got) <= 2 ** -126;
  const near = c.to === "float32" && Math.abs(got - want) <= tolerance(c) * ulp(want);
  // exp by the device's own function may overflow a little early or late
  const ends = tolerance(c) > 0 && Math.abs(want) > 3e38 && got === Math.sign(want) * Infinity;
  if (Object.is(got, want) || flushed || near || ends) return undefined;
  const zero = c.op === "div" || c.op === "mul" ? got === want : false;
  return zero ? undefined : `${c.op}(${a}, ${b}) is ${want}, not ${got}`;
}

const titled = cases.map((c): [string, Case] => [`${c.op} ${c.from}${c.to === c.from ? "" : ` to ${c.to}`}`, c]);
const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

it("every operation takes four elements at once", () => {
  for (const c of cases) expect(kernelOf(c, "four at once").source).toContain("var<storage, read_write> y: array<vec4<");
});

describe.each(widths)("scalar operations, %s", (width) => {
  it("are all there", () => {
    const ofDoubles = new Set<ScalarOp>(["pow2", "exponent", "significand", "parity", "head"]);
    expect(new Set(cases.map((c) => c.op))).toEqual(new Set(scalarOps.filter((op) => !ofDoubles.has(op))));
    expect(cases.length).toBeGreaterThan(100);
  });

  it.skipIf(tint === null).each(titled)("%s compiles", async (_, c) => {
    expect(await tint?.check(kernelOf(c, width))).toEqual([]);
  });

  it.skipIf(runner === null).each(titled)("%s gives the interpreter's values", async (_, c) => {
    const pairs = operands(c);
    const memory: Memory = {
      a: words(
        c.from,
        pairs.map(([a]) => a),
      ),
      b: words(
        c.from,
        pairs.map(([, b]) => b),
      ),
      y: words(
        c.to,
        pairs.map(() => 0),
      ),
    };
    const after = await runner?.run(kernelOf(c, width), memory);
    const found = pairs.map((pair, i) => wrong(c, pair, number(c.to, after?.["y"]?.[i] ?? NaN))).filter((w) => w !== undefined);
    expect(found).toEqual([]);
  });
});

describe("extrema with a limit that is a constant", () => {
  const numbers = edgesOf("float32");
  const limits = numbers.flatMap((limit) => (["min", "max"] as const).map((op): [ScalarOp, number] => [op, limit]));

  it.skipIf(runner === null).each(limits)("%s with %d", async (op, limit) => {
    const i = axis("i", "grid", 0, numbers.length);
    const value = apply(op, [load("a", "float32", i.at), constant(limit, "float32")]);
    const written = kernel("limit", [reads("a", numbers.length), writes("y", numbers.length)], [loop(i, [store("y", i.at, value)])]);
    const after = await runner?.run(emitWgsl(legalize(written, wgsl), wgsl), { a: words("float32", numbers), y: words("float32", numbers) });
    const c: Case = { op, from: "float32", to: "float32" };
    expect(numbers.map((x, k) => wrong(c, [x, limit], after?.["y"]?.[k] ?? NaN)).filter((w) => w !== undefined)).toEqual([]);
  });
});
