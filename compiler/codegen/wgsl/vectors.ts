/**
 * Which vector loops are spelled with vec4, and which memory is declared as an array of vec4 for them.
 *
 * An access is whole where its four elements are one vector in memory. Memory is wide where all stores to it are whole: so the
 * decision about a loop depends on all others that touch the same binding. Loops that are left with no whole access to wide storage
 * gain nothing from their order; they become plain loops again, whose iterations go to neighbouring invocations. Where that cannot be,
 * as four rows are held in scratch, four at once share what the rows walk over: there whole accesses to scratch are enough.
 */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { keyOf, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, mapStatement } from "../../ir/loop-walk.ts";
import { Steps, vectorWidth } from "../../ir/steps.ts";

/** A loop whose four iterations are spelled as one. */
export interface VectorLoop {
  readonly axis: Axis;
  readonly steps: Steps;
  /** Where the last turn ends early: the end of the index. */
  readonly end: number | null;
}

export interface VectorPlan {
  readonly kernel: Kernel;
  /** By the names of their axes. */
  readonly loops: ReadonlyMap<string, VectorLoop>;
  /** Buffers and locals that are arrays of vec4. */
  readonly wide: ReadonlySet<string>;
}

/** `groups`: names of buffers that are one variable. */
export function planVectors(given: Kernel, groups: readonly (readonly string[])[]): VectorPlan {
  if (![...statements(given.body)].some((s) => vectorAxisOf(s) !== undefined)) return { kernel: given, loops: new Map(), wide: new Set() };
  const buffers = new Set(given.buffers.map((b) => b.name));
  const turns = namesOfTurns(given.body);
  let kernel = given;
  const refused = new Set<string>();
  for (;;) {
    const survey = new Survey(kernel, refused).run();
    const wide = wideNames(kernel, survey, groups);
    const gains = ({ loop, whole }: Found): boolean => [...whole].some((name) => wide.has(name) && (buffers.has(name) || !turns.has(loop.axis.name)));
    const idle = [...survey.loops.values()].filter((found) => survey.twice.has(found.loop.axis.name) || !gains(found));
    if (idle.length === 0) return { kernel, loops: new Map([...survey.loops].map(([name, found]) => [name, found.loop])), wide };
    for (const { loop } of idle) refused.add(loop.axis.name);
    kernel = { ...kernel, body: withoutAxes(kernel.body, refused) };
  }
}

function wideNames(kernel: Kernel, survey: Survey, groups: readonly (readonly string[])[]): Set<string> {
  const grouped = new Set(groups.flat());
  const locals = [...statements(kernel.body)].flatMap((s) => (s.kind === "local" ? [s.name] : []));
  const single = [...kernel.buffers.map((b) => b.name), ...locals].filter((name) => !grouped.has(name));
  const whole = new Set([...survey.loops.values()].flatMap((l) => [...l.whole]));
  const wide = [...groups, ...single.map((name) => [name])].filter((list) => list.some((n) => whole.has(n)) && !list.some((n) => survey.narrow.has(n)));
  return new Set(wide.flat());
}

interface Found {
  readonly loop: VectorLoop;
  /** Memory with whole accesses in the loop. */
  readonly whole: ReadonlySet<string>;
}

/** The vector axis of a loop, or the last of a reduction. */
function vectorAxisOf(s: Stmt): Axis | undefined {
  const last = s.kind === "reduce" ? s.axes.at(-1) : undefined;
  const axis = s.kind === "for" ? s.axis : last;
  return axis?.kind === "vector" ? axis : undefined;
}

/** Whether the axis has four iterations, or in its last turn fewer; where it ends then. */
function extentOf(axis: Axis): { readonly end: number | null } | null {
  const isFour = (hi: Expr): boolean => {
    const length = subIndex(hi, axis.lo);
    return length.op === "const" && length.value === vectorWidth;
  };
  if (axis.step !== 1) return null;
  if (isFour(axis.hi)) return { end: null };
  const [hi, end] = axis.hi.args;
  return axis.hi.op === "min" && hi !== undefined && isFour(hi) && end?.op === "const" ? { end: end.value } : null;
}

class Survey {
  readonly loops: Map<string, Found> = new Map();
  /** Names of axes that several loops have. */
  readonly twice: Set<string> = new Set();
  /** Memory that is stored to element by element somewhere. */
  readonly narrow: Set<string> = new Set();
  readonly #kernel: Kernel;
  readonly #refused: ReadonlySet<string>;
  readonly #sizes: ReadonlyMap<string, number>;

  constructor(kernel: Kernel, refused: ReadonlySet<string>) {
    this.#kernel = kernel;
    this.#refused = refused;
    const locals = [...statements(kernel.body)].flatMap((s) => (s.kind === "local" ? [s] : []));
    this.#sizes = new Map([...kernel.buffers, ...locals].map((b) => [b.name, b.size]));
  }

  run(): this {
    this.#list(this.#kernel.body, new Steps());
    return this;
  }

  #list(list: readonly Stmt[], given: Steps): void {
    let steps = given;
    for (const s of list) {
      const found = this.#vector(s, steps);
      if (found !== null) {
        const { name } = found.loop.axis;
        if (this.loops.has(name)) this.twice.add(name);
        this.loops.set(name, found);
      } else {
        if (s.kind === "store") this.narrow.add(s.buffer);
        const within = axesOf(s).reduce((n, a) => n.within(a), steps);
        for (const body of bodiesOf(s)) this.#list(body, within);
      }
      if (s.kind === "let") steps = steps.with(s.name, steps.of(s.value));
    }
  }

  /** What a loop is as a vector; null where it is none or cannot be spelled as one. */
  #vector(s: Stmt, around: Steps): Found | null {
    const axis = vectorAxisOf(s);
    const extent = axis === undefined || this.#refused.has(axis.name) ? null : extentOf(axis);
    if (axis === undefined || extent === null || (s.kind !== "for" && s.kind !== "reduce")) return null;
    const outer = s.kind === "reduce" ? s.axes.slice(0, -1).reduce((n, a) => n.within(a), around) : around;
    if (outer.of(axis.lo).stride !== 0) return null;
    const walk = new VectorBody(outer.along(axis));
    const fits = walk.list(s.body) && (s.kind === "for" || s.values.every((e) => walk.expression(e)));
    if (!fits) return null;
    const loop: VectorLoop = { axis, steps: walk.steps, end: extent.end };
    const whole = walk.loads.filter((e) => loop.steps.isWhole(e.args[0] ?? e)).map((e) => e.name);
    for (const store of walk.stores) {
      if (isWholeStore(store, loop, this.#sizes)) whole.push(store.buffer);
      else this.narrow.add(store.buffer);
    }
    return { loop, whole: new Set(whole) };
  }
}

/** A store of four elements in one go. Beyond the end of a buffer there is room up to the next vector, but not in its middle. */
export function isWholeStore(s: Store, loop: VectorLoop, sizes: ReadonlyMap<string, number>): boolean {
  if (s.guard !== undefined || !loop.steps.isWhole(s.index)) return false;
  if (loop.end === null) return true;
  const start = subIndex(s.index, axisIndex(loop.axis.name, 0, loop.end - 1));
  return start.op === "const" && start.value + loop.end === sizes.get(s.buffer);
}

/** The body of a vector loop: whether all of it can be done four at a time, and what it touches. */
class VectorBody {
  steps: Steps;
  readonly loads: Expr[] = [];
  readonly stores: Store[] = [];
  readonly #defined = new Map<string, string>();

  constructor(steps: Steps) {
    this.steps = steps;
  }

  list(list: readonly Stmt[]): boolean {
    return list.every((s) => this.#statement(s));
  }

  expression(root: Expr): boolean {
    for (const e of exprOrder([root])) if (e.op === "load") this.loads.push(e);
    return true;
  }

  #statement(s: Stmt): boolean {
    if (s.kind !== "for" && s.kind !== "reduce") expressionsOf(s).forEach((e) => this.expression(e));
    switch (s.kind) {
      case "let":
        return this.#define(s.name, keyOf(s.value), this.steps.of(s.value));
      case "carry":
        return this.#define(s.name, keyOf(s.init), undefined);
      case "assign":
        return true;
      case "store":
        this.stores.push(s);
        return s.atomic === undefined && this.steps.of(s.index).stride !== 0;
      case "for":
        return this.#loop([s.axis]) && this.list(s.body);
      case "if":
        return this.steps.of(s.condition).stride === 0 && this.list(s.then) && this.list(s.otherwise);
      case "reduce":
        return this.#reduce(s);
      default:
        return false;
    }
  }

  #loop(axes: readonly Axis[]): boolean {
    for (const a of axes) {
      if ((a.kind !== "serial" && a.kind !== "lane") || a.lo.op !== "const" || a.hi.op !== "const") return false;
      this.steps = this.steps.within(a);
    }
    return true;
  }

  #reduce(s: Reduce): boolean {
    if (!this.#loop(s.axes) || !this.list(s.body)) return false;
    s.init.forEach((e) => this.expression(e));
    s.values.forEach((e) => this.expression(e));
    return s.names.every((name, i) => this.#define(name, `${i} of ${s.names.join()}`, undefined));
  }

  /** A name means one thing in the whole body; without a step it is four values. */
  #define(name: string, meaning: string, step: ReturnType<Steps["of"]> | undefined): boolean {
    const known = this.#defined.get(name);
    this.#defined.set(name, meaning);
    this.steps = this.steps.with(name, step ?? { stride: undefined, rest: undefined });
    return known === undefined || known === meaning;
  }
}

/** The list with the iterations of these vector axes given back to the axes that they start from. */
function withoutAxes(list: readonly Stmt[], names: ReadonlySet<string>): Stmt[] {
  return list.map((s): Stmt => {
    const t = mapStatement(
      s,
      (e) => e,
      (inner) => withoutAxes(inner, names),
    );
    if (t.kind === "for") return plainFor(t, names) ?? t;
    return t.kind === "reduce" ? (plainReduce(t, names) ?? t) : t;
  });
}

/** Whether the vector is the turn of this axis: it starts where the axis stands, and the axis goes on where it ends. */
const isTurn = (outer: Axis, inner: Axis): boolean =>
  inner.kind === "vector" && outer.step === vectorWidth && outer.hi.op === "const" && inner.lo.op === "axis" && inner.lo.name === outer.name;

/** The last statement of a loop, where it is the turn of that loop's axis. */
function turnOf(s: For): For | null {
  const last = s.body.at(-1);
  const isOne = last?.kind === "for" && isTurn(s.axis, last.axis) && s.body.slice(0, -1).every((b) => b.kind === "let");
  return isOne ? last : null;
}

/** The last two axes of a reduction, where one is the turn of the other. */
function turnOfReduce({ axes }: Reduce): { readonly outer: Axis; readonly inner: Axis } | null {
  const [outer, inner] = [axes.at(-2), axes.at(-1)];
  return outer !== undefined && inner !== undefined && isTurn(outer, inner) ? { outer, inner } : null;
}

/** Names of the vector axes whose iterations can be given back. */
function namesOfTurns(list: readonly Stmt[]): ReadonlySet<string> {
  const axisOf = (s: Stmt): Axis | undefined => {
    if (s.kind === "for") return turnOf(s)?.axis;
    return s.kind === "reduce" ? turnOfReduce(s)?.inner : undefined;
  };
  return new Set(statements(list).flatMap((s) => axisOf(s)?.name ?? []));
}

function plainFor(s: For, names: ReadonlySet<string>): For | null {
  const turn = turnOf(s);
  if (turn === null || !names.has(turn.axis.name)) return null;
  return { ...s, axis: { ...s.axis, step: 1 }, body: [...s.body.slice(0, -1), ...renamed(turn.body, turn.axis.name, s.axis)] };
}

function plainReduce(s: Reduce, names: ReadonlySet<string>): Reduce | null {
  const turn = turnOfReduce(s);
  if (turn === null || !names.has(turn.inner.name)) return null;
  const { outer, inner } = turn;
  const axes = [...s.axes.slice(0, -2), { ...outer, step: 1 }];
  const map = renamer(inner.name, outer);
  return { ...s, axes, body: renamed(s.body, inner.name, outer), values: s.values.map(map) };
}

const renamer = (from: string, to: Axis): ((e: Expr) => Expr) =>
  exprMapper((e) => (e.op === "axis" && e.name === from ? axisIndex(to.name, to.lo.lo, to.hi.hi - 1) : e));

function renamed(list: readonly Stmt[], from: string, to: Axis): Stmt[] {
  const map = renamer(from, to);
  const walk = (inner: readonly Stmt[]): Stmt[] => inner.map((s) => mapStatement(s, map, walk));
  return walk(list);
}
