/**
 * rows: a reduction that walks through memory, by accumulators side by side: a vector of them.
 *
 *   reduce %s = 0 by $0 + $1 over %k in 0..1000 { yield load %x[%k] }
 *     → local %s_lanes: f32[16]
 *       for %kv in 0..16 [vector] { store %s_lanes[%kv] = 0 }
 *       for %ks in 0..992 step 16 { for %kv in 0..16 [vector] { store %s_lanes[%kv] = load %s_lanes[%kv] + load %x[%ks + %kv] } }
 *       for %kv in 0..8 [vector] { … the rest of the row … }
 *       let %s = the sum of the lanes, as a tree
 *
 * One running float sum waits for itself at every addition, and loses a bit with every doubling of its length. Where each lane would add up
 * more than 64 elements they are added up in blocks, and blocks in groups. How many lanes there are follows from the body and the
 * length alone, so that the bits do not depend on the machine.
 */
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, s, variable, withRange } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, subIndex } from "../../ir/indexing.ts";
import type { Axis, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import { vectorWidth } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import type { Keeping } from "./combine.ts";
import { bringInto, merge, nameShared } from "./combine.ts";
import type { Accumulators, Spelling } from "./accumulators.ts";
import { Scalars, Vectors } from "./accumulators.ts";
import type { Chains } from "./chains.ts";
import { chainsIn, withValues } from "./chains.ts";
import { copied, loop, minOf } from "./copy.ts";
import { costOf, registerBytes, spelledOperations, tupleBytes, valuesIn } from "./cost.ts";
import { isIndependent, updatedBuffers } from "./independent.ts";
import { isPlain, shortRow } from "./nest.ts";
import { isOverColumns } from "./order.ts";
import type { Rising } from "./rising.ts";
import { risingFrom } from "./rising.ts";
import { severalRows, walksShortRows } from "./short-rows.ts";

/** Elements that a lane adds up in a block, and blocks of a group. */
const chain = 64;
/** A body of more operations than this leaves time enough for an addition to come through. */
const cheap = 10;
/** Longer bodies call functions, whose chains are that long that several side by side pay again. */
const long = 20;

export function addRows(kernel: Kernel, target: Target): Kernel {
  const updated = updatedBuffers(kernel);
  const mapList = (list: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(list, (inner) => {
      // sums of neighbouring columns go side by side
      if (isOverColumns(inner)) return inner;
      const r = mapBodies(inner, mapList);
      return r.kind === "reduce" && isIndependent(r.body, r.values, updated) ? inLanes(r, target) : r;
    });
  const body = mapList(kernel.body);
  return body === kernel.body ? kernel : { ...kernel, body };
}

/** A reduction by lanes, short rows several at once; itself where it stays as it is. */
function inLanes(r: Reduce, target: Target): Reduce | Stmt[] {
  const short = severalRows(r);
  if (short !== null) {
    const { together, left, joined } = short;
    return [...new Row(together, at(together.axes, together.axes.length - 1).hi.value, target).statements(), ...(left === null ? [] : [left]), ...joined];
  }
  const lanes = lanesFor(r);
  return lanes > 0 ? new Row(r, lanes, target).statements() : r;
}

/** Copies of a body with more operations than this cost more than they give. */
const maxOperations = 160;

function spellingOf(r: Reduce, lanes: number, target: Target): Spelling {
  const isSmall = (1 + elementCost(r)) * lanes <= maxOperations && r.body.every((inner) => inner.kind === "let" || inner.kind === "store");
  return !target.vectors && isSmall ? "scalars" : "vectors";
}

/** Operations of an element of which several do not fit into what a processor looks ahead, beside what adds them up … */
const longElement = 48;
/** … or are in the way of what adds them up, where so many elements come one after another … */
const mediumElement = 24;
const fewestWaiting = 256;
/** … and so many elements stay in the nearest cache. */
const longest = 4096;

/** How many elements must wait together for that to pay; Infinity where none should. */
function waitsFrom(r: Reduce, target: Target): number {
  const operations = spelledOperations([...valuesIn(r.body), ...r.values], target);
  if (operations > longElement) return 0;
  return operations > mediumElement ? fewestWaiting : Infinity;
}

const elementCost = (r: Reduce): number => costOf([...valuesIn(r.body), ...r.values, ...r.combine]);

/** Operations of which an accumulator waits for several. */
const isExtreme = ({ op, dtype }: Expr): boolean => (op === "min" || op === "max") && isFloat(dtype);

/** Without the signs that `minima` changes on some targets. */
const unsigned = (e: Expr): Expr => (e.op === "neg" ? unsigned(at(e.args, 0)) : e);

/** Bytes of all accumulators; those where elements are neither cheap nor long. */
const [ofCheap, ofMedium] = [64, 32];
/** Bytes of registers that each of so many results has: what they all need of an element takes some too. */
function bytesOfEach(results: number): number {
  if (results === 2) return 48;
  return results <= 6 ? 32 : 16;
}

/** How many lanes go side by side, at the most: so many that none waits for itself, and so few that all stay in registers. */
function fittingLanes(r: Reduce): number {
  const dtypes = r.init.map((e) => e.dtype);
  // bringing in a later element is little work, for which positions and elements wait together
  const picked = risingFrom(r)?.picked ?? [];
  const parts = dtypes.length - picked.flat().length + picked.length;
  const widest = Math.max(...dtypes.map(registerBytes));
  const cost = costOf([...valuesIn(r.body), ...r.values.map(unsigned)]);
  const isMedium = cost > cheap && cost < long;
  if (parts === 1 || isMedium) return (isMedium ? ofMedium : ofCheap) / (parts === 1 ? widest : tupleBytes(dtypes));
  const lanes = bytesOfEach(parts) / widest;
  return parts === 2 && picked.length + r.combine.filter(isExtreme).length < 2 ? Math.ceil(lanes / 4) * 4 : lanes;
}

/** Lanes that several registers have, and how long a row must be for them: twelve divide few rows, and leave more of short ones. */
const choices = [
  { lanes: 16, fewest: 64 },
  { lanes: 12, fewest: 96 },
  { lanes: 8, fewest: 32 },
];
const shortChoices = [
  { lanes: 16, fewest: 16 },
  { lanes: 8, fewest: 8 },
];

/** How many lanes a reduction gets; 0 where it stays as it is. */
function lanesFor(r: Reduce): number {
  const last = r.axes.at(-1);
  if (last === undefined || r.axes.some((a) => a.kind !== "serial" || a.step !== 1)) return 0;
  const isOpen = r.axes.length === 1 && last.about !== undefined;
  const length = isOpen ? last.about : last.hi.value;
  if ((!isOpen && !r.axes.every(isPlain)) || length === undefined) return 0;
  const isShort = length < shortRow;
  if (isShort && (length < vectorWidth || !walksShortRows(r))) return 0;
  const most = fittingLanes(r);
  return (isShort ? shortChoices : choices).find(({ lanes, fewest }) => lanes <= most && length >= fewest)?.lanes ?? 4;
}

class Row {
  readonly #r: Reduce;
  readonly #lanes: number;
  readonly #last: Axis;
  readonly #memory: Accumulators;
  /** Lanes are walked upwards, all of them from the first element of all on. */
  readonly #rising: Rising | null;
  /** How elements are brought into lanes. */
  readonly #each: Reduce;
  /** Elements are computed for some turns before they are added up. */
  readonly #waitsFrom: number;
  /** The functions that they are made of, where there are several. */
  readonly #chains: Chains | null;
  /** Elements that wait, at the most. */
  #waiting = 0;
  #levels = 0;

  constructor(r: Reduce, lanes: number, target: Target) {
    const spelling = spellingOf(r, lanes, target);
    this.#waitsFrom = spelling === "vectors" && target.vectors ? waitsFrom(r, target) : Infinity;
    this.#chains = this.#waitsFrom < Infinity ? chainsIn(r, target) : null;
    this.#r = r;
    this.#lanes = lanes;
    this.#last = at(r.axes, r.axes.length - 1);
    this.#rising = risingFrom(r);
    this.#each = this.#rising === null ? r : { ...r, combine: this.#rising.combine };
    this.#memory = spelling === "vectors" ? new Vectors(r, lanes, `${this.#last.name}v`) : new Scalars(r);
  }

  statements(): Stmt[] {
    const level = this.#level();
    const body = this.#last.about === undefined ? this.#added(this.#r.axes, level) : this.#openRow(level);
    const locals = Array.from({ length: this.#levels }, (_, i) => this.#memory.declared(i)).flat();
    return [...locals, ...this.#strips(), ...(this.#rising?.lets ?? []), ...this.#cleared(level), ...body, ...this.#tree(level)];
  }

  /** One more set of accumulators. */
  #level(): number {
    return this.#levels++;
  }

  #kept(level: number, lane: Expr): Keeping {
    const tuple = this.#memory.tuple(level, lane);
    return { parts: tuple, set: (part, value) => this.#memory.set(at(tuple, part), value), name: (part) => this.#memory.name(part, level) };
  }

  #cleared(level: number): readonly Stmt[] {
    return this.#memory.cleared(level, { lanes: this.#lanes, init: this.#rising?.init ?? this.#r.init });
  }

  /** The lanes of one level brought into those of another. */
  #joined(from: number, into: number): readonly Stmt[] {
    return this.#memory.each(this.#lanes, (lane, suffix) => bringInto(this.#r, this.#kept(into, lane), this.#memory.tuple(from, lane), `_j${from}${suffix}`));
  }

  /** What a block of its own adds up, brought into a level. */
  #apart(into: number, body: (level: number) => readonly Stmt[]): Stmt[] {
    const level = this.#level();
    return [...this.#cleared(level), ...body(level), ...this.#joined(level, into)];
  }

  /** Iterations of a vector each that one set of accumulators would add up. */
  #steps(axes: readonly Axis[]): number {
    return axes.reduce((n, a) => n * (a === this.#last ? Math.max(1, Math.floor(a.hi.value / this.#lanes)) : a.hi.value), 1);
  }

  /** Everything that the axes walk over, added into a level. */
  #added(axes: readonly Axis[], into: number): Stmt[] {
    const [axis, ...inner] = axes;
    if (axis === undefined) return [];
    const own = this.#steps([axis]);
    const below = this.#steps(inner);
    const walk = (level: number, part: Part): readonly Stmt[] => this.#walk(axis, inner, level, part);
    const end = axis === this.#last ? own * this.#lanes : own;
    const rest: readonly Stmt[] = axis === this.#last ? this.#rest(into) : [];
    if (this.#r.exact || own * below <= 2 * chain) return [...walk(into, { from: ix(0), to: ix(end), most: end }), ...rest];
    // the axes inside are blocks already, if long enough
    const length = blockLength(own, Math.max(1, Math.ceil(chain / below))) * (axis === this.#last ? this.#lanes : 1);
    const block = (from: Expr, to: Expr, total: number): readonly Stmt[] => this.#apart(total, (level) => walk(level, { from, to, most: length }));
    return [...blocks(axis.name, end, length, (from, to, total) => block(from, to, total), { into, group: (t, body) => this.#apart(t, body) }), ...rest];
  }

  /** One axis from here to there, and those inside of it. */
  #walk(axis: Axis, inner: readonly Axis[], level: number, { from, to, most }: Part): readonly Stmt[] {
    if (axis !== this.#last) return [loop("serial", { name: axis.name, lo: from, hi: to }, 1, this.#added(inner, level))];
    const isOpen = axis.about !== undefined;
    const step = axisIndex(`${axis.name}s`, from.lo, to.hi - (isOpen ? 1 : this.#lanes));
    if (from.op === "const" && to.op === "const" && to.value === this.#lanes) return this.#vector(level, from);
    const turns = (body: readonly Stmt[]): Stmt => loop("serial", { name: step.name, lo: from, hi: to }, this.#lanes, body);
    if (most < this.#waitsFrom || most > longest) return [turns(this.#vector(level, step))];
    this.#waiting = Math.max(this.#waiting, most);
    return [...this.#computed(step, from).map(turns), turns(this.#collected(level, subIndex(step, from)))];
  }

  /** Where elements wait, and functions that they are made of. */
  #strips(): readonly Local[] {
    const { names, values } = this.#r;
    if (this.#waiting === 0) return [];
    const elements = values.map((e, i): Local => ({ kind: "local", name: `${at(names, i)}_strip`, dtype: e.dtype, size: this.#waiting, space: "scratch" }));
    return [...elements, ...this.#functions()];
  }

  #functions(): Local[] {
    return this.#chains?.locals(this.#waiting, `${at(this.#r.names, 0)}_chain`) ?? [];
  }

  /** The elements of a vector, kept where they wait; functions that they are made of in turns of their own. */
  #computed(start: Expr, first: Expr): (readonly Stmt[])[] {
    const functions = this.#functions();
    const stages = this.#chains?.length ?? 1;
    return Array.from({ length: stages }, (_, i) =>
      this.#memory.each(this.#lanes, (lane, suffix) => {
        const index = addIndex(subIndex(start, first), lane);
        const axes = new Map([[this.#last.name, addIndex(start, lane)]]);
        const own = i < stages - 1 ? this.#chains?.stored(functions, { stage: i + 1, index }) : null;
        return copied({ body: own ?? this.#elements(functions, index), values: [] }, { suffix: `${suffix}_c${i}`, axes }).body;
      }),
    );
  }

  /** The elements themselves. */
  #elements(functions: readonly Local[], index: Expr): readonly Stmt[] {
    const { names, values, body } = this.#r;
    const f = this.#chains?.reading(functions, { stage: this.#chains.length, index }) ?? ((e: Expr): Expr => e);
    return [...withValues(body, f), ...values.map((value, i): Stmt => ({ kind: "store", buffer: `${at(names, i)}_strip`, index, value: f(value) }))];
  }

  /** Elements that wait, brought into the lanes. */
  #collected(level: number, start: Expr): readonly Stmt[] {
    return this.#memory.each(this.#lanes, (lane, suffix) => {
      const values = this.#r.values.map((e, i) => load(`${at(this.#r.names, i)}_strip`, e.dtype, addIndex(start, lane)));
      return bringInto(this.#each, this.#kept(level, lane), values, `_w${suffix}`);
    });
  }

  /** One element a lane, from `start` on. */
  #vector(level: number, start: Expr): readonly Stmt[] {
    return this.#memory.each(this.#lanes, (lane, suffix) => this.#element(level, addIndex(start, lane), { lane, suffix }));
  }

  /** What whole vectors leave of the last axis. */
  #rest(level: number): readonly Stmt[] {
    const n = this.#last.hi.value;
    const whole = Math.floor(n / this.#lanes) * this.#lanes;
    if (n === whole) return [];
    return this.#memory.each(n - whole, (lane, suffix) => this.#element(level, addIndex(lane, whole), { lane, suffix: `_r${suffix}` }));
  }

  /** One element, brought into one lane. */
  #element(level: number, index: Expr, { lane, suffix }: { readonly lane: Expr; readonly suffix: string }): Stmt[] {
    const { body, values } = copied(this.#r, { suffix, axes: new Map([[this.#last.name, index]]) });
    return [...body, ...bringInto(this.#each, this.#kept(level, lane), values, `_e${suffix}`)];
  }

  /** A row whose bounds are loaded, in blocks; what whole vectors leave goes to the first lane. */
  #openRow(into: number): Stmt[] {
    const axis = this.#last;
    if (this.#r.exact) return this.#openPart(into, { from: axis.lo, to: axis.hi });
    const length = chain * this.#lanes;
    const from = axisIndex(`${axis.name}b`, axis.lo.lo, axis.hi.hi - 1);
    const last = minOf(addIndex(from, length), axis.hi);
    const end = variable(`${axis.name}e`, "int32", from.lo, last.hi);
    const body: Stmt[] = [{ kind: "let", name: end.name, value: last }, ...this.#apart(into, (level) => this.#openPart(level, { from, to: end }))];
    return [{ kind: "for", axis: { ...axis, name: from.name, step: length, about: Math.ceil((axis.about ?? length) / length) }, body }];
  }

  #openPart(level: number, { from, to }: { readonly from: Expr; readonly to: Expr }): Stmt[] {
    const { name } = this.#last;
    const lanes = this.#lanes;
    const whole = variable(`${name}w`, "int32", from.lo, to.hi);
    // none ends before it starts: the maximum says so to those who check
    const value = s.max(subIndex(to, withRange(s.irem(subIndex(to, from), lanes), 0, lanes - 1)), from);
    const steps = this.#walk(this.#last, [], level, { from, to: subIndex(whole, lanes - 1), most: Infinity });
    const rest = this.#element(level, axisIndex(name, from.lo, to.hi - 1), { lane: ix(0), suffix: "_r" });
    return [{ kind: "let", name: whole.name, value }, ...steps, loop("serial", { name, lo: whole, hi: to }, 1, rest)];
  }

  /** All lanes combined, halves first. */
  #tree(level: number): readonly Stmt[] {
    const out: Stmt[] = [];
    for (let lanes = this.#lanes; lanes > 4;) {
      const half = Math.ceil(lanes / 8) * 4;
      const other = (lane: Expr): Expr[] => this.#memory.tuple(level, addIndex(lane, half));
      out.push(...this.#memory.each(lanes - half, (lane, suffix) => bringInto(this.#r, this.#kept(level, lane), other(lane), `_h${half}${suffix}`)));
      lanes = half;
    }
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => this.#memory.tuple(level, ix(i)));
    if (a === undefined || b === undefined || c === undefined || d === undefined) return out;
    const [left, right] = [this.#named(merge(this.#r, a, c), "_a"), this.#named(merge(this.#r, b, d), "_b")];
    return [...out, ...left.lets, ...right.lets, ...this.#named(merge(this.#r, left.parts, right.parts), "").lets];
  }

  /** A tuple under names: those of the reduction, and a suffix. */
  #named(values: readonly Expr[], suffix: string): { readonly lets: readonly Stmt[]; readonly parts: readonly Expr[] } {
    const parts = values.map((e, i) => variable(`${at(this.#r.names, i)}${suffix}`, e.dtype));
    const { lets, exprs } = nameShared(values, `${at(this.#r.names, 0)}${suffix}_c`);
    return { parts, lets: [...lets, ...parts.map(({ name }, i): Stmt => ({ kind: "let", name, value: at(exprs, i) }))] };
  }
}

/** What is walked of an axis, from here to there: so many elements at the most. */
interface Part {
  readonly from: Expr;
  readonly to: Expr;
  readonly most: number;
}

interface Blocks {
  readonly into: number;
  /** A sum of its own around a group of blocks. */
  readonly group: (into: number, body: (level: number) => readonly Stmt[]) => readonly Stmt[];
}

/** The length of blocks of about `wanted`: one that divides the whole, if there is one. */
function blockLength(whole: number, wanted: number): number {
  for (let d = 0; d <= wanted / 2; d++) for (const length of [wanted + d, wanted - d]) if (whole % length === 0) return length;
  return wanted;
}

/** `end` iterations in blocks of `length`, and blocks in groups where they are many. */
function blocks(name: string, end: number, length: number, block: (from: Expr, to: Expr, into: number) => readonly Stmt[], { into, group }: Blocks): Stmt[] {
  const count = Math.ceil(end / length);
  const b = axisIndex(`${name}b`, 0, count - 1);
  const from = mulIndex(b, length);
  const to = end % length === 0 ? addIndex(from, length) : minOf(addIndex(from, length), ix(end));
  const run = (lo: Expr, hi: Expr, level: number): Stmt => loop("serial", { name: b.name, lo, hi }, 1, block(from, to, level));
  if (count <= 2 * chain) return [run(ix(0), ix(count), into)];
  const groups = Math.ceil(count / chain);
  const g = axisIndex(`${name}g`, 0, groups - 1);
  const first = mulIndex(g, chain);
  const last = count % chain === 0 ? addIndex(first, chain) : minOf(addIndex(first, chain), ix(count));
  return [
    loop(
      "serial",
      { name: g.name, lo: ix(0), hi: ix(groups) },
      1,
      group(into, (level) => [run(first, last, level)]),
    ),
  ];
}
