/**
 * join: neighbouring axes that everything steps through as through one become one.
 *
 *   for %i in 0..8 { for %j in 0..6 { store %y[%i * 6 + %j] = load %x[%i * 6 + %j] } }     →     for %ij in 0..48 { store %y[%ij] = load %x[%ij] }
 *
 * Axes of a reduction come in the order in which its loads walk through memory first.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, freeNames, ix } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { mapBodies, replaceEach, visitExpressions } from "../../ir/loop-walk.ts";
import { tidy } from "../lower/tidy.ts";
import { copied } from "./copy.ts";
import { inlineLets, isPlain, strideOf } from "./nest.ts";

/** Reductions over fewer axes, wherever they stand. */
export function joinReductions(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (s) => {
    const inner = mapBodies(s, joinReductions);
    return inner.kind === "reduce" ? joinedReduce(inner) : inner;
  });
}

function joinedReduce(r: Reduce): Reduce {
  let current = r.axes.length > 1 ? inOrder(r) : r;
  for (let i = current.axes.length - 2; i >= 0; i--) {
    const [outer, inner] = [at(current.axes, i), at(current.axes, i + 1)];
    const parts = { body: current.body, values: current.values };
    if (!joinable(outer, inner, rootsOf(parts))) continue;
    const axis = joinedAxis(outer, inner);
    const { body, values } = copied(parts, { suffix: "", axes: places(outer, inner, axis) });
    current = { ...current, axes: [...current.axes.slice(0, i), axis, ...current.axes.slice(i + 2)], body, values };
  }
  return current;
}

/** Far strides first, if all loads agree. Axes that no load steps through by an amount that is known stay where they are. */
function inOrder(r: Reduce): Reduce {
  if (!r.axes.every(isPlain)) return r;
  const loads: Expr[] = [];
  visitExpressions([{ ...r, init: [], axes: [] }], (e) => {
    if (e.op === "load") loads.push(addIndex(at(e.args, 0), 0));
  });
  if (loads.length === 0) return r;
  const strides = r.axes.map((a) => loads.map((index) => Math.abs(strideOf(index, a.name))));
  if (strides.some((list) => list.some((n) => !(n > 0)))) return r;
  const order = r.axes.map((_, i) => i).toSorted((a, b) => at(at(strides, b), 0) - at(at(strides, a), 0));
  const agreed = loads.every((_, k) => order.every((axis, i) => i === 0 || at(at(strides, at(order, i - 1)), k) >= at(at(strides, axis), k)));
  return agreed ? { ...r, axes: order.map((i) => at(r.axes, i)) } : r;
}

/** Grid loops, from the outside in, with as few axes as may be; the innermost has the statements of a point. */
export function joinNest(nest: readonly For[]): readonly For[] {
  let current = nest;
  for (let i = current.length - 2; i >= 0; i--) {
    const [outer, inner, last] = [at(current, i), at(current, i + 1), at(current, current.length - 1)];
    const parts = { body: last.body, values: [] };
    if (!joinable(outer.axis, inner.axis, rootsOf(parts))) continue;
    const axis = joinedAxis(outer.axis, inner.axis);
    const { body } = copied(parts, { suffix: "", axes: places(outer.axis, inner.axis, axis) });
    const loops = [...current.slice(0, i), { ...inner, axis }, ...current.slice(i + 2)];
    current = loops.map((f, k) => (k === loops.length - 1 ? { ...f, body } : f));
  }
  return current;
}

const joinedAxis = (outer: Axis, inner: Axis): Axis => ({ ...inner, name: `${outer.name}${inner.name}`, hi: ix(outer.hi.value * inner.hi.value) });

/** All of the joined axis is walked by the inner one. */
const places = (outer: Axis, inner: Axis, joined: Axis): ReadonlyMap<string, Expr> =>
  new Map([
    [outer.name, ix(0)],
    [inner.name, axisIndex(joined.name, 0, joined.hi.value - 1)],
  ]);

function rootsOf({ body, values }: { readonly body: readonly Stmt[]; readonly values: readonly Expr[] }): Expr[] {
  return [...expressionsIn(body), ...values];
}

function joinable(outer: Axis, inner: Axis, roots: readonly Expr[]): boolean {
  if (!isPlain(outer) || !isPlain(inner) || outer.kind !== inner.kind) return false;
  const done = new Map<Expr, boolean>();
  const together = (e: Expr): boolean => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const answer = walksTogether(e, outer, inner) ?? e.args.every(together);
    done.set(e, answer);
    return answer;
  };
  return roots.every(together);
}

/** Whether a sum steps through both axes as through one; undefined where it is none, and its parts must say. */
function walksTogether(e: Expr, outer: Axis, inner: Axis): boolean | undefined {
  const names = e.op === "axis" ? new Set([e.name]) : freeNames(e);
  if (!names.has(outer.name) && !names.has(inner.name)) return true;
  if (e.dtype !== "int32" || e.op === "load") return e.args.length === 0 ? false : undefined;
  const sum = addIndex(e, 0);
  const [far, near] = [strideOf(sum, outer.name), strideOf(sum, inner.name)];
  if (Number.isNaN(far) || Number.isNaN(near)) return undefined;
  return far === near * inner.hi.value;
}

/** The same, where nothing is held in scratch: those loops mean something. */
export const withoutRowsJoined = (kernel: Kernel): Kernel => (statements(kernel.body).some((s) => s.kind === "local") ? kernel : withLoopsJoined(kernel));

/** The kernel with loops of its grid points joined; index arithmetic between them is no matter. */
export function withLoopsJoined(kernel: Kernel): Kernel {
  const isNest = (s: Stmt): boolean => s.kind === "for" && s.axis.kind === "serial" && s.body.some((b) => b.kind === "for");
  if (!statements(kernel.body).some(isNest)) return kernel;
  const plain = inlineLets(kernel.body, (e) => e.dtype === "int32");
  const body = joinLoops(plain);
  return body === plain ? kernel : { ...kernel, body: tidy(body) };
}

/** Serial loops around nothing but another one, joined with it. */
export function joinLoops(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (s) => {
    const next = mapBodies(s, joinLoops);
    const inner = next.kind === "for" && next.axis.kind === "serial" && next.body.length === 1 ? next.body[0] : undefined;
    if (next.kind !== "for" || inner?.kind !== "for") return next;
    if (!joinable(next.axis, inner.axis, rootsOf({ body: inner.body, values: [] }))) return next;
    const axis = joinedAxis(next.axis, inner.axis);
    return { ...inner, axis, body: copied({ body: inner.body, values: [] }, { suffix: "", axes: places(next.axis, inner.axis, axis) }).body };
  });
}
