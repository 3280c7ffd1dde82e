/**
 * chains: functions are computed one after another for a strip or a row of elements, on CPUs with vectors.
 *
 *   for %i in 0..4096 [grid] { store %out[%i] = log1p(exp(load %x[%i])) }
 *     → for %i in 0..4096 step 256 [grid] { local %chain_0: f32[256]
 *         for %ic1 in 0..256 { store %chain_0[%ic1] = exp(load %x[%i + %ic1]) }
 *         for %ic2 in 0..256 { store %out[%i + %ic2] = log1p(load %chain_0[%ic2]) } }
 *
 * A function is some forty operations that wait for one another. A processor works on as many elements at once as fit into what it
 * looks ahead, and of one function on as many as its registers hold; of two in one loop on half of them, so that they take longer
 * together than apart, whether one is a function of the other or not. Those that have much in common stay together: the sine and
 * the cosine of an angle. No bit changes.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, variable } from "../../ir/expr.ts";
import { dependsOn, ix, keyOf } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { exprReplacer, localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { spelledInCommon, spelledLength } from "../legalize.ts";
import { costOf, costOfFunction, isMadeOfOthers } from "./cost.ts";
import { varyingNames } from "./independent.ts";
import { joinNest } from "./join.ts";
import { isPlain, nested, shortRow } from "./nest.ts";
import type { Straight, Strip } from "./strip.ts";
import { eachStrip, letsFor, overStrip, straight, stripLoops, stripOf } from "./strip.ts";
import { crossedAxis } from "./widen.ts";

/** Beyond so many strips what is kept leaves the nearest cache. */
const mostStrips = 12;
/** With more operations than this beside them, the last functions too come before the rest. */
const fewBeside = 16;

/** The kernel with strips between the functions of its elements, or the kernel itself where it has no two of them. */
export function chainsInStrips(kernel: Kernel, given: readonly For[], target: Target): Kernel {
  const nest = joinNest(given);
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis)) return kernel;
  const { axis, body } = inner;
  const size = stripOf(axis.hi.value);
  if (size === 0 || body.some((s) => s.kind === "store" && s.atomic !== undefined) || crossedAxis(nest, body) !== null) return kernel;
  const stages = stagesOf(body, axis, size, target);
  if (stages === null) return kernel;
  // not tidied: that would join the loops again, before there are vectors in them
  return { ...kernel, body: stripLoops(nest, size, [...stages.locals, ...eachStrip(axis, size, stages.over)]) };
}

/** Loops over a strip, one after another. */
export interface Stages {
  readonly locals: readonly Local[];
  readonly over: (strip: Strip) => readonly For[];
}

/** What is done for the elements of strips, its functions in loops of their own; null where there are no two of them. */
export function stagesOf(body: readonly Stmt[], axis: Axis, size: number, target: Target): Stages | null {
  const chains = chainsAlong({ axis: axis.name, target }, body, []);
  if (chains === null) return null;
  const locals = chains.locals(size, "chain_");
  const last = (strip: Strip): For => overStrip(strip, `c${chains.length}`, (index) => chains.rest(locals, index));
  return { locals, over: (strip) => [...chains.loops(strip, locals), last(strip)] };
}

/** The same of what is reduced in a grid point: each function of a chain for the whole row, where that stays near the core. */
export function chainsInRows(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined) return kernel;
  const body = inner.body.flatMap((s, i) => (s.kind === "reduce" ? (keptRows(s, `chain${i}_`, target) ?? [s]) : [s]));
  return body.length === inner.body.length ? kernel : { ...kernel, body: nested(nest, body) };
}

/** Rows of functions, and the reduction that reads them; null where it has no chain. */
function keptRows(r: Reduce, prefix: string, target: Target): readonly Stmt[] | null {
  const [axis] = r.axes;
  if (axis === undefined || r.axes.length > 1 || axis.kind !== "serial" || !isPlain(axis) || axis.hi.value < shortRow) return null;
  const chains = chainsIn(r, target);
  if (chains === null) return null;
  const size = axis.hi.value;
  const locals = chains.locals(size, prefix);
  if (localBytes(locals) > target.rowBytes) return null;
  const f = chains.reading(locals, { stage: chains.length, index: axisIndex(axis.name, 0, size - 1) });
  return [...locals, ...chains.loops({ axis, size, first: ix(0) }, locals), { ...r, body: withValues(r.body, f), values: r.values.map(f) }];
}

/** Statements with other values. */
export const withValues = (list: readonly Stmt[], f: (e: Expr) => Expr): readonly Stmt[] =>
  list.map((s) => (s.kind === "let" || s.kind === "store" ? { ...s, value: f(s.value) } : s));

/** The functions of what a reduction adds up along the last of its axes; null where there are no two of them. */
export const chainsIn = (r: Reduce, target: Target): Chains | null => chainsAlong({ axis: at(r.axes, r.axes.length - 1).name, target }, r.body, r.values);

/** The functions of a body, and of values beside it, along an axis; null where there are no two of them. */
export function chainsAlong(along: Along, body: readonly Stmt[], values: readonly Expr[]): Chains | null {
  const list = straight(body);
  const chains = list === null ? null : new Chains(list, along, values);
  return chains?.isWorthKeeping === true ? chains : null;
}

/** Indices are computed where they are used: nobody could tell that those in scratch are in range. */
export const canWait = ({ dtype }: Expr): boolean => dtypeInfo(dtype).bytes >= 4 && dtype !== "int32";

/** What a value is looked up by: another load of a name is another expression. */
export const keyIn = (e: Expr): Expr | string => (e.op === "var" ? e.name : e);

/** What values are made of. */
interface Behind {
  readonly names: ReadonlyMap<string, Expr>;
  readonly operations: number;
  readonly needsFunctions: boolean;
}

/** Whether two functions of the same operands are spelled with operations of which the shorter one shares half. */
function haveMuchInCommon(a: Expr, b: Expr, target: Target): boolean {
  if (a.args.length !== b.args.length || a.args.some((x, i) => keyOf(x) !== keyOf(at(b.args, i)))) return false;
  return 2 * spelledInCommon(a, b, target) >= Math.min(spelledLength(a, target), spelledLength(b, target));
}

/** Where something is read: what has been kept before this stage, at this place. */
export interface Reading {
  readonly stage: number;
  readonly index: Expr;
}

/** Of which axis elements are computed, and what functions are spelled for. */
export interface Along {
  readonly axis: string;
  readonly target: Target;
  /** The last functions too come before the rest, however little that is. */
  readonly every?: true;
}

/** The functions of a body, in stages: what others wait for comes before them. */
export class Chains {
  readonly #lets: readonly Let[];
  readonly #stores: readonly Store[];
  readonly #values: ReadonlyMap<string, Expr>;
  readonly #varying: ReadonlySet<string>;
  readonly #depths = new Map<Expr, number>();
  readonly #changes = new Map<Expr, boolean>();
  /** What is kept, functions and names that several stages need, and in which stage. */
  readonly #kept: readonly Expr[];
  readonly #stages = new Map<Expr | string, number>();
  /** How many stages there are: the last one keeps nothing. */
  readonly length: number;

  constructor({ lets, stores }: Straight, { axis, target, every }: Along, values: readonly Expr[] = []) {
    const roots = [...values, ...stores.map((s) => s.value)];
    this.#lets = lets;
    this.#stores = stores;
    this.#values = new Map(lets.map((l) => [l.name, l.value]));
    this.#varying = varyingNames([...lets, ...stores], axis);
    for (const e of roots) this.#depthOf(e);
    const all = [...this.#depths.keys()].filter((e) => isMadeOfOthers(e.op));
    const functions = all.filter((e) => this.#isVarying(e));
    const stages: Expr[][] = [];
    for (const e of functions.toSorted((a, b) => this.#depthOf(a) - this.#depthOf(b))) {
      const beside = stages.find((list) => list.some((other) => haveMuchInCommon(e, other, target)));
      if (beside === undefined) stages.push([e]);
      else beside.push(e);
    }
    const others = costOf([...roots, ...lets.map((l) => l.value)]) - costOfFunction * all.length;
    const apart = every === true || others > fewBeside ? stages : stages.slice(0, -1);
    const shared = apart.length === 0 ? [] : this.#sharedBy([...apart, roots], new Set(apart.flat()));
    const named = apart.map((list) => list.map((e) => this.#nameFor(e, roots)));
    const kept = shared.length === 0 ? named : [shared, ...named];
    this.#kept = kept.flat();
    kept.forEach((list, i) => list.forEach((e) => this.#stages.set(keyIn(e), i + 1)));
    this.length = kept.length + 1;
  }

  /** What is kept for a function: the name of what is made of it and of no other, where all goes through that name before it is used more than once. */
  #nameFor(e: Expr, roots: readonly Expr[]): Expr {
    const own = new Set(this.#functionsBehind(e));
    for (let kept = e; ;) {
      const isKept = (x: Expr): boolean => x === kept || (kept.op === "var" && x.op === "var" && x.name === kept.name);
      const holders = [...this.#lets.map((l) => l.value), ...roots].filter((root) => exprOrder([root]).some(isKept));
      const name = this.#lets.find((l) => l.value === holders[0]);
      if (holders.length !== 1 || name === undefined) {
        const uses = new Set(exprOrder(holders).filter((x) => x.args.some(isKept))).size;
        return uses > 1 && this.#values.get(kept.name) !== e && kept !== e ? kept : e;
      }
      kept = variable(name.name, name.value.dtype);
      if (!canWait(kept) || this.#functionsBehind(name.value).some((x) => !own.has(x))) return e;
    }
  }

  /** The functions that an expression is made of, itself included. */
  #functionsBehind(e: Expr): Expr[] {
    return exprOrder([e, ...letsFor([e], this.#lets).map((l) => l.value)]).filter((x) => isMadeOfOthers(x.op));
  }

  /** Names that stand for much, and that several stages would compute anew: of those that need one another the last. */
  #sharedBy(stages: readonly (readonly Expr[])[], functions: ReadonlySet<Expr>): Expr[] {
    const names = stages.map((list) => this.#behind(list, functions, () => true).names);
    const isShared = (name: string): boolean => names.filter((own) => own.has(name)).length > 1;
    const last = new Map(stages.flatMap((list) => [...this.#behind(list, functions, (name) => !isShared(name)).names]));
    return [...last.values()].filter((e) => {
      const value = this.#values.get(e.name);
      const behind = value === undefined ? null : this.#behind([value], functions, () => true);
      const isMuch = behind !== null && !behind.needsFunctions && behind.operations > fewBeside;
      return isMuch && canWait(e) && isShared(e.name) && this.#isVarying(e);
    });
  }

  /** What some values are made of beside functions that are kept; `enters`: whether to look at what a name stands for. */
  #behind(roots: readonly Expr[], functions: ReadonlySet<Expr>, enters: (name: string) => boolean): Behind {
    const names = new Map<string, Expr>();
    const seen = new Set<Expr>();
    const open = roots.flatMap((e) => (functions.has(e) ? e.args : [e]));
    let [operations, needsFunctions] = [0, false];
    for (let e = open.pop(); e !== undefined; e = open.pop()) {
      needsFunctions ||= functions.has(e);
      if (seen.has(e) || functions.has(e)) continue;
      seen.add(e);
      if (e.args.length > 0) operations++;
      const value = e.op === "var" ? this.#values.get(e.name) : undefined;
      if (value !== undefined) names.set(e.name, e);
      open.push(...(value !== undefined && enters(e.name) ? [value] : e.args));
    }
    return { names, operations, needsFunctions };
  }

  get isWorthKeeping(): boolean {
    return this.length > 1 && this.#kept.length <= mostStrips && this.#kept.every(canWait);
  }

  /** Whether something that is kept is made of one of these names. */
  isMadeOf(names: ReadonlySet<string>): boolean {
    return this.#kept.some((e) => dependsOn(e, names));
  }

  /** Scratch for all that is kept. */
  locals(size: number, prefix: string): Local[] {
    return this.#kept.map((e, i) => ({ kind: "local", name: `${prefix}${i}`, dtype: e.dtype, size, space: "scratch" }));
  }

  /** A loop for the functions of each stage that are kept. */
  loops(strip: Strip, locals: readonly Local[]): For[] {
    const loops: For[] = [];
    for (let stage = 1; stage < this.length; stage++) loops.push(overStrip(strip, `c${stage}`, (index) => this.stored(locals, { stage, index })));
    return loops;
  }

  /** What keeps the functions of a stage. */
  stored(locals: readonly Local[], { stage, index }: Reading): readonly Stmt[] {
    const f = this.reading(locals, { stage, index });
    const stores = this.#kept.flatMap((e, i): Store[] =>
      this.#stages.get(keyIn(e)) === stage ? [{ kind: "store", buffer: at(locals, i).name, index, value: f(e) }] : [],
    );
    return this.#withLets(stores, f);
  }

  /** What the body stores itself. */
  rest(locals: readonly Local[], index: Expr): readonly Stmt[] {
    const f = this.reading(locals, { stage: this.length, index });
    return this.#withLets(
      this.#stores.map((s) => ({ ...s, value: f(s.value) })),
      f,
    );
  }

  /** Statements behind the lets that they need. */
  #withLets(stores: readonly Store[], f: (e: Expr) => Expr): readonly Stmt[] {
    const lets = this.#lets.map((l) => ({ ...l, value: f(l.value) }));
    return [...letsFor(expressionsIn(stores), lets), ...stores];
  }

  /** Expressions with loads in the place of functions that are kept. */
  reading(locals: readonly Local[], { stage, index }: Reading): (e: Expr) => Expr {
    const own = new Map(this.#kept.map((e, i) => [keyIn(e), at(locals, i)]));
    return exprReplacer((e) => {
      const key = keyIn(e);
      const local = (this.#stages.get(key) ?? stage) < stage ? own.get(key) : undefined;
      return local === undefined ? null : load(local.name, local.dtype, index);
    });
  }

  /** How many functions wait for one another up to an expression. */
  #depthOf(e: Expr): number {
    const known = this.#depths.get(e);
    if (known !== undefined) return known;
    const named = e.op === "var" ? this.#values.get(e.name) : undefined;
    const below = named === undefined ? e.args.map((a) => this.#depthOf(a)) : [this.#depthOf(named)];
    const depth = Math.max(0, ...below) + (isMadeOfOthers(e.op) ? 1 : 0);
    this.#depths.set(e, depth);
    return depth;
  }

  /** Whether elements differ in an expression: what is the same for all of them is computed once anyway. */
  #isVarying(e: Expr): boolean {
    const known = this.#changes.get(e);
    if (known !== undefined) return known;
    const isNamed = e.op === "axis" || e.op === "var" || e.op === "load";
    const found = (isNamed && this.#varying.has(e.name)) || e.args.some((a) => this.#isVarying(a));
    this.#changes.set(e, found);
    return found;
  }
}
