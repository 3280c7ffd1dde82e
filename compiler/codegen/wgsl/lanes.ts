/**
 * Kernels with lane axes: the lanes of a workgroup share one grid point. All lanes run the statements outside lane loops alike (so
 * that barriers stand in uniform control flow), a lane loop deals its iterations out to them.
 */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, withOperands, withRange } from "../../ir/expr.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, mapStatement } from "../../ir/loop-walk.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, mulIndex, subIndex } from "../../ir/indexing.ts";
import { vectorWidth } from "../../ir/steps.ts";
import { at } from "../../ir/errors.ts";
import type { Target } from "../../target.ts";
import { workgroupFor } from "../../target.ts";

/** Scratch that every lane may keep a copy of, in elements; beyond it lanes share one. */
const maxCopied = 64;

/** The number of iterations, or Infinity where it is not known while compiling. */
export function tripsOf(a: Axis): number {
  if (a.lo.op !== "const" || a.hi.op !== "const") return Infinity;
  return Math.max(0, Math.ceil((a.hi.value - a.lo.value) / a.step));
}

/** The number of iterations of all axes, or Infinity. */
export const tripsOfAll = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * tripsOf(a), 1);

/** Axes that lanes share out, and what runs in one iteration of them. */
export interface LaneNest {
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
}

/** A lane loop with the lane loops that directly fill it: they are dealt out as one, where their bounds are constant. */
export function laneNest(s: For): LaneNest {
  const axes = [s.axis];
  let body = s.body;
  for (let inner = body[0]; body.length === 1 && inner?.kind === "for" && inner.axis.kind === "lane"; inner = body[0]) {
    if (tripsOfAll([...axes, inner.axis]) === Infinity) break;
    axes.push(inner.axis);
    body = inner.body;
  }
  return { axes, body };
}

/** The axes of a reduction that its lanes share out: all of kind lane where they are constant, else the first. */
export function reduceLanes(s: Reduce): readonly Axis[] {
  const axes = s.axes.filter((a) => a.kind === "lane");
  return tripsOfAll(axes) === Infinity ? axes.slice(0, 1) : axes;
}

/** Whether the statement itself deals iterations out to lanes. */
export const dealsLanes = (s: Stmt): boolean => (s.kind === "for" && s.axis.kind === "lane") || (s.kind === "reduce" && s.axes.some((a) => a.kind === "lane"));

/** The outermost lane loops and reductions of a list. */
function* laneNests(list: readonly Stmt[]): Generator<LaneNest> {
  for (const s of list) {
    if (s.kind === "for" && s.axis.kind === "lane") yield laneNest(s);
    else if (s.kind === "reduce" && dealsLanes(s)) yield { axes: reduceLanes(s), body: s.body };
    else for (const body of bodiesOf(s)) yield* laneNests(body);
  }
}

/**
 * How many lanes share one grid point of the kernel: 1 where it has no lane axis, else a power of two that covers its widest
 * lane loop, or the target's lanes where that is wider than a workgroup may be, or than a CPU that plays it should.
 */
export function lanesFor(kernel: Kernel, target: Target): number {
  const trips = [...laneNests(kernel.body)].map((nest) => tripsOfAll(nest.axes));
  const widest = Math.max(1, ...trips);
  return 2 ** Math.ceil(Math.log2(workgroupFor(widest, target)));
}

/** Where each local of a kernel with lanes lives. */
export type Placement = ReadonlyMap<string, "function" | "workgroup">;

/** Accesses of a local: inside which lane loops (none: outside all) and vector loops, at which index. */
interface Access {
  readonly nest: readonly Axis[];
  readonly vectors: readonly Axis[];
  readonly index: Expr;
  readonly writes: boolean;
}

/** The loops around a list. */
interface Around {
  readonly nest: readonly Axis[];
  readonly vectors: readonly Axis[];
}

/** A vector that starts where another axis stands. */
const isTurn = (a: Axis): boolean => a.kind === "vector" && a.lo.op === "axis";

const outside: Around = { nest: [], vectors: [] };

function inside(s: Stmt, { nest, vectors }: Around): Around {
  return { nest: nest.length > 0 ? nest : axesDealt(s), vectors: [...vectors, ...axesOf(s).filter(isTurn)] };
}

/** Every access of the memory of these names in a list. */
function accesses(list: readonly Stmt[], names: readonly string[]): ReadonlyMap<string, readonly Access[]> {
  const found = new Map<string, Access[]>(names.map((name) => [name, []]));
  const walk = (below: readonly Stmt[], around: Around): void => {
    for (const s of below) {
      const inner = inside(s, around);
      const { nest, vectors } = s.kind === "reduce" ? inner : around;
      for (const e of exprOrder(expressionsOf(s))) if (e.op === "load") found.get(e.name)?.push({ nest, vectors, index: at(e.args, 0), writes: false });
      if (s.kind === "store") found.get(s.buffer)?.push({ index: s.index, writes: true, ...around });
      for (const body of bodiesOf(s)) walk(body, inner);
    }
  };
  walk(list, outside);
  return found;
}

function axesDealt(s: Stmt): readonly Axis[] {
  if (s.kind === "for" && s.axis.kind === "lane") return laneNest(s).axes;
  return s.kind === "reduce" ? reduceLanes(s) : [];
}

/** Locals declared inside lane loops belong to one iteration. */
function localsInLanes(kernel: Kernel): Set<string> {
  const found = new Set<string>();
  for (const nest of laneNests(kernel.body)) for (const s of statements(nest.body)) if (s.kind === "local") found.add(s.name);
  return found;
}

/** The first element that a lane owns, if it owns `size` of them in each of its iterations. */
function lanePosition(nest: readonly Axis[], size: number): Expr[] | undefined {
  let stride = size;
  const terms = nest.toReversed().map((a) => {
    const term = Number.isInteger(stride / a.step) ? mulIndex(axisIndex(a.name, 0, a.hi.value - 1), stride / a.step) : undefined;
    stride *= tripsOf(a);
    return term;
  });
  return terms.every((t) => t !== undefined) ? terms : undefined;
}

/** An index with vector axes as their starts and something from 0 to 3. */
function overVectors(index: Expr, vectors: readonly Axis[]): Expr {
  const starts = new Map(vectors.map((a) => [a.name, addIndex(a.lo, axisIndex(`${a.name} from its start`, 0, vectorWidth - 1))]));
  const map = exprMapper((e) => (e.op === "axis" ? (starts.get(e.name) ?? e) : e));
  return starts.size === 0 ? index : addIndex(map(index), 0);
}

/** The part of the index that is left within the lane's own `size` elements, or undefined where the access leaves them. */
function withinLane({ nest, vectors, index }: Access, size: number, lanes: number): Expr | undefined {
  if (nest.length === 0 || tripsOfAll(nest) > lanes || nest.some((a) => a.lo.value !== 0)) return undefined;
  const position = lanePosition(nest, size);
  if (position === undefined) return undefined;
  const rest = position.reduce((e, term) => subIndex(e, term), overVectors(index, vectors));
  if (rest.lo < 0 || rest.hi >= size) return undefined;
  return withRange(
    position.reduce((e, term) => subIndex(e, term), index),
    rest.lo,
    rest.hi,
  );
}

/**
 * The number of elements that each lane owns of a local, if every access stays within the accessing lane's own: then the local is
 * registers, `size` a lane. A register tile is written this way, and is a plain array on a target without lanes.
 */
function ownedSize(local: Local, found: readonly Access[], lanes: number): number | undefined {
  const first = found[0];
  if (first === undefined) return undefined;
  const size = local.size / tripsOfAll(first.nest);
  if (!Number.isInteger(size)) return undefined;
  return found.every((a) => tripsOfAll(a.nest) * size === local.size && withinLane(a, size, lanes) !== undefined) ? size : undefined;
}

/** Rewrites the indices of a local that lanes own in parts. */
function shrink(body: readonly Stmt[], local: Local, size: number, lanes: number): Stmt[] {
  const walk = (list: readonly Stmt[], around: Around): Stmt[] =>
    list.map((s): Stmt => {
      const inner = inside(s, around);
      const within = (index: Expr): Expr => withinLane({ index, writes: false, ...inner }, size, lanes) ?? index;
      const visit = exprMapper((e) => (e.op === "load" && e.name === local.name ? withOperands(e, [within(at(e.args, 0)), ...e.args.slice(1)]) : e));
      const mapped = mapStatement(s, visit, (below) => walk(below, inner));
      if (mapped.kind === "local" && mapped.name === local.name) return { ...mapped, size };
      return mapped.kind === "store" && mapped.buffer === local.name ? { ...mapped, index: within(mapped.index) } : mapped;
    });
  return walk(body, outside);
}

/** The kernel with one name for each local: sibling scopes may use a name twice. */
function uniqueLocals(kernel: Kernel): Kernel {
  const taken = new Set<string>();
  const walk = (list: readonly Stmt[], outer: ReadonlyMap<string, string>): Stmt[] => {
    const names = new Map(outer);
    const visit = (e: Expr): Expr => exprMapper((n) => (n.op === "load" ? { ...n, name: names.get(n.name) ?? n.name } : n))(e);
    return list.map((s): Stmt => {
      const mapped = mapStatement(s, visit, (below) => walk(below, names));
      if (mapped.kind === "store") return { ...mapped, buffer: names.get(mapped.buffer) ?? mapped.buffer };
      if (mapped.kind !== "local") return mapped;
      let name = mapped.name;
      while (taken.has(name)) name = `${name}_`;
      taken.add(name);
      names.set(mapped.name, name);
      return { ...mapped, name };
    });
  };
  return { ...kernel, body: walk(kernel.body, new Map()) };
}

const localsOf = ({ body }: Kernel): Local[] => statements(body).filter((s) => s.kind === "local");

/** Decides for each local whether lanes share it, copy it or own parts of it; parts have smaller sizes and indices in the new kernel. */
export function placeLocals(original: Kernel, lanes: number): { readonly kernel: Kernel; readonly placement: Placement } {
  const declared = localsOf(original).map((s) => s.name);
  const kernel = new Set(declared).size === declared.length ? original : uniqueLocals(original);
  const locals = localsOf(kernel);
  const names = locals.map((s) => s.name);
  const placement = new Map<string, "function" | "workgroup">();
  const inLanes = localsInLanes(kernel);
  let body = kernel.body;
  let all = accesses(body, names);
  for (const s of locals) {
    const found = all.get(s.name) ?? [];
    const copied = s.space === "scratch" && s.size <= maxCopied && found.every((a) => !a.writes || a.nest.length === 0);
    const size = lanes === 1 || inLanes.has(s.name) || copied ? s.size : ownedSize(s, found, lanes);
    placement.set(s.name, size === undefined ? "workgroup" : "function");
    if (size === undefined || size === s.size) continue;
    body = shrink(body, s, size, lanes);
    all = accesses(body, names);
  }
  return { kernel: { ...kernel, body }, placement };
}
