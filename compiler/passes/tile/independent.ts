/** Whether the iterations of a loop may run in any order, and side by side. */
import { exprOrder } from "../../ir/expr-order.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, keyOf, subIndex } from "../../ir/indexing.ts";
import type { Kernel, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsIn, expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import { inlineIndices, strideOf } from "./nest.ts";

/** Buffers that other iterations, or other grid points, may meet in place. */
export const updatedBuffers = (kernel: Kernel): ReadonlySet<string> => new Set(kernel.buffers.filter((b) => b.access === "update").map((b) => b.name));

const none: ReadonlySet<string> = new Set();

/**
 * No values are carried from one iteration to the next, no element of memory that one stores is another's to load, and what is stored
 * several times is stored in order elsewhere. `values` are what a reduction makes of an iteration; `own`: memory that each iteration
 * has for itself.
 */
export function isIndependent(body: readonly Stmt[], values: readonly Expr[], updated: ReadonlySet<string>, own: ReadonlySet<string> = none): boolean {
  const stored = new Map<string, string>();
  const carries = new Set<string>();
  const list = [...statements(body)];
  for (const s of list) {
    if (s.kind === "barrier" || s.kind === "local") return false;
    if (s.kind === "carry") carries.add(s.name);
    if (s.kind === "assign" && !carries.has(s.name)) return false;
    if (s.kind !== "store" || own.has(s.buffer)) continue;
    const index = keyOf(s.index);
    if (s.atomic !== undefined || updated.has(s.buffer) || (stored.get(s.buffer) ?? index) !== index) return false;
    stored.set(s.buffer, index);
  }
  const loads = exprOrder([...list.flatMap(expressionsOf), ...values]).filter((e) => e.op === "load");
  return loads.every((e) => (stored.get(e.name) ?? keyOf(at(e.args, 0))) === keyOf(at(e.args, 0)));
}

/**
 * Whether each iteration of an axis keeps to a window of its own in every memory that it stores to: all of its indices there go on by one
 * step, which is more than they lie apart, as those of rows in a matrix.
 *
 *   for %i { for %k in 0..3 { store %row[%i * 3 + %k] = … }  reduce %s over %m in 0..3 { load %row[%i * 3 + %m] } … }
 */
export function hasWindows(body: readonly Stmt[], axis: string): boolean {
  const plain = inlineIndices(body);
  const list = statements(plain);
  if (list.some((s) => s.kind === "barrier" || s.kind === "local" || s.kind === "assign" || (s.kind === "store" && s.atomic !== undefined))) return false;
  const stored = new Set(list.flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  const indices = new Map([...stored].map((name): [string, Expr[]] => [name, []]));
  for (const s of list) if (s.kind === "store") indices.get(s.buffer)?.push(addIndex(s.index, 0));
  for (const e of exprOrder(expressionsIn(plain))) if (e.op === "load") indices.get(e.name)?.push(addIndex(at(e.args, 0), 0));
  const inner = new Set(list.flatMap((s) => axesOf(s).map((a) => a.name)));
  // what is found out inside may be anything
  const own = new Set(list.flatMap(namedBy));
  const isArithmetic = (index: Expr): boolean => exprOrder([index]).every((e) => e.op !== "load" && !(e.op === "var" && own.has(e.name)));
  return [...indices.values()].every((found) => found.every(isArithmetic) && isWindow(found, axis, inner));
}

function isWindow(indices: readonly Expr[], axis: string, inner: ReadonlySet<string>): boolean {
  const step = strideOf(at(indices, 0), axis);
  if (Number.isNaN(step) || step === 0 || indices.some((e) => strideOf(e, axis) !== step)) return false;
  const other = exprMapper((e) => (e.op === "axis" && inner.has(e.name) ? axisIndex(`${e.name}'`, e.lo, e.hi) : e));
  const start = exprMapper((e) => (e.op === "axis" && e.name === axis ? ix(0) : e));
  const places = indices.map((e) => addIndex(start(e), 0));
  // what is the same for both is gone in the difference
  const isNear = (a: Expr, b: Expr): boolean => {
    const apart = subIndex(a, addIndex(other(b), 0));
    return apart.lo > -Math.abs(step) && apart.hi < Math.abs(step);
  };
  return places.every((a) => places.every((b) => isNear(a, b)));
}

/** The names in a body whose values differ from iteration to iteration of `axis`. */
export const varyingNames = (body: readonly Stmt[], axis: string): ReadonlySet<string> => namesBehind(body, [axis]);

/** Some names, and those in a body whose values depend on them. */
export function namesBehind(body: readonly Stmt[], first: Iterable<string>): ReadonlySet<string> {
  const varying = new Set(first);
  const list = statements(body).map((s) => ({ names: namedBy(s), reads: namesRead(s.kind === "reduce" ? [s, ...statements(s.body)] : [s]) }));
  for (let before = 0; before !== varying.size;) {
    before = varying.size;
    for (const { names, reads } of list) if (reads.some((n) => varying.has(n))) names.forEach((n) => varying.add(n));
  }
  return varying;
}

/** What a statement names, or changes. */
export function namedBy(s: Stmt): readonly string[] {
  if (s.kind === "let" || s.kind === "carry" || s.kind === "assign" || s.kind === "local") return [s.name];
  if (s.kind === "store") return [s.buffer];
  return s.kind === "reduce" ? s.names : [];
}

const namesRead = (list: readonly Stmt[]): string[] => leaves(list.flatMap(expressionsOf));

/** The scalars, axes and memories that expressions read. */
function leaves(roots: readonly Expr[]): string[] {
  return exprOrder(roots).flatMap((e) => (e.op === "var" || e.op === "axis" || e.op === "load" ? [e.name] : []));
}

/** Whether iterations can go side by side: loops and conditions inside are the same for all of them. */
export function goesTogether(body: readonly Stmt[], axis: string): boolean {
  const varying = varyingNames(body, axis);
  const same = (e: Expr): boolean => !leaves([e]).some((name) => varying.has(name));
  return statements(body).every((s) => {
    if (s.kind === "if") return same(s.condition);
    return axesOf(s).every((a) => a.kind === "serial" && same(a.lo) && same(a.hi));
  });
}
