/**
 * column strips: what walks down columns, or over windows, does so for a strip of a line at a time, on CPUs with vectors.
 *
 *   for %j in 0..1024 [grid] { local %row: f32[64]
 *     reduce %s = 0 by $0 + $1 over %k in 0..64 { store %row[%k] = exp(load %x[%k * 1024 + %j])  yield … }
 *     for %k in 0..64 { store %y[%k * 1024 + %j] = load %row[%k] - %s } }
 *     → for %j in 0..1024 step 64 [grid] { local %row: f32[4096]  local %s_of: f32[64]
 *         for %ji in 0..64 { store %s_of[%ji] = 0 }
 *         for %k in 0..64 { for %ja in 0..64 { let %e = exp(…)  store %row[%k * 64 + %ja] = %e  store %s_of[%ja] = load %s_of[%ja] + %e } }
 *         for %k in 0..64 { for %jb in 0..64 { store %y[…] = load %row[%k * 64 + %jb] - load %s_of[%jb] } } }
 *
 * Lines of memory that lie beside one another are brought near together, and each function is in a loop of its own (`chains.ts`). What
 * a column keeps from one step to the next waits in scratch. Functions of columns that are too few for registers are computed for several
 * rows at once. Each column keeps the order of its sums, so this changes no bit.
 */
import type { DType } from "../../ir/dtype.ts";
import { at, lookup } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, load, variable, withRange } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, If, Kernel, Let, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsIn, expressionsOf, statements } from "../../ir/loop.ts";
import { exprReplacer, localBytes, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { accumulated } from "./accumulate.ts";
import type { Chains } from "./chains.ts";
import { canWait, chainsAlong } from "./chains.ts";
import { bringInto, isApart } from "./combine.ts";
import { copied, moved } from "./copy.ts";
import { hasFunction } from "./cost.ts";
import { goesTogether, namedBy, namesBehind, varyingNames } from "./independent.ts";
import { inlineIndices, isPlain, loopsOver, pointsOf, shortRow } from "./nest.ts";
import { startRising } from "./rising.ts";
import { goSeveral, turnsInLoop } from "./short-grid.ts";
import type { Strip } from "./strip.ts";
import { eachStrip, overStrip, stripLoops, stripOf } from "./strip.ts";

/** With fewer strips than this for threads to share they are shorter: so long. */
const manyStrips = 8;
const shorter = 64;
/** The longest strip, where no rows wait; those that make room for rows are whole registers, as many as go side by side. */
const longest = 256;
const whole = 16;
/** Columns that are too few for registers go several rows at once, so many; of them so many bytes may wait, as of columns side by side. */
const severalRows = 32;
const mostBytes = 1 << 20;

/** The kernel by strips of its columns, or the kernel itself where it does not walk them, or little is gained. */
export const columnStrips = (kernel: Kernel, nest: readonly For[], target: Target): Kernel => inStrips(kernel, nest, { target, storesPay: true });

/** The same of points that lie apart, as windows do: what they store in a walk gains nothing by it. */
export const windowStrips = (kernel: Kernel, nest: readonly For[], target: Target): Kernel => inStrips(kernel, nest, { target, storesPay: false });

function inStrips(kernel: Kernel, nest: readonly For[], { target, storesPay }: Pick<Given, "target" | "storesPay">): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis)) return kernel;
  const { axis } = inner;
  const rows = inner.body.filter((s) => s.kind === "local");
  const body = inlineIndices(stepsOf(startRising(inner.body.filter((s) => s.kind !== "local"))));
  const size = sizeOf(nest, localBytes(rows), target);
  if (size === 0 || !isOpen(body) || !goesTogether(body, axis.name)) return kernel;
  const columns = new Columns(body, { axis, target, size, rows, storesPay, picks: statements(inner.body).some(isTuple) });
  if (!columns.arePossible || !columns.pay) return kernel;
  const strips = eachStrip(axis, size, (strip) => columns.over(strip));
  return { ...kernel, body: stripLoops(nest, size, [...columns.locals, ...strips]) };
}

/** How many columns a strip has, of each of which so many bytes wait; 0 where there is no room for some. */
function sizeOf(nest: readonly For[], bytes: number, { rowBytes }: Target): number {
  const length = at(nest, nest.length - 1).axis.hi.hi;
  if (length < shortRow) return length * bytes > mostBytes ? 0 : length;
  const most = bytes === 0 ? longest : Math.min(longest, Math.floor(rowBytes / bytes / whole) * whole);
  if (most === 0) return 0;
  const isFew = pointsOf(nest.map((f) => f.axis)) < manyStrips * stripOf(length, most);
  return stripOf(length, isFew ? Math.min(most, shorter) : most);
}

/** Whether a reduction keeps several numbers that are changed together, an element and its position. */
const isTuple = (s: Stmt): boolean => s.kind === "reduce" && s.names.length > 1 && !isApart(s);

/** Reductions as loops that go on with what is carried, long ones in blocks. */
function stepsOf(list: readonly Stmt[]): readonly Stmt[] {
  const all = (inner: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(inner, (s) => {
      const below = mapBodies(s, all);
      return below.kind === "reduce" ? carried(below) : below;
    });
  return all(accumulated(list));
}

function carried(r: Reduce): Stmt[] {
  const parts = r.names.map((name, i) => variable(name, at(r.init, i).dtype));
  const name = (i: number): string => at(r.names, i);
  const added = bringInto(r, { parts, name, set: (i, value) => ({ kind: "assign", name: name(i), value }) }, r.values, "_e");
  return [...r.init.map((init, i): Stmt => ({ kind: "carry", name: name(i), init })), ...loopsOver(r.axes, [...r.body, ...added])];
}

/** Whether all that is done is names, numbers that are carried, stores and plain loops. */
const isOpen = (body: readonly Stmt[]): boolean =>
  statements(body).every(
    (s) => s.kind !== "barrier" && s.kind !== "local" && (s.kind !== "store" || s.atomic === undefined) && axesOf(s).every((a) => a.kind === "serial"),
  );

/** What is done for each column, one statement after another. */
interface Points {
  readonly kind: "points";
  readonly id: number;
  readonly list: readonly Stmt[];
  /** Whether that is once for each step of a walk. */
  readonly isWalk: boolean;
}

/** What is the same for all columns, and what stands in it. */
interface Around {
  readonly kind: "around";
  readonly stmt: For | If | Let;
  readonly bodies: readonly (readonly Part[])[];
}

type Part = Points | Around;

const noNames: ReadonlySet<string> = new Set();

const isPoint = (s: Stmt): boolean => s.kind === "let" || s.kind === "carry" || s.kind === "assign" || s.kind === "store";

interface Given {
  readonly axis: Axis;
  readonly target: Target;
  readonly size: number;
  /** What a column has waiting of its rows. */
  readonly rows: readonly Local[];
  /** Whether walks gain by it that store what lies side by side. */
  readonly storesPay: boolean;
  /** Whether elements are picked together with their positions: registers that hold both for many columns are missing to functions. */
  readonly picks: boolean;
}

/** Some rows of a walk, from one on. */
interface Rows {
  readonly one: Points;
  readonly walk: Axis;
  readonly from: Expr;
  readonly count: number;
  /** Whether something is carried from row to row. */
  readonly goesOn: boolean;
}

/** A loop over some rows, and one over their columns. */
interface RowPlace {
  readonly row: Axis;
  readonly column: Axis;
  /** A column. */
  readonly c: Expr;
  /** What the axes of the walk and of the columns are there. */
  readonly axes: readonly (readonly [string, Expr])[];
  /** Where what is kept of a row's column lies. */
  readonly of: (column: Expr) => Expr;
}

class Columns {
  readonly #given: Given;
  readonly #body: readonly Stmt[];
  readonly #varying: ReadonlySet<string>;
  readonly #points: Points[] = [];
  readonly #parts: readonly Part[];
  /** What columns keep from one loop to the next. */
  readonly #kept: ReadonlyMap<string, DType>;
  readonly #chains = new Map<number, Chains | null>();

  constructor(body: readonly Stmt[], given: Given) {
    this.#given = given;
    this.#body = body;
    this.#varying = varyingNames(body, given.axis.name);
    this.#parts = this.#partsOf(body, false);
    this.#kept = this.#keptNames();
    for (const one of this.#points) this.#chains.set(one.id, this.#chainsOf(one));
  }

  /** Whether all that is carried and stored is of columns, and no index is made of what they keep: nobody could tell that it is in range. */
  get arePossible(): boolean {
    const list = statements(this.#body);
    const found = namesBehind(this.#body, this.#kept.keys());
    const isKnown = (index: Expr): boolean => exprOrder([index]).every((e) => !found.has(e.name) || e.op === "load");
    const stored = list.flatMap((s) => (s.kind === "store" ? [s.index] : []));
    const loaded = exprOrder(expressionsIn(this.#body)).flatMap((e) => (e.op === "load" ? e.args : []));
    const areOfColumns = list.every((s) => s.kind === "let" || !isPoint(s) || namedBy(s).every((n) => this.#varying.has(n)));
    return (
      areOfColumns && [...stored, ...loaded].every(isKnown) && [...this.#kept.values()].every((dtype) => dtype === "int32" || canWait(variable("", dtype)))
    );
  }

  get pay(): boolean {
    const { storesPay, picks, rows } = this.#given;
    const walks = this.#points.filter((one) => one.isWalk);
    const isWritten = (s: Stmt): boolean => s.kind === "store" && rows.every((l) => l.name !== s.buffer);
    const writes = (one: Points): boolean => one.list.some(isWritten);
    const functions = walks.flatMap((one) => this.#chains.get(one.id) ?? []);
    // one function of what one walk adds up: `column-rows.ts`
    if (this.#areFew) return functions.some((chains) => chains.length > 2) || (functions.length > 0 && (picks || walks.length > 1 || walks.some(writes)));
    return functions.length > 0 || (storesPay && walks.some(writes)) || (picks && walks.some((one) => hasFunction(expressionsIn(one.list))));
  }

  get locals(): readonly Local[] {
    const { rows, size } = this.#given;
    const kept = [...this.#kept].map(([name, dtype]): Local => ({ kind: "local", name: `${name}_of`, dtype, size, space: "scratch" }));
    return [...rows.map((l) => ({ ...l, size: l.size * size })), ...kept, ...this.#points.flatMap((one) => this.#functions(one))];
  }

  /** Everything that is done for a strip. */
  over(strip: Strip): readonly Stmt[] {
    return this.#over(this.#parts, strip);
  }

  #over(parts: readonly Part[], strip: Strip): readonly Stmt[] {
    return parts.flatMap((one): readonly Stmt[] => {
      if (one.kind === "points") return this.#loops(one, strip);
      const { stmt, bodies } = one;
      if (stmt.kind === "let") return [stmt];
      const several = stmt.kind === "for" ? this.#severalRows(stmt, at(bodies, 0), strip) : null;
      if (several !== null) return several;
      const [first = [], second = []] = bodies.map((list) => this.#over(list, strip));
      return [stmt.kind === "for" ? { ...stmt, body: first } : { ...stmt, then: first, otherwise: second }];
    });
  }

  /** What is done for each column of a strip: functions one after another, then what they are needed for. */
  #loops(one: Points, strip: Strip): readonly Stmt[] {
    const chains = this.#chains.get(one.id) ?? null;
    const name = `c${one.id}`;
    if (chains === null) return [overStrip(strip, name, (index) => this.#keeping(one.list, index))];
    const locals = this.#functions(one);
    const loops: Stmt[] = [];
    for (let stage = 1; stage < chains.length; stage++)
      loops.push(overStrip(strip, `${name}s${stage}`, (index) => this.#reading(chains.stored(locals, { stage, index }), index)));
    const last = (index: Expr): readonly Stmt[] => this.#keeping(mapStatements(one.list, chains.reading(locals, { stage: chains.length, index })), index);
    return [...loops, overStrip(strip, name, last)];
  }

  #functions({ id }: Points): readonly Local[] {
    const { size } = this.#given;
    return this.#chains.get(id)?.locals(this.#areFew ? severalRows * size : size, `chain${id}_`) ?? [];
  }

  /** Whether columns are too few for registers of their own. */
  get #areFew(): boolean {
    return this.#given.size < shortRow;
  }

  /** A walk down few columns: functions of several rows at once, then what goes on from row to row; null where nothing is gained. */
  #severalRows({ axis }: For, inside: readonly Part[], strip: Strip): readonly Stmt[] | null {
    const one = inside[0];
    if (!this.#areFew || one?.kind !== "points" || inside.length > 1 || axis.step !== 1) return null;
    // numbers of one row that others need are kept one row at a time
    if (one.list.some((s) => s.kind === "carry" || (s.kind === "let" && this.#kept.has(s.name)))) return null;
    const changed = one.list.flatMap((s) => (s.kind === "assign" ? [s.name] : []));
    const goesOn = changed.length > 0;
    // what waits for a row before is no function of several at once
    if (goesOn && this.#chains.get(one.id)?.isMadeOf(namesBehind(one.list, changed)) !== false) return null;
    const count = Math.min(severalRows, axis.hi.hi - axis.lo.lo);
    const name = `${axis.name}c${one.id}`;
    const start = axisIndex(name, axis.lo.lo, axis.hi.hi - 1);
    const rows: Rows = { one, walk: axis, from: withRange(start, axis.lo.lo, axis.hi.hi - count), count, goesOn };
    const together = this.#rowsTogether(rows, strip);
    if (together === null) return null;
    const left = this.#loops(one, strip);
    const isWhole = apply("le", [start, subIndex(axis.hi, count)]);
    const turn: readonly Stmt[] =
      isPlain(axis) && axis.hi.value % count === 0
        ? together
        : [{ kind: "if", condition: isWhole, then: together, otherwise: [{ kind: "for", axis: { ...axis, lo: start }, body: left }] }];
    return [{ kind: "for", axis: { ...axis, name, step: count }, body: turn }];
  }

  /** What is done for rows that go at once: functions one after another, then what they are needed for; null where columns do not lie side by side. */
  #rowsTogether(rows: Rows, strip: Strip): readonly Stmt[] | null {
    const { one, walk, goesOn } = rows;
    const place = this.#placeIn(rows, strip);
    const chains = this.#chains.get(one.id) ?? null;
    const locals = this.#functions(one);
    const before = Array.from({ length: (chains?.length ?? 1) - 1 }, (_, i) => chains?.stored(locals, { stage: i + 1, index: place.of(place.c) }) ?? []);
    const rest = (index: Expr): readonly Stmt[] =>
      chains === null ? one.list : mapStatements(one.list, chains.reading(locals, { stage: chains.length, index: place.of(index) }));
    const flat = (goesOn ? before : [...before, rest(place.c)]).map((list, i) => this.#elements(list, place, `_r${one.id}s${i}`));
    if (flat.some((list) => list === null)) return null;
    const functions = flat.flatMap((list) => list ?? []);
    if (!goesOn) return functions;
    const across = overStrip(strip, `k${one.id}`, (index) => this.#carrying(rest(index), place.row, index));
    return [...functions, ...copied({ body: [across], values: [] }, { suffix: "", axes: new Map([[walk.name, at(place.axes, 0)[1]]]) }).body];
  }

  #placeIn({ one, walk, from, count }: Rows, strip: Strip): RowPlace {
    const { axis, size } = this.#given;
    const row: Axis = { name: `${walk.name}r${one.id}`, kind: "serial", lo: ix(0), hi: ix(count), step: 1 };
    const column: Axis = { ...axis, name: `${axis.name}w${one.id}`, kind: "serial" };
    const [r, c] = [axisIndex(row.name, 0, count - 1), axisIndex(column.name, 0, size - 1)];
    const axes: RowPlace["axes"] = [
      [walk.name, addIndex(from, r)],
      [axis.name, addIndex(strip.first, c)],
    ];
    return { row, column, c, axes, of: (index) => addIndex(mulIndex(r, size), index) };
  }

  /** The elements of some rows as they lie there; null where that gains nothing. */
  #elements(list: readonly Stmt[], { row, column, c, axes }: RowPlace, suffix: string): readonly Stmt[] | null {
    const body = inlineIndices(copied({ body: this.#reading(list, c), values: [] }, { suffix, axes: new Map(axes) }).body);
    const both = { outer: row, inner: column };
    return goSeveral(body, both) ? turnsInLoop(body, both) : null;
  }

  /** Statements of a column that read what it keeps. */
  #reading(list: readonly Stmt[], index: Expr, names: ReadonlySet<string> = noNames): readonly Stmt[] {
    const own = new Set([...names, ...list.flatMap((s) => (s.kind === "let" ? [s.name] : []))]);
    const f = exprReplacer((e) => {
      const dtype = e.op === "var" && !own.has(e.name) ? this.#kept.get(e.name) : undefined;
      return dtype === undefined ? null : load(`${e.name}_of`, dtype, index);
    });
    const { rows, size } = this.#given;
    return moved(mapStatements(list, f), new Set(rows.map((l) => l.name)), (_, place) => addIndex(mulIndex(place, size), index));
  }

  /** Rows of a column one after another, with what they change in registers meanwhile. */
  #carrying(list: readonly Stmt[], row: Axis, index: Expr): readonly Stmt[] {
    const changed = [...new Set(list.flatMap((s) => (s.kind === "assign" ? [s.name] : [])))].map((name) =>
      variable(name, lookup(this.#kept, name, "what is kept")),
    );
    const names = new Set(changed.map((e) => e.name));
    const kept = (e: Expr): Expr => load(`${e.name}_of`, e.dtype, index);
    return [
      ...changed.map((e): Stmt => ({ kind: "carry", name: e.name, init: kept(e) })),
      { kind: "for", axis: row, body: this.#reading(list, index, names) },
      ...changed.map((e): Stmt => ({ kind: "store", buffer: `${e.name}_of`, index, value: e })),
    ];
  }

  /** The same, and that keep what others read. */
  #keeping(list: readonly Stmt[], index: Expr): readonly Stmt[] {
    const store = (name: string, value: Expr): Stmt => ({ kind: "store", buffer: `${name}_of`, index, value });
    return this.#reading(list, index).flatMap((s): Stmt[] => {
      if (s.kind === "carry") return [store(s.name, s.init)];
      if (s.kind === "assign") return [store(s.name, s.value)];
      return s.kind === "let" && this.#kept.has(s.name) ? [s, store(s.name, variable(s.name, s.value.dtype))] : [s];
    });
  }

  #partsOf(list: readonly Stmt[], isWalk: boolean): readonly Part[] {
    const parts: Part[] = [];
    let run: Stmt[] = [];
    const close = (): void => {
      if (run.length > 0) {
        const points: Points = { kind: "points", id: this.#points.length, list: run, isWalk };
        this.#points.push(points);
        parts.push(points);
      }
      run = [];
    };
    for (const s of list) {
      if (s.kind === "let" && !this.#varying.has(s.name)) parts.push({ kind: "around", stmt: s, bodies: [] });
      else if (isPoint(s)) run.push(s);
      else {
        close();
        if (s.kind === "for") parts.push({ kind: "around", stmt: s, bodies: [this.#partsOf(s.body, true)] });
        if (s.kind === "if") parts.push({ kind: "around", stmt: s, bodies: [this.#partsOf(s.then, isWalk), this.#partsOf(s.otherwise, isWalk)] });
      }
    }
    close();
    return parts;
  }

  /** What is carried, and names that are read in other loops than those they are given in. */
  #keptNames(): ReadonlyMap<string, DType> {
    const kept = new Map<string, DType>();
    const given = new Map<string, DType>();
    const namedIn = this.#points.map(({ list }) => new Map(list.flatMap((s) => (s.kind === "let" ? [[s.name, s.value.dtype]] : []))));
    for (const names of namedIn) names.forEach((dtype, name) => given.set(name, dtype));
    this.#points.forEach(({ list }, i) => {
      for (const s of list) if (s.kind === "carry") kept.set(s.name, s.init.dtype);
      for (const e of exprOrder(expressionsIn(list))) {
        const dtype = e.op === "var" && namedIn[i]?.has(e.name) !== true ? given.get(e.name) : undefined;
        if (dtype !== undefined) kept.set(e.name, dtype);
      }
    });
    return kept;
  }

  /** The functions of what is done for each column; null where it has no two of them, or goes on with what it has just changed. */
  #chainsOf({ list }: Points): Chains | null {
    const { axis, target } = this.#given;
    const changed = new Set<string>();
    for (const s of list) {
      if (exprOrder(expressionsOf(s)).some((e) => changed.has(e.name))) return null;
      if (s.kind === "carry" || s.kind === "assign") changed.add(s.name);
    }
    const body = list.filter((s) => s.kind === "let" || s.kind === "store");
    const values = list.flatMap((s): Expr[] => {
      if (s.kind === "carry") return [s.init];
      if (s.kind === "assign") return [s.value];
      return s.kind === "let" && this.#kept.has(s.name) ? [variable(s.name, s.value.dtype)] : [];
    });
    return chainsAlong({ axis: axis.name, target, ...(this.#areFew ? { every: true } : {}) }, body, values);
  }
}
