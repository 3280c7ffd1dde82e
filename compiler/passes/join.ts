/**
 * join: what is put together of pieces and stored is stored piece by piece, straight into its memory.
 *
 *   %0 = dot %x, %v                                          %3 = add %0, (slice %b {start=[0,0]})
 *   %1 = dot %x, %w                                          %4 = add %1, (slice %b {start=[0,64]})
 *   return add (concat %0, %1 {axis=1}), %b           →      return join %3, %4 {starts=[[0,0],[0,64]]}
 *
 * As a view, a concatenation chooses one of its pieces for each element. What is heavy would be stored first and moved then, and what is
 * costly computed for every element; on one lane, any choice keeps neighbours from being one vector. So the result is cut in boxes there
 * where the choice changes; in a box it is known, and what stands after the view is done in each box for itself. Boxes are values like
 * others to `fuse`: kernels of their own, or parts of one. Stored are results, copies, and on one lane operands of a contraction that
 * would choose again for every product.
 */
import type { Graph } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { make, result } from "../ir/node.ts";
import { at } from "../ir/errors.ts";
import { sizeOf } from "../ir/shape.ts";
import { copyOp } from "../ops/barrier.ts";
import { join } from "../ops/views.ts";
import type { Target } from "../target.ts";
import { storedBytes } from "../target.ts";
import type { Box, Choice } from "./boxes.ts";
import { choiceIn, mayChoose, placeIn, restricted, wholeBox } from "./boxes.ts";
import { choiceCost } from "./fuse/profit.ts";
import { takesLong } from "./lower/row-cache.ts";
import { isPlaceable } from "./places.ts";
import { productsOf } from "./products.ts";
import { bufferParams, isLight } from "./region.ts";
import { simplify } from "./simplify/simplify.ts";
import { storageOf } from "./storage.ts";

/** No result is cut in more boxes than this … */
const mostBoxes = 32;
/** … nor where more nodes than this stand after the view. */
const patience = 256;

/** `donated` are buffer params, by position among them, whose memory may be written over: in one step, not in several. */
export function storedInParts(graph: Graph, target: Target, donated: readonly number[] = []): Graph {
  const buffers = bufferParams(graph);
  const dying = new Set(donated.map((i) => at(buffers, i).node));
  const nodes = nodesOf(graph);
  // only views choose
  if (!nodes.some(mayChoose)) return graph;
  const roots = new Set([...graph.outputs, ...nodes.flatMap((n) => chosenAgain(n, target))].map((v) => storageOf(v).node));
  const cutter: Cutter = { dying, cuts: target.lanes === 1 ? "all" : "costly" };
  // and only what is there whole can be cut
  const mayBeCut = (node: Node): boolean => isCopy(node) || (roots.has(node) && isLight(node) && node.results.length === 1);
  const divided = new Set(nodes.filter((n) => mayBeCut(n) && boxesOf(cutOf(result(n, 0)), cutter).length > 1));
  for (let dear = dearer(divided, graph, target); dear.length > 0; dear = dearer(divided, graph, target)) for (const node of dear) divided.delete(node);
  if (divided.size === 0) return graph;
  const cut = rewrite(graph, (node, args, intern) => {
    if (!divided.has(node)) return null;
    const whole = result(intern.node(node.op, args, node.attrs, node.provenance), 0);
    const source = cutOf(whole);
    const boxes = boxesOf(source, cutter);
    if (boxes.length < 2) return null;
    return [
      join(
        boxes.map((b) => restricted(source, b, intern)),
        whole.shape,
        boxes.map((b) => b.start),
      ),
    ];
  });
  // in its box, what was added up with pieces beside it is added to zeros
  return rewrite(simplify(cut).graph, (node, args, intern) =>
    node.op.kind === "view" && node.op.parts !== undefined ? intern.node(node.op, args.map(storedAlone), node.attrs, node.provenance).results : null,
  );
}

/** Those whose boxes would compute again what others need all over, for more than choosing costs one lane. */
function dearer(divided: ReadonlySet<Node>, graph: Graph, target: Target): Node[] {
  if (target.lanes > 1 || divided.size === 0) return [];
  const inside = new Map([...divided].map((n) => [n, [...askedIn(cutOf(result(n, 0)), wholeBox(result(n, 0).shape))].map(({ value }) => value.node)]));
  const inBoxes = new Set([...divided, ...[...inside.values()].flat()]);
  const needed = new Set([...graph.outputs, ...nodesOf(graph).flatMap((n) => (inBoxes.has(n) ? [] : n.args))].map((v) => v.node));
  for (const n of needed) if (inBoxes.has(n) && !divided.has(n)) for (const a of n.args) needed.add(a.node);
  return [...inside].flatMap(([node, asked]) => {
    const again = asked.reduce((n, a) => (a.op.kind === "elementwise" && !divided.has(a) && needed.has(a) ? n + a.op.cost : n), 0);
    return again > choiceCost ? [node] : [];
  });
}

/** What ends a box. */
interface Cutter {
  readonly dying: ReadonlySet<Node>;
  /** Any choice, or one of pieces that are costly. */
  readonly cuts: "all" | "costly";
}

/** Operands of a contraction for whose elements it would choose again with every product, where it is quicker to store them. */
function chosenAgain(node: Node, target: Target): readonly Value[] {
  const found = productsOf(node);
  if (found === null) return [];
  return node.args.filter((v) => {
    const again = found.products - sizeOf(v.shape);
    if (again <= 0) return false;
    const storedNs = target.launchNs + (2 * storedBytes(v.type, target)) / target.bandwidth;
    // lanes choose with each product too, which is cheap; of costly pieces they would compute all
    const cost = target.lanes === 1 ? choiceCost : costOfPieces(v);
    return (again * cost) / target.throughput > storedNs;
  });
}

const isCopy = ({ op }: Node): boolean => op.kind === "barrier" && op.effect === "materialise";

/** What boxes are found in. */
const cutOf = (whole: Value): Value => (isCopy(whole.node) ? at(whole.node.args, 0) : whole);

/** What no kernel would store there is copied. */
const storedAlone = (part: Value): Value => (isPlaceable(part) ? part : make(copyOp, [part]));

/** The boxes in which a value is known of which piece it is, where that pays; else the whole. */
function boxesOf(whole: Value, cutter: Cutter): readonly Box[] {
  const done: Box[] = [];
  const open: Box[] = [wholeBox(whole.shape)];
  if (sizeOf(whole.shape) === 0) return done;
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const cut = cutIn(whole, { box, isWhole: done.length + open.length === 0 }, cutter);
    if (cut === "none") done.push(box);
    else if (cut === "never" || done.length + open.length >= mostBoxes) return [];
    else open.push(...halves(box, cut).toReversed());
  }
  return done;
}

interface Cut {
  readonly axis: number;
  readonly position: number;
}

function halves({ start, size }: Box, { axis, position }: Cut): readonly Box[] {
  const first = position - at(start, axis);
  return [
    { start, size: size.with(axis, first) },
    { start: start.with(axis, position), size: size.with(axis, at(size, axis) - first) },
  ];
}

/**
 * Where a box of the whole is cut first; "never" where something heavy is needed all over it, which each box would ask for, or where it
 * may be written over what it is made of. The latter two are asked of the whole, with what dies.
 */
function cutIn(whole: Value, { box, isWhole }: { readonly box: Box; readonly isWhole: boolean }, { dying, cuts }: Cutter): Cut | "none" | "never" {
  let found: Cut | null = null;
  let seen = 0;
  for (const { value, own, choice } of askedIn(whole, box)) {
    const { node } = value;
    if (isWhole && dying.has(node) && sizeOf(value.shape) === sizeOf(whole.shape)) return "never";
    if (++seen > patience) return "never";
    if (node.op.kind === "view") {
      const only = choice.length === 1 ? choice[0] : undefined;
      if (only === undefined) found ??= firstCut(choice, own, box, cuts === "all" || isInterrupted(node) ? "all" : "costly");
      else if (isWhole && only.box === null && isCostly(only.value)) return "never";
    } else if (isWhole && node.op.kind !== "param" && !isLight(node)) return "never";
  }
  return found ?? "none";
}

interface AskedIn {
  readonly value: Value;
  /** The box of it that is asked for. */
  readonly own: Box;
  /** Of a view, the pieces that it may be in there. */
  readonly choice: readonly Choice[];
}

/** What a box of the whole asks for, at places that it knows: up to views that choose. */
function* askedIn(whole: Value, box: Box): Generator<AskedIn> {
  const seen = new Set<Node>();
  const open = [{ value: whole, own: box }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, own } = next;
    const { node } = value;
    if (seen.has(node)) continue;
    seen.add(node);
    const choice = choiceIn(node, own);
    yield { value, own, choice };
    const [only, ...others] = choice;
    if (node.op.kind === "elementwise") open.push(...node.args.map((a) => ({ value: a, own })));
    else if (only !== undefined && others.length === 0 && only.box !== null) open.push({ value: only.value, own: only.box });
  }
}

/** Whether costly pieces of a view leave several runs of others: each would need the view, which several kernels should not do. */
function isInterrupted(node: Node): boolean {
  const costly = choiceIn(node, wholeBox(result(node, 0).shape)).map((c) => isCostly(c.value));
  const runs = costly.filter((c, i) => !c && costly[i - 1] !== false);
  return costly.includes(true) && runs.length > 1;
}

/** Where the first of the pieces that count begins or ends, inside of the box that is asked for, which is `box` of the whole. */
function firstCut(choice: readonly Choice[], own: Box, box: Box, pieces: "costly" | "all"): Cut | null {
  for (const { value, shift } of choice) {
    const place = shift === null || !(pieces === "all" || isCostly(value)) ? null : placeIn(value, shift, own);
    if (place === null) continue;
    for (const [axis, from] of own.start.entries()) {
      const [lo, hi] = [at(place.start, axis), at(place.start, axis) + at(place.size, axis)];
      const inside = [lo, hi].find((p) => p > from && p < from + at(own.size, axis));
      if (inside !== undefined) return { axis, position: inside - from + at(box.start, axis) };
    }
  }
  return null;
}

/** Whether a kernel that chooses between this and something else should not compute both. */
function isCostly(value: Value): boolean {
  let seen = 0;
  for (const node of madeOf(value)) {
    if (++seen > patience) return true;
    if (takesLong(node) || !isLight(node)) return true;
  }
  return false;
}

/** What all elementwise work in a value costs, up to what is heavy; 0 where boxes do not decide which of it is asked for. */
function costOfPieces(value: Value): number {
  let seen = 0;
  let cost = 0;
  for (const node of madeOf(value)) {
    if (++seen > patience || !isDecided(node)) return 0;
    if (node.op.kind === "elementwise") cost += node.op.cost;
  }
  return cost;
}

/** Whether boxes decide what a node gives: of some views a kernel only finds out as it runs where their pieces are. */
function isDecided(node: Node): boolean {
  const choice = choiceIn(node, wholeBox(result(node, 0).shape));
  return choice.length < 2 || choice.every(({ value, shift }) => shift !== null || value.shape.length === 0);
}

/** The nodes that a value is made of, up to what is heavy. */
function* madeOf(value: Value): Generator<Node> {
  const seen = new Set([value.node]);
  for (const node of seen) {
    if (node.op.kind === "param") continue;
    yield node;
    if (isLight(node)) for (const a of node.args) seen.add(a.node);
  }
}
