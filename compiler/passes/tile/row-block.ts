/**
 * row block: grid points that hold rows in scratch, and contract with them, several at once, on CPUs with vectors, and on GPUs that a CPU
 * emulates.
 *
 *   for %i [grid] { local %row: f32[J]; for %j { reduce %s over %d { load %q[%i,%d] * load %k[%j,%d] }  store %row[%j] = %s } … }
 *     → for %i step 8 [grid] { local %row: f32[J * 8]; local %side: f32[D * 8]
 *         for %iv in 0..8 [vector] {
 *           for %d { store %side[%d * 8 + %iv] = load %q[%i + %iv,%d] }
 *           for %j step 4 { reduce of 4 sums over %d { one vector, 4 single loads }  4 stores } … } }
 *
 * Each lane is a row: what all rows walk over is loaded once for a block of them, and each row's sums keep the order of a single one,
 * so this changes no bit. Every loop of the grid point goes along, the row's extremes and sums too.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, flatten, freeNames, ix, keyOf, namesIn } from "../../ir/indexing.ts";
import { exprMapper, localBytes } from "../../ir/loop-walk.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { tidyPart } from "../lower/tidy.ts";
import { abreast, canGoAbreast } from "./abreast.ts";
import type { Place } from "./copy.ts";
import { copied, loop } from "./copy.ts";
import { lengthOf, longestFunction, mostCopied, registerBytes, tupleBytes } from "./cost.ts";
import { isPlain, loadsOf, loopsOver, nested } from "./nest.ts";
import { behindSums } from "./phases.ts";
import { inlined, isAlong, isPlainLoad, namesBefore, replaced, sideOf } from "./sides.ts";
import { distributed } from "./distribute.ts";
import type { Skip } from "./skip.ts";
import { atCorner, firstIndex, firstOf, skipOf } from "./skip.ts";
import { sideBySide } from "./widen.ts";

/** Bytes of a register, and registers side by side. */
const register = 16;
const across = 2;
/** Bytes of variables that WGSL promises each lane. */
const ownScratch = 8192;
/** Vectors of sums where a CPU plays lanes: its registers do not hold even a few, and more of them share a load. */
const emulatedSums = 16;
/** With fewer rows lanes stay empty. */
const fewest = 4;

/** Loops of a grid point around one contraction. */
interface Stage {
  readonly loops: readonly For[];
  readonly reduce: Reduce;
}

/** The grid axis whose points share what they walk over, of a grid point that keeps rows; null where there is none. */
export function blockAxis(nest: readonly For[]): Axis | null {
  const inner = nest.at(-1);
  if (inner === undefined || !inner.body.some((s) => s.kind === "local")) return null;
  const stages = stagesOf(inner.body);
  const isRow = ({ axis }: For): boolean =>
    isPlain(axis) && axis.hi.value >= fewest && stages.every((s) => sharesWalk(s, axis)) && stages.some((s) => asks(s, axis));
  return stages.length === 0 ? null : (nest.findLast(isRow)?.axis ?? null);
}

/** Where rows are taken a block at a time, the stages stand in a loop over the blocks. */
function stagesOf(body: readonly Stmt[]): Stage[] {
  return body.flatMap((s) => (isBlocks(s) ? stagesOf(insideOf(s)) : distributed(s).flatMap((part) => stageOf(part) ?? [])));
}

/** A loop that carries scalars from one block of a row to the next (`passes/online`). */
export const isBlocks = (s: Stmt): s is For => s.kind === "for" && s.axis.kind === "serial" && insideOf(s).some((one) => one.kind === "assign");

/** What is done for a block, where its elements are needed. */
export function insideOf({ body }: For): readonly Stmt[] {
  const only = body.length === 1 ? body[0] : undefined;
  return only?.kind === "if" ? only.then : body;
}

function stageOf(s: Stmt): Stage | null {
  if (s.kind !== "for" || s.axis.kind !== "serial" || !isPlain(s.axis)) return null;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  if (only?.kind === "for") {
    const inner = stageOf(only);
    return inner === null ? null : { ...inner, loops: [s, ...inner.loops] };
  }
  const [reduce, ...others] = s.body.filter((one) => one.kind === "reduce");
  const simple = s.body.every((one) => one.kind === "let" || one.kind === "reduce" || one.kind === "store");
  if (!simple || others.length > 0 || reduce === undefined) return null;
  return reduce.axes.every(isPlain) && reduce.body.every((one) => one.kind === "let") ? { loops: [s], reduce } : null;
}

/** Indices of a reduction's loads that its own axes and some others decide. */
function walks(reduce: Reduce, axes: readonly Axis[]): ReadonlySet<string>[] {
  const own = new Set(reduce.axes.map((a) => a.name));
  return loadsOf(reduce)
    .map((e) => freeNames(e))
    .filter((names) => axes.some((a) => names.has(a.name)) && [...names].some((n) => own.has(n)));
}

function sharesWalk({ loops, reduce }: Stage, { name }: Axis): boolean {
  const shared = walks(
    reduce,
    loops.map((f) => f.axis),
  );
  return shared.length > 0 && shared.every((names) => !names.has(name));
}

const asks = ({ reduce }: Stage, row: Axis): boolean => walks(reduce, [row]).length > 0;

/** A block of rows a turn. */
export function rowBlocks(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const row = blockAxis(nest);
  if (row === null) return kernel;
  const inner = at(nest, nest.length - 1);
  if (!target.vectors) return scalarRows(kernel, { nest, row, target });
  const stages = stagesOf(inner.body);
  const bytes = Math.max(4, ...stages.flatMap(({ reduce }) => reduce.init.map((e) => registerBytes(e.dtype))));
  const several = target.lanes > 1 || row.hi.value < (register / bytes) * across ? 1 : across;
  const lanes = Math.max(fewest, (register / bytes) * several);
  const block = new Block(row, inner.body, { lanes, rows: lanes, skips: lanes, sums: (target.lanes > 1 ? emulatedSums : target.sumVectors) * register });
  const body = block.body();
  if (target.lanes > 1 && localBytes(body) * lanes > ownScratch) return kernel;
  const ordered = [...nest.filter((f) => f.axis !== row), ...nest.filter((f) => f.axis === row)];
  return sideBySide(
    kernel,
    ordered.map((f, i) => (i === ordered.length - 1 ? { ...f, body } : f)),
    lanes,
  );
}

/** Rows in step, and columns of each: both as many as there are in a tile of scalars. */
const scalars = 4;

interface Rows {
  readonly nest: readonly For[];
  readonly row: Axis;
  readonly target: Target;
}

/** Without vectors: several rows a turn, each with sums of its own, where all walk alike; one row a turn elsewhere, and where more are too much code. */
function scalarRows(kernel: Kernel, { nest, row, target }: Rows): Kernel {
  const inner = at(nest, nest.length - 1);
  for (let rows = scalars; rows > 1; rows /= 2) {
    const list = new Block(row, inner.body, { lanes: 1, rows, skips: rows, sums: scalars * 4, behind: mostCopied / rows }).body();
    if (!canGoAbreast(list, row)) break;
    const body = tidyPart(abreast(row, list, rows));
    if (lengthOf(body, target) > longestFunction) continue;
    const around = nest.filter((f) => f.axis !== row);
    return { ...kernel, body: nested([...around, { kind: "for", axis: { ...row, step: rows }, body }], body) };
  }
  return { ...kernel, body: nested(nest, tidyPart(pointBody(row, inner.body, 1))) };
}

/** One row a turn, several columns of it at once; `rows`: how many go together through the blocks of theirs. */
export function pointBody(row: Axis, list: readonly Stmt[], rows: number): readonly Stmt[] {
  const body = new Block(row, list, { lanes: 1, rows, skips: 1, sums: scalars * 4 }).body();
  const first = new Map([[firstOf(row.name), axisIndex(row.name, 0, row.hi.value - 1)]]);
  return copied({ body, values: [] }, { suffix: "", axes: first }).body;
}

/** What a block of rows is. */
interface Sizes {
  readonly lanes: number;
  /** Rows that go together through the blocks of theirs. */
  readonly rows: number;
  /** Rows that skip together what none of them needs. */
  readonly skips: number;
  /** Bytes of the sums that a tile keeps for each lane. */
  readonly sums: number;
  /** Where what follows the sums is more than this, for all columns together, it is not copied for each of them. */
  readonly behind?: number;
}

class Block {
  readonly #row: Axis;
  readonly #list: readonly Stmt[];
  readonly #lanes: number;
  /** Rows that go together through the blocks of theirs. */
  readonly #rows: number;
  /** Rows that skip what none of them needs. */
  readonly #skips: number;
  /** Bytes of the sums that a tile keeps. */
  readonly #sums: number;
  readonly #locals: Local[] = [];
  /** What is kept of sides that nothing here changes, by what it is, and where it is filled. */
  readonly #constant = new Map<string, Expr>();
  readonly #fills = new Set<Stmt>();
  /** Where what follows the sums is more than this, for all columns together, it goes column by column. */
  readonly #behind: number;
  /** Memory that the grid point writes. */
  readonly #written: ReadonlySet<string>;
  #stages = 0;

  constructor(row: Axis, list: readonly Stmt[], { lanes, rows, skips, sums, behind = Infinity }: Sizes) {
    this.#row = row;
    this.#list = list;
    this.#lanes = lanes;
    this.#rows = rows;
    this.#skips = skips;
    this.#sums = sums;
    this.#behind = behind;
    this.#written = new Set(statements(list).flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  }

  body(): Stmt[] {
    const list = this.#inList(this.#list, namesBefore(this.#list));
    return [...this.#locals, ...list];
  }

  /** `named`: scalars that statements around define. */
  #inList(list: readonly Stmt[], named: ReadonlySet<string>): Stmt[] {
    return list.flatMap((s) => {
      if (isBlocks(s)) return this.#inBlocks(s, named);
      return distributed(s).flatMap((part) => {
        const stage = stageOf(part);
        return stage === null ? [part] : this.#stage(stage, named);
      });
    });
  }

  /** What a stage keeps of a side that is the same for all blocks of a row is filled once. */
  #inBlocks(s: For, named: ReadonlySet<string>): Stmt[] {
    const inside = insideOf(s);
    const list = this.#inList(inside, new Set([...named, s.axis.name, ...namesBefore(inside)]));
    const isOnce = (one: Stmt): boolean => this.#fills.has(one);
    const then = list.filter((one) => !isOnce(one));
    const [test] = s.body;
    const row = { axis: this.#row, count: this.#rows };
    const body = inside === s.body || test?.kind !== "if" ? then : [{ ...test, condition: atCorner(test.condition, row, firstIndex(row)), then }];
    return [...list.filter(isOnce), { ...s, body }];
  }

  #stage({ loops, reduce }: Stage, around: ReadonlySet<string>): Stmt[] {
    const inner = at(loops, loops.length - 1);
    const named = new Set([...around, ...namesBefore(inner.body)]);
    const own = inlined(reduce);
    const others = loops.map((f) => f.axis);
    const sides = sideOf(own, [this.#row], others, named).filter((e) => !isPlainLoad(e) || (this.#lanes > 1 && !isAlong(e, this.#row.name)));
    const kept = sides.map((e) => this.#keep(e, own.axes, named));
    const next = replaced(
      own,
      sides,
      kept.map((k) => k.place),
    );
    const body = inner.body.map((s) => (s === reduce ? next : s));
    const times = Math.max(1, Math.floor(this.#sums / (this.#lanes * tupleBytes(reduce.init.map((e) => e.dtype)))));
    // by itself, under names of its own: here nobody writes what the columns share
    const suffix = `_s${this.#stages++}`;
    const skip = skipOf(body, { axis: this.#row, count: this.#skips }, inner.axis);
    const turns = nested(loops.slice(0, -1), this.#columns({ ...inner, body }, times, skip));
    return [...kept.flatMap((k) => k.fill), ...copied({ body: tidyPart(turns), values: [] }, { suffix, axes: new Map() }).body];
  }

  /** Several columns a turn; where much follows their sums, that column by column afterwards. */
  #columns(f: For, times: number, skip: Skip | null): Stmt[] {
    const { axis, body } = f;
    const size = axis.hi.value;
    const waiting = { index: axisIndex(axis.name, 0, size - 1), size, prefix: `behind${this.#stages}_` };
    const apart = behindSums(body, { points: times, most: this.#behind }, waiting);
    if (apart === null) return columns(f, times, skip);
    this.#locals.push(...apart.locals);
    const sums = apart.sums.flatMap((list) => columns({ ...f, body: list }, times, skip && { ...skip, idle: [] }));
    return [...sums, ...columns({ ...f, body: apart.rest }, 1, skip)];
  }

  /** What all iterations of a stage need of one side of it: computed once, where lanes lie side by side. */
  #keep(e: Expr, axes: readonly Axis[], named: ReadonlySet<string>): { readonly place: Expr; readonly fill: readonly Stmt[] } {
    const isConstant = exprOrder([e]).every((part) => part.op !== "load" || !this.#written.has(part.name)) && !namesIn(e).some((n) => named.has(n));
    const known = this.#constant.get(keyOf(e));
    if (known !== undefined) return { place: known, fill: [] };
    const used = axes.filter((a) => namesIn(e).includes(a.name));
    const extents = used.map((a) => a.hi.value);
    const name = `side${this.#locals.length}`;
    const index = flatten(
      used.map((a) => axisIndex(a.name, 0, a.hi.value - 1)),
      extents,
    );
    this.#locals.push({ kind: "local", name, dtype: e.dtype, size: extents.reduce((n, d) => n * d, 1), space: "scratch" });
    const place = load(name, e.dtype, index);
    const store: Stmt = { kind: "store", buffer: name, index, value: e };
    const fill = loopsOver(used, [store]);
    if (isConstant) {
      this.#constant.set(keyOf(e), place);
      for (const s of fill) this.#fills.add(s);
    }
    return { place, fill };
  }
}

/** Several columns a turn, then those that are left; none of them where nothing of a block is needed. */
function columns({ axis, body }: For, times: number, skip: Skip | null): Stmt[] {
  const n = axis.hi.value;
  const whole = Math.floor(n / times) * times;
  const at = (i: number): Expr => addIndex(axisIndex(axis.name, 0, Math.max(0, whole - times)), i);
  const single = axisIndex(`${axis.name}e`, whole, n - 1);
  const turn = (list: readonly Stmt[], places: readonly Place[]): Stmt[] => places.flatMap((p) => copied({ body: list, values: [] }, p).body);
  const turnOf = (places: readonly Place[]): Stmt[] => {
    if (skip === null) return turn(body, places);
    const first = places[0]?.axes ?? new Map<string, Expr>();
    const condition = exprMapper((e) => (e.op === "axis" ? (first.get(e.name) ?? e) : e))(skip.condition(places.length));
    return [{ kind: "if", condition, then: turn(body, places), otherwise: turn(skip.idle, places) }];
  };
  const place = (suffix: string, index: Expr): Place => ({ suffix, axes: new Map([[axis.name, index]]) });
  const all = Array.from({ length: times }, (_, i) => place(`_${i}`, at(i)));
  return [
    ...(whole > 0 ? [loop("serial", { name: axis.name, lo: ix(0), hi: ix(whole) }, times, turnOf(all))] : []),
    ...(whole < n ? [loop("serial", { name: single.name, lo: ix(whole), hi: ix(n) }, 1, turnOf([place("_e", single)]))] : []),
  ];
}
