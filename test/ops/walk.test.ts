/** Every row of the op table: types, derivatives by differences, forward against reverse mode, second derivatives. */
import { asNumbers } from "../../compiler/ir/host.ts";
import { describe, expect, it } from "vitest";
import { jvp } from "../../compiler/autodiff/jvp.ts";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
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

const dtypesOf = (list: readonly { readonly dtype: DType }[]): DType[] => list.map((x) => x.dtype);

/** What the row spells beside what it infers: pairs of dtypes that must be equal. */
function spelledTypes(op: Primitive, node: Node): (readonly [readonly DType[], readonly DType[]])[] {
  const inferred = dtypesOf(node.results);
  switch (op.kind) {
    case "source": {
      const { type } = at(node.results, 0);
      return [
        [
          [
            op.element(
              type.shape.map((n, i) => axisIndex(`i${i}`, 0, n - 1)),
              type,
              node.attrs,
            ).dtype,
          ],
          inferred,
        ],
      ];
    }
    case "elementwise":
      return [
        [
          dtypesOf(
            op.scalar(
              node.args.map((a, i) => argument(i, a.dtype)),
              node.attrs,
              node.args.map((a) => a.type),
            ),
          ),
          inferred,
        ],
      ];
    case "reduction":
    case "segment":
    case "prefix": {
      const monoid = op.monoid(at(node.args, 0).type, node.attrs);
      const tuple = monoid.dtypes.map((d, i) => argument(i, d));
      const operands = op.kind === "prefix" ? node.args : node.args.slice(0, 1);
      const seed = monoid.seed(
        operands.map((a, i) => argument(i, a.dtype)),
        argument(operands.length, "int32"),
      );
      const accumulators = [monoid.init, seed, monoid.combine(tuple, tuple)].map((spelled) => [dtypesOf(spelled), monoid.dtypes] as const);
      return [...accumulators, [dtypesOf(monoid.finish(tuple)), inferred]];
    }
    default:
      return [];
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
  return {
    params: [...xs, ...added],
    data: [...operands, ...more],
    moving,
    results,
    cotangents: added.slice(0, results.length),
    tangents: added.slice(results.length),
  };
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

/** Where numbers differ from what they should be, in words. */
function differing(got: ArrayLike<number>, want: readonly number[], what: string): string[] {
  const near = (g: number, w: number): boolean => Math.abs(g - w) <= 2e-5 * Math.max(1, Math.abs(w));
  return want.flatMap((w, i) => (near(at(got, i), w) ? [] : [`${what}, element ${i}: ${at(got, i)}, should be ${w}`]));
}

/** Compares gradients of a scalar with its differences. */
function wrongGradients(y: Value, setting: Setting, what: string): string[] {
  const { params, data, moving } = setting;
  const got = run(params, backward(y, movingOf(setting)), data);
  return moving.flatMap((k, i) => differing(asNumbers(at(got, i).data), differences(params, y, data, k), `${what} of operand ${k}`));
}

const numberOf = (setting: Setting, value: Value): number => at(asNumbers(at(run(setting.params, [value], setting.data), 0).data), 0);

/** What is wrong with a row's first and second derivatives at a sample. */
function wrongDerivatives(op: Primitive, sample: Sample): string[] {
  const setting = settingOf(op, sample);
  const xs = movingOf(setting);
  const y = innerAll(pairs(setting.results, setting.cotangents));
  const slope = innerAll(pairs(backward(y, xs), setting.tangents));
  const pushed = forward(y, xs, setting.tangents);
  const curve = numberOf(setting, innerAll(pairs(backward(pushed, xs), setting.tangents)));
  const same = (value: Value, want: number, what: string): string[] => differing([numberOf(setting, value)], [want], what);
  return [
    ...wrongGradients(y, setting, "gradient"),
    ...same(pushed, numberOf(setting, slope), "jvp against vjp"),
    ...wrongGradients(slope, setting, "second derivative, reverse over reverse"),
    ...same(forward(slope, xs, setting.tangents), curve, "forward over reverse against reverse over forward"),
    ...same(forward(pushed, xs, setting.tangents), curve, "forward over forward against reverse over forward"),
  ].map((text) => `${sample.title}: ${text}`);
}

/** The sample's float operands and results, whether or not its numbers are finite. */
const hasFloats = (op: Primitive): boolean =>
  samplesOf(op).some((sample) => sample.operands.some((o) => o.type.dtype === "float64") && settingOf(op, sample).results.length > 0);
const endsTracking = (op: Primitive): boolean => op.kind === "barrier" && op.effect === "detach";
const named = (ops: readonly Primitive[]): { readonly name: string; readonly op: Primitive }[] => ops.map((op) => ({ name: op.name, op }));

describe("the op table", () => {
  it("names each row once", () => {
    expect(opTable.map((op) => opNamed(op.name))).toEqual(opTable);
    expect(opNamed("no such op")).toBeUndefined();
  });
});

describe("the walk", () => {
  const wrong = elementwise({
    name: "wrong",
    doc: "A row with a wrong derivative.",
    takes: "float",
    scalar: (args) => s.exp(at(args, 0)),
    partials: (args) => [at(args, 0)],
  });

  it("finds a wrong derivative in a row that it has never seen", () => {
    expect(samplesOf(wrong).length).toBeGreaterThan(0);
    expect(wrongDerivatives(wrong, at(differentiable(wrong), 0))).toContainEqual(expect.stringContaining("gradient of operand 0"));
  });

  it("has no sample for a row that it knows nothing of", () => {
    expect(
      samplesOf({
        ...wrong,
        name: "picky",
        attrs: { n: "int" },
        infer: () => {
          throw new ShapeError("picky: no");
        },
      }),
    ).toEqual([]);
  });
});

describe.each(named(opTable))("$name", ({ op }) => {
  it("has a sample: list one in test/ops/samples.ts where its operands cannot be guessed", () => {
    expect(samplesOf(op)).not.toEqual([]);
  });

  it("spells the types that it infers", () => {
    const pairsOf = samplesOf(op).flatMap(({ operands, attrs }) => spelledTypes(op, makeNode(op, paramsFor(operands), attrs)));
    expect(pairsOf.map(([spelled]) => spelled)).toEqual(pairsOf.map(([, inferred]) => inferred));
  });
});

describe.each(named(opTable.filter((op) => op.kind !== "param")))("$name", ({ op }) => {
  it.each(samplesOf(op))("computes the types that it infers: $title", ({ operands, attrs }) => {
    const xs = paramsFor(operands);
    const { results } = makeNode(op, xs, attrs);
    expect(run(xs, results, operands).map((r) => r.type)).toEqual(results.map((r) => r.type));
  });
});

describe.each(named(opTable.filter((op) => hasFloats(op) && op.derivative.by !== "none" && !endsTracking(op))))("$name", ({ op }) => {
  const samples = differentiable(op);

  it("has a sample with finite results: list one in test/ops/samples.ts", () => {
    expect(samples).not.toEqual([]);
  });

  it.each(samples)("has the derivatives that differences show: $title", (sample) => {
    expect(wrongDerivatives(op, sample)).toEqual([]);
  });
});

describe.each(named(opTable.filter((op) => hasFloats(op) && op.derivative.by === "none")))("$name", ({ op }) => {
  it("says that it has no derivative", () => {
    const setting = settingOf(op, at(samplesOf(op), 0));
    expect(() => vjp(setting.results, movingOf(setting), setting.cotangents)).toThrow(UnsupportedError);
    expect(() => jvp(setting.results, movingOf(setting), setting.tangents)).toThrow(op.name);
  });
});
