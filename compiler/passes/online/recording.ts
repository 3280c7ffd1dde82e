/**
 * recording: the statements of a grid point, one after another, as what is done in front of the blocks of its rows, for each block, and
 * after the last.
 */
import type { DType } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, s, substitute, variable, withOperands } from "../../ir/expr.ts";
import { addIndex, flatten, ix, keyOf, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Let, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { exprMapper, mapStatement } from "../../ir/loop-walk.ts";
import { isPlain } from "../tile/nest.ts";
import type { Scaled, Step } from "./scaling.ts";
import { Masks } from "./masks.ts";
import { completed, isLeft, isPlainValue, scaled } from "./scaling.ts";

/** Some elements of the rows: from where on, and how many. */
export interface Part {
  readonly base: Expr;
  readonly length: number;
}

type Stage = (part: Part) => Stmt[];

/** A reduction over a row as one over a block. */
interface Summed {
  readonly given: Reduce;
  readonly reduce: Reduce;
  readonly values: readonly Scaled[];
  readonly axis: Axis;
}

const isSummed = (one: Stmt | Summed): one is Summed => "given" in one;

/** What stands for an extreme in blocks: of nothing, or of nothing but infinities, the number that is nearest to one. */
interface RunningScalar {
  readonly step: Step;
  readonly old: Let;
  readonly next: Let;
}

function runningScalar(name: string, all: Expr, init: Expr): RunningScalar {
  const [old, next] = [variable(`${name}_old`, all.dtype), variable(`${name}_new`, all.dtype)];
  const stands = (e: Expr): Expr => {
    if (Number.isFinite(init.value) || init.op !== "const") return e;
    const last = greatest(all.dtype);
    return init.value < 0 ? s.max(e, -last) : s.min(e, last);
  };
  return {
    step: { old, next },
    old: { kind: "let", name: old.name, value: stands(all) },
    next: { kind: "let", name: next.name, value: stands(variable(`${name}_next`, all.dtype)) },
  };
}

const greatest = (dtype: DType): number => (dtype === "float64" ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127);

const loadsIn = (given: Stmt): Expr[] => exprOrder(expressionsIn([given])).filter((e) => e.op === "load");
const storesIn = (given: Stmt): Store[] => statements([given]).filter((one) => one.kind === "store");
const isPlainContent = (content: Scaled | undefined): boolean => content === undefined || isPlainValue(content);

/** Loops that directly fill one another. */
function nestOf(f: For): For[] {
  const only = f.body.length === 1 ? f.body[0] : undefined;
  return only?.kind === "for" ? [f, ...nestOf(only)] : [f];
}

/** A place for each iteration of loops. */
interface Place {
  readonly index: Expr;
  readonly size: number;
}

function placeIn(loops: readonly For[]): Place {
  const extents = loops.map((f) => (f.axis.hi.op === "const" ? f.axis.hi.value : 0));
  const index = loops.map((f, i) => axisIndex(f.axis.name, 0, at(extents, i) - 1));
  return { index: flatten(index, extents), size: extents.reduce((n, d) => n * d, 1) };
}

/** What differs from one iteration to the next. */
const ownNames = (list: readonly Stmt[], ...axes: readonly Axis[]): ReadonlySet<string> => new Set([...axes.map((a) => a.name), ...list.flatMap(namedBy)]);

function namedBy(one: Stmt): readonly string[] {
  if (one.kind === "let") return [one.name];
  return one.kind === "reduce" ? one.names : [];
}

/** Whether part `i` of a tuple is the sum of that part of both. */
function isSum({ combine, names }: Reduce, i: number): boolean {
  const { op, args } = at(combine, i);
  const places = args.map((a) => (a.op === "arg" ? a.value : -1));
  return op === "add" && places.includes(i) && places.includes(i + names.length);
}

/** The statements without lets that neither they nor some values use. */
function live(list: readonly Stmt[], values: readonly Expr[]): Stmt[] {
  const used = new Set(exprOrder(values).flatMap((e) => (e.op === "var" ? [e.name] : [])));
  return list
    .toReversed()
    .filter((one) => {
      if (one.kind === "let" && !used.has(one.name)) return false;
      for (const e of exprOrder(expressionsIn([one]))) if (e.op === "var") used.add(e.name);
      return true;
    })
    .toReversed();
}

export class Recording {
  readonly before: Stmt[] = [];
  readonly carries: Stmt[] = [];
  /** Where contractions with a row add up. */
  readonly sums: Local[] = [];
  readonly after: Stmt[] = [];
  /** A name for the axis of the blocks. */
  axis = "";
  readonly #rows: ReadonlySet<string>;
  readonly #length: number;
  readonly #stages: Stage[] = [];
  readonly #running = new Map<string, RunningScalar>();
  readonly #used = new Set<string>();
  readonly #final = new Set<string>();
  readonly #known = new Map<string, Scaled>();
  readonly #masks = new Masks();
  /** What is known of the elements of a row. */
  readonly #contents = new Map<string, Scaled>();
  /** Names of a block's factors. */
  readonly #factors = new Map<string, Expr>();
  /** Memory that is written after the last block. */
  readonly #late = new Set<string>();

  constructor(rows: ReadonlySet<string>, length: number) {
    this.#rows = rows;
    this.#length = length;
  }

  /** Takes the next statement; false where rows cannot be cut for it. */
  take(given: Stmt): boolean {
    const isLate = loadsIn(given).some((e) => this.#late.has(e.name));
    if (!this.#touchesRows(given)) return this.#beside(given, isLate);
    const stage = isLate ? null : this.#stageOf(given);
    if (stage === null) return false;
    this.#stages.push(stage);
    return true;
  }

  /** What is done for a part of the rows. */
  block(part: Part): Stmt[] {
    this.#factors.clear();
    const before = [...this.#running].flatMap(([name, { old }]): Let[] => (this.#used.has(name) ? [old] : []));
    const body = [...before, ...this.#stages.flatMap((stage) => stage(part))];
    const condition = this.#masks.needed(part.base, part.length);
    return condition === null ? body : [{ kind: "if", condition, then: body, otherwise: [] }];
  }

  /** A statement that touches no row: in front of the blocks where it can be. */
  #beside(given: Stmt, isLate: boolean): boolean {
    if (given.kind === "carry" || given.kind === "assign" || given.kind === "barrier") return false;
    if (!isLate && !this.#mentions(given)) {
      this.before.push(given);
      return true;
    }
    this.after.push(given);
    if (given.kind === "let") this.#noteLate(given);
    if (given.kind === "reduce") for (const name of given.names) this.#final.add(name);
    for (const s of storesIn(given)) this.#late.add(s.buffer);
    return true;
  }

  /** A scalar of the grid point that follows from what is summed up: blocks have it inline, or know it at the end only. */
  #noteLate({ name, value }: Let): void {
    const known = this.#scaled(value, new Set());
    if (known === null || isLeft(known.later)) this.#final.add(name);
    else this.#known.set(name, known);
  }

  /** Whether a statement needs results of the rows. */
  #mentions(given: Stmt): boolean {
    const isResult = (name: string): boolean => this.#running.has(name) || this.#final.has(name) || this.#known.has(name);
    return exprOrder(expressionsIn([given])).some((e) => e.op === "var" && isResult(e.name));
  }

  /** `own`: what differs from element to element of a row. */
  #scaled(e: Expr, own: ReadonlySet<string>): Scaled | null {
    const known = (part: Expr): Scaled | undefined => {
      if (part.op === "var") return this.#known.get(part.name);
      const content = part.op === "load" ? this.#contents.get(part.name) : undefined;
      return content === undefined ? undefined : { ...content, value: part };
    };
    const step = (name: string): Step | undefined => {
      const running = this.#running.get(name);
      if (running !== undefined) this.#used.add(name);
      return running?.step;
    };
    return scaled(e, { step, final: this.#final, known, isShared: (part) => this.#isShared(part, own) });
  }

  #isShared(e: Expr, own: ReadonlySet<string>): boolean {
    return !namesIn(e).some((name) => own.has(name)) && !exprOrder([e]).some((part) => part.op === "load" && this.#rows.has(part.name));
  }

  #stageOf(given: Stmt): Stage | null {
    if (given.kind === "reduce") return this.#reduction(given);
    if (given.kind !== "for") return null;
    return this.#walks(given.axis) ? this.#filling(given) : this.#contraction(given);
  }

  #walks(axis: Axis): boolean {
    if (!isPlain(axis) || axis.hi.value !== this.#length) return false;
    if (this.axis === "") this.axis = axis.name;
    return true;
  }

  /** `for %j { … store %row[%j] = … }` */
  #filling(given: For): Stage | null {
    const body = this.#body(given.body, given.axis);
    if (body === null) return null;
    const left = live(body, []);
    return left.length === 0 ? () => [] : (part) => this.#placed([{ ...given, body: left }], given.axis, part);
  }

  /** `reduce %r over %j { … load %row[%j] … }` */
  #reduction(given: Reduce): Stage | null {
    const summed = this.#summed(given);
    if (summed === null) return null;
    const { names, init, combine } = given;
    const all = names.map((name, i) => variable(`${name}_all`, at(init, i).dtype));
    names.forEach((name, i) => {
      this.carries.push({ kind: "carry", name: at(all, i).name, init: at(init, i) });
      const value = completed(at(all, i), at(summed.values, i).later);
      this.after.push({ kind: "let", name, value });
      if (given.exact && summed.values.every(isPlainValue)) this.#running.set(name, runningScalar(name, at(all, i), at(init, i)));
      else this.#final.add(name);
    });
    return (part) => {
      const factors = this.#factorsOf(summed);
      const next = this.#combined(summed, all, combine);
      const lets = next.map((value, i): Let => ({ kind: "let", name: `${at(names, i)}_next`, value }));
      const stands = names.flatMap((name) => (this.#used.has(name) ? (this.#running.get(name)?.next ?? []) : []));
      const kept = names.map((name, i): Stmt => ({ kind: "assign", name: at(all, i).name, value: variable(`${name}_next`, at(init, i).dtype) }));
      return [...factors, ...this.#placed([summed.reduce], summed.axis, part), ...lets, ...stands, ...kept];
    };
  }

  /** `for %f { reduce %o over %j { load %row[%j] * … }  … }`: results add up in scratch. */
  #contraction(given: For): Stage | null {
    const loops = nestOf(given);
    if (!loops.every((f) => f.axis.kind === "serial" && isPlain(f.axis))) return null;
    const inner = at(loops, loops.length - 1);
    const place = placeIn(loops);
    const own = ownNames(inner.body, ...loops.map((f) => f.axis));
    const [first, turn, rest]: [Stmt[], (Stmt | Summed)[], Stmt[]] = [[], [], []];
    for (const one of inner.body) {
      if (this.#touchesRows(one)) {
        const summed = one.kind === "reduce" ? this.#summed(one) : null;
        if (summed === null || !summed.values.every((v) => this.#isRatio(v.ratio, own))) return null;
        turn.push(summed);
        first.push(...this.#sumsOf(summed, place));
        rest.push(...this.#completed(summed, place.index));
        continue;
      }
      rest.push(one);
      if (one.kind === "let" && !this.#note(one, turn)) this.#final.add(one.name);
      if (one.kind === "reduce") for (const name of one.names) this.#final.add(name);
    }
    const nested = (body: readonly Stmt[]): Stmt => loops.slice(0, -1).reduceRight<Stmt>((below, f) => ({ ...f, body: [below] }), { ...inner, body });
    this.before.push(nested(first));
    this.after.push(nested(rest));
    for (const s of storesIn(given)) this.#late.add(s.buffer);
    return (part) => {
      const factors = turn.flatMap((one) => (isSummed(one) ? this.#factorsOf(one) : []));
      const body = turn.flatMap((one) => (isSummed(one) ? this.#addedUp(one, place.index, part) : [one]));
      return [...factors, nested(live(body, []))];
    };
  }

  /** Memory in which results add up, from what they start with. */
  #sumsOf({ given }: Summed, { index, size }: Place): Stmt[] {
    return given.names.map((name, i): Stmt => {
      const init = at(given.init, i);
      this.sums.push({ kind: "local", name: `${name}_all`, dtype: init.dtype, size, space: "scratch" });
      return { kind: "store", buffer: `${name}_all`, index, value: init };
    });
  }

  /** What has been added up after the last block. */
  #completed({ given, values }: Summed, index: Expr): Let[] {
    return given.names.map((name, i): Let => {
      this.#final.add(name);
      return { kind: "let", name, value: completed(load(`${name}_all`, at(given.init, i).dtype, index), at(values, i).later) };
    });
  }

  #addedUp(summed: Summed, index: Expr, part: Part): Stmt[] {
    const { given } = summed;
    const all = given.names.map((name, i) => load(`${name}_all`, at(given.init, i).dtype, index));
    const next = this.#combined(summed, all, given.combine);
    return [...this.#placed([summed.reduce], summed.axis, part), ...next.map((value, i): Stmt => ({ kind: "store", buffer: at(all, i).name, index, value }))];
  }

  /** Names for the factors of a reduction that no stage before it has. */
  #factorsOf({ values }: Summed): Let[] {
    return values.flatMap(({ ratio }): Let[] => {
      if (ratio === "same" || ratio === null || this.#factors.has(keyOf(ratio))) return [];
      const name = `factor_${this.#factors.size}_of_${this.axis}`;
      this.#factors.set(keyOf(ratio), variable(name, ratio.dtype));
      return [{ kind: "let", name, value: ratio }];
    });
  }

  /** What was summed so far, scaled, and what a block adds. */
  #combined({ values, given, reduce }: Summed, all: readonly Expr[], combine: readonly Expr[]): Expr[] {
    const scaledOnes = all.map((e, i) => {
      const { ratio } = at(values, i);
      return ratio === "same" || ratio === null ? e : s.mul(e, this.#factors.get(keyOf(ratio)) ?? ratio);
    });
    const parts = reduce.names.map((name, i) => variable(name, at(given.init, i).dtype));
    return combine.map((e) => substitute(e, [...scaledOnes, ...parts]));
  }

  /** A reduction over the elements of a block; null where what it makes cannot be added up block by block. */
  #summed(given: Reduce): Summed | null {
    const [axis] = given.axes;
    if (axis === undefined || given.axes.length > 1 || !this.#walks(axis)) return null;
    this.#masks.take(given.values, given.init, given.body);
    const body = this.#body(given.body, axis);
    if (body === null) return null;
    const own = ownNames(given.body, axis);
    const values = given.values.flatMap((e) => this.#scaled(e, own) ?? []);
    const adds = values.every((v, i) => isPlainValue(v) || (isSum(given, i) && this.#isRatio(v.ratio, own)));
    if (values.length < given.values.length || !adds) return null;
    const summands = values.map((v) => v.value);
    const reduce: Reduce = { ...given, names: given.names.map((name) => `${name}_part`), body: live(body, summands), values: summands };
    return { given, reduce, values, axis };
  }

  #isRatio(ratio: Scaled["ratio"], own: ReadonlySet<string>): boolean {
    return ratio === "same" || (ratio !== null && this.#isShared(ratio, own));
  }

  #touchesRows(given: Stmt): boolean {
    return loadsIn(given).some((e) => this.#rows.has(e.name)) || storesIn(given).some((one) => this.#rows.has(one.buffer));
  }

  /** What is done for one element of a row; null where that needs more than this element. */
  #body(list: readonly Stmt[], axis: Axis): Stmt[] | null {
    const out: Stmt[] = [];
    const own = ownNames(list, axis);
    const isHere = (e: Expr): boolean => e.op === "axis" && e.name === axis.name;
    for (const one of list) {
      const loads = loadsIn(one).filter((e) => this.#rows.has(e.name));
      if (!loads.every((e) => e.args.length === 1 && isHere(at(e.args, 0)))) return null;
      if (one.kind === "let") {
        if (!this.#note(one, out, own)) return null;
      } else if (one.kind === "store" && this.#rows.has(one.buffer)) {
        const value = one.guard === undefined && isHere(one.index) ? this.#scaled(one.value, own) : null;
        if (value === null) return null;
        this.#contents.set(one.buffer, value);
        this.#masks.fill(one.buffer, { value: one.value, axis, by: list, own });
        const isThere = value.value.op === "load" && value.value.name === one.buffer;
        if (!isThere) out.push({ ...one, value: value.value });
      } else if (one.kind === "store" || one.kind === "reduce") {
        if (one.kind === "store") this.#masks.always();
        const known = loads.every((e) => isPlainContent(this.#contents.get(e.name)));
        if (!known || this.#mentions(one)) return null;
        out.push(one);
      } else return null;
    }
    return out;
  }

  /** Notes what is known of a name, and defines it where it is more than another name; false where nothing is known. */
  #note(one: Let, into: (Stmt | Summed)[], own: ReadonlySet<string> = new Set()): boolean {
    const known = this.#scaled(one.value, own);
    if (known === null) return false;
    const { value } = known;
    if (isPlainValue(known)) into.push(one);
    else if (value.op === "load" || value.op === "var") this.#known.set(one.name, known);
    else {
      into.push({ ...one, value });
      this.#known.set(one.name, { ...known, value: variable(one.name, value.dtype) });
    }
    return true;
  }

  /** Statements over a part of the rows instead of all elements. */
  #placed(list: readonly Stmt[], axis: Axis, { base, length }: Part): Stmt[] {
    const here = axisIndex(axis.name, 0, length - 1);
    const there = addIndex(base, here);
    const f = exprMapper((e) => {
      if (e.op === "axis" && e.name === axis.name) return there;
      return e.op === "load" && this.#rows.has(e.name) ? withOperands(e, [here]) : e;
    });
    const short = (a: Axis): Axis => (a.name === axis.name ? { ...a, hi: ix(length) } : a);
    const visit = (inner: readonly Stmt[]): Stmt[] =>
      inner.map((one) => {
        const next = mapStatement(one, f, visit);
        if (next.kind === "for") return { ...next, axis: short(next.axis) };
        if (next.kind === "reduce") return { ...next, axes: next.axes.map(short) };
        return next.kind === "store" && this.#rows.has(next.buffer) ? { ...next, index: here } : next;
      });
    return visit(list);
  }
}
