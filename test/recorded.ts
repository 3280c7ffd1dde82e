/** What a user recorded, as a graph with the data of its inputs: for tests that compile without running, or run several ways. */
import type { Graph } from "../compiler/ir/graph.ts";
import type { HostData } from "../compiler/ir/host.ts";
import { hostArrayOf } from "../compiler/ir/host.ts";
import { at } from "../compiler/ir/errors.ts";
import { canonicalize } from "../compiler/passes/canonicalize.ts";
import type { Lazy } from "../src/index.ts";
import { readValueSync } from "../src/slots.ts";

export interface Recorded {
  readonly key: readonly number[];
  readonly graph: Graph;
  /** One for each param, scalar params included. */
  readonly inputs: readonly HostData[];
}

export function recorded(...handles: readonly Lazy[]): Recorded {
  const { key, buffers, scalars, build } = canonicalize(handles.map((h) => h.value));
  const graph = build();
  const [given, numbers] = [[...buffers], [...scalars]];
  const inputs = graph.params.map(({ node, type }): HostData => {
    if (node.attrs["space"] === "scalar") return { type, data: hostArrayOf(type.dtype, [at(numbers.splice(0, 1), 0)]) };
    return { type, data: readValueSync(at(given.splice(0, 1), 0)) };
  });
  return { key, graph, inputs };
}
