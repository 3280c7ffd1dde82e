/**
 * What a kernel costs, read off its loops: operations, and bytes to and from memory.
 *
 *   for %i in 0..64 [grid] { store %y[%i] = exp(load %x[%i]) }     →     64 operations, 64 loads, 64 stores
 *
 * Operations are those that compute values: index arithmetic, guards, the bounds of loops and choices by position are not counted, and
 * what one statement says twice counts once. Trips are exact wherever they follow from shapes: a condition on loop indices is decided
 * over ranges of the loops around it, which are split until it is. A condition that depends on data is taken to hold every second time.
 */
import { dtypeInfo, isFloat } from "./dtype.ts";
import { at, lookup } from "./errors.ts";
import type { Expr } from "./expr.ts";
import { isScalarOp } from "./expr.ts";
import { exprOrder } from "./expr-order.ts";
import { freeNames, keyOf } from "./indexing.ts";
import { Intervals } from "./intervals.ts";
import type { Axis, If, Kernel, KernelBuffer, Reduce, Stmt } from "./loop.ts";
import { axesOf, bodiesOf, expressionsOf, statements } from "./loop.ts";
import type { Plan } from "./plan.ts";
import type { Range } from "./ranges.ts";

export interface Cost {
  /** Scalar operations that compute values, whatever they cost: an addition, an exp and a comparison are one each. */
  readonly operations: number;
  /** Those of them that give a float, selections and conversions aside. */
  readonly flops: number;
  /** Elements loaded from and stored to buffers, scratch aside. */
  readonly loads: number;
  readonly stores: number;
  /** Bytes of the distinct elements: a buffer that is read again and again counts once. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What one launch of a kernel does. */
export function countKernel(kernel: Kernel): Cost {
  const { tally } = new Counter(kernel).run();
  const bytes = (k: number): number =>
    kernel.buffers.reduce((n, b, i) => n + Math.min(b.size, Math.ceil(at(tally, fixed + 2 * i + k))) * dtypeInfo(b.dtype).bytes, 0);
  const elements = (k: number): number => kernel.buffers.reduce((n, _, i) => n + at(tally, fixed + 2 * i + k), 0);
  return { operations: at(tally, 0), flops: at(tally, 1), loads: elements(0), stores: elements(1), bytesRead: bytes(0), bytesWritten: bytes(1) };
}

/** Operations of one origin: how many one launch does, and in how many loops. */
export interface OriginCount {
  readonly operations: number;
  readonly places: number;
}

/** What a kernel whose expressions have names does of each origin. */
export function countOrigins(kernel: Kernel): Map<string, OriginCount> {
  const all = statements(kernel.body).flatMap((s) => (s.kind === "reduce" ? [...expressionsOf(s), ...s.combine] : expressionsOf(s)));
  const origins = [...new Set(exprOrder(all).flatMap((e) => (isScalarOp(e.op) ? [e.name] : [])))];
  const counter = new Counter(kernel, origins);
  const [{ tally }, places] = [counter.run(), counter.places()];
  const first = fixed + 2 * kernel.buffers.length;
  return new Map(origins.map((name, i) => [name, { operations: at(tally, first + i), places: at(places, first + i) }]));
}

/** What one run of a plan does: its kernels, copies and fills. */
export function countPlan(plan: Plan): Cost {
  const costs = plan.kernels.map(countKernel);
  const bytes = new Map(plan.buffers.map((b) => [b.id, b.bytes]));
  const moved = (id: number): number => lookup(bytes, id, "a plan's buffer");
  const none: Cost = { operations: 0, flops: 0, loads: 0, stores: 0, bytesRead: 0, bytesWritten: 0 };
  return plan.steps.reduce<Cost>((sum, s) => {
    if (s.kind === "kernel") return together(sum, at(costs, s.kernel));
    if (s.kind === "copy") return { ...sum, bytesRead: sum.bytesRead + moved(s.from), bytesWritten: sum.bytesWritten + moved(s.to) };
    return s.kind === "fill" ? { ...sum, bytesWritten: sum.bytesWritten + moved(s.buffer) } : sum;
  }, none);
}

function together(a: Cost, b: Cost): Cost {
  return {
    operations: a.operations + b.operations,
    flops: a.flops + b.flops,
    loads: a.loads + b.loads,
    stores: a.stores + b.stores,
    bytesRead: a.bytesRead + b.bytesRead,
    bytesWritten: a.bytesWritten + b.bytesWritten,
  };
}

/** Operations and flops, then loads and stores of each buffer, then operations of each origin. */
type Tally = readonly number[];
const fixed = 2;

/** A tally, and whether every condition and bound in it was decided. */
interface Estimate {
  readonly tally: Tally;
  readonly exact: boolean;
}

const plus = (a: Tally, b: Tally): Tally => a.map((x, i) => x + at(b, i));
const times = (a: Tally, k: number): Tally => a.map((x) => x * k);
const mean = (a: Tally, b: Tally): Tally => times(plus(a, b), 0.5);

/** Ranges that may be looked at in one kernel before the mean of their ends must do. */
const patience = 4096;

class Counter {
  readonly #kernel: Kernel;
  readonly #place: ReadonlyMap<string, number>;
  readonly #origins: ReadonlyMap<string, number>;
  readonly #zero: Tally;
  readonly #positions: ReadonlySet<string>;
  readonly #values: ReadonlySet<string>;
  readonly #own = new Map<Stmt, Tally>();
  readonly #control = new Map<readonly Stmt[], ReadonlySet<string>>();
  #left = patience;

  constructor(kernel: Kernel, origins: readonly string[] = []) {
    this.#kernel = kernel;
    const slots = fixed + 2 * kernel.buffers.length;
    this.#origins = new Map(origins.map((name, i) => [name, slots + i]));
    this.#place = new Map(kernel.buffers.map((b: KernelBuffer, i) => [b.name, fixed + 2 * i]));
    this.#zero = Array.from({ length: slots + origins.length }, () => 0);
    this.#positions = positionNames(kernel);
    this.#values = valueNames(kernel, this.#positions);
  }

  run(): Estimate {
    return this.#body(this.#kernel.body, new Intervals());
  }

  /** In how many lists of statements there is something to count. */
  places(): Tally {
    const visit = (list: readonly Stmt[], turn: Tally): Tally => {
      const own = list.reduce((tally, s) => plus(tally, this.#ownTally(s)), turn).map((n) => (n > 0 ? 1 : 0));
      const inside = list.flatMap((s) => bodiesOf(s).map((inner) => visit(inner, s.kind === "reduce" ? this.#eachTurn(s) : this.#zero)));
      return inside.reduce(plus, own);
    };
    return visit(this.#kernel.body, this.#zero);
  }

  #body(list: readonly Stmt[], known: Intervals): Estimate {
    let tally = this.#zero;
    let exact = true;
    for (const s of list) {
      const e = this.#statement(s, known);
      tally = plus(tally, e.tally);
      exact &&= e.exact;
    }
    return { tally, exact };
  }

  #statement(s: Stmt, known: Intervals): Estimate {
    const own = this.#ownTally(s);
    switch (s.kind) {
      case "let":
        known.define(s.name, s.value);
        return { tally: own, exact: true };
      case "for":
        return added(own, this.#loops([s.axis], 0, s.body, this.#zero, known));
      case "reduce":
        return added(own, this.#loops(s.axes, 0, s.body, this.#eachTurn(s), known));
      case "if":
        return added(own, this.#branches(s, known));
      default:
        return { tally: own, exact: true };
    }
  }

  #branches(s: If, known: Intervals): Estimate {
    const { lo, hi } = known.of(s.condition);
    if (lo === 1) return this.#body(s.then, known);
    if (hi === 0) return this.#body(s.otherwise, known);
    return { tally: mean(this.#body(s.then, known).tally, this.#body(s.otherwise, known).tally), exact: false };
  }

  /** The loops over `axes` from the k-th on; `turn` is what every iteration does beside its body. */
  #loops(axes: readonly Axis[], k: number, body: readonly Stmt[], turn: Tally, known: Intervals): Estimate {
    const axis = axes[k];
    if (axis === undefined) return added(turn, this.#body(body, known));
    const span = known.span(axis.lo, axis.hi);
    const [least, most] = [tripsIn(span.lo, axis.step), tripsIn(span.hi, axis.step)];
    const from = known.of(axis.lo);
    const inner = (range: Range): Estimate => this.#loops(axes, k + 1, body, turn, known.with(axis.name, range));
    if (least === most && from.lo === from.hi) {
      const steers = this.#controlNames(body).has(axis.name) || axes.slice(k + 1).some((a) => freeNames(a.lo).has(axis.name) || freeNames(a.hi).has(axis.name));
      return this.#span(0, least, (i, j) => inner({ lo: from.lo + i * axis.step, hi: from.lo + (j - 1) * axis.step }), steers);
    }
    const e = inner({ lo: from.lo, hi: known.of(axis.hi).hi - 1 });
    return { tally: times(e.tally, axis.about ?? (least + most) / 2), exact: e.exact && least === most };
  }

  /** Iterations i … j-1 together, in halves where they differ. */
  #span(i: number, j: number, over: (i: number, j: number) => Estimate, steers: boolean): Estimate {
    if (i >= j) return { tally: this.#zero, exact: true };
    const whole = over(i, j);
    const count = j - i;
    if (whole.exact || count === 1 || !steers) return { tally: times(whole.tally, count), exact: whole.exact };
    const first = over(i, i + 1);
    if (!first.exact) return { tally: times(whole.tally, count), exact: false };
    this.#left -= 2;
    if (this.#left < 0) return { tally: times(mean(first.tally, over(j - 1, j).tally), count), exact: true };
    const middle = i + Math.ceil(count / 2);
    const [left, right] = [this.#span(i, middle, over, steers), this.#span(middle, j, over, steers)];
    return { tally: plus(left.tally, right.tally), exact: left.exact && right.exact };
  }

  /** Names that decide conditions and bounds of loops somewhere in a body, by way of its lets too. */
  #controlNames(body: readonly Stmt[]): ReadonlySet<string> {
    const done = this.#control.get(body);
    if (done !== undefined) return done;
    const names = new Set<string>();
    const all = [...statements(body)];
    for (const s of all) {
      if (s.kind === "if") freeNames(s.condition, names);
      for (const a of axesOf(s)) for (const e of [a.lo, a.hi]) freeNames(e, names);
    }
    for (const s of all.toReversed()) if (s.kind === "let" && names.has(s.name)) freeNames(s.value, names);
    this.#control.set(body, names);
    return names;
  }

  /** What the statement itself does, once: bodies and, of a reduce, its turns aside. */
  #ownTally(s: Stmt): Tally {
    const done = this.#own.get(s);
    if (done !== undefined) return done;
    const tally = this.#tally(valuesOf(s, this.#values), s.kind === "reduce" ? [] : expressionsOf(s), s);
    this.#own.set(s, tally);
    return tally;
  }

  #eachTurn(s: Reduce): Tally {
    return this.#tally([...reducedOf(s, this.#positions), ...s.combine], [], null);
  }

  /** `values` are computed, `others` only tell where and whether. */
  #tally(values: readonly Expr[], others: readonly Expr[], s: Stmt | null): Tally {
    const tally = [...this.#zero];
    const add = (i: number | undefined): void => {
      if (i !== undefined) tally[i] = at(tally, i) + 1;
    };
    for (const e of operationsIn(values, this.#positions)) {
      add(0);
      add(this.#origins.get(e.name));
      if (isFloat(e.dtype) && e.op !== "select" && e.op !== "rare" && e.op !== "cast") add(1);
    }
    for (const e of walked([...values, ...others])) if (e.op === "load") add(this.#place.get(e.name));
    if (s?.kind === "store") {
      const place = this.#place.get(s.buffer);
      if (place !== undefined) add(place + 1);
      if (s.atomic !== undefined) for (const i of [0, 1, place]) add(i);
    }
    return tally;
  }
}

const added = (own: Tally, e: Estimate): Estimate => ({ tally: plus(own, e.tally), exact: e.exact });
const tripsIn = (span: number, step: number): number => Math.max(0, Math.ceil(span / step));

/** The expressions of a statement that compute values, where somebody wants them. */
function valuesOf(s: Stmt, wanted: ReadonlySet<string>): readonly Expr[] {
  switch (s.kind) {
    case "store":
      return [s.value];
    case "let":
    case "assign":
      return wanted.has(s.name) ? [s.value] : [];
    case "carry":
      return wanted.has(s.name) ? [s.init] : [];
    case "reduce":
      return s.init;
    default:
      return [];
  }
}

/** The values that a reduction combines; where the best one stands is index arithmetic. */
const reducedOf = ({ values }: Reduce, positions: ReadonlySet<string>): readonly Expr[] =>
  values.filter((e) => e.dtype !== "int32" || !isPosition(e, positions));

/** Names whose values come to be stored or combined: those that are only indices are not among them. */
function valueNames(kernel: Kernel, positions: ReadonlySet<string>): ReadonlySet<string> {
  const names = new Set<string>();
  const sources: { readonly names: readonly string[]; readonly values: readonly Expr[] }[] = [];
  for (const s of statements(kernel.body)) {
    if (s.kind === "store") addNames([s.value], names, positions);
    else if (s.kind === "reduce") addNames([...s.init, ...reducedOf(s, positions)], names, positions);
    else if (s.kind === "let" || s.kind === "assign") sources.push({ names: [s.name], values: [s.value] });
    else if (s.kind === "carry") sources.push({ names: [s.name], values: [s.init] });
  }
  for (let before = -1; before !== names.size;) {
    before = names.size;
    for (const s of sources.toReversed()) if (s.names.some((n) => names.has(n))) addNames(s.values, names, positions);
  }
  return names;
}

/** Adds the scalars that the values are computed from; what a load's index reads is no part of them. */
function addNames(values: readonly Expr[], names: Set<string>, positions: ReadonlySet<string>): void {
  for (const e of walked(values, (x) => computedFrom(x, positions))) if (e.op === "var") names.add(e.name);
}

/** Lets that follow from the loops' indices alone. */
function positionNames(kernel: Kernel): ReadonlySet<string> {
  const names = new Set<string>();
  for (const s of statements(kernel.body)) if (s.kind === "let" && isPosition(s.value, names)) names.add(s.name);
  return names;
}

const isPosition = (e: Expr, names: ReadonlySet<string>): boolean => [...walked([e])].every((x) => x.op !== "load" && (x.op !== "var" || names.has(x.name)));

/** The operands whose values an expression computes with: a load's index is none, nor is a choice that the position makes. */
function computedFrom(e: Expr, positions: ReadonlySet<string>): readonly Expr[] {
  if (e.op === "load") return [];
  const [condition] = e.args;
  return e.op === "select" && condition !== undefined && isPosition(condition, positions) ? e.args.slice(1) : e.args;
}

/** Operations that compute the values, each once. */
function* operationsIn(values: readonly Expr[], positions: ReadonlySet<string>): Generator<Expr> {
  const said = new Set<string>();
  for (const e of walked(values, (x) => computedFrom(x, positions))) if (isScalarOp(e.op) && e.op !== "bitcast" && !isSaid(e, said)) yield e;
}

/** Whether an equal expression was counted before; notes that this one is. */
function isSaid(e: Expr, said: Set<string>): boolean {
  const key = `${e.dtype} ${keyOf(e)}`;
  if (said.has(key)) return true;
  said.add(key);
  return false;
}

/** Every expression that the roots are made of, once; `enter` says with which operands to go on. */
function walked(roots: readonly Expr[], enter: (e: Expr) => readonly Expr[] = (e) => e.args): Set<Expr> {
  const seen = new Set<Expr>();
  const stack = [...roots];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    stack.push(...enter(e));
  }
  return seen;
}

/** The loops below a grid point, one after the other: how many passes over data it makes. */
export function stagesOf(kernel: Kernel): number {
  let stages = 0;
  const visit = (list: readonly Stmt[]): void => {
    for (const s of list) {
      if (s.kind === "for" && s.axis.kind === "grid") visit(s.body);
      else if (s.kind === "for" || s.kind === "reduce") stages++;
      else for (const body of bodiesOf(s)) visit(body);
    }
  };
  visit(kernel.body);
  return Math.max(1, stages);
}
