/**
 * A region: the part of a graph that becomes one kernel. `fuse` makes regions, `lower` fills in loops.
 *
 * A region has named axes. The grid axes are its parallel space; every other axis is a loop inside a grid point. A form says how
 * a value is indexed in those axes: the max of a row softmax over grid axis `a` has the form [a], the result [a, b].
 */
import type { Expr } from "../ir/expr.ts";
import type { Graph } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";

export interface RegionAxis {
  readonly name: string;
  readonly extent: number;
}

export interface RegionOutput {
  readonly value: Value;
  /** Index of the stored element, one distinct axis (or 0 for an axis of length 1) a dimension: each element is stored once. */
  readonly form: readonly Expr[];
  /** Where the element goes if the value is stored as a part of another one. */
  readonly into?: { readonly value: Value; readonly index: readonly Expr[] };
}

/** Values whose memory a region stores to, each once. */
export const destinationsOf = (outputs: readonly RegionOutput[]): readonly Value[] => [...new Set(outputs.map((o) => o.into?.value ?? o.value))];

/** The elements of a row: between the offsets of the row that the index says. */
export interface RegionSegment {
  readonly offsets: Value;
  readonly row: Expr;
}

export interface Region {
  readonly name: string;
  readonly grid: readonly RegionAxis[];
  /** Axes of the forms that walk one row of a ragged value, by name. */
  readonly segments: ReadonlyMap<string, RegionSegment>;
  /** Nodes computed inside; a cheap node may be computed in several regions. */
  readonly nodes: ReadonlySet<Node>;
  /** Values read from buffers. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly RegionOutput[];
  /** Values of which a grid point computes a row into scratch before anything reads it, operands first. */
  readonly held: readonly RegionOutput[];
  /** Reductions and contractions, operands first, at the one grid index at which everything asks for them. */
  readonly anchors: readonly RegionOutput[];
}

/** Whether one element costs next to nothing and needs no order: such nodes are computed where they are used. */
export function isLight(node: Node): boolean {
  const kind = node.op.kind;
  return kind === "source" || kind === "elementwise" || kind === "view" || kind === "gather" || isPassThrough(node);
}

/** Whether a node combines many elements of its operands into one. */
export const collects = ({ op }: Node): boolean => op.kind === "reduction" || op.kind === "contraction" || op.kind === "segment";

/** Whether a node hands memory on as it is. */
export const isAlias = ({ op }: Node): boolean => op.kind === "view" && op.alias === true;

/** A barrier that is the identity by the time kernels are made. */
export const isPassThrough = (node: Node): boolean => node.isBarrier && node.op.kind === "barrier" && node.op.effect !== "materialise";

/** A parameter that is passed in the call, not in a buffer. */
export const isScalarParam = (node: Node): boolean => node.op.kind === "param" && node.attrs["space"] === "scalar";

/** The others, in their order: by position among them callers say which they donate. */
export const bufferParams = (graph: Graph): Value[] => graph.params.filter((p) => !isScalarParam(p.node));

/** Nodes that occupy no buffer even when they are read from another region. */
export function isFree(node: Node): boolean {
  const { kind } = node.op;
  return kind === "source" || (kind === "param" && isScalarParam(node));
}
