/**
 * regroup: what is computed from sums whose axes were grouped anew, element by element or of whole axes, is computed before they are;
 * and what is computed element by element from what views have moved.
 *
 *   %4 = reshape %3 {shape=[4,4,36]}           %4 = reshape %3 {shape=[4,2,2,36]}; %5 = reshape %w {shape=[4,2,2,36]}
 *   %5 = multiply %4, %w                   →   %6 = multiply %4, %5; %7 = reshape %6 {shape=[4,4,36]}
 *
 * where %3 : f32[4,2,72] stands on sums over its last axis; and
 *
 *   %2 = reshape %1 {shape=[4,30]}; %3 = reduce max %2 {axes=[1]}    →    %3 = reduce max %1 {axes=[1,2]}
 *
 * where %1 : f32[4,6,5] does.
 *
 * Grouped anew, an element asks for the sums of its row at a quotient of its index: no axis of one grid is then an axis of the other,
 * and two kernels are needed. What a view has moved it asks for there too, and neighbours are no vector. A reshape that comes last costs nothing.
 */
import { at } from "../ir/errors.ts";
import type { Graph, Interner } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { ints, result } from "../ir/node.ts";
import { sameShape } from "../ir/shape.ts";
import { vectorWidth } from "../ir/steps.ts";
import { reshape } from "../ops/layout.ts";
import { isAlias, isLight } from "./region.ts";

export function regroup(graph: Graph): Graph {
  const sums = new Sums();
  const moves = ({ op, args }: Node): boolean =>
    (op.kind === "elementwise" || op.kind === "reduction") &&
    args.some((v) => sums.before(v) !== null || (op.kind === "elementwise" && viewBefore(v) !== null));
  if (!nodesOf(graph).some(moves)) return graph;
  return rewrite(graph, (node, args, intern) => {
    const { shape } = result(node, 0);
    if (node.op.kind === "reduction") return reduced(node, at(args, 0), sums, intern);
    if (node.op.kind !== "elementwise") return null;
    const source = firstOf(args, (v) => sums.before(v));
    const parts = source === null ? axesOfViews(args, sums, shape) : sums.axesFor(args, source, shape);
    if (parts === null) return null;
    const grouped = args.map((v) => (isAlias(v.node) ? along(sourceOf(v), parts) : along(v, parts)));
    const computed = intern.node(node.op, grouped, node.attrs, node.provenance);
    computed.site ??= node.site;
    return computed.results.map((r) => reshape(r, shape));
  });
}

/** A reduction over axes that were grouped anew, as one over the parts of those; null where it is none, or they are no parts of them. */
function reduced(node: Node, operand: Value, sums: Sums, intern: Interner): readonly Value[] | null {
  const source = sums.before(operand);
  const parts = source === null ? null : partsOf(source.shape, operand.shape);
  if (source === null || parts === null || sameShape(parts, operand.shape)) return null;
  const axes = ints(node.attrs, "axes").flatMap((a) => partsWithin(operand.shape, a, parts));
  if (axes.length === 0) return null;
  const computed = intern.node(node.op, [along(source, parts)], { ...node.attrs, axes }, node.provenance);
  computed.site ??= node.site;
  return computed.results.map((r, i) => along(r, result(node, i).shape));
}

/** Which parts one axis of a shape consists of. */
function partsWithin(shape: readonly number[], axis: number, parts: readonly number[]): number[] {
  const strideOf = (list: readonly number[], i: number): number => list.slice(i + 1).reduce((a, b) => a * b, 1);
  const from = strideOf(shape, axis);
  return parts.flatMap((_, i) => (strideOf(parts, i) >= from && strideOf(parts, i) < from * at(shape, axis) ? [i] : []));
}

const along = (v: Value, shape: readonly number[]): Value => (sameShape(v.shape, shape) ? v : reshape(v, shape));

/** The fewest axes that are parts of those of both shapes, so that no index divides; null where lengths do not divide one another. */
function partsOf(a: readonly number[], b: readonly number[]): readonly number[] | null {
  const strides = [...new Set([...stridesOf(a), ...stridesOf(b)])].sort((x, y) => x - y);
  const parts = strides.slice(1).map((s, i) => s / at(strides, i));
  return parts.every(Number.isInteger) ? parts.toReversed() : null;
}

/** Of each axis, and of all of them: how many elements one step is. */
function stridesOf(shape: readonly number[]): number[] {
  let stride = 1;
  return [1, ...shape.toReversed().map((n) => (stride *= n))];
}

const sourceOf = (v: Value): Value => at(v.node.args, 0);

function firstOf(list: readonly Value[], find: (v: Value) => Value | null): Value | null {
  for (const v of list) {
    const found = find(v);
    if (found !== null) return found;
  }
  return null;
}

/** With so many nodes behind it a value is not followed further. */
const patience = 64;

/** What a value was before it was grouped anew, where a view that moves elements made that; else null. */
function viewBefore(v: Value): Value | null {
  if (!isAlias(v.node) || sameShape(lengthsOf(v), lengthsOf(sourceOf(v)))) return null;
  const seen = new Set([sourceOf(v).node]);
  for (const { op, args } of seen) {
    const moves = op.kind === "view" && op.alias !== true && args.some((a) => a.shape.length > 0);
    if (moves) return sourceOf(v);
    if ((op.kind === "elementwise" || op.kind === "view") && seen.size <= patience) for (const a of args) seen.add(a.node);
  }
  return null;
}

/** The axes that something is computed along which views move and reshapes group; null where it stands on sums too, or its rows would be short. */
function axesOfViews(args: readonly Value[], sums: Sums, shape: readonly number[]): readonly number[] | null {
  const source = firstOf(args, viewBefore);
  if (source === null || args.some((v) => sums.carries(v))) return null;
  const parts = partsOf(source.shape, shape);
  return parts === null || sameShape(parts, shape) || at(parts, parts.length - 1) < vectorWidth ? null : parts;
}

/** Lengths that make a difference. */
const lengthsOf = ({ shape }: Value): readonly number[] => shape.filter((n) => n !== 1);

/** Which values are computed from sums, by elementwise work and views alone. */
class Sums {
  readonly #known = new Map<Node, boolean>();

  /** What a value was before it was grouped anew, where that stands on sums; else null. */
  before(v: Value): Value | null {
    if (!isAlias(v.node)) return null;
    const source = sourceOf(v);
    return !sameShape(lengthsOf(v), lengthsOf(source)) && this.#standsOn(source.node) ? source : null;
  }

  /** Whether a value is computed from sums. */
  carries({ node }: Value): boolean {
    return this.#standsOn(node);
  }

  /** The axes that something is computed along; null where the reshape had better come first. */
  axesFor(args: readonly Value[], source: Value, shape: readonly number[]): readonly number[] | null {
    const parts = partsOf(source.shape, shape);
    if (parts !== null && !sameShape(parts, shape)) return parts;
    // axes of sums that become several: what else is summed has those
    return args.every((v) => this.before(v) !== null || !this.#standsOn(v.node)) ? source.shape : null;
  }

  #standsOn(root: Node): boolean {
    const open = [root];
    for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
      const waits = this.#known.has(node) || !isLight(node) ? [] : node.args.filter((a) => !this.#known.has(a.node));
      if (waits.length > 0) open.push(...waits.map((a) => a.node));
      else {
        if (!this.#known.has(node)) this.#known.set(node, collects(node) || (isLight(node) && node.args.some((a) => this.#known.get(a.node) === true)));
        open.pop();
      }
    }
    return this.#known.get(root) === true;
  }
}

const collects = ({ op }: Node): boolean => op.kind === "reduction" || op.kind === "contraction" || op.kind === "prefix";
