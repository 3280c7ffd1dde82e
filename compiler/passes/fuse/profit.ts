/** What fusion costs: work repeated against bytes and launches saved, in the target's nanoseconds. */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { variable } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { keyOf, namesIn } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import { bytesOf, sizeOf } from "../../ir/shape.ts";
import type { Axes } from "./axes.ts";
import type { Cluster, Demand } from "./cluster.ts";
import { hasKind, noDemands, storable } from "./cluster.ts";
import { isCacheable, takesLong } from "../lower/row-cache.ts";
import type { Products } from "../products.ts";
import { productsOf } from "../products.ts";
import { isFree, isLight } from "../region.ts";
import { isPlayed } from "../../target.ts";
import { asksOfLight, costOf } from "./demand.ts";
import type { Alignment } from "./legality.ts";
import type { FusionState } from "./state.ts";

/** A value that is computed more often than this is better stored by a kernel that is there anyway. */
const often = 4;
/** With so many nodes behind it a value is not followed further. */
const patience = 64;
/** Repeating this much a grid point hides behind the loads of a kernel that is bound by memory. */
const hidden = 4;
/** So much work an element takes no longer than loading it. */
const little = 8;

/**
 * Where a CPU plays the lanes, arithmetic takes longer, measured in launches, than on hardware (some 25 times on SwiftShader), and no lane stages
 * for others what an operand is made of: what products compute again counts so many times.
 */
const playedLonger = 16;

/** Additions that a choice between two pieces of a view takes, with its guards. */
export const choiceCost = 5;

/** How often a view chooses between two of its pieces for an element. */
function choicesOf(node: Node, demands: readonly Demand[], axes: Axes): number {
  const [demand] = demands;
  if (demand === undefined || node.args.length < 2) return 0;
  return Math.max(0, asksOfLight(node, demand, axes).filter((ask) => ask.demand.share < demand.share).length - 1);
}

/** Additions that a product takes longer where the place of its operand is divided for: of neighbours nobody knows that they are. */
const divisionCost = 2;

/** Whether contractions ask for a view at places that they divide for, as those of patches or of doubled pictures are: stored, it lies as they read it. */
const isDividedFor = (c: Cluster, demands: readonly Demand[]): boolean =>
  hasKind(c, "contraction") &&
  demands.some(({ index, inner }) => inner.length > 0 && index !== null && exprOrder(index).some((e) => e.op === "idiv" || e.op === "irem"));

const costOfView = (node: Node, demands: readonly Demand[], c: Cluster, { axes }: FusionState): number =>
  choiceCost * choicesOf(node, demands, axes) + (isDividedFor(c, demands) ? divisionCost : 0);

/** Why computing a node inside a cluster does not pay, or null. */
export function repeatRefusal(c: Cluster, node: Node, state: FusionState): string | null {
  const { target } = state;
  for (const r of node.results) {
    const demands = c.demands.get(r) ?? [];
    const cost = node.op.kind === "view" ? costOfView(node, demands, c, state) : costOf(node);
    if (cost === 0) continue;
    const elements = sizeOf(r.shape);
    const times = timesComputed(r, demands, c, state);
    if (times <= elements) continue;
    const carried = Math.max(0, ...demands.map((d) => d.carried));
    const work = carried + cost;
    const inLoop = demands.some((d) => d.inner.length > 0);
    if (!inLoop && (times / state.axes.volume(c.grid)) * work <= hidden) continue;
    const longer = inLoop && isPlayed(target) && isOfProducts(node, c) ? playedLonger : 1;
    const repeatedNs = ((times - elements) * work * longer) / target.throughput;
    const savedNs = savedInside(r, times, c, state);
    if (repeatedNs > savedNs)
      return `it would be computed ${(times / elements).toFixed(1)} times (${Math.round(repeatedNs)} ns) to save ${Math.round(savedNs)} ns`;
  }
  return null;
}

/** Whether operands of products may be made of what a node computes. */
const isOfProducts = (node: Node, c: Cluster): boolean => node.op.kind === "elementwise" && hasKind(c, "contraction");

/** What is saved where a result is computed inside: its memory, and a launch unless whoever adds up what it is made of stores it in theirs. */
function savedInside(r: Value, times: number, c: Cluster, state: FusionState): number {
  const { target } = state;
  const bytesNs = (2 * bytesOf(r.type)) / target.bandwidth;
  if (times <= often * sizeOf(r.shape) || !followsSums(r.node)) return target.launchNs + bytesNs;
  return isApart(r.node, c, state) ? bytesNs : 0;
}

/** Whether what a node is made of is stored whoever computes it. */
const isApart = ({ args }: Node, c: Cluster, state: FusionState): boolean =>
  args.some((a) => !isFree(a.node) && (state.kept.has(a) || state.isAskedBeside(a, c)));

/** Whether a node is elementwise work on what a reduction or a contraction gives, element by element or the same for all of a row. */
function followsSums(node: Node): boolean {
  const seen = new Set([node]);
  for (const { op, args, results } of seen) {
    if (op.kind === "reduction" || op.kind === "contraction") return true;
    if (seen.size > patience) return false;
    const isSpread = op.kind === "view" && args.every((a) => op.alias === true || sizeOf(a.shape) < sizeOf(at(results, 0).shape));
    if (op.kind === "elementwise" || isSpread) for (const a of args) seen.add(a.node);
  }
  return false;
}

/** Why computing a producer's results in each loop of a consumer that asks for them does not pay, or null. */
export function againRefusal(producer: Cluster, consumer: Cluster, state: FusionState): string | null {
  let repeatedNs = 0;
  for (const v of producer.outputs.keys()) {
    const demands = consumer.demands.get(v) ?? noDemands;
    const again = timesComputed(v, demands, consumer, state) - sizeOf(v.shape);
    if (again > 0) repeatedNs += (again * workOf(v, producer)) / state.target.throughput;
  }
  if (repeatedNs === 0) return null;
  const saved = savedNs(state, producer, consumer);
  return repeatedNs > saved ? `results would be computed again (${Math.round(repeatedNs)} ns) to save ${Math.round(saved)} ns` : null;
}

/**
 * Why a consumer should rather read what its producer stores for others too than compute it anew, in loops that are not the producer's; or
 * null. What it is made of is loaded once more then.
 */
export function anewRefusal(producer: Cluster, consumer: Cluster, { asked, inner }: Alignment, state: FusionState): string | null {
  const { axes, target } = state;
  if (asked.length === 0 || state.readersBeside(producer, consumer) === "consumer") return null;
  const inputs = [...producer.demands.keys()].reduce((n, v) => n + (isFree(v.node) ? 0 : bytesOf(v.type)), 0);
  let [anewNs, saved] = [0, target.launchNs];
  for (const v of producer.outputs.keys()) {
    // loops over all of it share what they compute
    const isShared = (d: Demand): boolean => axes.iterations(consumer, d) === sizeOf(v.shape) && storable(consumer, v, d, axes) !== null;
    const apart = (consumer.demands.get(v) ?? noDemands).filter((d) => !isShared(d));
    const times = apart.reduce((n, d) => n + axes.iterations(consumer, d), 0) * (asked.length / inner.length);
    const work = workOf(v, producer);
    if (work > little) anewNs += (times * work) / target.throughput;
    saved += (Math.max(0, bytesOf(v.type) - inputs) * Math.min(1, times / sizeOf(v.shape))) / target.bandwidth;
  }
  return anewNs > saved ? `results that are stored would be computed again (${Math.round(anewNs)} ns) to save ${Math.round(saved)} ns` : null;
}

/**
 * Results that a consumer asks for inside of loops, several times an element, though each element is a sum of its own: rows to hold. A sum
 * is done whether a guard around it holds or not.
 */
export const askedAgain = (producer: Cluster, consumer: Cluster, { axes }: FusionState): Value[] =>
  [...producer.outputs.keys()].filter((v) => {
    const demands = consumer.demands.get(v) ?? noDemands;
    return demands.some((d) => axes.iterations(consumer, d) > d.share * sizeOf(v.shape)) && isSum(v, producer);
  });

/** Whether a cluster adds up something for each element of a value. */
function isSum(v: Value, c: Cluster): boolean {
  const nodes = new Set([v.node]);
  for (const node of nodes) {
    if (!isLight(node) && sizeOf(at(node.results, 0).shape) >= sizeOf(v.shape)) return true;
    for (const { node: arg } of node.args) if (c.nodes.has(arg)) nodes.add(arg);
  }
  return false;
}

/** What an element costs, from what the cluster loads or reduces. */
function workOf(v: Value, c: Cluster): number {
  const nodes = new Set([v.node]);
  let work = 0;
  for (const node of nodes) {
    work += costOf(node);
    for (const { node: arg } of node.args) if (c.nodes.has(arg) && isLight(arg)) nodes.add(arg);
  }
  return work;
}

/** Element computations, loops that can share a row in scratch counted once. */
function timesComputed(v: Value, demands: readonly Demand[], c: Cluster, state: FusionState): number {
  const { axes, target } = state;
  const only = demands[0];
  if (only !== undefined && demands.length === 1) return timesAt(v, only, c, state);
  const elements = sizeOf(v.shape);
  // costly elements of a row are kept near a core; rows that are contracted wait in scratch
  const room = isCacheable(v.node) ? target.rowBytes : target.scratchBytes;
  const points = axes.volume(c.grid);
  const shared = new Map<string, number>();
  const pieces = new Map<string, number>();
  let times = 0;
  for (const d of demands) {
    const n = timesAt(v, d, c, state);
    const row = elements / points;
    // of rows of differing lengths, one loop keeps what fits for the next one
    const keeps = c.rows.size > 0 && target.lanes === 1;
    const fits = keeps || row * dtypeInfo(v.dtype).bytes <= room || state.hopesFor(v.node);
    if (n === elements && fits && storable(c, v, d, axes) !== null) shared.set(placeOf(d, c.grid), n);
    else if (isPiece(d, axes) && (n / points) * dtypeInfo(v.dtype).bytes <= room) pieces.set(placeOf(d, []), n);
    else times += n;
  }
  return [...shared.values(), ...pieces.values()].reduce((sum, n) => sum + n, times);
}

/**
 * How often one demand computes its value. Lanes know nothing of one another: each computes costly elements that are the same for a row.
 * One loop over several axes computes those that some of them decide with each of its iterations, unless a row of them waits in scratch
 * (`lower/heavy-first.ts`).
 */
function timesAt({ node, dtype }: Value, d: Demand, c: Cluster, { axes, target }: FusionState): number {
  const times = axes.iterations(c, d);
  if (!takesLong(node)) return times;
  if (target.lanes > 1 && d.inner.length === 0) return Math.max(times, axes.volume(c.grid) * d.share);
  if (d.nest.length < 2) return times;
  const own = new Set((d.index ?? []).flatMap(namesIn));
  const others = d.nest.filter((a) => !own.has(a));
  const isKept = target.lanes === 1 && (times / axes.volume(c.grid)) * dtypeInfo(dtype).bytes <= target.rowBytes;
  return isKept || others.length === 0 || others.length === d.nest.length ? times : axes.volume(c.grid) * axes.volume(d.nest);
}

/** Whether an element is asked for as one that a view may choose: rows of the view are kept. */
const isPiece = ({ share, index }: Demand, axes: Axes): boolean => share < 1 && (index ?? []).every((e) => namesIn(e).every((name) => axes.has(name)));

/** Where something is asked for, whatever the loops are called that are none of these axes. */
function placeOf({ index }: Demand, axes: readonly string[]): string {
  const anonymous = exprMapper((e) => (e.op === "axis" && !axes.includes(e.name) ? variable("*", e.dtype) : e));
  return (index ?? []).map((e) => keyOf(anonymous(e))).join();
}

/** Products of a tile share what they load and wait in registers for one another; of contractions with other walks in one kernel none do … */
const alone = 2;
/** … and of those with one walk each has fewer of the registers: additions that a product takes longer. */
const beside = 0.3;
/** Products that share less than so many times what they load are in no tile … */
const fewestShared = 4;
/** … and so few are done before that matters. */
const fewProducts = 2 ** 19;

/** Why contractions are better apart, each with a tile of its own, or null. On one lane they have that in one kernel too (`tile/phases.ts`). */
export function productRefusal(producer: Cluster, consumer: Cluster, state: FusionState): string | null {
  if (state.target.lanes === 1) return null;
  const [own, others] = [contractionsOf(producer), contractionsOf(consumer)];
  if (own.length === 0 || others.length === 0) return null;
  const all = [...own, ...others];
  const walks = new Set(all.map(({ walk }) => walk));
  const products = all.reduce((n, c) => n + c.products, 0);
  const lostNs = products <= fewProducts ? 0 : (products * (walks.size > 1 ? alone : beside)) / state.target.throughput;
  const saved = savedNs(state, producer, consumer);
  return lostNs > saved ? `contractions would take ${Math.round(lostNs)} ns longer in one kernel, which saves ${Math.round(saved)} ns` : null;
}

/** The contractions of a cluster that tiles make faster. */
const contractionsOf = (c: Cluster): Products[] => [...c.nodes].flatMap((n) => (isTiled(n) ? (productsOf(n) ?? []) : []));

/** Whether a node is a contraction that tiles make faster: one that uses what it loads several times. */
export function isTiled(node: Node): boolean {
  const found = productsOf(node);
  return found !== null && node.args.every((a) => found.products >= fewestShared * sizeOf(a.shape));
}

/** What one kernel saves of two: a launch, results that nobody else reads, inputs that are read once. */
export function savedNs(state: FusionState, producer: Cluster, consumer: Cluster): number {
  const { target } = state;
  let bytes = 0;
  for (const v of producer.outputs.keys()) if (consumer.demands.has(v)) bytes += bytesOf(v.type) * (isReadByOthers(state, v, consumer) ? 1 : 2);
  const few = producer.demands.size < consumer.demands.size ? producer : consumer;
  const many = few === producer ? consumer : producer;
  for (const v of few.demands.keys()) if (many.demands.has(v) && !isFree(v.node)) bytes += bytesOf(v.type);
  return target.launchNs + bytes / target.bandwidth;
}

const isReadByOthers = (state: FusionState, v: Value, consumer: Cluster): boolean => state.kept.has(v) || state.isAskedBeside(v, consumer);
