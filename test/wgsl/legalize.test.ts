/** What legalize makes of the operations that WGSL lacks, computed with the interpreter's float32: how far it is from the truth. */
import { describe, expect, it } from "vitest";
import { scalarFunction } from "../../compiler/interpret-scalar.ts";
import { at, lookup } from "../../compiler/ir/errors.ts";
import { apply, s, scalarArity } from "../../compiler/ir/expr.ts";
import type { Expr, ScalarOp } from "../../compiler/ir/expr.ts";
import { exprOrder } from "../../compiler/ir/expr-order.ts";
import type { Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { expansions } from "../../compiler/passes/legalize-float32.ts";
import { legalize } from "../../compiler/passes/legalize.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { axis, bind, f32, kernel, loop, number, read, reads, reduce, store, writes } from "./building.ts";
import { logSumExp } from "./fixtures.ts";

/** The expression as a function of its two arguments, each operation rounded as the interpreter rounds it. */
function functionOf(root: Expr): (a: number, b: number) => number {
  const order = exprOrder([root]);
  const positions = new Map(order.map((e, i) => [e, i]));
  const steps = order.map((e): ((values: Float64Array, a: number, b: number) => number) => {
    if (e.op === "const") return () => e.value;
    if (e.op === "arg") return (_, a, b) => (e.value === 0 ? a : b);
    if (e.op === "var" || e.op === "axis" || e.op === "load") throw new Error(`${e.op} in an expansion`);
    const f = scalarFunction(e.op, e.dtype, at(e.args, 0).dtype);
    const [x = 0, y = 0, z = 0] = e.args.map((operand) => lookup(positions, operand, "an operand"));
    return (values) => f(at(values, x), at(values, y), at(values, z));
  });
  const values = new Float64Array(order.length);
  return (a, b) => {
    steps.forEach((step, i) => (values[i] = step(values, a, b)));
    return at(values, order.length - 1);
  };
}

const bits = new DataView(new ArrayBuffer(4));

/** Floats of all magnitudes: random bits, and numbers around where functions turn. */
function samples(count: number, seed: number): number[] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 4294967296;
  };
  const anyFloat = (): number => {
    bits.setUint32(0, Math.floor(next() * 4294967296));
    return bits.getFloat32(0);
  };
  const kinds = [
    anyFloat,
    (): number => (next() - 0.5) * 20,
    (): number => (next() - 0.5) * 2,
    (): number => 1 + (next() - 0.5) * 1e-3,
    (): number => (next() - 0.5) * 400,
  ];
  return Array.from({ length: count }, (_, i) => Math.fround(at(kinds, i % kinds.length)()));
}

const edges = [
  0,
  -0,
  1,
  -1,
  2,
  -2,
  3,
  0.5,
  -0.5,
  8,
  27,
  10,
  100,
  1000,
  88.7,
  89,
  -87.3,
  -103,
  16777216,
  1e10,
  1.0000001,
  0.9999999,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-45,
  1e-40,
  1e-38,
  3.4e38,
  -3.4e38,
].map(Math.fround);

const least = 2 ** -149;
const ulp = (x: number): number => Math.max(least, 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23));

/** Distance from the truth in units in the last place; Infinity where one is no number and the other is. */
function distance(got: number, truth: number): number {
  if (Object.is(got, Math.fround(truth)) || (Number.isNaN(got) && Number.isNaN(truth))) return 0;
  if (Math.abs(truth) > 3.4e38 && Math.abs(got) > 3.4e38 && Math.sign(got) === Math.sign(truth)) return 0;
  const d = Math.abs(got - truth) / ulp(truth);
  return Number.isNaN(d) ? Infinity : d;
}

/** The truth: the float64 function, but for nextafter, whose neighbours are those of float32. */
const truthOf = (op: ScalarOp): ((a: number, b: number, c: number) => number) => scalarFunction(op, op === "nextafter" ? "float32" : "float64");

/** The most units in the last place that an expansion may be off. */
const bounds: Readonly<Partial<Record<ScalarOp, number>>> = {
  fmod: 0,
  nextafter: 0,
  copysign: 0,
  tan: 4,
  sin: 2.5,
  cos: 2.5,
  asin: 2.5,
  atan: 3,
  atan2: 3,
  acosh: 2,
};

const [first, second] = [samples(4000, 1), samples(4000, 2)];
const alone = [...edges, ...first].map((a) => [a, 0] as const);
const paired = [...edges.flatMap((a) => edges.map((b) => [a, b] as const)), ...first.map((a, i) => [a, at(second, i)] as const)];

describe("expansions of float32", () => {
  it.each([...expansions])("%s is close to the truth everywhere", (op, expansion) => {
    const [f, truth] = [functionOf(expansion), truthOf(op)];
    const pairs = scalarArity(op) === 1 ? alone : paired;
    // the sign of a NaN means nothing
    const meant = op === "copysign" ? pairs.filter(([, b]) => !Number.isNaN(b)) : pairs;
    const worst = meant.reduce((w, [a, b]) => Math.max(w, distance(f(a, b), truth(a, b, 0))), 0);
    expect(worst).toBeLessThanOrEqual(bounds[op] ?? 1.5);
  });
});

function valuesOf(t: Stmt): readonly Expr[] {
  if (t.kind === "reduce") return [...t.combine, ...t.values];
  return t.kind === "let" || t.kind === "store" ? [t.value] : [];
}
const lacking = (k: Kernel): ScalarOp[] => {
  const roots = [...statements(k.body)].flatMap(valuesOf);
  return exprOrder(roots).flatMap((e) => [...wgsl.lacks].filter((op) => op === e.op));
};

describe("legalize", () => {
  it("leaves nothing that the target lacks, also in expansions and in combinations", () => {
    const i = axis("i", "grid", 0, 4);
    const values = [...wgsl.lacks];
    const applied = (op: ScalarOp): Expr => apply(op, scalarArity(op) === 1 ? [read("x", i.at)] : [read("x", i.at), f32(2)]);
    const body = [
      loop(
        i,
        values.map((op, n) => store("y", n, applied(op))),
      ),
    ];
    const all = kernel("all", [reads("x", 4), writes("y", values.length)], body);
    expect(new Set(lacking(all))).toEqual(wgsl.lacks);
    expect(lacking(legalize(all, wgsl))).toEqual([]);
    expect(lacking(logSumExp(4, 21).kernel)).toContain("exp");
    expect(lacking(legalize(logSumExp(4, 21).kernel, wgsl))).toEqual([]);
  });

  it("gives a target that lacks nothing the kernel itself", () => {
    const k = logSumExp(4, 21).kernel;
    expect(legalize(k, { ...js, lacks: new Set() })).toBe(k);
  });

  it("keeps shared parts shared", () => {
    const i = axis("i", "grid", 0, 4);
    const e = s.exp(read("x", i.at));
    const k = legalize(kernel("k", [reads("x", 4), writes("y", 4)], [loop(i, [bind("a", s.add(e, e)), store("y", i.at, s.mul(number("a"), e))])]), wgsl);
    const [a, y] = [...statements(k.body)].flatMap((t) => (t.kind === "let" || t.kind === "store" ? [t.value] : []));
    expect(a?.args[0]).toBe(a?.args[1]);
    expect(y?.args[1]).toBe(a?.args[0]);
  });

  it("leaves integers alone", () => {
    const i = axis("i", "grid", 0, 4);
    const k = kernel(
      "k",
      [reads("x", 4), writes("y", 4)],
      [loop(i, [reduce("m", "max", [axis("j", "serial", 0, 4)], f32(1)), store("y", i.at, s.cast(s.irem(i.at, 3), "float32"))])],
    );
    expect(legalize(k, wgsl)).toEqual(k);
  });
});
