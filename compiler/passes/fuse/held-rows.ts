/**
 * Rows that a grid point holds: a contraction, what is done to its rows, and the contraction that takes those rows up again.
 *
 *   S[i,j] = sum over d      P[i,j] = exp(S[i,j] - max of S[i]) …      O[i,f] = sum over j of P[i,j] * v[j,f]
 *     → one region over [i]: S[i] and P[i] lie in the grid point's scratch, %j and %f are loops inside of it
 *
 * Each of the three has a grid of its own, so that no two of them meet in `legality`: a contraction is asked for in a loop, and asks in
 * one. They meet where whole rows are asked for, a row fits into scratch, and grid points that are neighbours walk over the same
 * operands, which stay in a near cache: then a block of rows is worked on at once (`tile/row-block.ts`).
 */
import { CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Target } from "../../target.ts";
import { storedBytes } from "../../target.ts";
import { isFree } from "../region.ts";
import type { Axes } from "./axes.ts";
import type { FusionState } from "./state.ts";
import type { Cluster } from "./cluster.ts";
import { hasKind } from "./cluster.ts";
import type { Chain, Joint, Joints } from "./held-profit.ts";
import { lossRefusal, storedOf } from "./held-profit.ts";
import { rowAlignment, sizeRefusal } from "./legality.ts";

/** Chains become one cluster each. */
export function holdRows(s: FusionState): void {
  for (const c of s.live())
    for (const chain of chainsTo(c.root(), s)) {
      if ([chain.source, chain.rows, chain.sink].some((part) => part.mergedInto !== null)) continue;
      const anchor = s.anchorOf(chain.source);
      const isApart = s.apart.size > 0 && contractionsIn(chain.sink).some((n) => s.apart.has(n));
      const refusal = isApart ? tooLong(s.target) : holdChain(chain, s);
      if (refusal === null) s.noteFused(anchor, chain.sink.root(), "its rows are held in scratch");
      else s.noteRefused(anchor, chain.sink, refusal);
    }
}

const tooLong = ({ scratchBytes }: Target): string => `its rows take more than ${scratchBytes} bytes of scratch, and cannot be taken a block at a time`;

/** The chains that end in a cluster. */
function chainsTo(sink: Cluster, s: FusionState): Chain[] {
  if (!contracts(sink)) return [];
  const open = producersOf(sink, s).filter(reduces);
  return open.flatMap((rows) => producersOf(rows, s).flatMap((source) => (contracts(source) && source !== sink ? [{ source, rows, sink }] : [])));
}

export function producersOf(c: Cluster, s: FusionState): Cluster[] {
  const found = new Set<Cluster>();
  for (const v of c.demands.keys()) {
    const p = s.writerOf(v);
    if (p !== undefined && p !== c) found.add(p);
  }
  return [...found];
}

export const isContraction = (n: Node): boolean => n.op.kind === "contraction";
export const contracts = (c: Cluster): boolean => c.closed === null && hasKind(c, "contraction");
export const reduces = (c: Cluster): boolean => c.closed === null && hasKind(c, "reduction");

/** How a producer and a consumer of its rows correspond, or why there is no such way. */
export function jointOf(producer: Cluster, consumer: Cluster, s: FusionState): Joint | string {
  const large = sizeRefusal(producer, consumer, s.target);
  if (large !== null) return large;
  const path = s.pathRefusal(producer, consumer);
  if (path !== null) return path;
  const aligned = rowAlignment(producer, consumer, s.axes);
  if (typeof aligned === "string") return aligned;
  const met = new Set(aligned.grid.values());
  return { aligned, loops: [...producer.grid.filter((g) => !aligned.grid.has(g)), ...consumer.grid.filter((g) => !met.has(g))] };
}

/** A value of which a grid point holds a row, and the index it is held at. */
export type Held = readonly [Value, readonly Expr[]];

/** What rows ask for of the contraction in front of them. */
export const heldResults = (source: Cluster, rows: Cluster): Held[] => [...source.outputs].filter(([v]) => rows.demands.has(v));

/** What a contraction multiplies, of which every iteration of some loops needs the same row. */
function heldOperands(c: Cluster, contractions: readonly Node[], loops: readonly string[], isMade: (v: Value) => boolean): Held[] {
  return contractions.flatMap((n) =>
    n.args.flatMap((v): Held[] => {
      const asked = [...(c.demands.get(v) ?? []), ...(c.forms.get(v) ?? [])];
      const same = asked.find((d) => d.index?.every((e) => e.op === "const" || (e.op === "axis" && !loops.includes(e.name))));
      return same?.index && isMade(v) && same.index.some((e) => e.op === "axis" && !c.grid.includes(e.name)) ? [[v, same.index]] : [];
    }),
  );
}

const contractionsIn = (c: Cluster): Node[] => [...c.nodes].filter(isContraction);

/** Elements of a value that one grid point holds; of rows whose lengths are not known, as many as one of them could have. */
const rowLength = ([, form]: Held, grid: readonly string[], axes: Axes): number =>
  form.reduce((n, e) => (e.op === "axis" && !grid.includes(e.name) ? n * axes.extent(e.name) : n), 1);

/** Why a chain stays apart, or null. */
function chainRefusal(chain: Chain, joints: Joints, s: FusionState): string | null {
  const { source, rows, sink } = chain;
  const { second } = joints;
  const { target } = s;
  const results = heldResults(source, rows);
  const operands = heldOperands(sink, contractionsIn(sink), second.loops, (v) => rows.outputs.has(v) || sink.nodes.has(v.node));
  if (results.length === 0 || operands.length === 0) return "no row is needed again";
  if (joints.first.aligned.grid.size === 0) return "one row for all keeps no machine busy";
  if (!operands.some(([v]) => isReduced(v, new Set([...rows.nodes, ...sink.nodes])))) return "one element of it after another would do";
  if (bindingsOf([source, rows, sink], s) > target.maxBindings) return s.bindings.reason;
  return lossRefusal(chain, joints, s);
}

/** Whether a value is made of a reduction by some nodes: then it waits for a whole row, as no tile of a contraction can. */
function isReduced(v: Value, nodes: ReadonlySet<Node>): boolean {
  const seen = new Set([v.node]);
  for (const n of seen) {
    if (n.op.kind === "reduction") return true;
    for (const a of n.args) if (nodes.has(a.node)) seen.add(a.node);
  }
  return false;
}

/** Buffers that the kernel of some clusters would bind, temporaries one by one: what merges later needs some too. */
function bindingsOf(list: readonly Cluster[], s: FusionState): number {
  const made = new Set(list.flatMap((c) => [...c.outputs.keys()]));
  const read = new Set(list.flatMap((c) => [...c.demands.keys()]).filter((v) => !made.has(v) && !isFree(v.node)));
  return storedOf(list, s).length + read.size;
}

/** Makes one cluster of a chain, or says why not. */
function holdChain(chain: Chain, s: FusionState): string | null {
  const { source, rows, sink } = chain;
  const first = jointOf(source, rows, s);
  if (typeof first === "string") return first;
  const second = jointOf(rows, sink, s);
  if (typeof second === "string") return second;
  const refusal = chainRefusal(chain, { first, second }, s);
  if (refusal !== null) return refusal;
  const contractions = contractionsIn(sink);
  const results = heldResults(source, rows).map(([v]) => v);
  lower(source, first.loops);
  const upper = s.merge(source, rows, first.aligned);
  for (const v of results) upper.held.set(v, wholeRow(upper, v));
  // the axes have other names now
  const last = jointOf(upper, sink, s);
  if (typeof last === "string") return last;
  lower(sink, last.loops);
  const whole = s.merge(upper, sink, last.aligned);
  const isMade = (v: Value): boolean => whole.nodes.has(v.node);
  for (const [v, form] of heldOperands(whole, contractions, last.loops, isMade)) whole.held.set(v, form);
  settle(whole, s);
  return null;
}

/** Why rows of some results cannot be held for those who ask for them in loops, or null. */
export function rowsRefusal(
  values: readonly Value[],
  { producer, consumer }: { readonly producer: Cluster; readonly consumer: Cluster },
  s: FusionState,
): string | null {
  const isWhole = (v: Value): boolean =>
    (consumer.demands.get(v) ?? []).every((d) => d.index?.every((e, k) => e.op === "const" || (e.op === "axis" && e.hi + 1 === v.shape[k])) === true);
  if (!values.every(isWhole)) return "sums would be computed again in each of its loops";
  const rows = values.map((v): Held => [v, producer.outputs.get(v) ?? []]);
  const bytes = heldBytes(producer, s) + heldBytes(consumer, s) + bytesOfRows(rows, producer.grid, s);
  return scratchRefusal(bytes, s.target);
}

/** Why rows of so many bytes cannot be held, or null. */
export const scratchRefusal = (bytes: number, { scratchBytes }: Target, whose: "its" | "their" = "its"): string | null =>
  bytes > scratchBytes ? `${whose} rows take ${bytes} bytes of scratch (at most ${scratchBytes})` : null;

/** The index at which a value is asked for: all of a row. */
export function wholeRow(c: Cluster, v: Value): readonly Expr[] {
  const index = c.forms.get(v)?.[0]?.index;
  if (!index) throw new CompilerBug("nobody asks for a row");
  return index;
}

/** Grid axes become loops inside of the grid point, around those that are there. */
export function lower(c: Cluster, loops: readonly string[]): void {
  const own = c.grid.filter((g) => loops.includes(g));
  if (own.length === 0) return;
  const all = [...c.demands];
  c.demands.clear();
  for (const [v, list] of all) for (const d of list) c.addDemand(v, { ...d, inner: [...own, ...d.inner] });
  c.grid = c.grid.filter((g) => !own.includes(g));
}

/**
 * What is computed of a held value and of nothing else at the same index is held instead: scores with their scale and mask. What is
 * stored is needed itself.
 */
export function settle(c: Cluster, s: FusionState): void {
  for (const [v, form] of c.held) {
    let last = v;
    for (let next = soleUse(c, last, s); next !== null; next = soleUse(c, last, s)) last = next;
    if (last === v) continue;
    c.held.delete(v);
    c.held.set(last, form);
  }
}

function soleUse(c: Cluster, v: Value, s: FusionState): Value | null {
  if (s.isNeeded(v)) return null;
  const users = [...c.nodes].filter((n) => n.args.includes(v));
  const [only] = users;
  if (users.length !== 1 || only === undefined || only.op.kind !== "elementwise") return null;
  const [result] = only.results;
  const isAlone = only.results.length === 1 && only.args.filter((a) => a === v).length === 1;
  return isAlone && result !== undefined && !c.held.has(result) && only.args.every((a) => a === v || c.held.has(a) || !isOfRows(a, c)) ? result : null;
}

/** Whether a value is made of what is held: it may need all of a row. */
function isOfRows(v: Value, c: Cluster): boolean {
  const seen = new Set([v.node]);
  for (const n of seen) {
    if (n.results.some((r) => c.held.has(r))) return true;
    for (const a of n.args) if (c.nodes.has(a.node)) seen.add(a.node);
  }
  return false;
}

/** Bytes of the rows that a grid point of a cluster holds. */
export const heldBytes = (c: Cluster, s: Pick<FusionState, "axes" | "target">): number => bytesOfRows([...c.held], c.grid, s);

/** Bytes of the rows of some values. */
export function bytesOfRows(list: readonly Held[], grid: readonly string[], { axes, target }: Pick<FusionState, "axes" | "target">): number {
  return list.reduce((n, held) => n + storedBytes({ dtype: held[0].dtype, shape: [rowLength(held, grid, axes)] }, target), 0);
}
