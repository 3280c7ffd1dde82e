/** Every rule of simplify fires on its own examples, and what it gives is what it took: bit for bit, unless it is marked unsafe. */
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { rules, simplify } from "../../compiler/passes/simplify/simplify.ts";

const shape = [3, 5];
const special = [0, -0, 1, -1, 2.5, -7, 1e30, 1e-40, Infinity, -Infinity, Number.NaN, 0.1, 3, -2, 1e-30];

/** Numbers that laws of floats break on; whole ones for the other dtypes. */
function sample(dtype: DType, turn: number): HostData {
  const type = tensorType(dtype, shape);
  const data = hostArray(dtype, special.length);
  for (let i = 0; i < data.length; i++) data[i] = dtype === "bool" ? (i + turn) % 2 : at(special, (i * (turn + 1)) % special.length);
  return { type, data };
}

describe.each(rules.map((r) => ({ name: r.name, rule: r })))("$name", ({ rule }) => {
  it.each([...rule.dtypes])("%s", (dtype) => {
    const inputs = [sample(dtype, 0), sample(dtype, 1)];
    const params = inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
    for (const example of rule.examples(at(params, 0), at(params, 1))) {
      const graph: Graph = { name: "example", params, outputs: [example] };
      const { graph: simpler, fired } = simplify(graph, { unsafe: rule.unsafe === true });
      expect(fired).toContain(rule.name);
      if (rule.unsafe === true) continue;
      const [before, after] = [interpretGraph(graph, inputs), interpretGraph(simpler, inputs)];
      expect([...at(after, 0).data].map(bits)).toEqual([...at(before, 0).data].map(bits));
    }
  });
});

/** A text that tells -0 from 0, and has one NaN. */
const bits = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

it("unsafe rules are off unless asked for", () => {
  for (const rule of rules.filter((r) => r.unsafe === true)) {
    for (const dtype of rule.dtypes) {
      const params = [0, 1].map((i) => paramValue(`x${i}`, tensorType(dtype, shape), "buffer"));
      for (const example of rule.examples(at(params, 0), at(params, 1))) {
        expect(simplify({ name: "example", params, outputs: [example] }).fired).not.toContain(rule.name);
      }
    }
  }
});
