/**
 * sums first: functions of short sums, for as many grid points at once as vectors want, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { for %j in 0..3 [grid] { reduce %s …  store %out[%i * 3 + %j] = tanh(%s) } }
 *     → for %i in 0..512 step 32 [grid] { local %s_of: f32[96]
 *         for %ir in 0..32 { for %j in 0..3 { reduce %s …  store %s_of[%ir * 3 + %j] = %s } }
 *         for %in in 0..32 { for %j in 0..3 { store %out[(%i + %in) * 3 + %j] = tanh(load %s_of[%in * 3 + %j]) } } }
 *
 * A function takes as long for one number as for a register of them, and one sum after another gives one number at a time. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, flatten, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { rowsInPairs } from "./abreast.ts";
import { keptOf } from "./across.ts";
import { stagesOf } from "./chains.ts";
import { costOf, costOfFunction, isMadeOfOthers, valuesIn } from "./cost.ts";
import { joinLoops } from "./join.ts";
import { isPlain, loopsOver } from "./nest.ts";
import { eachRow, stripLoops } from "./strip.ts";

/** Numbers that are found before functions are computed of them: several registers. */
const enough = 64;
/** Where the sums of a grid point are more work than so many functions, these are no matter. */
const mostWork = 64;

/** The kernel with sums of some grid points before functions of them, or the kernel itself where it has no such functions. */
export function sumsFirst(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !nest.every((f) => isPlain(f.axis))) return kernel;
  const cut = firstFunction(inner.body);
  const [filling, storing] = [inner.body.slice(0, cut), inner.body.slice(cut)];
  if (cut === 0 || !isWorthIt(filling, storing)) return kernel;
  const kept = keptOf(filling, storing);
  if (kept === null) return kernel;
  const level = levelOf(nest);
  const below = nest.slice(level + 1).map((f): Axis => ({ ...f.axis, kind: "serial" }));
  const points = below.reduce((n, a) => n * a.hi.value, 1);
  const { axis } = at(nest, level);
  const count = countOf(axis.hi.value, Math.ceil(enough / points));
  const rows = { axis, count, scratch: [] };
  const place = (name: string): Expr => addIndex(mulIndex(axisIndex(`${axis.name}${name}`, 0, count - 1), points), within(below));
  const nameOf = (e: Expr): string => `${e.name}_of`;
  const keeps = kept.map((e): Stmt => ({ kind: "store", buffer: nameOf(e), index: place("r"), value: e }));
  const lets = kept.map((e): Stmt => ({ kind: "let", name: e.name, value: load(nameOf(e), e.dtype, place("n")) }));
  const found = rowsInPairs(eachRow(loopsOver(below, [...filling, ...keeps]), { ...rows, name: "r", suffix: "_r" }));
  const stored = inStages(joinLoops([eachRow(loopsOver(below, [...lets, ...storing]), { ...rows, name: "n", suffix: "_n" })]), target);
  const locals = kept.map((e): Local => ({ kind: "local", name: nameOf(e), dtype: e.dtype, size: count * points, space: "scratch" }));
  return { ...kernel, body: stripLoops(nest.slice(0, level + 1), count, [...locals, found, ...stored]) };
}

/** The memory that a statement declares or writes. */
function memoryOf(s: Stmt): readonly string[] {
  if (s.kind === "local") return [s.name];
  return s.kind === "store" ? [s.buffer] : [];
}

const hasFunction = (s: Stmt): boolean => exprOrder(expressionsIn([s])).some((e) => isMadeOfOthers(e.op));

/** Where in a body functions of what its loops found begin; 0 where it has no loops. */
function firstFunction(body: readonly Stmt[]): number {
  const loops = body.findLastIndex((s) => s.kind === "for" || s.kind === "reduce") + 1;
  const next = body.findIndex((s, i) => i >= loops && (s.kind !== "let" || hasFunction(s)));
  return loops === 0 || next < 0 ? 0 : next;
}

/** Whether what follows the sums has functions that are some of the work, and asks for nothing but numbers. */
function isWorthIt(filling: readonly Stmt[], storing: readonly Stmt[]): boolean {
  if (!storing.every((s) => s.kind === "let" || (s.kind === "store" && s.atomic === undefined))) return false;
  const order = exprOrder(expressionsIn(storing));
  const memory = new Set(statements(filling).flatMap(memoryOf));
  if (order.some((e) => e.op === "load" && memory.has(e.name))) return false;
  const functions = order.filter((e) => isMadeOfOthers(e.op)).length;
  return functions > 0 && workOf(filling) <= mostWork * costOfFunction * functions;
}

/** Operations of statements and of the loops among them. */
function workOf(list: readonly Stmt[]): number {
  return list.reduce((n, s) => {
    if (s.kind === "for") return n + turnsOf(s.axis) * workOf(s.body);
    if (s.kind === "reduce") return n + s.axes.reduce((m, a) => m * turnsOf(a), 1) * (workOf(s.body) + costOf([...s.values, ...s.combine]));
    return n + costOf(valuesIn([s]));
  }, 0);
}

const turnsOf = (a: Axis): number => Math.ceil((a.hi.hi - a.lo.lo) / a.step);

/** The innermost axis of the grid within which there are enough points; the outermost where there are not. */
function levelOf(nest: readonly For[]): number {
  let points = 1;
  for (let i = nest.length - 1; i > 0; i--) {
    points *= at(nest, i).axis.hi.value;
    if (points >= enough) return i;
  }
  return 0;
}

/** So many of an axis, or a few more where that divides it. */
function countOf(length: number, wanted: number): number {
  for (let n = wanted; n <= Math.min(length, 2 * wanted); n++) if (length % n === 0) return n;
  return Math.min(length, wanted);
}

/** Which of the points below an axis it is. */
const within = (axes: readonly Axis[]): Expr =>
  flatten(
    axes.map((a) => axisIndex(a.name, 0, a.hi.value - 1)),
    axes.map((a) => a.hi.value),
  );

/** One loop with functions of functions as several. */
function inStages(list: readonly Stmt[], target: Target): readonly Stmt[] {
  const only = list.length === 1 ? list[0] : undefined;
  if (only?.kind !== "for" || !isPlain(only.axis)) return list;
  const size = only.axis.hi.value;
  const stages = stagesOf(only.body, only.axis, size, target);
  return stages === null ? list : [...stages.locals, ...stages.over({ axis: only.axis, size, first: ix(0) })];
}
