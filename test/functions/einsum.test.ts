import { asNumbers } from "../../compiler/ir/host.ts";
import { describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { postorder } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { evaluateSync } from "../../src/evaluate.ts";
import { parseEquation } from "../../src/functions/einsum-equation.ts";
import { einsumValue, matmulValue, multiDotValue } from "../../src/functions/products.ts";
import { hold } from "../../src/liveness.ts";
import { given, readValueSync } from "../../src/slots.ts";

/** Small whole numbers, so that sums are exact in any order. */
function filled(shape: readonly number[], from: number): Value {
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + from * 3) % 11) - 5);
  const value = given(data, tensorType("float64", shape), "cpu");
  // it is read again after it was used
  hold(value);
  return value;
}

const read = (v: Value): number[] => {
  evaluateSync([{ value: v, device: "cpu" }], { call: "evalSync", instead: "await x.eval()" });
  // A term without a sum keeps the sign of its zero.
  return Array.from(asNumbers(readValueSync(v)), (x) => x + 0);
};

/** The definition: a sum over every assignment of the labels. */
function bySum(equation: string, operands: readonly Value[]): number[] {
  const { operands: labels, output } = parseEquation(
    equation,
    operands.map((o) => o.shape),
  );
  const data = operands.map(read);
  const lengths = new Map<string, number>();
  operands.forEach((o, k) => at(labels, k).forEach((l, i) => lengths.set(l, Math.max(lengths.get(l) ?? 0, at(o.shape, i)))));
  const all = [...new Set([...output, ...labels.flat()])];
  const result = new Array<number>(sizeOf(output.map((l) => lengths.get(l) ?? 0))).fill(0);
  const offset = (names: readonly string[], shape: readonly number[], index: ReadonlyMap<string, number>): number =>
    names.reduce((sum, l, i) => sum * at(shape, i) + (at(shape, i) === 1 ? 0 : (index.get(l) ?? 0)), 0);
  const visit = (i: number, index: Map<string, number>): void => {
    const label = all[i];
    if (label === undefined) {
      const term = data.reduce((p, d, k) => p * at(d, offset(at(labels, k), at(operands, k).shape, index)), 1);
      const place = offset(
        output,
        output.map((l) => lengths.get(l) ?? 0),
        index,
      );
      result[place] = at(result, place) + term;
      return;
    }
    for (let x = 0; x < (lengths.get(label) ?? 0); x++) visit(i + 1, new Map(index).set(label, x));
  };
  visit(0, new Map());
  return result;
}

const cases: readonly { readonly equation: string; readonly shapes: readonly (readonly number[])[] }[] = [
  { equation: "ij->ji", shapes: [[2, 3]] },
  { equation: "ii", shapes: [[3, 3]] },
  { equation: "ii->i", shapes: [[3, 3]] },
  { equation: "iii->i", shapes: [[2, 2, 2]] },
  { equation: "iijj->ij", shapes: [[2, 2, 3, 3]] },
  { equation: "ij->", shapes: [[2, 3]] },
  { equation: "ba", shapes: [[2, 3]] },
  {
    equation: "ij,jk",
    shapes: [
      [2, 3],
      [3, 4],
    ],
  },
  {
    equation: "ij,jk->ki",
    shapes: [
      [2, 3],
      [3, 4],
    ],
  },
  {
    equation: "bij,bjk->bik",
    shapes: [
      [2, 2, 3],
      [2, 3, 2],
    ],
  },
  {
    equation: "ij,ij->",
    shapes: [
      [2, 3],
      [2, 3],
    ],
  },
  { equation: "i,i->i", shapes: [[3], [3]] },
  {
    equation: "ij,kl->ljki",
    shapes: [
      [2, 3],
      [2, 2],
    ],
  },
  {
    equation: "ijk,jil->kl",
    shapes: [
      [2, 3, 4],
      [3, 2, 2],
    ],
  },
  {
    equation: "...ij,...jk->...ik",
    shapes: [
      [3, 1, 2, 3],
      [4, 3, 2],
    ],
  },
  {
    equation: "...i,i...->...",
    shapes: [
      [2, 3],
      [3, 2],
    ],
  },
  { equation: "...", shapes: [[2, 3]] },
  { equation: "i...->...", shapes: [[2, 3]] },
  {
    equation: "ij,jk,kl,lm->im",
    shapes: [
      [2, 3],
      [3, 2],
      [2, 4],
      [4, 2],
    ],
  },
  { equation: "a,ab,abc->c", shapes: [[2], [2, 3], [2, 3, 4]] },
  { equation: "ab,b,b->a", shapes: [[2, 3], [3], [3]] },
  {
    equation: "ij,ij->ij",
    shapes: [
      [1, 3],
      [2, 3],
    ],
  },
  {
    equation: "ij,jk->ik",
    shapes: [
      [2, 1],
      [3, 4],
    ],
  },
  {
    equation: "aab,bc->ac",
    shapes: [
      [2, 2, 3],
      [3, 2],
    ],
  },
  {
    equation: " i j , j k -> i k ",
    shapes: [
      [2, 3],
      [3, 2],
    ],
  },
  {
    equation: "ij,jk->ik",
    shapes: [
      [2, 0],
      [0, 3],
    ],
  },
  { equation: ",i->i", shapes: [[], [3]] },
];

describe("einsum is the sum over its labels", () => {
  it.each(cases)("$equation", ({ equation, shapes }) => {
    const operands = shapes.map((s, k) => filled(s, k));
    expect(read(einsumValue(equation, operands))).toEqual(bySum(equation, operands));
  });
});

const contractions = (v: Value): number => postorder([v], (x) => x.slot !== null).filter((n) => n.op.kind === "contraction").length;

describe("lowering", () => {
  it.each([
    ["ij,jk->ik", [2, 3], [3, 4]],
    ["bij,bjk->bik", [2, 2, 3], [2, 3, 2]],
    ["ijk,jil->kl", [2, 3, 4], [3, 2, 2]],
    ["...ij,jk->...ik", [5, 2, 3], [3, 4]],
  ] as const)("%s is one contraction", (equation, a, b) => {
    expect(contractions(einsumValue(equation, [filled(a, 0), filled(b, 1)]))).toBe(1);
  });
  it("a product without a sum, and a sum without reuse, are none", () => {
    expect(contractions(einsumValue("i,j->ij", [filled([2], 0), filled([3], 1)]))).toBe(0);
    expect(contractions(einsumValue("ij,ij->i", [filled([2, 3], 0), filled([2, 3], 1)]))).toBe(0);
  });
  it("contracts the cheap pair first", () => {
    const y = einsumValue("ab,bc,c->a", [filled([50, 40], 0), filled([40, 30], 1), filled([30], 2)]);
    const dots = postorder([y], (x) => x.slot !== null).filter((n) => n.op.kind === "contraction");
    expect(dots.map((n) => n.results[0]?.shape)).toEqual([[40], [50]]);
  });
  it("multiDot takes the order of fewest multiplications", () => {
    const y = multiDotValue([filled([10, 100], 0), filled([100, 5], 1), filled([5, 50], 2)]);
    const dots = postorder([y], (x) => x.slot !== null).filter((n) => n.op.kind === "contraction");
    expect(dots.map((n) => n.results[0]?.shape)).toEqual([
      [10, 5],
      [10, 50],
    ]);
  });
});

describe("errors quote what does not fit", () => {
  const a = filled([3, 4], 0);
  it.each([
    ["ij,jk", [[2, 3]], '"ij,jk" is for 2 operands, got 1'],
    ["ijk", [[2, 3]], '"ijk" names 3 axes, operand 0 is [2,3]'],
    ["i", [[2, 3]], '"i" names 1 axes'],
    ["ij->ik", [[2, 3]], 'has axis "k", which no operand has'],
    ["ij->ii", [[2, 3]], "names one axis twice"],
    [
      "ij,jk",
      [
        [2, 3],
        [4, 5],
      ],
      'axis "j" of "ij,jk" has lengths 3 and 4',
    ],
    ["ii", [[1, 3]], 'axis "i" of "ii" has lengths 1 and 3'],
    ["i1", [[2, 3]], '"1" in "i1" is no axis label'],
    ["...i...", [[2, 3]], "more than one ellipsis"],
    ["...i->i", [[2, 3]], "leaves out the ellipsis"],
    ["i->i->i", [[2]], 'more than one "->"'],
  ] as const)("%s", (equation, shapes, message) => {
    expect(() => parseEquation(equation, shapes)).toThrow(message);
  });
  it("matmul", () => {
    expect(() => matmulValue(a, filled([5, 2], 1))).toThrow("matmul: inner axes differ: f64[3,4] · f64[5,2] (4 ≠ 5).");
    expect(() => matmulValue(a, filled([2, 4], 1))).toThrow("matmul: inner axes differ: f64[3,4] · f64[2,4] (4 ≠ 2). Transpose the second operand?");
    expect(() => matmulValue(filled([2, 3, 4], 0), filled([3, 4, 5], 1))).toThrow("matmul: batch axes do not broadcast");
    expect(() => matmulValue(a, filled([], 1))).toThrow("Use multiply");
  });
});
