/** Every rule on each of its examples: it fires, and every bit stays; rules that break one say so. */
import { asNumbers } from "../../../compiler/ir/host.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../../compiler/interpret.ts";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { isFloat } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { nodesOf } from "../../../compiler/ir/graph.ts";
import type { HostData } from "../../../compiler/ir/host.ts";
import { printGraph } from "../../../compiler/ir/print.ts";
import { sizeOf, tensorType } from "../../../compiler/ir/shape.ts";
import { verifyGraph } from "../../../compiler/ir/verify.ts";
import { paramValue } from "../../../compiler/ops/source.ts";
import type { Rule } from "../../../compiler/passes/simplify/rule.ts";
import { rules, simplify } from "../../../compiler/passes/simplify/simplify.ts";
import { numbersOf } from "../../fuzz/numbers.ts";

interface Example {
  readonly rule: Rule;
  readonly name: string;
  readonly dtype: DType;
  readonly number: number;
  readonly graph: Graph;
}

const type = (dtype: DType) => tensorType(dtype, [3, 4]);

const examples: readonly Example[] = rules.flatMap((rule) =>
  rule.dtypes.flatMap((dtype) => {
    const params = [paramValue("x", type(dtype), "buffer"), paramValue("y", type(dtype), "buffer")];
    return rule
      .examples(at(params, 0), at(params, 1))
      .map((output, number) => ({ rule, name: rule.name, dtype, number, graph: { name: "example", params, outputs: [output] } }));
  }),
);

/** The outputs before and after, on the same data. */
function before(graph: Graph, unsafe: boolean, inputs: readonly HostData[]): readonly [HostData, HostData] {
  const after = simplify(graph, { unsafe }).graph;
  return [at(interpretGraph(graph, inputs), 0), at(interpretGraph(after, inputs), 0)];
}

const inputsOf = (dtype: DType, kind: "special" | "ordinary", seed: number): HostData[] => [0, 1].map((k) => numbersOf(type(dtype), kind, seed * 2 + k));

/** Elements computed or met, of what computes: reductions meet those of their operand. */
function work(graph: Graph): number {
  return nodesOf(graph).reduce((n, { op, args, attrs, results }) => {
    if (op.kind === "elementwise") return n + sizeOf(at(results, 0).shape);
    if (op.kind === "reduction") return n + sizeOf(at(args, 0).shape);
    if (op.kind !== "contraction") return n;
    const depth = op.depth(
      args.map((v) => v.type),
      attrs,
    );
    return n + sizeOf(at(results, 0).shape) * sizeOf(depth);
  }, 0);
}

describe.each(examples)("$name on $dtype, example $number", ({ rule, graph }) => {
  const unsafe = rule.unsafe === true;

  test("fires", () => {
    const { fired, graph: after } = simplify(graph, { unsafe });
    verifyGraph(after);
    expect(fired).toContain(rule.name);
  });

  test("has settled", () => {
    const once = simplify(graph, { unsafe }).graph;
    const twice = simplify(once, { unsafe });
    expect(twice.fired).toEqual([]);
    expect(printGraph(twice.graph)).toBe(printGraph(once));
  });

  test("adds no work but a few operations an element where nothing is left that no other kernel can hold", () => {
    const after = simplify(graph, { unsafe }).graph;
    const closed = (g: Graph): number => nodesOf(g).filter(({ op }) => op.kind === "scatter").length;
    const isOpened = rule.opens === true && closed(graph) > 0 && closed(after) === 0;
    const elements = after.outputs.reduce((n, v) => n + sizeOf(v.shape), 0);
    expect(work(after)).toBeLessThanOrEqual(work(graph) + (isOpened ? 3 * elements : 0));
  });
});

describe.each(examples.filter((e) => e.rule.unsafe !== true))("$name on $dtype, example $number", ({ dtype, graph }) => {
  test("keeps every bit", () => {
    const holds = (seed: number): void => {
      const [was, is] = before(graph, false, inputsOf(dtype, "special", seed));
      expect(is.type).toEqual(was.type);
      asNumbers(was.data).forEach((x, i) => expect(is.data[i]).toBe(x));
    };
    fc.assert(fc.property(fc.nat({ max: 10_000 }), holds), { numRuns: 25, seed: 3 });
  });
});

describe.each(examples.filter((e) => e.rule.unsafe === true))("$name on $dtype, example $number", ({ rule, dtype, graph }) => {
  test("is off unless asked for, and right for ordinary numbers", () => {
    expect(simplify(graph).fired).not.toContain(rule.name);
    const [was, is] = before(graph, true, inputsOf(dtype, "ordinary", 5));
    asNumbers(was.data).forEach((x, i) => expect(is.data[i]).toBeCloseTo(x, 5));
  });
});

test("unsafe rules break some float: else they need not be unsafe", () => {
  const unsafe = examples.filter(({ rule, dtype }) => rule.unsafe === true && isFloat(dtype));
  const harmless = unsafe.filter(({ graph, dtype }) => {
    const trials = Array.from({ length: 60 }, (_, seed) => before(graph, true, inputsOf(dtype, "special", seed)));
    return trials.every(([was, is]) => was.data.every((x, i) => Object.is(is.data[i], x)));
  });
  expect(harmless.map((e) => `${e.name} on ${e.dtype}`)).toEqual([]);
});

test("rules have names of their own", () => {
  expect(new Set(rules.map((r) => r.name)).size).toBe(rules.length);
});
