/** The parallel part of a kernel: where grid axes stand, and that no two iterations store to one element. */
import type { CompilerBug } from "./errors.ts";
import type { Expr } from "./expr.ts";
import type { Kernel, Stmt, Store } from "./loop.ts";
import { axesOf, bodiesOf, hasConstantBounds, statements } from "./loop.ts";
import { Evaluation } from "./index-values.ts";

type Bug = (message: string) => CompilerBug;

/** Grid loops come first, nested, with only lets between them; or several such nests stand side by side. */
export function verifyGrid(body: readonly Stmt[], bug: Bug): void {
  const nests = body.length > 1 && body.every((s) => s.kind === "for" && s.axis.kind === "grid") ? body.map((s) => [s]) : [body];
  for (const nest of nests) verifyNest(nest, bug);
}

function verifyNest(body: readonly Stmt[], bug: Bug): void {
  let level = body;
  for (let grid = gridOf(level); grid !== undefined; grid = gridOf(level)) {
    for (const s of level) if (s !== grid && s.kind !== "let") throw bug(`beside the grid axis %${grid.axis.name} stands a ${s.kind}; only lets may`);
    level = grid.body;
  }
  for (const s of statements(level)) {
    for (const a of axesOf(s)) if (a.kind === "grid") throw bug(`the grid axis %${a.name} stands inside of a stage`);
  }
}

function gridOf(body: readonly Stmt[]): Extract<Stmt, { kind: "for" }> | undefined {
  return body.find((s): s is Extract<Stmt, { kind: "for" }> => s.kind === "for" && s.axis.kind === "grid");
}

/** Kernels with more iterations around a store than this are not tried. */
const mostIterations = 4096;

/** The values of an axis; infinitely many where its bounds are not known. */
interface Turns {
  readonly lo: number;
  readonly step: number;
  readonly count: number;
}

interface Place {
  readonly store: Store;
  readonly axes: ReadonlyMap<string, Turns>;
  readonly conditions: readonly { readonly condition: Expr; readonly holds: boolean }[];
}

/**
 * No element of a buffer that is only written is stored twice, tried on every iteration of small kernels whose indices and
 * conditions do not depend on data.
 */
export function verifySingleStores(kernel: Kernel, bug: Bug): void {
  const names = namesOf(kernel);
  const written = new Map<string, Set<number>>();
  for (const b of kernel.buffers) if (b.access === "write") written.set(b.name, new Set());
  for (const place of places(kernel.body)) {
    const seen = written.get(place.store.buffer);
    if (seen === undefined || place.store.atomic !== undefined) continue;
    for (const index of indices(place, names)) {
      if (seen.has(index)) throw bug(`element ${index} of %${place.store.buffer} is stored twice`);
      seen.add(index);
    }
  }
}

type Names = (name: string) => Expr | undefined;

/** Lets by name, wherever they stand: names that are reused with another meaning say nothing. */
function namesOf(kernel: Kernel): Names {
  const lets = new Map<string, Expr>();
  const twice = new Set<string>();
  for (const s of statements(kernel.body)) {
    if (s.kind !== "let") continue;
    if (lets.has(s.name)) twice.add(s.name);
    lets.set(s.name, s.value);
  }
  return (name) => (twice.has(name) ? undefined : lets.get(name));
}

function* places(body: readonly Stmt[], axes: ReadonlyMap<string, Turns> = new Map(), conditions: Place["conditions"] = []): Generator<Place> {
  for (const s of body) {
    if (s.kind === "store") yield { store: s, axes, conditions: s.guard ? [...conditions, { condition: s.guard, holds: true }] : conditions };
    const inner = new Map(axes);
    for (const a of axesOf(s)) {
      const exact = hasConstantBounds(a);
      const count = exact ? Math.max(0, Math.ceil((a.hi.value - a.lo.value) / a.step)) : Infinity;
      inner.set(a.name, { lo: a.lo.value, step: a.step, count });
    }
    for (const [i, list] of bodiesOf(s).entries())
      yield* places(list, inner, s.kind === "if" ? [...conditions, { condition: s.condition, holds: i === 0 }] : conditions);
  }
}

/** The elements that a store writes; none where that cannot be said. */
function indices(place: Place, names: Names): number[] {
  const total = [...place.axes.values()].reduce((n, r) => n * r.count, 1);
  if (!(total <= mostIterations)) return [];
  const found: number[] = [];
  for (let turn = 0; turn < total; turn++) {
    const point = new Map<string, number>();
    let rest = turn;
    for (const [name, r] of place.axes) {
      point.set(name, r.lo + r.step * (rest % r.count));
      rest = Math.floor(rest / r.count);
    }
    const values = new Evaluation(names, point);
    const tests = place.conditions.map((c) => ({ value: values.of(c.condition), holds: c.holds }));
    const index = values.of(place.store.index);
    if (index === undefined || tests.some((t) => t.value === undefined)) return [];
    if (tests.every((t) => (t.value !== 0) === t.holds)) found.push(index);
  }
  return found;
}
