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
import { axisIndex, isScalarOp, substitute, variable } from "../../ir/expr.ts";
import { addIndex, freeNames, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatement, mapStatements, visitExpressions } from "../../ir/loop-walk.ts";

const block = 512;
/** Copies of a larger body cost more than they give. */
const maxOperations = 40;

/** `lanes`: accumulators a result. One where the loop has many results, which fill the registers already; blocks are kept then too. */
export function accumulate(kernel: Kernel, lanes: 1 | 4): Kernel {
  const mapList = (list: readonly Stmt[]): Stmt[] =>
    list.flatMap((s) => {
      const inner = mapStatement(s, (e) => e, mapList);
      return inner.kind === "reduce" && isLong(inner, lanes) ? blocked(inner, lanes) : [inner];
    });
  return { ...kernel, body: mapList(kernel.body) };
}

function isLong(r: Reduce, lanes: 1 | 4): boolean {
  const only = r.axes.length === 1 ? r.axes[0] : undefined;
  if (only === undefined || only.kind !== "serial" || only.lo.op !== "const" || only.lo.value !== 0 || only.hi.op !== "const" || only.step !== 1) return false;
  let operations = 0;
  visitExpressions([r], (e) => {
    if (isScalarOp(e.op)) operations++;
  });
  const long = lanes === 1 ? !r.exact && only.hi.value > block : only.hi.value >= 4 * lanes && operations <= maxOperations;
  return long && r.body.every((s) => s.kind === "let" || s.kind === "store");
}

function blocked(r: Reduce, lanes: 1 | 4): Stmt[] {
  const axis = at(r.axes, 0);
  const n = axis.hi.value;
  const whole = Math.floor(n / lanes) * lanes;
  const totals = r.names.map((name, i) => variable(name, at(r.init, i).dtype));
  const out: Stmt[] = r.names.map((name, i) => ({ kind: "carry", name, init: at(r.init, i) }));
  const blocks = Math.ceil(whole / block);
  const b = axisIndex(`${axis.name}b`, 0, blocks - 1);
  const from = mulIndex(b, block);
  const to = blocks === 1 ? ix(whole) : minIndex(addIndex(from, block), whole);
  const body = blockBody(r, lanes, blocks === 1 ? ix(0) : from, to, totals);
  out.push(...(blocks === 1 ? body : [loop(b.name, ix(0), ix(blocks), 1, body)]));
  if (whole < n) out.push(loop(axis.name, ix(whole), ix(n), 1, [...r.body, ...assign(r, totals, r.values, "_r")]));
  return out;
}

function minIndex(e: Expr, n: number): Expr {
  return { op: "min", dtype: "int32", args: [e, ix(n)], value: 0, name: "", lo: Math.min(e.lo, n), hi: Math.min(e.hi, n) };
}

const loop = (name: string, lo: Expr, hi: Expr, step: number, body: readonly Stmt[]): Stmt => ({ kind: "for", axis: { name, kind: "serial", lo, hi, step }, body });

/** One block: its accumulators, its steps, and their sum brought into the totals. */
function blockBody(r: Reduce, lanes: 1 | 4, from: Expr, to: Expr, totals: readonly Expr[]): Stmt[] {
  const axis = at(r.axes, 0);
  const step = axisIndex(`${axis.name}s`, 0, axis.hi.value - 1);
  const parts = Array.from({ length: lanes }, (_, u) => r.names.map((name, i) => variable(`${name}_p${u}`, at(r.init, i).dtype)));
  const carries = parts.flatMap((p) => p.map((v, i): Stmt => ({ kind: "carry", name: v.name, init: at(r.init, i) })));
  const steps = parts.flatMap((p, u) => stepOf(r, axis, addIndex({ ...step, hi: step.hi - u }, u), p, `_u${u}`));
  const sum = lanes === 1 ? at(parts, 0) : merge(r, merge(r, at(parts, 0), at(parts, 1)), merge(r, at(parts, 2), at(parts, 3)));
  return [...carries, loop(step.name, from, to, lanes, steps), ...assign(r, totals, sum)];
}

const merge = (r: Reduce, a: readonly Expr[], b: readonly Expr[]): Expr[] => r.combine.map((c) => substitute(c, [...a, ...b]));

/** The assignments that bring `values` into `into`; a tuple is combined in full before any of it changes. */
function assign(r: Reduce, into: readonly Expr[], values: readonly Expr[], suffix: string = "_n"): Stmt[] {
  const next = merge(r, into, values);
  const names = new Set(into.map((v) => v.name));
  const apart = next.every((e, i) => [...freeNames(e)].every((n) => !names.has(n) || n === at(into, i).name));
  if (apart) return next.map((value, i) => ({ kind: "assign", name: at(into, i).name, value }));
  const lets = next.map((value, i): Stmt => ({ kind: "let", name: `${at(into, i).name}${suffix}`, value }));
  const moves = into.map((v): Stmt => ({ kind: "assign", name: v.name, value: variable(`${v.name}${suffix}`, v.dtype) }));
  return [...lets, ...moves];
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
  return [...body, ...assign(r, into, r.values.map(f))];
}
