/**
 * row tile: grid points that hold rows and contract with them, several to a workgroup, on targets whose lanes share memory.
 *
 *   for %i [grid] { local %row: f32[128]; for %j { reduce %s over %d { … }  store %row[%j] = %s }  reduce %m over %j { … } … }
 *     → for %i step 8 [grid] { local %row: f32[8 * 129]; local %m_rows: f32[8]
 *         for %r in 0..8 [lane] { for %j step 4 [lane] { reduce of 4 sums over %d { … }  4 stores } }
 *         for %r in 0..8 [lane] { reduce %m over %j { … }  store %m_rows[%r] = %m } … }
 *
 * Loops over elements are dealt out to lanes together with the rows, so that the rows of a tile read what they share at about the same
 * time; what is done once a row is one lane's. Scalars of a row that another lane needs go through shared memory, where a row's
 * elements begin at an odd place, so that lanes with a row each meet in no bank.
 */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, s, variable, withOperands } from "../../ir/expr.ts";
import { addIndex, conjoin, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn, expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, localBytes, mapStatement } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { tidyPart } from "../lower/tidy.ts";
import { copied, loop, minOf } from "./copy.ts";
import { gridNest, inlineLets, isPlain } from "./nest.ts";
import { blockAxis, insideOf, isBlocks, pointBody } from "./row-block.ts";

/** Rows of a workgroup, at the most; fewer where there would be too few workgroups. */
export const mostRows = 8;
const fewestGroups = 64;

/** The kernel with tiles of rows, or the kernel itself where no rows are held. */
export function rowTile(kernel: Kernel, target: Target): Kernel {
  const nest = gridNest(kernel.body);
  const inner = nest.at(-1);
  const row = blockAxis(nest);
  if (inner === undefined || row === null) return kernel;
  const points = nest.reduce((n, f) => n * (f.axis.hi.op === "const" ? f.axis.hi.value : 1), 1);
  for (let count = mostRows; count > 1; count /= 2) {
    if (points / count < fewestGroups || row.hi.value < count) continue;
    const list = positionsInline(inParts(pointBody(row, inner.body, count)));
    const body = new Tile(row, count, kernel).body(list);
    if (body === null || localBytes(body) > target.scratchBytes) continue;
    const loops = [...nest.filter((f) => f.axis !== row), ...nest.filter((f) => f.axis === row)];
    const nested = loops.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, axis: f.axis === row ? { ...row, step: count } : f.axis, body: below }], body);
    return { ...kernel, body: nested };
  }
  return kernel;
}

/** Statements that run alike: for each element of each row, once a row, or in loops around such. */
type Segment =
  | { readonly kind: "wide"; readonly loop: For }
  | { readonly kind: "narrow"; readonly list: readonly Stmt[] }
  | { readonly kind: "around"; readonly loop: For };

function segmentsOf(list: readonly Stmt[]): Segment[] {
  const out: Segment[] = [];
  let narrow: Stmt[] = [];
  const close = (): void => {
    if (narrow.length > 0) out.push({ kind: "narrow", list: narrow });
    narrow = [];
  };
  for (const one of list) {
    if (one.kind === "local") continue;
    if (one.kind !== "for") narrow.push(one);
    else {
      close();
      out.push({ kind: isBlocks(one) ? "around" : "wide", loop: one });
    }
  }
  close();
  return out;
}

/** The segments of a list and of the loops around others. */
const flat = (segments: readonly Segment[]): Segment[] => segments.flatMap((g) => (g.kind === "around" ? [g, ...flat(segmentsOf(insideOf(g.loop)))] : [g]));

const touchedBy = (list: readonly Stmt[]): string[] =>
  statements(list).flatMap((one) => [
    ...(one.kind === "store" ? [one.buffer] : []),
    ...exprOrder(expressionsOf(one)).flatMap((e) => (e.op === "load" ? [e.name] : [])),
  ]);

const namesRead = (list: readonly Stmt[]): string[] => exprOrder(expressionsIn(list)).flatMap((e) => (e.op === "var" ? [e.name] : []));

/** Scalars that a segment has of others; loops around others have none. */
function readFrom(g: Segment): ReadonlySet<string> {
  if (g.kind === "around") return new Set();
  const list = g.kind === "narrow" ? g.list : [g.loop];
  const own = new Set(
    statements(list)
      .flatMap(scalarsOf)
      .map((one) => one.name),
  );
  return new Set(namesRead(list).filter((name) => !own.has(name)));
}

/** Whether rows can go together: loops around others are the same for all rows of a tile, and nothing else is carried on. */
function isOpen(g: Segment): boolean {
  if (g.kind === "around") {
    const [test] = g.loop.body;
    const bounds = [g.loop.axis.lo, g.loop.axis.hi, ...(test?.kind === "if" ? [test.condition] : [])];
    return exprOrder(bounds).every((e) => e.op !== "var" && e.op !== "load");
  }
  const list = g.kind === "narrow" ? g.list : [g.loop];
  const isSimple = (one: Stmt): boolean => one.kind !== "barrier" && one.kind !== "local" && (one.kind !== "store" || one.atomic === undefined);
  const isCarried = (one: Stmt): boolean => one.kind === "carry" || one.kind === "assign";
  const below = g.kind === "narrow" ? g.list.flatMap((one) => statements([one]).slice(1)) : statements(list);
  return statements(list).every(isSimple) && !below.some(isCarried);
}

interface RowScalar {
  readonly name: string;
  readonly dtype: DType;
  readonly value: Expr;
  readonly isCarried: boolean;
}

/** What a statement names for those after it. */
function scalarsOf(one: Stmt): RowScalar[] {
  const scalar = (name: string, dtype: DType, isCarried: boolean): RowScalar => ({ name, dtype, value: variable(name, dtype), isCarried });
  if (one.kind === "let") return [scalar(one.name, one.value.dtype, false)];
  if (one.kind === "carry") return [scalar(one.name, one.init.dtype, true)];
  return one.kind === "reduce" ? one.names.map((name, i) => scalar(name, at(one.init, i).dtype, false)) : [];
}

/** What follows from positions alone is computed where it is used. */
const positionsInline = (list: readonly Stmt[]): Stmt[] =>
  inlineLets(list, (value) => !isFloat(value.dtype) && exprOrder([value]).every((part) => part.op !== "var" || part.dtype === "int32"));

/** Long reductions of a row in two steps, of which the first has work for many lanes. */
function inParts(list: readonly Stmt[]): Stmt[] {
  const locals: Local[] = [];
  const visit = (inner: readonly Stmt[]): Stmt[] =>
    inner.flatMap((one): Stmt[] => {
      if (one.kind === "reduce") return partsOf(one, locals);
      if (one.kind === "if") return [{ ...one, then: visit(one.then) }];
      return isBlocks(one) ? [{ ...one, body: visit(one.body) }] : [one];
    });
  const body = visit(list);
  return [...locals, ...body];
}

function partsOf(given: Reduce, locals: Local[]): Stmt[] {
  const [axis] = given.axes;
  const n = axis?.hi.op === "const" ? axis.hi.value : 0;
  const count = [16, 8, 4].find((c) => n % c === 0 && n >= 2 * c);
  if (axis === undefined || given.axes.length > 1 || !isPlain(axis) || count === undefined) return [given];
  const part = axisIndex(`${axis.name}p`, 0, count - 1);
  const step = axisIndex(axis.name, 0, n / count - 1);
  const { body, values } = copied(given, { suffix: "", axes: new Map([[axis.name, addIndex(mulIndex(step, count), part)]]) });
  const own = given.names.map((name) => `${name}_own`);
  const parts = given.names.map((name, i): Local => ({
    kind: "local",
    name: `${name}_p${locals.length}`,
    dtype: at(given.init, i).dtype,
    size: count,
    space: "scratch",
  }));
  locals.push(...parts);
  const inner: Reduce = { ...given, names: own, axes: [{ ...axis, hi: ix(n / count) }], body, values };
  const kept = parts.map((l, i): Stmt => ({ kind: "store", buffer: l.name, index: part, value: variable(at(own, i), l.dtype) }));
  return [
    loop("serial", { name: part.name, lo: ix(0), hi: ix(count) }, 1, [inner, ...kept]),
    {
      ...given,
      axes: [{ ...axis, name: `${axis.name}q`, hi: ix(count) }],
      body: [],
      values: parts.map((l) => load(l.name, l.dtype, axisIndex(`${axis.name}q`, 0, count - 1))),
    },
  ];
}

class Tile {
  readonly #row: Axis;
  readonly #count: number;
  readonly #outputs: ReadonlySet<string>;
  /** Elements from one row to the next, of memory that is a row's own. */
  readonly #strides = new Map<string, number>();
  /** Scalars of a row in shared memory. */
  readonly #shared = new Map<string, Local>();

  constructor(row: Axis, count: number, kernel: Kernel) {
    this.#row = row;
    this.#count = count;
    this.#outputs = new Set(kernel.buffers.map((b) => b.name));
  }

  /** Null where a statement is none that rows can share. */
  body(list: readonly Stmt[]): readonly Stmt[] | null {
    const locals = list.filter((one) => one.kind === "local");
    const segments = flat(segmentsOf(list));
    if (locals.length < statements(list).filter((one) => one.kind === "local").length || !segments.every(isOpen)) return null;
    const lone = new Set(segments.flatMap((g) => (g.kind === "narrow" ? touchedBy(g.list) : [])));
    for (const l of locals) this.#strides.set(l.name, lone.has(l.name) && l.size % 2 === 0 ? l.size + 1 : l.size);
    this.#share(segments);
    const out = this.#list(list);
    const own = locals.map((l): Local => ({ ...l, size: this.#count * (this.#strides.get(l.name) ?? l.size) }));
    return [...own, ...this.#shared.values(), ...out];
  }

  /** Scalars that other segments than their own read, and those that are carried. */
  #share(segments: readonly Segment[]): void {
    const reads = segments.map(readFrom);
    segments.forEach((g, i) => {
      if (g.kind !== "narrow") return;
      for (const { name, dtype, isCarried } of g.list.flatMap(scalarsOf)) {
        if (isCarried || reads.some((names, k) => k !== i && names.has(name)))
          this.#shared.set(name, { kind: "local", name: `${name}_rows`, dtype, size: this.#count, space: "scratch" });
      }
    });
  }

  #list(list: readonly Stmt[]): Stmt[] {
    return segmentsOf(list).map((g): Stmt => {
      if (g.kind === "narrow") return this.#lane(tidyPart(this.#inLane(g.list, new Set())));
      if (g.kind === "wide") return this.#lane([this.#wide(g.loop)]);
      const [test] = g.loop.body;
      const body = test?.kind === "if" && g.loop.body.length === 1 ? [{ ...test, then: this.#list(test.then) }] : this.#list(g.loop.body);
      return { ...g.loop, body };
    });
  }

  #lane(body: readonly Stmt[]): For {
    return loop("lane", { name: `${this.#row.name}r`, lo: ix(0), hi: ix(this.#count) }, 1, body);
  }

  #wide(f: For): For {
    const only = f.body.length === 1 ? f.body[0] : undefined;
    const body = only?.kind === "for" && only.axis.kind === "serial" ? [this.#wide(only)] : tidyPart(this.#inLane(f.body, new Set()));
    return { ...f, axis: { ...f.axis, kind: "lane" }, body };
  }

  /** Statements of one row; `own`: scalars that they define themselves. */
  #inLane(list: readonly Stmt[], own: Set<string>): Stmt[] {
    const n = this.#row.hi.value;
    const first = axisIndex(this.#row.name, 0, n - 1);
    const lane = axisIndex(`${this.#row.name}r`, 0, this.#count - 1);
    const exact = n % this.#count === 0;
    const here = exact ? addIndex(first, lane) : minOf(addIndex(first, lane), ix(n - 1));
    const place = (name: string, index: Expr): Expr => addIndex(mulIndex(lane, this.#strides.get(name) ?? 0), index);
    const f = (): ((e: Expr) => Expr) =>
      exprMapper((e) => {
        if (e.op === "axis" && e.name === this.#row.name) return here;
        if (e.op === "load" && this.#strides.has(e.name)) return withOperands(e, [place(e.name, at(e.args, 0)), ...e.args.slice(1)]);
        const shared = e.op === "var" && !own.has(e.name) ? this.#shared.get(e.name) : undefined;
        return shared === undefined ? e : load(shared.name, shared.dtype, lane);
      });
    const stored = (name: string, value: Expr): Stmt[] => {
      const shared = this.#shared.get(name);
      return shared === undefined ? [] : [{ kind: "store", buffer: shared.name, index: lane, value }];
    };
    return list.flatMap((one): Stmt[] => {
      const next = mapStatement(one, f(), (below) => this.#inLane(below, own));
      if (next.kind === "carry") return stored(next.name, next.init);
      if (next.kind === "assign") return stored(next.name, next.value);
      if (next.kind === "store") return [this.#stored(next, place, exact ? undefined : s.lt(addIndex(first, lane), n))];
      for (const { name } of scalarsOf(next)) own.add(name);
      return [next, ...scalarsOf(next).flatMap(({ name, value }) => stored(name, value))];
    });
  }

  /** A row past the last one stores nothing where others do. */
  #stored(given: Store, place: (name: string, index: Expr) => Expr, isRow: Expr | undefined): Store {
    if (this.#strides.has(given.buffer)) return { ...given, index: place(given.buffer, given.index) };
    const guard = this.#outputs.has(given.buffer) ? conjoin(given.guard, isRow) : given.guard;
    return guard === undefined ? given : { ...given, guard };
  }
}
