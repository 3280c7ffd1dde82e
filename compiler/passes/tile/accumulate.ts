/**
 * accumulate: a long reduction by several accumulators over fixed blocks.
 *
 *   reduce %r = sum over %k in 0..n { v }   →   carry %r; for blocks of 512 { 4 accumulators, 4 elements a step; %r += their sum }
 *
 * One running float sum waits for itself at every addition and loses a bit with every doubling of its length; blocks do neither
 * (the error grows with the number of blocks, about pairwise summation). Reductions whose order does not matter to a bit gain speed only.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, isScalarOp, s, variable, withRange } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, subIndex } from "../../ir/indexing.ts";
import type { Axis, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatement, mapStatements, visitExpressions } from "../../ir/loop-walk.ts";

/** Elements of a block, and blocks of a group: sums of sums, so that the error grows slowly. */
const block = 512;
const group = 64;
/** Copies of a larger body cost more than they give. */
const maxOperations = 40;

/** `lanes`: accumulators a result. One where the loop has many results, which fill the registers already; blocks are kept then too. */
export function accumulate(kernel: Kernel, lanes: 1 | 4): Kernel {
  const mapList = (list: readonly Stmt[]): Stmt[] =>
    list.flatMap((s) => {
      const inner = mapStatement(s, (e) => e, mapList);
      if (inner.kind !== "reduce" || !isLong(inner, lanes)) return [inner];
      return at(inner.axes, 0).about === undefined ? blocked(inner, lanes) : blockedRow(inner, lanes);
    });
  return { ...kernel, body: mapList(kernel.body) };
}

function isLong(r: Reduce, lanes: 1 | 4): boolean {
  const only = r.axes.length === 1 ? r.axes[0] : undefined;
  if (only === undefined || only.kind !== "serial" || only.step !== 1) return false;
  const length = only.lo.op === "const" && only.lo.value === 0 && only.hi.op === "const" ? only.hi.value : only.about;
  if (length === undefined) return false;
  let operations = 0;
  visitExpressions([r], (e) => {
    if (isScalarOp(e.op)) operations++;
  });
  const long = lanes === 1 ? !r.exact && length > block : length >= 4 * lanes && operations <= maxOperations;
  return long && r.body.every((s) => s.kind === "let" || s.kind === "store");
}

function blocked(r: Reduce, lanes: 1 | 4): Stmt[] {
  const axis = at(r.axes, 0);
  const n = axis.hi.value;
  const whole = Math.floor(n / lanes) * lanes;
  const totals = r.names.map((name, i) => variable(name, at(r.init, i).dtype));
  const out: Stmt[] = r.names.map((name, i) => ({ kind: "carry", name, init: at(r.init, i) }));
  out.push(...blocksOf(r, lanes, whole, totals));
  if (whole < n) out.push(loop(axis.name, ix(whole), ix(n), 1, [...r.body, ...assign(r, totals, r.values, "_r")]));
  return out;
}

/** All whole steps: one block, a run of blocks, or groups of blocks with a sum of their own. */
function blocksOf(r: Reduce, lanes: 1 | 4, whole: number, totals: readonly Expr[]): Stmt[] {
  const name = at(r.axes, 0).name;
  const blocks = Math.ceil(whole / block);
  if (blocks === 1) return blockBody(r, lanes, { from: ix(0), to: ix(whole), totals, rest: () => [] });
  const b = axisIndex(`${name}b`, 0, blocks - 1);
  const end = minIndex(addIndex(mulIndex(b, block), block), whole);
  const run = (lo: Expr, hi: Expr, into: readonly Expr[]): Stmt =>
    loop(b.name, lo, hi, 1, blockBody(r, lanes, { from: mulIndex(b, block), to: end, totals: into, rest: () => [] }));
  if (blocks <= group) return [run(ix(0), ix(blocks), totals)];
  const groups = Math.ceil(blocks / group);
  const g = axisIndex(`${name}g`, 0, groups - 1);
  const sums = r.names.map((n, i) => variable(`${n}_g`, at(r.init, i).dtype));
  const carries = sums.map((v, i): Stmt => ({ kind: "carry", name: v.name, init: at(r.init, i) }));
  const from = mulIndex(g, group);
  const body = [...carries, run(from, minIndex(addIndex(from, group), blocks), sums), ...assign(r, totals, sums, "_gt")];
  return [loop(g.name, ix(0), ix(groups), 1, body)];
}

/** Blocks from the start of a row of any length to its end; in each whole steps, then what is left. */
function blockedRow(r: Reduce, lanes: 1 | 4): Stmt[] {
  const axis = at(r.axes, 0);
  const totals = r.names.map((name, i) => variable(name, at(r.init, i).dtype));
  const from = axisIndex(`${axis.name}b`, axis.lo.lo, axis.hi.hi - 1);
  const last = minOf(addIndex(from, block), axis.hi);
  const [end, whole] = ["e", "w"].map((suffix) => variable(`${axis.name}${suffix}`, "int32", from.lo, last.hi));
  if (end === undefined || whole === undefined) return [r];
  // no block ends before it starts: the maximum says so to those who check
  const steps = s.max(subIndex(end, withRange(s.irem(subIndex(end, from), lanes), 0, lanes - 1)), from);
  const lets: Stmt[] = [{ kind: "let", name: end.name, value: last }, ...(lanes === 1 ? [] : [{ kind: "let", name: whole.name, value: steps } as const])];
  const rest = (into: readonly Expr[]): Stmt[] => (lanes === 1 ? [] : [loop(axis.name, whole, end, 1, [...r.body, ...assign(r, into, r.values, "_r")])]);
  const body = [...lets, ...blockBody(r, lanes, { from, to: lanes === 1 ? end : subIndex(whole, lanes - 1), totals, rest })];
  const blocks: Stmt = { kind: "for", axis: { ...axis, name: from.name, step: block, about: Math.ceil((axis.about ?? block) / block) }, body };
  return [...r.names.map((name, i): Stmt => ({ kind: "carry", name, init: at(r.init, i) })), blocks];
}

function minOf(a: Expr, b: Expr): Expr {
  return { op: "min", dtype: "int32", args: [a, b], value: 0, name: "", lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
}
const minIndex = (e: Expr, n: number): Expr => minOf(e, ix(n));

const loop = (name: string, lo: Expr, hi: Expr, step: number, body: readonly Stmt[]): Stmt => ({
  kind: "for",
  axis: { name, kind: "serial", lo, hi, step },
  body,
});

interface Block {
  readonly from: Expr;
  readonly to: Expr;
  readonly totals: readonly Expr[];
  /** What is left behind whole steps, brought into the first accumulators. */
  readonly rest: (into: readonly Expr[]) => readonly Stmt[];
}

/** One block: its accumulators, its steps, and their sum brought into the totals. */
function blockBody(r: Reduce, lanes: 1 | 4, { from, to, totals, rest }: Block): Stmt[] {
  const axis = at(r.axes, 0);
  const step = axisIndex(`${axis.name}s`, from.lo, to.hi - 1);
  const parts = Array.from({ length: lanes }, (_, u) => r.names.map((name, i) => variable(`${name}_p${u}`, at(r.init, i).dtype)));
  const carries = parts.flatMap((p) => p.map((v, i): Stmt => ({ kind: "carry", name: v.name, init: at(r.init, i) })));
  const steps = parts.flatMap((p, u) => stepOf(r, axis, addIndex({ ...step, hi: step.hi - u }, u), p, `_u${u}`));
  const join = (a: number, b: number, label: string): Stmt[] => assign(r, at(parts, a), at(parts, b), label);
  const sums = lanes === 1 ? [] : [...join(0, 1, "_1"), ...join(2, 3, "_3"), ...join(0, 2, "_2")];
  return [...carries, loop(step.name, from, to, lanes, steps), ...rest(at(parts, 0)), ...sums, ...assign(r, totals, at(parts, 0), "_b")];
}

/** The combination of two tuples. What several of its parts need is one object in all of them. */
function merge(r: Reduce, a: readonly Expr[], b: readonly Expr[]): Expr[] {
  const args = [...a, ...b];
  const fill = exprMapper((e) => (e.op === "arg" ? at(args, e.value) : e));
  return r.combine.map(fill);
}

/** Lets for what several of the expressions hold, and the expressions on top of them. */
function nameShared(exprs: readonly Expr[], prefix: string): { readonly lets: Stmt[]; readonly exprs: Expr[] } {
  const holders = new Map<Expr, Set<number>>();
  exprs.forEach((root, i) => {
    visitExpressions([{ kind: "let", name: "", value: root }], (e) => {
      holders.set(e, (holders.get(e) ?? new Set()).add(i));
    });
  });
  const lets: Stmt[] = [];
  const names = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const known = names.get(e);
    if (known !== undefined || e.args.length === 0) return known ?? e;
    const shared = (holders.get(e)?.size ?? 0) > 1 && e.op !== "load";
    if (!shared) return { ...e, args: e.args.map(map) };
    const name = variable(`${prefix}${lets.length}`, e.dtype);
    lets.push({ kind: "let", name: name.name, value: e });
    names.set(e, name);
    return name;
  };
  return { exprs: exprs.map(map), lets };
}

/**
 * The assignments that bring `values` into `into`; a tuple is combined in full before any of it changes. `label` makes the names on
 * the way differ from those of other assignments to the same accumulators.
 */
function assign(r: Reduce, into: readonly Expr[], values: readonly Expr[], label: string): Stmt[] {
  const own = new Set(into.map((v) => v.name));
  const apart = r.combine.every((c, i) => [...argumentsOf(c)].every((k) => k % into.length === i));
  if (apart) return merge(r, into, values).map((value, i) => ({ kind: "assign", name: at(into, i).name, value }));
  const named = values.map((v, i) => (v.args.length === 0 && !own.has(v.name) ? v : variable(`${at(into, i).name}${label}v`, v.dtype)));
  const given = named.flatMap((v, i): Stmt[] => (v === at(values, i) ? [] : [{ kind: "let", name: v.name, value: at(values, i) }]));
  const { lets, exprs } = nameShared(merge(r, into, named), `${at(into, 0).name}${label}c`);
  const next = exprs.map((value, i): Stmt => ({ kind: "let", name: `${at(into, i).name}${label}n`, value }));
  const moves = into.map((v): Stmt => ({ kind: "assign", name: v.name, value: variable(`${v.name}${label}n`, v.dtype) }));
  return [...given, ...lets, ...next, ...moves];
}

/** Positions of the arguments that a template reads. */
function argumentsOf(template: Expr): Set<number> {
  const found = new Set<number>();
  visitExpressions([{ kind: "let", name: "", value: template }], (e) => {
    if (e.op === "arg") found.add(e.value);
  });
  return found;
}

/** One iteration at `index`, its lets under names of their own. */
function stepOf(r: Reduce, axis: Axis, index: Expr, into: readonly Expr[], suffix: string): Stmt[] {
  const own = new Set(r.body.flatMap((s) => (s.kind === "let" ? [s.name] : [])));
  const f = exprMapper((e) => {
    if (e.op === "axis" && e.name === axis.name) return index;
    if (e.op === "var" && own.has(e.name)) return variable(`${e.name}${suffix}`, e.dtype, e.lo, e.hi);
    return e.op === "load" ? { ...e, args: e.args.map((a, i) => (i === 0 ? addIndex(a, 0) : a)) } : e;
  });
  const body = mapStatements(r.body, f).map((s) => (s.kind === "let" ? { ...s, name: `${s.name}${suffix}` } : s));
  return [...body, ...assign(r, into, r.values.map(f), suffix)];
}
