/**
 * sums first: functions of short sums, for as many grid points at once as vectors want, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { for %j in 0..3 [grid] { reduce %s …  store %out[%i * 3 + %j] = tanh(%s) } }
 *     → for %i in 0..512 step 32 [grid] { local %s_of: f32[96]
 *         for %ir in 0..32 { for %j in 0..3 { reduce %s …  store %s_of[%ir * 3 + %j] = %s } }
 *         for %in in 0..32 { for %j in 0..3 { store %out[(%i + %in) * 3 + %j] = tanh(load %s_of[%in * 3 + %j]) } } }
 *
 * A function takes as long for one number as for a register of them, and one sum after another gives one number at a time. Rows that are
 * made of such numbers come last. Sums that need numbers of one another are steps of their own too, where what they walk stays near: one
 * row's second sum waits for its first, other rows' do not. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { flatten, ix } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { loopInStep } from "./abreast.ts";
import { stagesOf } from "./chains.ts";
import { costOf, costOfFunction, hasFunction, isMadeOfOthers, valuesIn } from "./cost.ts";
import { joinLoops } from "./join.ts";
import { keeping, keptLocals, keptOf, namedAgain, namesAskedIn } from "./kept.ts";
import { isPlain, isStraight, longestWalk, loopsOver, pointsOf, readsAny, turnsOf } from "./nest.ts";
import type { Strip } from "./strip.ts";
import { countOf, eachStrip, overStrip, stripLoops } from "./strip.ts";

/** Numbers that are found before functions are computed of them: several registers. */
const enough = 64;
/** Elements of the points' rows that stay in the nearest cache. */
const mostStaying = 1 << 13;
/** Where the sums of a grid point are more work than so many functions, these are no matter. */
const mostWork = 64;

/** The kernel with sums of some grid points before functions of them, or the kernel itself where it has no such functions. */
export function sumsFirst(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const inner = nest.at(-1);
  const point = inner === undefined || !nest.every((f) => isPlain(f.axis)) ? null : pointOf(inner.body);
  if (point === null) return kernel;
  const level = levelOf(nest);
  const below = nest.slice(level + 1).map((f): Axis => ({ ...f.axis, kind: "serial" }));
  const points = pointsOf(below);
  const { axis } = at(nest, level);
  const count = countOf(axis.hi.value, Math.ceil(enough / points));
  const steps = stepsOf(point, count * points);
  if (steps === null) return kernel;
  const strips = eachStrip(axis, count, (strip) => steps.flatMap((step) => loopsOf(step, strip, { below, target })));
  const locals = steps.flatMap(({ kept }) => keptLocals(kept, count * points));
  return { ...kernel, body: stripLoops(nest.slice(0, level + 1), count, [...locals, ...strips]) };
}

/** A step of some points along an axis, and of those `below` it. */
function loopsOf(step: Step, strip: Strip, { below, target }: { readonly below: readonly Axis[]; readonly target: Target }): readonly Stmt[] {
  const { kind, list, given, kept } = step;
  const loop = overStrip(strip, step.name, (index) => {
    const place = flatten([index, ...below.map((a) => axisIndex(a.name, 0, a.hi.value - 1))], [strip.size, ...below.map((a) => a.hi.value)]);
    return loopsOver(below, [...namedAgain(given, place), ...list, ...keeping(kept, place)]);
  });
  if (kind === "sums") return [loopInStep(loop)];
  return kind === "functions" ? inStages(joinLoops([loop]), target) : [loop];
}

/** What a grid point does: sums, functions of them, and rows that are made of those. */
interface Point {
  readonly sums: readonly Stmt[];
  readonly functions: readonly Stmt[];
  readonly rows: readonly Stmt[];
}

/** Null where there are no functions that are some of the work, or they ask for more than numbers. */
function pointOf(body: readonly Stmt[]): Point | null {
  const last = body.findLastIndex((s) => s.kind !== "let" && !isRow(s)) + 1;
  const first = body.findIndex((s, i) => i >= last && s.kind === "for");
  const rowsAt = first < 0 ? body.length : first;
  const cut = firstFunction(body.slice(0, rowsAt));
  const point = { sums: body.slice(0, cut), functions: body.slice(cut, rowsAt), rows: body.slice(rowsAt) };
  return cut > 0 && isWorthIt(point) ? point : null;
}

/** A loop that stores, and does nothing else. */
const isRow = (s: Stmt): boolean => s.kind === "for" && s.axis.kind === "serial" && s.body.every(isStraight);

/** What is done for all points before the next step: from numbers that are given, some that are kept. */
interface Step {
  readonly kind: keyof Point;
  /** What the name of its loop ends in. */
  readonly name: string;
  readonly list: readonly Stmt[];
  readonly given: readonly Expr[];
  readonly kept: readonly Expr[];
}

/**
 * The steps of some points. A sum of what another one found waits for it in each point by itself: rows that stay near meanwhile are
 * walked by the first sum for all points, then by the second. Null where more than numbers would have to be kept, or rows would not stay.
 */
function stepsOf(point: Point, points: number): readonly Step[] | null {
  const { sums, functions, rows } = point;
  const isNear = points * longestWalk([...sums, ...rows]) <= mostStaying;
  if (rows.length > 0 && !isNear) return null;
  const others: readonly Part[] = [
    { kind: "functions", name: "n", list: functions },
    { kind: "rows", name: "w", list: rows },
  ];
  const parts = others.filter(({ list }) => list.length > 0);
  const apart = (lists: readonly (readonly Stmt[])[]): readonly Part[] => lists.map((list, i) => ({ kind: "sums", name: i === 0 ? "r" : `r${i}`, list }));
  const whole = inSteps([...apart([sums]), ...parts]);
  return isNear ? (inSteps([...apart(sumsApart(sums)), ...parts]) ?? whole) : whole;
}

type Part = Pick<Step, "kind" | "name" | "list">;

function inSteps(parts: readonly Part[]): readonly Step[] | null {
  const before: Expr[] = [];
  const steps: Step[] = [];
  for (const [i, part] of parts.entries()) {
    const asked = namesAskedIn(part.list);
    const given = before.filter((e) => asked.has(e.name));
    const kept = keptOf(
      part.list,
      parts.slice(i + 1).flatMap(({ list }) => list),
    );
    if (kept === null) return null;
    before.push(...kept);
    steps.push({ ...part, given, kept });
  }
  return steps;
}

/** Sums that need numbers of one another at the most: one ends where its memory is done with. */
function sumsApart(list: readonly Stmt[]): readonly (readonly Stmt[])[] {
  if (list.some((s) => s.kind === "carry" || s.kind === "assign")) return [list];
  const starts = list.flatMap((s, i) => (s.kind !== "let" && list[i - 1]?.kind === "let" && areApart(list.slice(0, i), list.slice(i)) ? [i] : []));
  return [0, ...starts].map((from, i) => list.slice(from, starts[i])).filter((part) => part.length > 0);
}

/** Whether no memory of the first sums is touched by others. */
function areApart(first: readonly Stmt[], others: readonly Stmt[]): boolean {
  const memory = new Set(statements(first).flatMap(memoryOf));
  return first.some(isLoop) && !touches(others, memory);
}

const touches = (list: readonly Stmt[], memory: ReadonlySet<string>): boolean =>
  readsAny(list, memory) || statements(list).some((s) => memoryOf(s).some((name) => memory.has(name)));

const isLoop = (s: Stmt): boolean => s.kind === "for" || s.kind === "reduce";

/** The memory that a statement declares or writes. */
function memoryOf(s: Stmt): readonly string[] {
  if (s.kind === "local") return [s.name];
  return s.kind === "store" ? [s.buffer] : [];
}

/** Where in a body functions of what its loops found begin; 0 where it has no loops. */
function firstFunction(body: readonly Stmt[]): number {
  const loops = body.findLastIndex((s) => s.kind === "for" || s.kind === "reduce") + 1;
  const next = body.findIndex((s, i) => i >= loops && (s.kind !== "let" || hasFunction(expressionsIn([s]))));
  return loops === 0 || next < 0 ? 0 : next;
}

/** Whether what follows the sums has functions that are some of the work, and asks for nothing but numbers. */
function isWorthIt({ sums, functions, rows }: Point): boolean {
  if (!functions.every(isStraight) || touches([...functions, ...rows], new Set(statements(sums).flatMap(memoryOf)))) return false;
  if (rows.length > 0 && touches(rows, new Set(functions.flatMap(memoryOf)))) return false;
  const count = exprOrder(expressionsIn(functions)).filter((e) => isMadeOfOthers(e.op)).length;
  return count > 0 && workOf([...sums, ...rows]) <= mostWork * costOfFunction * count;
}

/** Operations of statements and of the loops among them. */
function workOf(list: readonly Stmt[]): number {
  return list.reduce((n, s) => {
    if (s.kind === "for") return n + turnsOf(s.axis) * workOf(s.body);
    if (s.kind === "reduce") return n + s.axes.reduce((m, a) => m * turnsOf(a), 1) * (workOf(s.body) + costOf([...s.values, ...s.combine]));
    return n + costOf(valuesIn([s]));
  }, 0);
}

/** The innermost axis of the grid within which there are enough points; the outermost where there are not. */
function levelOf(nest: readonly For[]): number {
  let points = 1;
  for (let i = nest.length - 1; i > 0; i--) {
    points *= at(nest, i).axis.hi.value;
    if (points >= enough) return i;
  }
  return 0;
}

/** One loop with functions of functions as several. */
function inStages(list: readonly Stmt[], target: Target): readonly Stmt[] {
  const only = list.length === 1 ? list[0] : undefined;
  if (only?.kind !== "for" || !isPlain(only.axis)) return list;
  const size = only.axis.hi.value;
  const stages = stagesOf(only.body, only.axis, size, target);
  return stages === null ? list : [...stages.locals, ...stages.over({ axis: only.axis, size, first: ix(0) })];
}
