/** Results stored in several orders: the same bits on every CPU, and no loop of lanes that stores far apart where rows can wait. */
import { describe, expect, test } from "vitest";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { strideOf } from "../../compiler/passes/tile/nest.ts";
import { wasm } from "../../compiler/target.ts";
import { addIndex } from "../../compiler/ir/indexing.ts";
import { argmax, concat, conv2d, cumsum, flip, logsumexp, maxPool2d, pad } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

const both = (t: Tensor): Tensor[] => [t, t.transpose()];

describe.each([
  [16, 300],
  [37, 50],
  [64, 64],
  [33, 700],
  [130, 17],
  [5, 40],
])("%i rows of %i", (rows, length) => {
  const [x, y] = [data(rows, length), data(length, rows)];
  test("elements", () => {
    expectSame(both(x.exp()), "a function");
    expectSame(both(x.transpose().mul(y).tanh()), "of what lies across");
    expectSame([x.mul(2), x.transpose().mul(3), x.transpose().sub(y)], "three orders");
    expectSame(both(flip(x, { axis: 0 }).mul(2)), "backwards");
    expectSame(
      both(
        pad(x.mul(2), [
          [1, 2],
          [2, 1],
        ]),
      ),
      "padded",
    );
    expectSame(both(concat([x.exp(), x], { axis: 1 })), "pieces");
    expectSame([...both(x.mul(2)), x.sum()], "with a sum of all");
  });
  test("rows", () => {
    expectSame(both(x.softmax(-1)), "softmax");
    expectSame([x.mul(2).sum({ axis: 1 }), x.mul(2).transpose().mul(3)], "sums");
    expectSame([logsumexp(x, { axis: 1 }), x.exp().transpose()], "in steps");
    expectSame([argmax(x.mul(2), { axis: 1 }), x.mul(2).transpose()], "positions");
    expectSame(both(cumsum(x, { axis: 1 })), "running sums");
    expectSame([x.max({ axis: 0 }), ...both(x.mul(2))], "down columns");
  });
  test("dtypes", () => {
    for (const dtype of ["float64", "float16", "int32", "int8", "uint8", "int64", "bool"] as const) {
      const z = x.mul(9).astype(dtype);
      expectSame(both(dtype === "bool" ? z.logicalNot() : z.add(z)), dtype);
    }
  });
  test("products", () => {
    expectSame(both(x.matmul(data(length, 40))), "a product");
    expectSame(both(x.matmul(data(length, 40)).mul(0.02).add(data(40)).tanh()), "with a function");
  });
});

test("images", () => {
  const x = data(2, 18, 20, 20);
  const nhwc = (t: Tensor): Tensor[] => [t, t.transpose(0, 2, 3, 1)];
  expectSame(nhwc(x.mul(2)), "channels last");
  expectSame(nhwc(conv2d(x, data(8, 18, 3, 3))), "a convolution");
  expectSame(nhwc(maxPool2d(x, 2)), "windows");
  expectSame([x.mul(2), x.mul(2).transpose(3, 2, 1, 0)], "all axes turned");
  expectSame([x.transpose(0, 2, 1, 3).mul(2), x.transpose(0, 2, 3, 1).mul(2)], "heads");
});

/** Stores in loops of lanes whose elements do not lie side by side. */
function scattered(...xs: readonly Tensor[]): number {
  const { kernels } = compileGraph(recorded(...xs).graph, wasm, { verify: true }).plan;
  const loops = kernels.flatMap((k) => statements(k.body)).flatMap((s) => (s.kind === "for" && s.axis.kind === "vector" ? [s] : []));
  return loops.flatMap((f) => statements(f.body).filter((s) => s.kind === "store" && Math.abs(strideOf(addIndex(s.index, 0), f.axis.name)) > 1)).length;
}

test("lanes store neighbours", () => {
  const x = data(128, 96);
  for (const program of [both(x.exp()), both(x.softmax(-1)), [x.sum({ axis: 1 }), x.transpose().mul(2)], both(x.transpose().mul(data(96, 128)))])
    expect(scattered(...program)).toBe(0);
});
