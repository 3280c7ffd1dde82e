/**
 * accumulate: a long reduction that adds up one element after another does so over fixed blocks.
 *
 *   reduce %r = sum over %k in 0..n { v }   →   carry %r; for blocks of 512 { carry %r_p; %r_p += …; %r += %r_p }
 *
 * One running float sum loses a bit with every doubling of its length; blocks do not (the error grows with their number, about
 * pairwise summation).
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, variable } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex } from "../../ir/indexing.ts";
import type { Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import { bringInto } from "./combine.ts";
import { copied, loop, minOf } from "./copy.ts";

/** Elements of a block, and blocks of a group: sums of sums, so that the error grows slowly. */
export const block = 512;
export const group = 64;

export const accumulate = (kernel: Kernel): Kernel => ({ ...kernel, body: accumulated(kernel.body) });

/** The same of a list. */
export function accumulated(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (s) => {
    const inner = mapBodies(s, accumulated);
    if (inner.kind !== "reduce" || !isLong(inner)) return inner;
    return at(inner.axes, 0).about === undefined ? blocked(inner) : blockedRow(inner);
  });
}

function isLong(r: Reduce): boolean {
  const only = r.axes.length === 1 ? r.axes[0] : undefined;
  if (r.exact || only === undefined || only.kind !== "serial" || only.step !== 1) return false;
  const length = only.lo.op === "const" && only.lo.value === 0 && only.hi.op === "const" ? only.hi.value : only.about;
  return length !== undefined && length > block && r.body.every((s) => s.kind === "let" || s.kind === "store");
}

const totalsOf = (r: Reduce): Expr[] => r.names.map((name, i) => variable(name, at(r.init, i).dtype));
const carriesOf = (r: Reduce, names: readonly Expr[]): Stmt[] => names.map((v, i) => ({ kind: "carry", name: v.name, init: at(r.init, i) }));

/** One block, a run of blocks, or groups of blocks with a sum of their own. */
function blocked(r: Reduce): Stmt[] {
  const { name, hi } = at(r.axes, 0);
  const n = hi.value;
  const totals = totalsOf(r);
  const blocks = Math.ceil(n / block);
  const b = axisIndex(`${name}b`, 0, blocks - 1);
  const start = mulIndex(b, block);
  const end = n % block === 0 ? addIndex(start, block) : minOf(addIndex(start, block), ix(n));
  const run = (from: Expr, to: Expr, into: readonly Expr[]): Stmt =>
    loop("serial", { name: b.name, lo: from, hi: to }, 1, blockBody(r, { from: start, to: end, totals: into }));
  if (blocks <= group) return [...carriesOf(r, totals), run(ix(0), ix(blocks), totals)];
  const groups = Math.ceil(blocks / group);
  const g = axisIndex(`${name}g`, 0, groups - 1);
  const sums = r.names.map((v, i) => variable(`${v}_g`, at(r.init, i).dtype));
  const from = mulIndex(g, group);
  const to = blocks % group === 0 ? addIndex(from, group) : minOf(addIndex(from, group), ix(blocks));
  const body = [...carriesOf(r, sums), run(from, to, sums), ...assign(r, totals, sums, "_gt")];
  return [...carriesOf(r, totals), loop("serial", { name: g.name, lo: ix(0), hi: ix(groups) }, 1, body)];
}

/** Blocks from the start of a row of any length to its end. */
function blockedRow(r: Reduce): Stmt[] {
  const axis = at(r.axes, 0);
  const totals = totalsOf(r);
  const from = axisIndex(`${axis.name}b`, axis.lo.lo, axis.hi.hi - 1);
  const last = minOf(addIndex(from, block), axis.hi);
  const end = variable(`${axis.name}e`, "int32", from.lo, last.hi);
  const body: Stmt[] = [{ kind: "let", name: end.name, value: last }, ...blockBody(r, { from, to: end, totals })];
  const blocks: Stmt = { kind: "for", axis: { ...axis, name: from.name, step: block, about: Math.ceil((axis.about ?? block) / block) }, body };
  return [...carriesOf(r, totals), blocks];
}

interface Block {
  readonly from: Expr;
  readonly to: Expr;
  readonly totals: readonly Expr[];
}

/** One block: its own sum, brought into the totals. */
function blockBody(r: Reduce, { from, to, totals }: Block): Stmt[] {
  const axis = at(r.axes, 0);
  const step = axisIndex(`${axis.name}s`, from.lo, to.hi - 1);
  const sums = r.names.map((name, i) => variable(`${name}_p`, at(r.init, i).dtype));
  const { body, values } = copied(r, { suffix: "", axes: new Map([[axis.name, step]]) });
  const steps = loop("serial", { name: step.name, lo: from, hi: to }, 1, [...body, ...assign(r, sums, values, "_u")]);
  return [...carriesOf(r, sums), steps, ...assign(r, totals, sums, "_b")];
}

function assign(r: Reduce, into: readonly Expr[], values: readonly Expr[], label: string): Stmt[] {
  const name = (i: number): string => at(into, i).name;
  return bringInto(r, { parts: into, name, set: (i, value) => ({ kind: "assign", name: name(i), value }) }, values, label);
}
