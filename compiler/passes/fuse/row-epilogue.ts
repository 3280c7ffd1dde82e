/**
 * Row epilogues: a contraction or sums, and what is made of their rows.
 *
 *   S[i,j] = sum over k of x[i,k] * w[k,j]      argmax of S[i]      →      one region over [i]: S[i] lies in the grid point's scratch
 *   S[i,j] = sum over k of x[i,j,k]             softmax of S[i]     →      the same
 *
 * As with chains of two contractions (`held-rows.ts`), a grid point computes a whole row; what that costs is said in `row-profit.ts`.
 */
import type { Expr } from "../../ir/expr.ts";
import { bytesOf } from "../../ir/shape.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import { hasKind } from "./cluster.ts";
import type { Joint } from "./held-profit.ts";
import { heldBytes, heldResults, jointOf, lower, producersOf, reduces, scratchRefusal, settle } from "./held-rows.ts";
import { hasTiles, lossRefusal, scratchOf } from "./row-profit.ts";
import type { FusionState } from "./state.ts";

/** Whether a cluster adds up, and no tiles would make that faster. */
const addsUp = (c: Cluster): boolean => c.closed === null && !hasTiles(c) && (reduces(c) || hasKind(c, "contraction"));

/** Contractions whose rows are reduced become one cluster with what reads them, and then sums do. */
export function holdEpilogues(s: FusionState): void {
  for (const isSource of [(c: Cluster) => hasTiles(c) && !reduces(c), addsUp]) for (const c of s.live()) holdSources(c, isSource, s);
}

/** Makes one cluster of rows and of what gives the elements that they reduce, one source after another. */
function holdSources(c: Cluster, isSource: (c: Cluster) => boolean, s: FusionState): void {
  const tried = new Set<Cluster>();
  for (let rows = c.root(); addsUp(rows); rows = c.root()) {
    const sources = producersOf(rows, s).filter(isSource);
    const source = sources.find((p) => !tried.has(p) && p.held.size === 0);
    if (source === undefined || (hasTiles(source) && sources.length > 1)) return;
    tried.add(source);
    const anchor = s.anchorOf(source);
    const refusal = hold(source, rows, s);
    if (refusal === null) s.noteFused(anchor, rows.root(), "its rows are held in scratch");
    else s.noteRefused(anchor, rows, refusal);
  }
}

/** Makes one cluster of both, or says why not. */
function hold(source: Cluster, rows: Cluster, s: FusionState): string | null {
  const joint = jointOf(source, rows, s);
  if (typeof joint === "string") return joint;
  if (hasTiles(source) && [...source.outputs.keys()].some((v) => s.kept.has(v) || s.isAskedBeside(v, rows))) return "others need its rows too";
  if (!isOncePoint(rows, joint)) return "it would be computed again for each element of a row";
  if (isTooEarly(source, rows, s)) return "what it stores over an input would be stored before others have read that";
  const bound = s.bindings.mergeRefusal(source, rows);
  if (bound !== null) return bound;
  const results = hasTiles(source) ? heldResults(source, rows) : [...source.outputs];
  const bytes = heldBytes(rows, s) + scratchOf({ source, rows }, results, joint, s);
  const refusal = scratchRefusal(bytes, s.target) ?? lossRefusal({ source, rows, bytes }, joint, s);
  if (refusal !== null) return refusal;
  for (const c of [source, rows]) lower(c, joint.loops);
  const whole = s.merge(source, rows, joint.aligned);
  // one walk fills them all
  const named = (e: Expr): Expr => (e.op === "axis" && !whole.grid.includes(e.name) ? met(e, joint, s.axes) : e);
  for (const [v, form] of results) whole.held.set(v, form.map(named));
  settle(whole, s);
  return null;
}

/**
 * Whether all is computed once. Loops that were axes of the source's grid are one walk, whatever its results have inside. An axis of the
 * rows' grid becomes a loop only around one result, and where nothing else is held.
 */
function isOncePoint(rows: Cluster, { aligned }: Joint): boolean {
  const met = new Set(aligned.grid.values());
  return rows.grid.every((g) => met.has(g)) || (rows.held.size === 0 && rows.outputs.size === 1 && hasNoLoops(rows));
}

const hasNoLoops = ({ grid, outputs }: Cluster): boolean => [...outputs.values()].every((form) => form.every((e) => e.op !== "axis" || grid.includes(e.name)));

/** Whether rows that are stored over an input would be stored in front of others that read it, and wait for the source. */
function isTooEarly(source: Cluster, rows: Cluster, s: FusionState): boolean {
  const stored = [...rows.outputs.keys()].filter((v) => s.returned.has(v)).map((v) => bytesOf(v.type));
  const replaced = [...s.donated].filter((v) => rows.demands.has(v) && stored.includes(bytesOf(v.type)));
  return replaced.some((v) => s.askersOf(v).some((c) => c !== rows && c !== source && s.reaches(source, c, "all")));
}

/** What an axis of a source's grid is called in the rows'. */
function met(e: Expr, { aligned }: Joint, axes: Axes): Expr {
  const name = e.op === "axis" ? aligned.grid.get(e.name) : undefined;
  return name === undefined ? e : axes.expr(name);
}
