/** Choices between floats by comparisons of floats are spelled by bits where they are no vectors: they keep every bit. */
import { expect, test } from "vitest";
import { interpretGraph } from "../../../compiler/interpret.ts";
import { wasm } from "../../../compiler/target.ts";
import { tensor, where } from "../../../src/index.ts";
import { runCompiled } from "../../../src/cli/run.ts";
import { recorded } from "../../recorded.ts";

const numbers = [0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 5e-324, 1e-45, -3.5, 2 ** 30, -(2 ** -126)];

test.each(["float32", "float64"] as const)("%s", (dtype) => {
  const make = (list: readonly number[]) => tensor(Float64Array.from(list), { dtype }).reshape(3, 4);
  const x = make(numbers);
  const y = make(numbers.toReversed());
  // transposed: neighbours do not lie side by side
  const chosen = where(x.T.less(y.T), x.T, y.T);
  const { graph, inputs } = recorded(chosen, where(x.T.lessEqual(0), 0, x.T), where(x.T.greater(y.T), x.T, 0), where(x.T.equal(y.T), -0, y.T));
  const [got, want] = [runCompiled(graph, inputs, { target: wasm }), interpretGraph(graph, inputs)];
  expect(got).toHaveLength(4);
  // equal floats of the two zeros are told apart
  expect(got.map(({ data }) => data)).toStrictEqual(want.map(({ data }) => data));
});
