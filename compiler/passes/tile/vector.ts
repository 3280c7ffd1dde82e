/**
 * vector: four neighbouring elements a turn, on targets that move 16 bytes at once.
 *
 *   for %i in 0..1002 [grid] { store %y[%i] = load %x[%i] * 2 }
 *     → for %i in 0..1002 step 4 [grid] { for %iv in %i..min(%i + 4, 1002) [vector] { store %y[%iv] = load %x[%iv] * 2 } }
 *
 * Taken is the innermost grid axis, or where its length is no multiple of 4 as many of them from the inside out, joined to one, as
 * have such a length together (else all, with a shorter last turn). It pays where elements that are next to each other there are so
 * in memory too: sums down columns are served, rows are not.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, withOperands, withRange } from "../../ir/expr.ts";
import { addIndex, divIndex, flatten, freeNames, ix, modIndex, mulIndex, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsIn, statements } from "../../ir/loop.ts";
import { exprMapper, mapStatement } from "../../ir/loop-walk.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { Steps, vectorWidth } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import { tidy } from "../lower/tidy.ts";
import { fits, tallyOf } from "./gain.ts";
import { gridNest, isPlain, nested } from "./nest.ts";
import { withLets } from "./sides.ts";

/** The kernel four elements a turn, or the kernel itself where that gains nothing. */
export function vectorise(kernel: Kernel, target: Target): Kernel {
  const nest = gridNest(kernel.body, []);
  const inner = nest.at(-1);
  if (inner === undefined || !nest.every((f) => isPlain(f.axis)) || !fits(inner.body, target)) return kernel;
  const points = nest.reduce((n, f) => n * f.axis.hi.value, 1);
  if (points < target.lanes) return kernel;
  const joined = joinedAxes(nest.map((f) => f.axis));
  const named = withLets(inner.body);
  if (inner.body.some((s) => s.kind === "reduce" && isContraction(s, nest, { joined, named }))) return kernel;
  const name = freshName(joined, kernel);
  const whole = product(joined);
  const loop = vectorLoop(name, whole, (v) => mapAxes(inner.body, joined, v));
  const outer = nest.slice(0, nest.length - joined.length);
  if (!pays(loop, outer, kernel)) return kernel;
  const grid: Stmt = { kind: "for", axis: { name, kind: "grid", lo: ix(0), hi: ix(whole), step: vectorWidth }, body: [loop] };
  return { ...kernel, body: tidy(nested(outer, [grid])) };
}

const product = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.hi.value, 1);

/** `for %iv in %i..%i + 4 [vector]`, the last turn shorter where the length is no multiple of 4. */
export function vectorLoop(name: string, length: number, body: (index: Expr) => readonly Stmt[]): For {
  const axis = vectorAxis(name, length);
  return { kind: "for", axis, body: body(axisIndex(axis.name, 0, length - 1)) };
}

/** The axis of the four (or, in the last turn, fewer) elements from `name` on. */
export function vectorAxis(name: string, length: number): Axis {
  const from = axisIndex(name, 0, Math.floor((length - 1) / vectorWidth) * vectorWidth);
  const end = addIndex(from, vectorWidth);
  const hi = length % vectorWidth === 0 ? end : withRange(apply("min", [end, ix(length)]), Math.min(vectorWidth, length), length);
  return { name: `${name}v`, kind: "vector", lo: from, hi, step: 1 };
}

/** The fewest innermost axes that have a multiple of 4 points together; all where none have. */
function joinedAxes(axes: readonly Axis[]): readonly Axis[] {
  for (let count = 1; count < axes.length; count++) {
    const inner = axes.slice(-count);
    if (product(inner) % vectorWidth === 0) return inner;
  }
  return axes;
}

function freshName(joined: readonly Axis[], kernel: Kernel): string {
  let name = joined.map((a) => a.name).join("");
  if (joined.length === 1) return name;
  const taken = new Set<string>();
  for (const s of statements(kernel.body)) {
    if (s.kind === "let" || s.kind === "carry") taken.add(s.name);
    if (s.kind === "reduce") s.names.forEach((n) => taken.add(n));
    for (const a of axesOf(s)) taken.add(a.name);
  }
  while (taken.has(name) || taken.has(`${name}v`)) name += "_";
  return name;
}

/** Whether a block of results would share loads: one needs a grid axis further out, and not the innermost. */
function isContraction(
  reduce: Reduce,
  nest: readonly For[],
  { joined, named }: { readonly joined: readonly Axis[]; readonly named: (e: Expr) => Expr },
): boolean {
  const outer = nest.map((f) => f.axis.name).filter((name) => !joined.some((a) => a.name === name));
  const loads = exprOrder([...reduce.values, ...expressionsIn(reduce.body)]).filter((e) => e.op === "load");
  return loads.some((e) => {
    const names = freeNames(named(at(e.args, 0)));
    return outer.some((name) => names.has(name)) && reduce.axes.some((a) => names.has(a.name)) && !joined.some((a) => names.has(a.name));
  });
}

/** The body with the joined axes as parts of one flat index. */
function mapAxes(body: readonly Stmt[], axes: readonly Axis[], flat: Expr): Stmt[] {
  const parts = new Map(axes.map((a, i) => [a.name, part(flat, axes, i, i + 1)]));
  const split = exprMapper((e) => (e.op === "axis" ? (parts.get(e.name) ?? e) : e));
  const index = (e: Expr): Expr => split(regrouped(e, axes, flat));
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const args = e.args.map((a, i) => (e.op === "load" && i === 0 ? index(a) : map(a)));
    const out = e.args.length === 0 ? split(e) : withOperands(e, args);
    done.set(e, out);
    return out;
  };
  const list = (inner: readonly Stmt[]): Stmt[] =>
    inner.map((s) => {
      const mapped = mapStatement(s, map, list);
      return s.kind === "store" && mapped.kind === "store" ? { ...mapped, index: index(s.index) } : mapped;
    });
  return list(body);
}

/** The flat position within the axes from `first` up to `last` (not included). */
function part(flat: Expr, axes: readonly Axis[], first: number, last: number): Expr {
  const above = divIndex(flat, product(axes.slice(last)));
  return first === 0 ? above : modIndex(above, product(axes.slice(first, last)));
}

/** An index that walks over neighbouring axes as over one has their flat position in their place. */
function regrouped(index: Expr, axes: readonly Axis[], flat: Expr): Expr {
  for (let count = axes.length; count >= 1; count--) {
    for (let first = 0; first + count <= axes.length; first++) {
      const group = axes.slice(first, first + count);
      const names = group.map((a) => a.name);
      const factor = strideAlong(index, at(names, count - 1));
      if (factor === undefined || factor === 0) continue;
      const walk = flatten(
        group.map((a) => axisIndex(a.name, 0, a.hi.value - 1)),
        group.map((a) => a.hi.value),
      );
      const rest = subIndex(index, mulIndex(walk, factor));
      const left = freeNames(rest);
      if (names.some((name) => left.has(name))) continue;
      return addIndex(regrouped(rest, axes, flat), mulIndex(part(flat, axes, first, first + count), factor));
    }
  }
  return index;
}

const strideAlong = (index: Expr, name: string): number | undefined => new Steps().with(name, { stride: 1, rest: undefined }).of(index).stride;

/** Whether most of what differs among the four elements is one access in memory, a store or the walk of a reduction among it. */
function pays(loop: For, outer: readonly For[], kernel: Kernel): boolean {
  const around = outer.reduce((steps, f) => steps.within(f.axis), new Steps());
  const grid = around.with(at(namesIn(loop.axis.lo), 0), { stride: 0, rest: 0 });
  const { whole, single, lead } = tallyOf(loop.body, [], { kernel, steps: grid.along(loop.axis), depth: "top" });
  return lead > 0 && whole >= single;
}
