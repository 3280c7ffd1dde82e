/**
 * jam: several neighbouring grid points in one turn (unroll and jam).
 *
 *   for %i [grid] { for %j [grid] { reduce over %k { load %a[%i,%k] * load %b[%k,%j] } … } }
 *     → for %i step 4 { for %j step 4 { reduce of 16 sums over %k { 4 + 4 loads } … } }
 *
 * The body is copied with the grid axes shifted; `tidy` then merges the copies' loops into one and finds the loads that they share.
 * It pays where loads inside the reduction do not depend on one of the axes, or step through memory by more than one element while
 * a grid axis steps by one. Turns that would pass the end run point by point.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, variable, withOperands, withRange } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { tidy, tidyPart } from "../lower/tidy.ts";
import { copied, loop } from "./copy.ts";
import { mostCopied } from "./cost.ts";
import { blockAxes, gridNest, loadsOf, operationsOf, strideOf } from "./nest.ts";
import { withLets } from "./sides.ts";
import { isOverColumns } from "./order.ts";
import { behindSums, reducesIn } from "./phases.ts";

/** Copies of a body with more operations than this do not fit into registers. */
const maxOperations = 16;

/** The number of a point in its block. */
const slotName = "slot";

interface Jam {
  readonly axis: string;
  readonly times: number;
}

export function jam(kernel: Kernel, { lanes }: Target): Kernel {
  const nest = gridNest(kernel.body);
  const jams = jamsOf(nest);
  return jams.length === 0 ? kernel : { ...kernel, body: tidy([rebuild({ nest, jams, mostBehind: lanes === 1 ? mostCopied : Infinity }, 0)]) };
}

/** The same of loops inside a grid point that go over columns. */
export function jamColumns(kernel: Kernel): Kernel {
  let count = 0;
  const visit = (list: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(list, (s) => {
      if (!isOverColumns(s)) return mapBodies(s, visit);
      const jams = jamsOf([s]);
      if (jams.length === 0) return s;
      // copies are tidied by themselves: their names are theirs alone
      return copied({ body: [rebuild({ nest: [s], jams, mostBehind: mostCopied }, 0)], values: [] }, { suffix: `_c${count++}`, axes: new Map() }).body;
    });
  const body = visit(kernel.body);
  return body === kernel.body ? kernel : { ...kernel, body: tidy(body) };
}

/** The axes of a nest of loops to jam, if all reductions in it agree. */
function jamsOf(nest: readonly For[]): readonly Jam[] {
  const inner = nest.at(-1);
  const reduces = inner === undefined ? null : reducesIn(inner.body);
  if (reduces === null || operationsOf(reduces) > maxOperations) return [];
  const axes = nest.map((f) => f.axis);
  const named = withLets(inner?.body ?? []);
  const [jams = [], ...others] = reduces.map((r) => choose(axes, r, loadsOf(r).map(named)));
  const agree = others.every((o) => o.length === jams.length && o.every((j, i) => j.axis === at(jams, i).axis && j.times === at(jams, i).times));
  return agree ? jams : [];
}

/** Which axes to jam, and how many points of each: 4 × 4 where loads are shared both ways, 8 along a row that is read down its columns. */
function choose(axes: readonly Axis[], reduce: Reduce, loads: readonly Expr[]): Jam[] {
  const walked = new Set(reduce.axes.map((a) => a.name));
  const sharing = (axis: string): boolean => loads.some((l) => !namesIn(l).includes(axis) && namesIn(l).some((n) => walked.has(n)));
  const needing = (axis: string): boolean => loads.some((l) => namesIn(l).includes(axis));
  const shared = blockAxes(
    axes.filter((a) => sharing(a.name) && needing(a.name)),
    loads,
  );
  const jams: Jam[] = [];
  if (shared.length === 2) for (const a of shared) push(jams, a, 4);
  else {
    const last = axes.at(-1);
    const columns = last !== undefined && loads.some((l) => strideOf(l, last.name) === 1 && reduce.axes.every((r) => strideOf(l, r.name) !== 1));
    if (last !== undefined && columns) push(jams, last, 8);
    else for (const a of shared) push(jams, a, 4);
  }
  return jams;
}

function push(jams: Jam[], a: Axis, times: number): void {
  const n = a.hi.value - a.lo.value;
  const fitting = [times, times / 2].find((t) => n >= t);
  if (fitting !== undefined && fitting > 1 && a.step === 1 && a.lo.op === "const") jams.push({ axis: a.name, times: fitting });
}

/** Loops, and which of them to jam. */
interface Jammed {
  readonly nest: readonly For[];
  readonly jams: readonly Jam[];
  /** Where what follows the sums is more than this, for all points together, it is not copied. */
  readonly mostBehind: number;
}

function rebuild(given: Jammed, depth: number): For {
  const { nest, jams } = given;
  const f = at(nest, depth);
  const times = jams.find((j) => j.axis === f.axis.name)?.times ?? 1;
  const last = depth === nest.length - 1;
  const body = last ? jammedBody(given, f.body) : [rebuild(given, depth + 1)];
  return { ...f, axis: { ...f.axis, step: times }, body };
}

function jammedBody({ nest, jams, mostBehind: most }: Jammed, body: readonly Stmt[]): readonly Stmt[] {
  const limits = jams.map((j) => ({
    ...j,
    extent: at(
      nest.filter((f) => f.axis.name === j.axis),
      0,
    ).axis.hi.value,
  }));
  const copies = copiesOf(body, limits, most);
  const partial = limits.filter((l) => l.extent % l.times !== 0);
  if (partial.length === 0) return copies;
  const fits = partial.map((l) => apply("le", [addIndex(axisIndex(l.axis, 0, l.extent - 1), l.times), ix(l.extent)]));
  const condition = fits.reduce((a, b) => apply("and", [a, b]));
  return [{ kind: "if", condition, then: copies, otherwise: pointByPoint(body, limits) }];
}

type Limit = Jam & { readonly extent: number };

/** The body once for each point of the block; what takes long after the sums, in a loop over the points. */
function copiesOf(body: readonly Stmt[], limits: readonly Limit[], most: number): readonly Stmt[] {
  const points = limits.reduce((n, l) => n * l.times, 1);
  const slot = axisIndex(slotName, 0, points - 1);
  const apart = behindSums(body, { points, most }, { index: slot, size: points });
  if (apart === null) return tidyPart(unrolled(body, limits));
  const sums = apart.sums.flatMap((list) => unrolled(list, limits));
  return [...apart.locals, ...tidyPart([...sums, pointsOf(apart.rest, limits, slot)])];
}

/** Statements for all points of the block, one after another, in loops; `slot` becomes the number of a point. */
function pointsOf(body: readonly Stmt[], limits: readonly Limit[], slot: Expr): Stmt {
  const offsets = limits.map((l) => axisIndex(`${l.axis}p`, 0, l.times - 1));
  const number = offsets.reduce((n, offset, i) => addIndex(mulIndex(n, at(limits, i).times), offset), ix(0));
  const places = limits.map((l, i) => [l.axis, addIndex(axisIndex(l.axis, 0, l.extent - l.times), at(offsets, i))] as const);
  const own = copied({ body, values: [] }, { suffix: "_p", axes: new Map([...places, [slot.name, number]]) }).body;
  const loops = limits.reduceRight<readonly Stmt[]>(
    (below, l, i) => [loop("serial", { name: at(offsets, i).name, lo: ix(0), hi: ix(l.times) }, 1, below)],
    own,
  );
  return at(loops, 0);
}

/** The body once for each point of the block, each copy with its own names; what their loops need in front of all of them. */
function unrolled(body: readonly Stmt[], limits: readonly Limit[]): Stmt[] {
  let offsets: readonly (readonly number[])[] = [[]];
  for (const l of limits) offsets = offsets.flatMap((o) => Array.from({ length: l.times }, (_, i) => [...o, i]));
  const copies = offsets.map((o, point) => {
    const shift = new Map(limits.map((l, i) => [l.axis, at(o, i)]));
    const suffix = `_${o.join("")}`;
    return renamed(body, suffix, (e) => {
      if (e.op === "axis" && e.name === slotName) return ix(point);
      const by = e.op === "axis" ? shift.get(e.name) : undefined;
      return by === undefined || by === 0 ? e : addIndex(withRange(e, e.lo, e.hi - by), by);
    });
  });
  const first = Math.max(
    0,
    body.findIndex((s) => s.kind !== "let"),
  );
  return [...copies.flatMap((list) => list.slice(0, first)), ...copies.flatMap((list) => list.slice(first))];
}

/** A copy whose own names end in `suffix`, its axes mapped. */
function renamed(body: readonly Stmt[], suffix: string, axis: (e: Expr) => Expr): Stmt[] {
  const own = new Set<string>();
  for (const s of statements(body)) {
    if (s.kind === "let") own.add(s.name);
    if (s.kind === "reduce") s.names.forEach((n) => own.add(n));
  }
  const f = exprMapper((e) => {
    if (e.op === "var" && own.has(e.name)) return variable(`${e.name}${suffix}`, e.dtype, e.lo, e.hi);
    if (e.op === "load") return withOperands(e, e.args.map(canonical));
    return axis(e);
  });
  const rename = (list: readonly Stmt[]): Stmt[] =>
    list.map((s): Stmt => {
      if (s.kind === "let") return { ...s, name: `${s.name}${suffix}` };
      if (s.kind === "reduce") return { ...s, names: s.names.map((n) => `${n}${suffix}`), body: rename(s.body) };
      return s;
    });
  return rename(mapStatements(body, f));
}

/** An index in its normal form, so that equal places of different copies have equal text. */
const canonical = (e: Expr): Expr => (e.dtype === "int32" ? addIndex(e, 0) : e);

/** What is left at the end of an axis. */
function pointByPoint(body: readonly Stmt[], limits: readonly Limit[]): Stmt[] {
  const names = new Map(limits.map((l) => [l.axis, `${l.axis}e`]));
  const f = exprMapper((e) => (e.op === "axis" && names.has(e.name) ? axisIndex(`${e.name}e`, e.lo, e.hi) : e));
  let inner: Stmt[] = renamed(mapStatements(body, f), "_e", (e) => e);
  for (const l of limits.toReversed()) {
    const from = axisIndex(l.axis, 0, l.extent - 1);
    const to = withRange(apply("min", [addIndex(from, l.times), ix(l.extent)]), 1, l.extent);
    inner = [{ kind: "for", axis: { name: `${l.axis}e`, kind: "serial", lo: from, hi: to, step: 1 }, body: inner }];
  }
  return inner;
}
