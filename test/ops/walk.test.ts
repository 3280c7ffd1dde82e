/** Every row of the op table: types, derivatives by differences, forward against reverse mode, second derivatives. */
import { describe, expect, it } from "vitest";
import { jvp } from "../../compiler/autodiff/jvp.ts";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import { argument, axisIndex, s } from "../../compiler/ir/expr.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { makeNode } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { elementwise } from "../../compiler/ops/define.ts";
import { fill, zerosLike } from "../../compiler/ops/layout.ts";
import { opNamed, opTable } from "../../compiler/ops/table.ts";
import { differences, innerAll, paramsFor, run } from "./derivatives.ts";
import type { Sample } from "./samples.ts";
import { numbers, samplesOf } from "./samples.ts";

/** dtypes of what the row says an element, an accumulator or a result is. */
function spelledTypes(op: Primitive, node: Node): string[] {
  switch (op.kind) {
    case "source":
      return [op.element(at(node.results, 0).shape.map((n, i) => axisIndex(`i${i}`, 0, n - 1)), at(node.results, 0).type, node.attrs).dtype];
    case "elementwise":
      return op.scalar(node.args.map((a, i) => argument(i, a.dtype)), node.attrs, node.args.map((a) => a.type)).map((e) => e.dtype);
    case "reduction":
    case "prefix": {
      const monoid = op.monoid(at(node.args, 0).type, node.attrs);
      const tuple = monoid.dtypes.map((d, i) => argument(i, d));
      const seed = monoid.seed(argument(0, at(node.args, 0).dtype), argument(1, "int32"));
      for (const spelled of [monoid.init, seed, monoid.combine(tuple, tuple)]) expect(spelled.map((e) => e.dtype), "accumulators").toEqual(monoid.dtypes);
      return monoid.finish(tuple).map((e) => e.dtype);
    }
    default:
      return node.results.map((r) => r.dtype);
  }
}

interface Setting {
  readonly params: readonly Value[];
  readonly data: readonly HostData[];
  /** Positions of the float64 operands: what is differentiated. */
  readonly moving: readonly number[];
  readonly results: readonly Value[];
  /** A cotangent for each float result, a tangent for each moving operand. */
  readonly cotangents: readonly Value[];
  readonly tangents: readonly Value[];
}

function settingOf(op: Primitive, { operands, attrs }: Sample): Setting {
  const xs = paramsFor(operands);
  const results = makeNode(op, xs, attrs).results.filter((r) => isFloat(r.dtype));
  const moving = xs.flatMap((x, i) => (x.dtype === "float64" ? [i] : []));
  const more = [...results.map((r, i) => numbers(r.type, 50 + i, -1, 1)), ...moving.map((k, i) => numbers(at(xs, k).type, 70 + i, -1, 1))];
  const added = paramsFor(more);
  return { params: [...xs, ...added], data: [...operands, ...more], moving, results, cotangents: added.slice(0, results.length), tangents: added.slice(results.length) };
}

const isFinite = (op: Primitive, sample: Sample): boolean => {
  const xs = paramsFor(sample.operands);
  const values = run(xs, makeNode(op, xs, sample.attrs).results, sample.operands);
  return values.every((v) => v.data.every(Number.isFinite));
};

/** Samples whose results are numbers and depend on a float64 operand. */
const differentiable = (op: Primitive): Sample[] =>
  samplesOf(op).filter((sample) => {
    const { moving, results } = settingOf(op, sample);
    return moving.length > 0 && results.length > 0 && isFinite(op, sample);
  });

const one = fill(1, tensorType("float64", []));
const backward = (y: Value, xs: readonly Value[]): Value[] => xs.map((x, i) => vjp([y], xs, [one])[i] ?? zerosLike(x));
const forward = (y: Value, xs: readonly Value[], tangents: readonly Value[]): Value => jvp([y], xs, tangents)[0] ?? zerosLike(y);
const pairs = (a: readonly Value[], b: readonly Value[]): (readonly [Value, Value])[] => a.map((x, i) => [x, at(b, i)]);
const movingOf = ({ moving, params }: Setting): Value[] => moving.map((k) => at(params, k));

/** Compares gradients of a scalar with its differences. */
function expectGradient(y: Value, setting: Setting, what: string): void {
  const { params, data, moving } = setting;
  const got = run(params, backward(y, movingOf(setting)), data);
  moving.forEach((k, i) => expectClose(at(got, i).data, differences(params, y, data, k), `${what} of operand ${k}`));
}

function expectClose(got: ArrayLike<number>, want: readonly number[], what: string): void {
  expect(got.length, what).toBe(want.length);
  want.forEach((w, i) => expect(Math.abs(at(got, i) - w), `${what}, element ${i}: rule ${at(got, i)}, differences ${w}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(w))));
}

const numberOf = (setting: Setting, value: Value): number => at(at(run(setting.params, [value], setting.data), 0).data, 0);

function checkDerivatives(op: Primitive, sample: Sample): void {
  const setting = settingOf(op, sample);
  const xs = movingOf(setting);
  const y = innerAll(pairs(setting.results, setting.cotangents));
  expectGradient(y, setting, `${sample.title}: gradient`);
  const slope = innerAll(pairs(backward(y, xs), setting.tangents));
  const pushed = forward(y, xs, setting.tangents);
  expectClose([numberOf(setting, pushed)], [numberOf(setting, slope)], `${sample.title}: jvp against vjp`);
  expectGradient(slope, setting, `${sample.title}: second derivative, reverse over reverse`);
  const want = numberOf(setting, innerAll(pairs(backward(pushed, xs), setting.tangents)));
  expectClose([numberOf(setting, forward(slope, xs, setting.tangents))], [want], `${sample.title}: forward over reverse against reverse over forward`);
  expectClose([numberOf(setting, forward(pushed, xs, setting.tangents))], [want], `${sample.title}: forward over forward against reverse over forward`);
}

describe("the op table", () => {
  it("names each row once", () => {
    expect(opTable.map((op) => opNamed(op.name))).toEqual(opTable);
    expect(opNamed("no such op")).toBeUndefined();
  });
});

describe("the walk", () => {
  const wrong = elementwise({ name: "wrong", doc: "A row with a wrong derivative.", takes: "float", scalar: (args) => s.exp(at(args, 0)), partials: (args) => [at(args, 0)] });

  it("finds a wrong derivative in a row that it has never seen", () => {
    expect(samplesOf(wrong).length).toBeGreaterThan(0);
    expect(() => checkDerivatives(wrong, at(differentiable(wrong), 0))).toThrow(/gradient of operand 0/);
  });

  it("has no sample for a row that it knows nothing of", () => {
    expect(samplesOf({ ...wrong, name: "picky", attrs: { n: "int" }, infer: () => { throw new ShapeError("picky: no"); } })).toEqual([]);
  });
});

describe.each(opTable.map((op) => ({ name: op.name, op })))("$name", ({ op }) => {
  const samples = samplesOf(op);

  it("has a sample", () => {
    expect(samples.length, `${op.name} takes no operands that test/ops/samples.ts can think of: list a sample there`).toBeGreaterThan(0);
  });

  it("spells and computes the types that it infers", () => {
    for (const { operands, attrs } of samples) {
      const xs = paramsFor(operands);
      const node = makeNode(op, xs, attrs);
      expect(spelledTypes(op, node)).toEqual(node.results.map((r) => r.dtype));
      if (op.kind === "param") continue;
      expect(run(xs, node.results, operands).map((r) => r.type)).toEqual(node.results.map((r) => r.type));
    }
  });

  const smooth = differentiable(op);
  if (op.kind === "barrier" && op.effect === "detach") return;
  if (op.derivative.by === "none") {
    it.runIf(smooth.length > 0)("has no derivative and says why", () => {
      const setting = settingOf(op, at(smooth, 0));
      expect(() => vjp(setting.results, movingOf(setting), setting.cotangents)).toThrow(UnsupportedError);
      expect(() => jvp(setting.results, movingOf(setting), setting.tangents)).toThrow(op.name);
    });
    return;
  }
  const hasFloats = samples.some((sample) => sample.operands.some((o) => o.type.dtype === "float64") && settingOf(op, sample).results.length > 0);
  it.runIf(hasFloats)("has derivatives that differences confirm", () => {
    expect(smooth.length, `no sample of ${op.name} gives finite numbers: list one in test/ops/samples.ts`).toBeGreaterThan(0);
    for (const sample of smooth) checkDerivatives(op, sample);
  });
});
