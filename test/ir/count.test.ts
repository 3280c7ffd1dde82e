import { describe, expect, test } from "vitest";
import { countKernel, countPlan, stagesOf } from "../../compiler/ir/count.ts";
import { at, lookup } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { axisIndex, constant, s, variable } from "../../compiler/ir/expr.ts";
import { ix } from "../../compiler/ir/indexing.ts";
import { exprOrder } from "../../compiler/ir/expr-order.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import type { Axis, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { expressionsOf } from "../../compiler/ir/loop.ts";
import { parseKernel } from "../../compiler/ir/parse-loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";

const costOf = (body: string): ReturnType<typeof countKernel> =>
  countKernel(parseKernel(`kernel @k(%x: f32[64] read, %n: i32[8] read, %y: f32[64] write) {\n${body}\n}`));

describe("a kernel", () => {
  test.each([
    ["an operation an iteration", "for %i in 0..64 [grid] { store %y[%i] = exp(load %x[%i]) + 1f32 }", { operations: 128, flops: 128, loads: 64, stores: 64 }],
    ["steps", "for %i in 0..64 step 5 [serial] { store %y[%i] = load %x[%i] }", { operations: 0, loads: 13, stores: 13 }],
    ["an empty loop", "for %i in 0..0 [serial] { store %y[0] = load %x[0] }", { operations: 0, loads: 0, stores: 0 }],
    ["no index arithmetic", "for %i in 0..8 [grid] { let %t = %i * 8 store %y[%t] = -load %x[%t + 1] }", { operations: 8, flops: 8, loads: 8 }],
    ["an index that is loaded", "for %i in 0..8 [grid] { let %j = load %n[%i] store %y[%i] = load %x[max(min(%j, 63), 0)] }", { operations: 0, loads: 16 }],
    ["an index that is also stored", "for %i in 0..8 [grid] { let %j = %i * 2 store %y[%j] = f32(%j) }", { operations: 16, flops: 0 }],
    ["selections and tests, which are no flops", "store %y[0] = select(load %x[0] < 0f32, 0f32, load %x[1])", { operations: 2, flops: 0, loads: 2 }],
    ["a shared expression once", "for %i in 0..8 [grid] { let %e = exp(load %x[%i]) store %y[%i] = %e * %e }", { operations: 16, loads: 8 }],
    [
      "a reduction, its start and its combination",
      "reduce %m = -Infinity_f32, %s = 0f32 by max($0, $2), $1 + $3 over %i in 0..4 [serial], %j in 0..5 [serial] { let %v = load %x[%i * 5 + %j] yield %v, abs(%v) } store %y[0] = %m + %s",
      { operations: 61, loads: 20, stores: 1 },
    ],
    [
      "scratch, which is no memory",
      "local %r: f32[8] scratch for %i in 0..8 [serial] { store %r[%i] = load %r[%i] + 1f32 }",
      { operations: 8, loads: 0, stores: 0 },
    ],
    [
      "both sides of a data-dependent test, by half",
      "if load %x[0] > 0f32 { store %y[0] = exp(load %x[1]) } else { store %y[1] = 0f32 }",
      { operations: 0.5, loads: 1.5, stores: 1 },
    ],
    ["a test on an index, exactly", "for %i in 0..10 [grid] { if %i < 3 { store %y[%i] = 0f32 } }", { stores: 3 }],
    ["tests on two indices", "for %i in 0..10 [grid] { for %j in 0..6 [grid] { if and(%i + 4 <= 10, %j + 4 <= 6) { store %y[%i] = 0f32 } } }", { stores: 21 }],
    ["bounds that follow an outer loop", "for %i in 0..8 [grid] { for %j in 0..%i [serial] { store %y[%j] = 0f32 } }", { stores: 28 }],
    [
      "bounds with a name",
      "for %i in 0..3 [grid] { let %a = %i * 4 let %e = min(%a + 4, 10) for %j in %a..%e [serial] { store %y[%j] = 0f32 } }",
      { stores: 10 },
    ],
  ])("counts %s", (_, body, want) => {
    expect(costOf(body)).toMatchObject(want);
  });

  test("reads and writes each byte of a buffer once", () => {
    expect(costOf("for %i in 0..64 [grid] { for %j in 0..64 [serial] { store %y[%i] = load %x[%j] } }")).toMatchObject({
      loads: 4096,
      bytesRead: 256,
      stores: 4096,
      bytesWritten: 256,
    });
    expect(costOf("for %i in 0..3 [grid] { store %y[%i] = load %x[%i] }")).toMatchObject({ bytesRead: 12, bytesWritten: 12 });
  });

  test("an atomic store reads, combines and writes", () => {
    const kernel = parseKernel("kernel @k(%x: f32[8] read, %y: f32[4] update) { for %i in 0..8 [grid] { store atomic add %y[0] = load %x[%i] } }");
    expect(countKernel(kernel)).toEqual({ operations: 8, flops: 8, loads: 16, stores: 8, bytesRead: 48, bytesWritten: 16 });
  });

  test("a long triangle is taken by the mean of its ends", () => {
    const rows = "for %i in 0..100000 [grid] { for %j in 0..%i [serial] { store %y[0] = 0f32 } }";
    expect(costOf(rows).stores / (100_000 * 99_999 * 0.5)).toBeCloseTo(1, 3);
  });

  test("stages are the loops of a grid point", () => {
    const stages = (body: string): number => stagesOf(parseKernel(`kernel @k(%x: f32[64] read, %y: f32[64] write) { ${body} }`));
    expect(stages("for %i in 0..8 [grid] { store %y[%i] = load %x[%i] }")).toBe(1);
    const two = "reduce %m = 0f32 by $0 + $1 over %j in 0..8 [serial] { yield load %x[%j] } for %j in 0..8 [serial] { store %y[%i] = %m }";
    expect(stages(`for %i in 0..8 [grid] { ${two} }`)).toBe(2);
  });
});

/** Loads, stores and flops of a kernel, by running every iteration of its loops. */
class Witness {
  readonly #kernel: Kernel;
  readonly #scratch = new Set<string>();
  loads = 0;
  stores = 0;
  flops = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.run(kernel.body, new Map());
  }

  run(list: readonly Stmt[], env: Map<string, number>): void {
    for (const s of list) {
      if (s.kind === "local") this.#scratch.add(s.name);
      this.#see(s.kind === "reduce" ? s.init : expressionsOf(s));
      if (s.kind === "store" && !this.#scratch.has(s.buffer)) this.stores++;
      if (s.kind === "let" && (s.value.dtype === "int32" || s.value.dtype === "bool") && !reads(s.value)) env.set(s.name, valueOf(s.value, env));
      if (s.kind === "if") this.run(valueOf(s.condition, env) === 1 ? s.then : s.otherwise, env);
      if (s.kind === "for") this.#loops([s.axis], env, (inner) => this.run(s.body, inner));
      if (s.kind === "reduce") {
        this.#loops(s.axes, env, (inner) => {
          this.run(s.body, inner);
          this.#see([...s.values, ...s.combine]);
        });
      }
    }
  }

  #see(exprs: readonly Expr[]): void {
    for (const e of exprOrder(exprs)) {
      if (e.op === "load") this.loads += this.#kernel.buffers.some((b) => b.name === e.name) ? 1 : 0;
      else if (isFloat(e.dtype) && !["const", "var", "arg", "select", "cast", "bitcast"].includes(e.op)) this.flops++;
    }
  }

  #loops(axes: readonly Axis[], env: Map<string, number>, turn: (env: Map<string, number>) => void): void {
    const [axis, ...rest] = axes;
    if (axis === undefined) return turn(env);
    for (let i = valueOf(axis.lo, env); i < valueOf(axis.hi, env); i += axis.step) this.#loops(rest, new Map(env).set(axis.name, i), turn);
  }
}

const reads = (e: Expr): boolean => exprOrder([e]).some((x) => x.op === "load");

function valueOf(e: Expr, env: ReadonlyMap<string, number>): number {
  if (e.op === "const") return e.value;
  if (e.op === "axis" || e.op === "var") return lookup(env, e.name, "a known index");
  const [a, b] = e.args.map((x) => valueOf(x, env));
  const [x, y] = [a ?? 0, b ?? 0];
  const table: Partial<Record<Expr["op"], number>> = {
    add: x + y,
    sub: x - y,
    mul: x * y,
    min: Math.min(x, y),
    max: Math.max(x, y),
    idiv: Math.trunc(x / y),
    irem: x % y,
    le: Number(x <= y),
    lt: Number(x < y),
    ge: Number(x >= y),
    gt: Number(x > y),
    and: Math.min(x, y),
    or: Math.max(x, y),
  };
  const value = table[e.op];
  if (value === undefined) throw new Error(`a bound with ${e.op}`);
  return value;
}

const dot = (m: number, k: number, n: number): string =>
  `graph @g(%a: f32[${m},${k}], %b: f32[${k},${n}]) -> f32[${m},${n}] { %0 = dot %a, %b {contract=[[1],[0]], batch=[[],[]]} : f32[${m},${n}] return %0 }`;
const softmax = (m: number, n: number): string => `graph @g(%x: f32[${m},${n}]) -> f32[${m},${n}] {
  %0 = reduce max %x {axes=[1]} : f32[${m}]
  %1 = broadcast %0 {shape=[${m},${n}], axes=[0]} : f32[${m},${n}]
  %2 = subtract %x, %1 : f32[${m},${n}]
  %3 = exp %2 : f32[${m},${n}]
  %4 = reduce sum %3 {axes=[1]} : f32[${m}]
  %5 = broadcast %4 {shape=[${m},${n}], axes=[0]} : f32[${m},${n}]
  %6 = divide %3, %5 : f32[${m},${n}]
  return %6
}`;
const columns = `graph @g(%x: f32[700,13]) -> f32[13] { %0 = reduce sum %x {axes=[0]} : f32[13] return %0 }`;
const running = `graph @g(%x: f32[3,9]) -> f32[3,9] { %0 = prefix sum %x {axis=1, reverse=true} : f32[3,9] return %0 }`;

describe.each([js, wgsl])("what $name runs", (target) => {
  test.each([
    ["a square product", dot(8, 8, 8)],
    ["a ragged product", dot(7, 5, 9)],
    ["a product one row too long", dot(33, 20, 18)],
    ["a thin product", dot(1, 600, 6)],
    ["softmax", softmax(3, 10)],
    ["softmax of long rows", softmax(5, 1203)],
    ["sums of columns", columns],
    ["a running sum", running],
  ])("%s is what is counted", (_, text) => {
    for (const kernel of compileGraph(graphFromText(text), target).plan.kernels) {
      const witness = new Witness(kernel);
      expect(witness.loads).toBeGreaterThan(0);
      expect(countKernel(kernel)).toMatchObject({ loads: witness.loads, stores: witness.stores, flops: witness.flops });
    }
  });
});

test("a plan adds up its steps", () => {
  const text = "graph @g(%x: f32[16]) -> (f32[16], f32[]) { %0 = copy %x : f32[16] %1 = exp %x : f32[16] %2 = reduce sum %1 {axes=[0]} : f32[] return %0, %2 }";
  const { plan } = compileGraph(graphFromText(text), js);
  const [only] = plan.kernels;
  expect(plan.kernels).toHaveLength(1);
  const kernel = countKernel(at(only === undefined ? [] : [only], 0));
  expect(countPlan(plan)).toEqual({ ...kernel, bytesRead: kernel.bytesRead + 64, bytesWritten: kernel.bytesWritten + 64 });
});

test("whole numbers whose parts are shared many times over are counted at once", () => {
  const point = axisIndex("i", 0, 7);
  let value: Expr = point;
  for (let k = 0; k < 64; k++) value = s.max(value, s.xor(value, constant(k, "int32")));
  const body: Stmt[] = [
    { kind: "let", name: "found", value },
    { kind: "store", buffer: "y", index: point, value: variable("found", "int32") },
  ];
  const axis: Axis = { name: "i", kind: "grid", lo: ix(0), hi: ix(8), step: 1 };
  const kernel: Kernel = {
    name: "shared",
    buffers: [{ name: "y", dtype: "int32", size: 8, access: "write" }],
    scalars: [],
    body: [{ kind: "for", axis, body }],
  };
  expect(countKernel(kernel).operations).toBe(8 * 128);
});
