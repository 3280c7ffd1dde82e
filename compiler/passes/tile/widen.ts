/**
 * widen: neighbouring iterations side by side, on CPUs with vectors.
 *
 *   for %i in 0..1003 [grid] { store %y[%i] = load %x[%i] * 2 }
 *     → for %i in 0..1003 step 16 [grid] {
 *         if %i <= 987 { for %iv in 0..16 [vector] { store %y[%i + %iv] = load %x[%i + %iv] * 2 } }
 *         else { for %iv in 0..8 [vector] { … }  for %ie in 1000..1003 { … } }
 *       }
 *
 * The same is done to the loops of a grid point that store rows. Sums down columns are loops inside of the vector: each lane keeps the
 * order of its own sum. How many lanes there are changes no bit.
 */
import { at } from "../../ir/errors.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, s, variable, withRange } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, dividedAgain, ix, mulIndex, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsIn, expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import { mostLanes } from "../../ir/steps.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop, minOf, moved, vector } from "./copy.ts";
import { costOf, valuesIn, widest } from "./cost.ts";
import { goesTogether, hasWindows, isIndependent, updatedBuffers, varyingNames } from "./independent.ts";
import { divides } from "./flat.ts";
import { joinLoops, joinNest } from "./join.ts";
import { gridNest, isPlain, loopsOver, shortRow, strideOf } from "./nest.ts";
import { widenShortRows } from "./short-grid.ts";
import { firstOf } from "./skip.ts";

/** Bytes of a register. */
const register = 16;
const fewest = 4;
/** Bytes of scratch that the rows of one turn may take. */
const mostScratch = 1 << 20;
/** Elements that lie near one another are no further apart. */
const near = 2;
/** Elements of a line of memory, about. */
const crossed = 16;
/** Up to so many operations a body is cheap: several registers a value hide how long each takes. */
const cheap = 10;
const heavy = 120;

/** How many points of an axis go side by side. */
type LanesOf = (body: readonly Stmt[], extent: number) => number;

/** A kernel whose grid goes several points a turn, or the kernel itself where that gains nothing. */
export const widenGrid = (kernel: Kernel): Kernel => widened(kernel, lanesOf);

/** The same where points are columns. */
export const widenColumns = (kernel: Kernel): Kernel => widened(kernel, columnsOf);

function widened(kernel: Kernel, lanesFor: LanesOf): Kernel {
  const nest = joinNest(gridNest(kernel.body));
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis)) return kernel;
  const together = widenShortRows(kernel, nest);
  if (together !== kernel) return together;
  const { axis } = inner;
  const locals = inner.body.filter((one) => one.kind === "local");
  const body = inner.body.filter((one) => one.kind !== "local");
  const wanted = lanesFor(body, axis.hi.value);
  const lanes = Math.min(wanted, lanesWithRoom(locals));
  return lanes === 0 || lanes < Math.min(wanted, fewest) || !pays(body, axis) ? kernel : sideBySide(kernel, nest, lanes);
}

/** So many points of the innermost axis a turn, or the kernel itself where they cannot go together. */
export function sideBySide(kernel: Kernel, nest: readonly For[], lanes: number): Kernel {
  const inner = at(nest, nest.length - 1);
  const { axis } = inner;
  const locals = inner.body.filter((one) => one.kind === "local");
  const body = inner.body.filter((one) => one.kind !== "local");
  if (!isOpen(body) || !goesTogether(body, axis.name)) return kernel;
  const wide = locals.map((l): Local => ({ ...l, size: l.size * lanes }));
  const own = new Set(locals.map((l) => l.name));
  const across = crossedAxis(nest, body);
  const isDivided = divides(expressionsIn(body), axis.name);
  const piece = pieceOf(body, {
    own,
    lanes,
    isDivided,
    axes: (index, lane) => {
      const axes = new Map([
        [axis.name, index],
        [firstOf(axis.name), subIndex(index, lane)],
      ]);
      return across === null ? axes : axes.set(across.name, axisIndex(`${across.name}i`, 0, across.hi.value - 1));
    },
  });
  const turn = turnOf(axis, lanes, { isDivided });
  const turns = [...wide, ...inBlock(across, turnsOf(axis, { turn, lanes, grain: grainOf(body) }, piece))];
  const axes = nest.map((f): Axis => {
    if (f === inner) return turn.axis;
    return f.axis === across ? { ...f.axis, step: crossed } : f.axis;
  });
  return { ...kernel, body: tidy(loopsOver(axes, turns)) };
}

/** A body at one place of those that go side by side: at which index, in which lane, its names with which suffix. */
type Piece = (index: Expr, lane: Expr, suffix: string) => readonly Stmt[];

interface SideBySide {
  /** Scratch of which each has its own. */
  readonly own: ReadonlySet<string>;
  readonly lanes: number;
  /** Whether indices divide the axis. */
  readonly isDivided: boolean;
  /** What axes are at such a place. */
  readonly axes: (index: Expr, lane: Expr) => ReadonlyMap<string, Expr>;
}

function pieceOf(body: readonly Stmt[], { own, lanes, isDivided, axes }: SideBySide): Piece {
  return (index, lane, suffix) => {
    const list = copied({ body, values: [] }, { suffix, axes: axes(index, lane) }).body;
    return spread(isDivided ? mapStatements(list, exprMapper(dividedAgain)) : list, own, { lanes, lane });
  };
}

/**
 * A grid axis that walks through memory where the innermost one jumps, as in a transposed operand: a block of it at each turn finds what
 * the turn's first element has brought near.
 */
export function crossedAxis(nest: readonly For[], body: readonly Stmt[]): Axis | null {
  const inner = at(nest, nest.length - 1).axis;
  if (statements(body).some((one) => one.kind === "for" || one.kind === "reduce")) return null;
  const indices = exprOrder(expressionsIn(body)).flatMap((e) => (e.op === "load" ? [addIndex(at(e.args, 0), 0)] : []));
  const jumps = indices.filter((index) => Math.abs(strideOf(index, inner.name)) >= crossed);
  const found = nest.find((f) => f.axis !== inner && isPlain(f.axis) && jumps.some((index) => strideOf(index, f.axis.name) === 1));
  return found === undefined || found.axis.hi.value < crossed ? null : found.axis;
}

function inBlock(axis: Axis | null, body: readonly Stmt[]): readonly Stmt[] {
  if (axis === null) return body;
  const n = axis.hi.value;
  const from = axisIndex(axis.name, 0, n - 1);
  const end = addIndex(from, crossed);
  return [loop("serial", { name: `${axis.name}i`, lo: from, hi: n % crossed === 0 ? end : minOf(end, ix(n)) }, 1, body)];
}

/** The turns of an axis. */
interface Turn {
  readonly axis: Axis;
  /** The index that each starts at, and the same of those that are whole vectors. */
  readonly from: Expr;
  readonly inside: Expr;
}

/**
 * Turns of so many lanes: they are counted where indices divide the axis, as then it is known what neighbours have of the quotient.
 *
 *   for %i in 0..64 step 16 { load %x[(%i + %iv) / 2] }     →     for %i in 0..4 { load %x[%i * 8 + %iv / 2] }
 */
function turnOf(axis: Axis, lanes: number, { isDivided }: { readonly isDivided: boolean }): Turn {
  const n = axis.hi.value;
  const from = (turns: number): Expr => (isDivided ? mulIndex(axisIndex(axis.name, 0, turns - 1), lanes) : axisIndex(axis.name, 0, (turns - 1) * lanes));
  return {
    axis: isDivided ? { ...axis, hi: ix(Math.ceil(n / lanes)) } : { ...axis, step: lanes },
    from: from(Math.ceil(n / lanes)),
    inside: from(Math.floor(n / lanes)),
  };
}

/** One turn of the grid: a whole vector, or what is left at the end. */
function turnsOf(axis: Axis, { turn, lanes, grain }: Turns, piece: Piece): Stmt[] {
  const n = axis.hi.value;
  const last = Math.floor(n / lanes) * lanes;
  const whole = vector(`${axis.name}v`, lanes, (lane) => piece(addIndex(turn.inside, lane), lane, ""));
  if (last === n) return [whole];
  return [
    { kind: "if", condition: apply("le", [turn.from, ix(last - lanes)]), then: [whole], otherwise: rest(axis.name, { from: last, to: n, grain }, piece) },
  ];
}

/** How many iterations of a turn are side by side; of fewer, only multiples of a grain are. */
interface Turns {
  readonly turn: Turn;
  readonly lanes: number;
  readonly grain: number;
}

/** Whole registers, where a body is cheap; a function takes as long for one element as for a register of them, and so does a loop. */
const grainOf = (body: readonly Stmt[]): number => (isFlat(body) && costOf(valuesIn(body)) <= cheap ? fewest : 1);

const isFlat = (body: readonly Stmt[]): boolean => statements(body).every((one) => axesOf(one).length === 0);

interface Rest {
  readonly from: number;
  readonly to: number;
  readonly grain: number;
}

/** A vector of as many as go side by side, then element by element. */
function rest(name: string, { from, to, grain }: Rest, piece: Piece): Stmt[] {
  const together = Math.floor((to - from) / grain) * grain;
  const out: Stmt[] = [];
  const isVector = together > 1;
  if (isVector) out.push(vector(`${name}v`, together, (lane) => piece(addIndex(lane, from), lane, "_r")));
  const next = isVector ? from + together : from;
  const single = axisIndex(`${name}e`, next, to - 1);
  if (next < to) out.push(loop("serial", { name: single.name, lo: ix(next), hi: ix(to) }, 1, piece(single, ix(0), "_e")));
  return out;
}

/** How many iterations go side by side; 0 where there are too few. */
function lanesOf(body: readonly Stmt[], extent: number): number {
  let lanes = mostOf(body);
  // a function takes as long for one element as for a register of them; loops inside may have lanes of their own
  if (isFlat(body) && costOf(valuesIn(body)) > cheap && extent <= lanes) return extent > 1 ? extent : 0;
  while (lanes > extent) lanes /= 2;
  return Math.max(lanes, fewest) > extent ? 0 : Math.max(lanes, fewest);
}

/** All columns where they are few: others would be walked by themselves, by loops that pass all rows once more. */
function columnsOf(body: readonly Stmt[], extent: number): number {
  const most = Math.min(mostLanes, mostOf(body) + fewest - 1);
  return extent > 1 && extent <= most ? extent : lanesOf(body, extent);
}

/** So many iterations have what they need in registers: by what a value takes, and how long the body is. */
function mostOf(body: readonly Stmt[]): number {
  const cost = costOf(valuesIn(body));
  // loops one after another have the same registers
  const sums = Math.max(0, ...statements(body).map((one) => (one.kind === "reduce" ? one.names.length : 0)));
  return (register / widest(body)) * (sums > 0 ? registersForSums(sums, cost) : registersFor(cost));
}

const registersFor = (cost: number): number => (cost <= heavy ? 4 : 1);

function registersForSums(sums: number, cost: number): number {
  if (cost > heavy) return 1;
  if (sums > 2) return 2;
  return sums > 1 || cost > cheap ? 4 : 8;
}

function lanesWithRoom(locals: readonly Local[]): number {
  const bytes = locals.reduce((n, l) => n + l.size * dtypeInfo(l.dtype).bytes, 0);
  let lanes = 64;
  while (lanes * bytes > mostScratch && lanes > 0) lanes = lanes === 1 ? 0 : lanes / 2;
  return lanes;
}

/** Scratch of several points side by side: each element of one beside those of the others. */
function spread(body: readonly Stmt[], own: ReadonlySet<string>, { lanes, lane }: { readonly lanes: number; readonly lane: Expr }): readonly Stmt[] {
  if (own.size === 0) return body;
  return moved(body, own, (_, index) => addIndex(mulIndex(index, lanes), lane));
}

/** Whether a body can be done side by side at all: no lanes in it yet, nothing that must happen in order. */
const isOpen = (body: readonly Stmt[]): boolean =>
  statements(body).every(
    (one) =>
      one.kind !== "barrier" && one.kind !== "local" && (one.kind !== "store" || one.atomic === undefined) && axesOf(one).every((a) => a.kind === "serial"),
  );

/** Whether what is gained by operations and neighbouring accesses outweighs those here and there, all as often as loops inside repeat them. */
function pays(body: readonly Stmt[], axis: Axis): boolean {
  const access = (index: Expr): number => {
    const stride = strideOf(addIndex(index, 0), axis.name);
    if (stride === 1) return 1;
    // those that lie near one another are a register or two and a shuffle
    return Math.abs(stride) <= near ? 0 : -1;
  };
  const loaded = (roots: readonly Expr[]): number => exprOrder(roots).reduce((n, e) => n + (e.op === "load" ? access(at(e.args, 0)) : 0), 0);
  const gain = (list: readonly Stmt[]): number => {
    const own = list.filter((one) => bodiesOf(one).length === 0);
    const stored = own.reduce((n, one) => n + (one.kind === "store" ? access(one.index) : 0), 0);
    const below = list.reduce((n, one) => {
      const inside = bodiesOf(one).reduce((m, inner) => m + gain(inner), 0);
      // what is added up one after the other waits for one another
      const added = one.kind === "reduce" ? costOf(one.values) / 2 + costOf(one.combine) + loaded(one.values) : 0;
      return n + timesOf(one) * (inside + added);
    }, 0);
    return costOf(valuesIn(own)) / 2 + stored + loaded(own.flatMap(expressionsOf)) + below;
  };
  return gain(body) >= 0;
}

/** How often a loop runs, about. */
const timesOf = (one: Stmt): number => axesOf(one).reduce((n, a) => n * (isPlain(a) ? a.hi.value : (a.about ?? 1)), 1);

/** Loops of grid points that store rows, several elements at once. */
export function widenLoops(kernel: Kernel): Kernel {
  const widening = new Widening(kernel);
  const body = widening.list(joinLoops(kernel.body));
  return widening.changed ? { ...kernel, body: tidy(widening.withRoom(body)) } : kernel;
}

class Widening {
  changed = false;
  readonly #updated: ReadonlySet<string>;
  /** All of the kernel, and the scratch in it. */
  readonly #all: readonly Stmt[];
  readonly #scratch: ReadonlySet<string>;
  /** Scratch of one iteration, of which each of those side by side has its own: how many these are. */
  readonly #room = new Map<string, number>();

  constructor(kernel: Kernel) {
    this.#updated = updatedBuffers(kernel);
    this.#all = statements(kernel.body);
    this.#scratch = new Set(this.#all.flatMap((one) => (one.kind === "local" ? [one.name] : [])));
  }

  list(list: readonly Stmt[]): readonly Stmt[] {
    return replaceEach(list, (one) => {
      // rows too short for lanes of their own go side by side
      const side = one.kind === "for" && one.axis.kind === "serial" && hasShortRows(one.body) ? this.#loop(one) : one;
      if (side !== one) return side;
      const inner = mapBodies(one, (below) => this.list(below));
      return inner.kind === "for" && inner.axis.kind === "serial" ? this.#loop(inner) : inner;
    });
  }

  /** Scratch as large as is needed now. */
  withRoom(list: readonly Stmt[]): readonly Stmt[] {
    if (this.#room.size === 0) return list;
    return replaceEach(list, (s) => {
      if (s.kind === "local") return { ...s, size: s.size * (this.#room.get(s.name) ?? 1) };
      return mapBodies(s, (below) => this.withRoom(below));
    });
  }

  #loop(f: For): For | Stmt[] {
    const { axis, body } = f;
    if (axis.step !== 1 || body.length === 0 || !isOpen(body)) return f;
    const own = this.#ownScratch(f);
    if (own === null || !(isIndependent(body, [], this.#updated, own) || this.#hasWindows(f, own)) || !goesTogether(body, axis.name) || !pays(body, axis))
      return f;
    const lanes = lanesOf(body, isPlain(axis) ? axis.hi.value : (axis.about ?? 0));
    if (lanes === 0) return f;
    const isDivided = divides(expressionsIn(body), axis.name);
    const piece = pieceOf(body, { own, lanes, isDivided, axes: (index) => new Map([[axis.name, index]]) });
    this.changed = true;
    for (const name of own) this.#room.set(name, lanes);
    if (!isPlain(axis)) return openLoop(axis, lanes, piece);
    const last = Math.floor(axis.hi.value / lanes) * lanes;
    const turn = turnOf({ ...axis, name: `${axis.name}s`, hi: ix(last) }, lanes, { isDivided });
    const whole = vector(`${axis.name}v`, lanes, (lane) => piece(addIndex(turn.from, lane), lane, ""));
    return [{ kind: "for", axis: turn.axis, body: [whole] }, ...rest(axis.name, { from: last, to: axis.hi.value, grain: grainOf(body) }, piece)];
  }

  /** Whether iterations meet neither in memory, of which each has a part of its own, nor in a running value. */
  #hasWindows({ axis, body }: For, own: ReadonlySet<string>): boolean {
    const list = statements(body);
    return own.size === 0 && !list.some((s) => s.kind === "store" && this.#updated.has(s.buffer)) && hasWindows(body, axis.name);
  }

  /**
   * Scratch that each iteration of a loop fills anew, and that nobody else touches; null where iterations meet in scratch that others
   * touch too.
   */
  #ownScratch({ axis, body }: For): ReadonlySet<string> | null {
    const inside = statements(body);
    const stores = inside.filter((one) => one.kind === "store").filter((one) => this.#scratch.has(one.buffer));
    const varying: ReadonlySet<string> = stores.length === 0 ? new Set() : varyingNames(body, axis.name);
    const met = new Set(stores.flatMap((one) => (namesIn(one.index).some((n) => varying.has(n)) ? [] : [one.buffer])));
    const touching = (list: readonly Stmt[], name: string): number => list.filter((one) => touches(one, name)).length;
    return [...met].every((name) => touching(inside, name) === touching(this.#all, name)) ? met : null;
  }
}

/** Whether a statement itself, not what stands in it, stores to a memory or loads from it. */
const touches = (one: Stmt, name: string): boolean =>
  (one.kind === "store" && one.buffer === name) || exprOrder(expressionsOf(one)).some((e) => e.op === "load" && e.name === name);

/** Whether a body reduces rows, and no loop in it is as long as a row that lanes of its own would walk. */
function hasShortRows(body: readonly Stmt[]): boolean {
  const list = statements(body);
  return list.some((one) => one.kind === "reduce") && list.every((one) => axesOf(one).every((a) => isPlain(a) && a.hi.value < shortRow));
}

/** A loop whose bounds are loaded. */
function openLoop(axis: Axis, lanes: number, piece: Piece): Stmt[] {
  const whole = variable(`${axis.name}w`, "int32", axis.lo.lo, axis.hi.hi);
  // it does not end before it starts: the maximum says so to those who check
  const value = s.max(subIndex(axis.hi, withRange(s.irem(subIndex(axis.hi, axis.lo), lanes), 0, lanes - 1)), axis.lo);
  const step = axisIndex(`${axis.name}s`, axis.lo.lo, axis.hi.hi - 1);
  const about = axis.about === undefined ? {} : { about: Math.max(1, Math.floor(axis.about / lanes)) };
  const steps = loop("serial", { name: step.name, lo: axis.lo, hi: subIndex(whole, lanes - 1) }, lanes, [
    vector(`${axis.name}v`, lanes, (lane) => piece(addIndex(step, lane), lane, "")),
  ]);
  const single = axisIndex(`${axis.name}e`, axis.lo.lo, axis.hi.hi - 1);
  return [
    { kind: "let", name: whole.name, value },
    { ...steps, axis: { ...steps.axis, ...about } },
    loop("serial", { name: single.name, lo: whole, hi: axis.hi }, 1, piece(single, ix(0), "_e")),
  ];
}
