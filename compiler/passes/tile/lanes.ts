/**
 * lanes: loops inside a grid point are dealt out to the lanes of a workgroup, four neighbouring elements a turn where they are a
 * vector in memory.
 *
 *   for %i in 0..8 [grid] { reduce %m = max over %k in 0..96 [serial] { load %x[%i * 96 + %k] } … }
 *     → for %i in 0..8 [grid] { reduce %m = max over %k in 0..96 step 4 [lane], %kv in %k..%k + 4 [vector] { load %x[%i * 96 + %kv] } … }
 *
 * Short rows stay with one lane each, which reads them by vectors; of short rows of long sums lanes share each sum. Down columns it is the grid points that are four at a time:
 *
 *   for %j in 0..512 [grid] { reduce %s = sum over %k in 0..900 [serial] { load %x[%k * 512 + %j] } … }
 *     → for %j in 0..512 step 4 [grid] { for %jv in %j..%j + 4 [vector] { reduce %s = sum over %k in 0..900 [lane] { … } … } }
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Reduce, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsOf, hasConstantBounds, statements } from "../../ir/loop.ts";
import { exprMapper, localBytes, mapStatement } from "../../ir/loop-walk.ts";
import { Steps, vectorWidth } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import { isPlayed } from "../../target.ts";
import { fits, tallyOf } from "./gain.ts";
import { vectorAxis, vectorise } from "./vector.ts";

/** Rows shorter than this share of a workgroup are left to one lane each. */
const shortestRow = 1 / 2;

/** So many columns give every lane of a device a few of its own. */
const manyColumns = 1 << 18;

/** Bytes of scratch that one lane may have to itself: WGSL promises 8192 bytes of variables a function. */
const ownScratch = 4096;

/** The kernel with lane axes, or the kernel itself where its grid points have no work to share. */
export function dealLanes(kernel: Kernel, target: Target): Kernel {
  const grid = gridAxes(kernel.body);
  const stages = stagesOf(kernel.body);
  const loops = stages.filter((s) => s.kind === "for" || s.kind === "reduce");
  if (loops.length === 0 || isOrdered(kernel, stages)) return kernel;
  const points = grid.reduce((n, a) => n * trips([a]), 1);
  const [only] = loops;
  const names = new Names(kernel.body);
  const shares = loops.length === 1 && only?.kind === "reduce" && sharesLoads(only, grid, names);
  if (shares && points >= target.lanes * 4) return kernel;
  const fewest = target.lanes * shortestRow;
  const long = (loops.every((s) => tripsOf(s) >= fewest) || loops.some((s) => hasLongSums(s, fewest))) && !keepsToItself(localBytes(kernel.body), target);
  if (!shares && loops.every((s) => walksColumns(s, grid, names))) {
    if (!long || points > manyColumns) return kernel;
    return dealt(vectorise(kernel, target), "lane", target);
  }
  if (long) return dealt(kernel, "lane", target);
  return shares ? kernel : dealt(kernel, "serial", target);
}

/** Whether a row with so many bytes of scratch is left to one lane whatever its length, because lanes meet slowly where a CPU plays them. */
export const keepsToItself = (bytes: number, target: Target): boolean => isPlayed(target) && bytes <= ownScratch;

/** Whether iterations must be done in their order: values are carried on, or elements of a buffer in place may be stored several times. */
function isOrdered(kernel: Kernel, stages: readonly Stmt[]): boolean {
  const updated = new Set(kernel.buffers.filter((b) => b.access === "update").map((b) => b.name));
  return statements(stages).some((s) => s.kind === "carry" || s.kind === "assign" || (s.kind === "store" && (s.atomic !== undefined || updated.has(s.buffer))));
}

function tripsOf(s: Stmt): number {
  if (s.kind === "reduce") return trips(s.axes);
  if (s.kind !== "for") return 1;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  return trips([s.axis]) * (only?.kind === "for" ? tripsOf(only) : 1);
}

/** Whether a short loop has long reductions in it: lanes share each of these, one after another. */
const hasLongSums = (s: Stmt, fewest: number): s is For =>
  s.kind === "for" && tripsOf(s) < fewest && statements(s.body).some((one) => one.kind === "reduce" && trips(one.axes) >= fewest);

const trips = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * (hasConstantBounds(a) ? a.hi.value - a.lo.value : (a.about ?? 0)), 1);

/** The loop over grid points, or over the four of a vector of them. */
const gridOf = (body: readonly Stmt[]): For | undefined => body.find((s): s is For => s.kind === "for" && (s.axis.kind === "grid" || s.axis.kind === "vector"));

function gridAxes(body: readonly Stmt[]): Axis[] {
  const outer = gridOf(body);
  return outer === undefined ? [] : [outer.axis, ...gridAxes(outer.body)];
}

/** The statements of one grid point. */
function stagesOf(body: readonly Stmt[]): readonly Stmt[] {
  const outer = gridOf(body);
  return outer === undefined ? body : stagesOf(outer.body);
}

function loadsOf(s: Stmt): Expr[] {
  return exprOrder([s, ...statements([s])].flatMap(expressionsOf)).filter((e) => e.op === "load");
}

/** What the named values of a kernel are made of: indices are often named outside of the loop that uses them. */
class Names {
  readonly #lets: readonly Let[];
  readonly #axes = new Map<string, ReadonlySet<string>>();

  constructor(body: readonly Stmt[]) {
    this.#lets = statements(body).filter((s) => s.kind === "let");
    for (const { name, value } of this.#lets) this.#axes.set(name, this.axesIn(value));
  }

  /** The axes that an expression depends on. */
  axesIn(e: Expr): Set<string> {
    return new Set(namesIn(e).flatMap((name) => [...(this.#axes.get(name) ?? [name])]));
  }

  /** What goes by how much along an axis. */
  stepsAlong(axis: string): Steps {
    const along = new Steps().with(axis, { stride: 1, rest: undefined });
    return this.#lets.reduce((steps, { name, value }) => steps.with(name, steps.of(value)), along);
  }
}

/** Whether grid points share loads, as those of a contraction do: a walk that does not depend on an axis on which another one does. */
function sharesLoads(reduce: Reduce, grid: readonly Axis[], names: Names): boolean {
  const walks = loadsOf(reduce)
    .map((e) => names.axesIn(at(e.args, 0)))
    .filter((axes) => reduce.axes.some((a) => axes.has(a.name)));
  return grid.some((a) => walks.some((axes) => axes.has(a.name)) && walks.some((axes) => !axes.has(a.name)));
}

/** Whether grid points that are neighbours read neighbouring elements in this loop, and its own iterations elements far apart. */
function walksColumns(s: Stmt, grid: readonly Axis[], names: Names): boolean {
  const [inner, last] = [innermost(s), grid.at(-1)];
  if (inner === undefined || last === undefined) return false;
  const indices = loadsOf(s)
    .map((e) => at(e.args, 0))
    .filter((index) => names.axesIn(index).has(last.name));
  const [outside, inside] = [names.stepsAlong(last.name), names.stepsAlong(inner.name)];
  return indices.some((i) => outside.of(i).stride === 1) && !indices.some((i) => inside.of(i).stride === 1);
}

function innermost(s: Stmt): Axis | undefined {
  const only = s.kind === "for" && s.body.length === 1 ? s.body[0] : undefined;
  return only?.kind === "for" ? innermost(only) : axesOf(s).at(-1);
}

function dealt(kernel: Kernel, kind: "lane" | "serial", target: Target): Kernel {
  const dealing = new Dealing(kernel, kind, target);
  const body = dealing.stages(kernel.body, new Steps());
  return dealing.changed ? { ...kernel, body } : kernel;
}

class Dealing {
  changed = false;
  readonly #kernel: Kernel;
  readonly #kind: "lane" | "serial";
  readonly #target: Target;

  constructor(kernel: Kernel, kind: "lane" | "serial", target: Target) {
    this.#kernel = kernel;
    this.#kind = kind;
    this.#target = target;
  }

  stages(body: readonly Stmt[], given: Steps): Stmt[] {
    let steps = given;
    const grid = gridOf(body);
    return body.map((s): Stmt => {
      if (s.kind === "let") steps = steps.with(s.name, steps.of(s.value));
      if (s === grid) return { ...grid, body: this.stages(grid.body, steps.within(grid.axis)) };
      if (grid !== undefined) return s;
      if (s.kind === "reduce") return this.#reduce(s, steps);
      if (this.#kind === "lane" && hasLongSums(s, this.#target.lanes * shortestRow)) return { ...s, body: this.stages(s.body, steps.within(s.axis)) };
      return s.kind === "for" ? this.#for(s, steps) : s;
    });
  }

  #axis(a: Axis): Axis {
    if (this.#kind !== "serial") this.changed = true;
    return { ...a, kind: this.#kind };
  }

  #reduce(s: Reduce, steps: Steps): Reduce {
    const axes = s.axes.map((a) => this.#axis(a));
    const last = axes.at(-1);
    const outer = axes.slice(0, -1);
    const around = outer.reduce((known, a) => known.within(a), steps);
    const vector = last && this.#vector(last, { body: s.body, values: s.values, around });
    if (last === undefined || !vector) return { ...s, axes };
    const map = onto(last, vector);
    return { ...s, axes: [...outer, { ...last, step: vectorWidth }, vector], body: mapped(s.body, map), values: s.values.map(map) };
  }

  #for(s: For, steps: Steps): For {
    const axis = this.#axis(s.axis);
    const only = s.body.length === 1 ? s.body[0] : undefined;
    if (only?.kind === "for") return { ...s, axis, body: [this.#for(only, steps.within(axis))] };
    const vector = this.#vector(axis, { body: s.body, values: [], around: steps });
    if (vector === null) return { ...s, axis };
    const inner: For = { kind: "for", axis: vector, body: mapped(s.body, onto(axis, vector)) };
    return { ...s, axis: { ...axis, step: vectorWidth }, body: [inner] };
  }

  /** The vector axis of a turn, or null where four elements at once gain nothing. */
  #vector(axis: Axis, { body, values, around }: { readonly body: readonly Stmt[]; readonly values: readonly Expr[]; readonly around: Steps }): Axis | null {
    const simple = hasConstantBounds(axis) && axis.lo.value === 0 && axis.step === 1 && axis.hi.value >= vectorWidth;
    if (!simple || !fits(body, this.#target)) return null;
    const vector = vectorAxis(axis.name, axis.hi.value);
    const steps = around.within({ ...axis, step: vectorWidth }).along(vector);
    const map = onto(axis, vector);
    const { whole, single } = tallyOf(mapped(body, map), values.map(map), { kernel: this.#kernel, steps, depth: "loop" });
    // one lane a row gains only where it need not gather; lanes that share one read their neighbours' elements anyway
    if (whole === 0 || single > (this.#kind === "serial" ? 0 : whole)) return null;
    this.changed = true;
    return vector;
  }
}

/** Index expressions of an axis as those of the vector that starts there. */
const onto = (axis: Axis, vector: Axis): ((e: Expr) => Expr) =>
  exprMapper((e) => (e.op === "axis" && e.name === axis.name ? axisIndex(vector.name, e.lo, e.hi) : e));

function mapped(list: readonly Stmt[], map: (e: Expr) => Expr): Stmt[] {
  return list.map((s) => mapStatement(s, map, (inner) => mapped(inner, map)));
}
