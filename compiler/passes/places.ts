/** Values that are stored as a box of another one's memory. */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import type { Graph } from "../ir/graph.ts";
import { nodesOf } from "../ir/graph.ts";
import { addIndex, flatten, unflatten } from "../ir/indexing.ts";
import type { Node, Value } from "../ir/node.ts";
import { result } from "../ir/node.ts";
import { sameShape } from "../ir/shape.ts";
import { constantOf, storageOf } from "./storage.ts";

/** The box `part` of `whole`, from `start` on. */
export interface Place {
  readonly part: Value;
  readonly whole: Value;
  readonly start: readonly number[];
}

/** What is stored as parts of what. */
export interface Places {
  /** By what is stored. */
  readonly of: ReadonlyMap<Value, readonly Place[]>;
  /** What is stored part by part. */
  readonly wholes: ReadonlySet<Node>;
}

export const noPlaces: Places = { of: new Map(), wholes: new Set() };

/** Whether a kernel can store a value where it likes: no memory of others, no constant, nothing that kernels of its own make. */
export function isPlaceable(part: Value): boolean {
  const { node } = storageOf(part);
  const { op } = node;
  const isOwn = op.kind === "param" || op.kind === "routine" || op.kind === "scatter" || (op.kind === "view" && op.parts !== undefined);
  return !isOwn && constantOf(part) === null;
}

/** Joined values, if all their parts can be stored there: one that is not is a view like others. */
export function placesOf(graph: Graph): Places {
  const places = new Map<Value, Place[]>();
  const wholes = new Set<Node>();
  for (const node of nodesOf(graph)) {
    if (node.op.kind !== "view" || node.op.parts === undefined || !node.args.every(isPlaceable)) continue;
    const whole = result(node, 0);
    wholes.add(node);
    node.op.parts(node.attrs).forEach((start, k) => {
      const part = at(node.args, k);
      const stored = storageOf(part);
      places.set(stored, [...(places.get(stored) ?? []), { part, whole, start }]);
    });
  }
  return wholes.size === 0 ? noPlaces : { of: places, wholes };
}

/** Where in the whole an element goes that is stored at this index of what the part is a reshape of. */
export function indexInWhole({ part, start }: Place, index: readonly Expr[]): readonly Expr[] {
  const stored = storageOf(part);
  const own = sameShape(stored.shape, part.shape) ? index : unflatten(flatten(index, stored.shape), part.shape);
  return own.map((e, i) => addIndex(e, at(start, i)));
}
