import { asNumbers } from "../../compiler/ir/host.ts";
import { describe, expect, it } from "vitest";
import { jvp } from "../../compiler/autodiff/jvp.ts";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { make, Node, nodesCreated } from "../../compiler/ir/node.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add, cast, greater, multiply, where } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { elementwise } from "../../compiler/ops/define.ts";
import { exp } from "../../compiler/ops/exponential.ts";
import { fill, onesLike, reduceSum } from "../../compiler/ops/layout.ts";
import { argmax } from "../../compiler/ops/reductions.ts";
import { floor } from "../../compiler/ops/rounding.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { run } from "../ops/derivatives.ts";

const f64 = (shape: readonly number[] = []): ReturnType<typeof tensorType> => tensorType("float64", shape);
const scalar = (name: string): Value => paramValue(name, f64(), "buffer");
const data = (...list: number[]): HostData[] => list.map((x) => ({ type: f64(), data: Float64Array.of(x) }));
const one = fill(1, f64());
const numbersOf = (params: readonly Value[], values: readonly (Value | null)[], inputs: readonly HostData[]): (number | null)[] =>
  values.map((v) => (v === null ? null : at(asNumbers(at(run(params, [v], inputs), 0).data), 0)));

describe("vjp", () => {
  it("adds up all paths", () => {
    const [x, y] = [scalar("x"), scalar("y")];
    const z = add(multiply(x, y), multiply(x, x));
    expect(numbersOf([x, y], vjp([z], [x, y], [one]), data(3, 5))).toEqual([11, 3]);
  });

  it("adds up several outputs, the same input given twice, and an output that is an input", () => {
    const x = scalar("x");
    const outputs = [multiply(x, x), x];
    expect(numbersOf([x], vjp(outputs, [x, x], [one, fill(10, f64())]), data(3))).toEqual([16, 16]);
  });

  it("stops at inputs, which are independent even where one is made from another", () => {
    const x = scalar("x");
    const y = exp(x);
    expect(numbersOf([x], vjp([multiply(y, y)], [x, y], [one]), data(0))).toEqual([null, 2]);
    expect(numbersOf([x], vjp([multiply(x, y)], [x, y], [one]), data(0))).toEqual([1, 0]);
  });

  it("goes through inputs that are connected", () => {
    const x = scalar("x");
    const y = exp(x);
    expect(numbersOf([x], vjp([multiply(y, y)], [x, y], [one], "connected"), data(0))).toEqual([2, 2]);
    expect(numbersOf([x], vjp([multiply(y, y), y], [x, y], [one, one], "connected"), data(0))).toEqual([3, 3]);
  });

  it("takes one result of a node as an input while another is walked", () => {
    const x = paramValue("x", f64([2]), "buffer");
    const [values] = sort(x, 0);
    const given = run([x], [at(vjp([reduceSum(multiply(values, values), [0])], [values], [one]), 0) ?? x], [{ type: f64([2]), data: Float64Array.of(4, 3) }]);
    expect(given[0]?.data).toEqual(Float64Array.of(6, 8));
  });

  it("takes nodes without definition for leaves", () => {
    const leaf = at(new Node(null, [f64()], { tracked: true, provenance: "user" }).results, 0);
    expect(vjp([exp(leaf)], [leaf], [one])[0]).not.toBeNull();
  });

  it("gives null where nothing depends on an input, and where tracking was ended", () => {
    const [x, y] = [scalar("x"), scalar("y")];
    expect(vjp([exp(x)], [y], [one])).toEqual([null]);
    expect(vjp([exp(detach(x))], [x], [one])).toEqual([null]);
    expect(vjp([fill(1, f64())], [x], [one])).toEqual([null]);
  });

  it("gives zeros where the dependence is piecewise constant", () => {
    const x = scalar("x");
    expect(numbersOf([x], vjp([floor(x)], [x], [one]), data(1.5))).toEqual([0]);
    const stepped = where(greater(x, 0), fill(1, f64()), fill(2, f64()));
    expect(numbersOf([x], vjp([stepped], [x], [one]), data(1.5))).toEqual([0]);
    expect(numbersOf([x], vjp([exp(x)], [x], [null]), data(1.5))).toEqual([0]);
  });

  it("gives integers no cotangent", () => {
    const x = paramValue("x", f64([3]), "buffer");
    const position = cast(argmax(x, [0]), "float64");
    const got = run([x], [at(vjp([position], [x], [one]), 0) ?? x], [{ type: f64([3]), data: Float64Array.of(1, 2, 3) }]);
    expect(got[0]?.data).toEqual(Float64Array.of(0, 0, 0));
  });

  it("does not multiply where nothing needs a cotangent", () => {
    const [x, big] = [scalar("x"), scalar("big")];
    const y = multiply(x, exp(exp(exp(exp(big)))));
    const before = nodesCreated();
    vjp([y], [x], [one]);
    expect(nodesCreated() - before).toBeLessThanOrEqual(1);
  });

  it("costs steps in proportion to a graph whose paths double at every node", () => {
    const x = scalar("x");
    let y = x;
    for (let i = 0; i < 60; i++) y = add(y, y);
    const before = nodesCreated();
    const got = numbersOf([x], vjp([y], [x], [one]), data(1));
    expect(got).toEqual([2 ** 60]);
    expect(nodesCreated() - before).toBeLessThan(200);
  });

  it("walks 100,000 nodes, forward and back", () => {
    const x = scalar("x");
    let y = x;
    for (let i = 0; i < 100_000; i++) y = multiply(y, 1.00001);
    expect(at(numbersOf([x], vjp([y], [x], [one]), data(1)), 0)).toBeCloseTo(Math.E, 4);
    expect(at(numbersOf([x], jvp([y], [x], [one]), data(1)), 0)).toBeCloseTo(Math.E, 4);
  });

  it("differentiates its own results", () => {
    const x = scalar("x");
    let y: Value = multiply(multiply(x, x), multiply(x, x));
    const values: (number | null)[] = [];
    for (let order = 0; order < 5; order++) {
      y = at(vjp([y], [x], [one]), 0) ?? fill(0, f64());
      values.push(...numbersOf([x], [y], data(2)));
    }
    expect(values).toEqual([32, 48, 48, 24, 0]);
  });
});

describe("jvp", () => {
  it("pushes several tangents forward, null being zero", () => {
    const [x, y] = [scalar("x"), scalar("y")];
    const z = multiply(x, exp(y));
    expect(numbersOf([x, y], jvp([z, x], [x, y], [one, null]), data(3, 0))).toEqual([1, 1]);
    expect(numbersOf([x, y], jvp([z, x], [x, y], [one, fill(2, f64())]), data(3, 0))).toEqual([7, 1]);
  });

  it("keeps an input's own tangent where it is made from another input", () => {
    const x = scalar("x");
    const y = multiply(x, x);
    expect(numbersOf([x], jvp([y], [x, y], [one, fill(9, f64())]), data(3))).toEqual([9]);
    expect(jvp([y], [x, y], [one, null])).toEqual([null]);
  });

  it("is null where nothing moves", () => {
    const [x, y] = [scalar("x"), scalar("y")];
    expect(jvp([exp(x), floor(y), exp(detach(y))], [x, y], [null, one])).toEqual([null, null, null]);
  });
});

describe("errors", () => {
  const rough: Primitive = elementwise({
    name: "rough",
    doc: "A row without derivative.",
    takes: "float",
    scalar: (args) => at(args, 0),
    partials: { none: "it is rough" },
  });

  it("names the op and the reason where one has no derivative", () => {
    const x = scalar("x");
    const y = exp(make(rough, [x]));
    expect(() => vjp([y], [x], [one])).toThrow(UnsupportedError);
    expect(() => vjp([y], [x], [one])).toThrow(/rough has no derivative: it is rough/);
    expect(() => jvp([y], [x], [one])).toThrow(/rough has no derivative: it is rough/);
  });

  it("does not mind such an op off the path", () => {
    const [x, y] = [scalar("x"), scalar("y")];
    expect(numbersOf([x, y], vjp([multiply(x, make(rough, [y]))], [x], [one]), data(3, 5))).toEqual([5]);
    expect(numbersOf([x, y], jvp([multiply(x, make(rough, [y]))], [x], [one]), data(3, 5))).toEqual([5]);
  });

  it("refuses integers", () => {
    const n = paramValue("n", tensorType("int32", [2]), "buffer");
    const x = scalar("x");
    expect(() => vjp([x], [n], [one])).toThrow(DTypeError);
    expect(() => jvp([x], [n], [n])).toThrow(/i32\[2\] has no derivative/);
    expect(() => vjp([n], [x], [n])).toThrow(DTypeError);
  });

  it("refuses cotangents and tangents of other types", () => {
    const x = paramValue("x", f64([2]), "buffer");
    expect(() => vjp([exp(x)], [x], [one])).toThrow(ShapeError);
    expect(() => jvp([exp(x)], [x], [one])).toThrow(/the tangent f64\[\] of an input f64\[2\]/);
    expect(() => vjp([exp(x)], [x], [cast(onesLike(x), "float32")])).toThrow(/the cotangent f32\[2\]/);
  });
});
