/**
 * running: what a running value takes in, and what is made of it, by vectors, a strip at a time, on CPUs that have them.
 *
 *   carry %s = 0    for %i in 0..512 { %s = %s + exp(load %x[%i])  store %out[%i] = log(%s) }
 *     → carry %s = 0    local %waits: f32[256]    local %goes: f32[256]
 *       for %ib in 0..512 step 256 {
 *         for %ie in 0..256 { store %waits[%ie] = exp(load %x[%ib + %ie]) }
 *         for %ir in 0..256 { %s = %s + load %waits[%ir]  store %goes[%ir] = %s }
 *         for %il in 0..256 { store %out[%ib + %il] = log(load %goes[%il]) } }
 *
 * A running value is computed one element after another; what does not wait for it need not be. No bit changes.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { dependsOn, ix } from "../../ir/indexing.ts";
import type { Assign, Axis, For, Kernel, Let, Local, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { exprMapper, exprReplacer, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import type { Chains } from "./chains.ts";
import { chainsAlong, keyIn } from "./chains.ts";
import { copied, loop } from "./copy.ts";
import { costOfFunction, isMadeOfOthers, spelledOperations } from "./cost.ts";
import { namesBehind, updatedBuffers, varyingNames } from "./independent.ts";
import { isPlain, readsAny } from "./nest.ts";
import { letsFor, overStrip, stripOf } from "./strip.ts";

/** Elements of a strip, at the most: rows of middle length are one, where few values wait … */
const [longest, few] = [1024, 2];
/** … and of so many at the most, that all stay in the nearest cache. */
const [shorter, most] = [256, 12];

/** Fewer operations on a running value are not worth the way through scratch. */
const fewestBehind = 2;

/** The kernel with strips for its running values, or the kernel itself where nothing waits. */
export function runningInStrips(kernel: Kernel, target: Target): Kernel {
  const updated = updatedBuffers(kernel);
  const mapList = (list: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(list, (one) => {
      const inner = mapBodies(one, mapList);
      return inner.kind === "for" ? (inStrips(inner, updated, target) ?? inner) : inner;
    });
  const body = mapList(kernel.body);
  return body === kernel.body ? kernel : { ...kernel, body };
}

function inStrips(given: For, updated: ReadonlySet<string>, target: Target): Stmt[] | null {
  const { axis } = given;
  if (axis.kind !== "serial" || !isPlain(axis)) return null;
  const parts = partsOf(given, updated);
  if (parts === null) return null;
  const running = new Running(parts, axis, target);
  const size = stripOf(axis.hi.value, running.waits > few ? shorter : longest);
  return size > 0 && running.waits <= most && running.isWorthIt ? running.statements(size) : null;
}

/** A loop of a running value. */
interface Parts {
  readonly lets: readonly Let[];
  readonly assigns: readonly Assign[];
  readonly stores: readonly Store[];
  /** In the order in which they stand. */
  readonly body: readonly (Let | Assign | Store)[];
}

/** The statements of a loop that carries values; null where it does more than that, or meets what it stores. */
function partsOf({ body }: For, updated: ReadonlySet<string>): Parts | null {
  const lets = body.filter((s) => s.kind === "let");
  const assigns = body.filter((s) => s.kind === "assign");
  const stores = body.filter((s) => s.kind === "store");
  const stored = new Set(stores.map((s) => s.buffer));
  const isPlainStore = (s: Store): boolean => s.atomic === undefined && s.guard === undefined && !updated.has(s.buffer);
  if (assigns.length === 0 || !stores.every(isPlainStore) || readsAny(body, stored)) return null;
  const all = body.filter((s) => s.kind === "let" || s.kind === "assign" || s.kind === "store");
  return all.length === body.length ? { lets, assigns, stores, body: all } : null;
}

class Running {
  readonly #parts: Parts;
  readonly #axis: Axis;
  readonly #target: Target;
  readonly #varying: ReadonlySet<string>;
  /** What waits for the running values. */
  readonly #waiting: ReadonlySet<string>;
  readonly #carried: ReadonlySet<string>;
  /** The lets that the next running values need, and those that wait beside them. */
  readonly #core: readonly Let[];
  /** What is stored of what is made of running values. */
  readonly #late: readonly Store[];
  /** Values of an element that are computed before. */
  readonly #early = new Map<Expr | string, Expr>();
  /** Running values of an element that something is made of. */
  readonly #made: readonly Expr[];
  /** The functions of what is computed before; null where there are no two of them. */
  readonly #chains: Chains | null;

  constructor(parts: Parts, axis: Axis, target: Target) {
    this.#parts = parts;
    this.#axis = axis;
    this.#target = target;
    this.#varying = varyingNames(parts.body, axis.name);
    this.#carried = new Set(parts.assigns.map((s) => s.name));
    this.#waiting = namesBehind(parts.lets, this.#carried);
    this.#core = letsFor(
      parts.assigns.map((s) => s.value),
      parts.lets,
    ).filter((l) => this.#waiting.has(l.name));
    this.#late = parts.stores.filter((s) => this.#isLate(s));
    const values = this.#late.map((s) => s.value);
    const made = [...values, ...letsFor(values, this.#besideCore()).map((l) => l.value)];
    const core = new Set(this.#core.map((l) => l.name));
    this.#made = [...new Map(exprOrder(made).flatMap((e) => (e.op === "var" && core.has(e.name) ? [[e.name, e]] : []))).values()];
    for (const s of this.#running()) this.#find(s.value);
    this.#chains = chainsAlong({ axis: axis.name, target }, this.#before(ix(0)), []);
  }

  /** How many values of an element wait in scratch. */
  get waits(): number {
    return this.#early.size + this.#made.length;
  }

  get isWorthIt(): boolean {
    // running values that are functions themselves go side by side, a row each
    if (exprOrder([...this.#core, ...this.#parts.assigns].map((s) => s.value)).some((e) => isMadeOfOthers(e.op) && this.#reaches(e))) return false;
    return this.waits > 0;
  }

  /** The loops of a strip, for all strips of the axis. */
  statements(size: number): Stmt[] {
    const { name, hi } = this.#axis;
    const n = hi.value;
    if (n === size) return [...this.#locals(size), ...this.#strip(size, ix(0))];
    const whole = n - (n % size);
    const first = axisIndex(`${name}b`, 0, Math.max(0, whole - size));
    const turns = loop("serial", { name: first.name, lo: ix(0), hi: ix(whole) }, size, this.#strip(size, first));
    const rest = n === whole ? [] : copied({ body: this.#strip(n - whole, ix(whole)), values: [] }, { suffix: "_z", axes: new Map() }).body;
    return [...this.#locals(size), turns, ...rest];
  }

  #locals(size: number): Local[] {
    const local = (name: string, { dtype }: Expr): Local => ({ kind: "local", name, dtype, size, space: "scratch" });
    const waits = [...[...this.#early.values()].map((e, i) => local(this.#earlyName(i), e)), ...this.#made.map((e, i) => local(this.#madeName(i), e))];
    return [...waits, ...this.#functions(size)];
  }

  readonly #earlyName = (i: number): string => `${at(this.#parts.assigns, 0).name}_waits${i}`;
  readonly #madeName = (i: number): string => `${at(this.#parts.assigns, 0).name}_goes${i}`;

  #functions = (size: number): readonly Local[] => this.#chains?.locals(size, `${at(this.#parts.assigns, 0).name}_chain`) ?? [];

  #strip(size: number, first: Expr): Stmt[] {
    const strip = { axis: this.#axis, size, first };
    const functions = this.#functions(size);
    const reading = (index: Expr): ((e: Expr) => Expr) => this.#chains?.reading(functions, { stage: this.#chains.length, index }) ?? ((e) => e);
    const before = [...(this.#chains?.loops(strip, functions) ?? []), overStrip(strip, "e", (index) => mapStatements(this.#before(index), reading(index)))];
    const after = overStrip(strip, "l", (index) => this.#after(index));
    return [...(this.#early.size > 0 ? before : []), overStrip(strip, "r", (index) => this.#between(index)), ...(this.#late.length > 0 ? [after] : [])];
  }

  #before(index: Expr): Stmt[] {
    const stores = [...this.#early.values()].map((value, i): Store => ({ kind: "store", buffer: this.#earlyName(i), index, value: this.#whole(value) }));
    return [...letsFor(expressionsIn(stores), this.#parts.lets), ...stores];
  }

  #between(index: Expr): Stmt[] {
    const f = this.#reading(index);
    const kept = this.#made.map((value, i): Store => ({ kind: "store", buffer: this.#madeName(i), index, value }));
    const list = this.#running().map((s) => ({ ...s, value: f(s.value) }));
    const lets = this.#parts.lets.filter((l) => !this.#waiting.has(l.name));
    return [...letsFor(expressionsIn([...list, ...kept]), lets), ...list, ...kept];
  }

  #after(index: Expr): Stmt[] {
    const loads = new Map(this.#made.map((e, i) => [e.name, load(this.#madeName(i), e.dtype, index)]));
    const f = exprMapper((e) => (e.op === "var" ? (loads.get(e.name) ?? e) : e));
    const stores = this.#late.map((s) => ({ ...s, value: f(s.value) }));
    const lets = this.#parts.lets.map((l) => ({ ...l, value: f(l.value) }));
    return [...letsFor(expressionsIn(stores), lets), ...stores];
  }

  /** What stays between: the running values, and stores that are no work. */
  #running(): (Let | Assign | Store)[] {
    const stores = this.#parts.stores.filter((s) => !this.#late.includes(s));
    const needed = new Set(letsFor(expressionsIn([...stores, ...this.#core, ...this.#parts.assigns]), this.#parts.lets));
    return this.#parts.body.filter((s) => (s.kind === "let" ? needed.has(s) && this.#waiting.has(s.name) : s.kind === "assign" || stores.includes(s)));
  }

  /** Whether enough is made of running values for a store. Not of those that are carried: before and after the change they have one name. */
  #isLate({ index, value }: Store): boolean {
    if (!this.#reaches(value) || this.#reaches(index)) return false;
    const roots = [value, ...letsFor([value], this.#besideCore()).map((l) => l.value)];
    const isPlace = (e: Expr): boolean => e.op === "load" && this.#reaches(at(e.args, 0));
    if (exprOrder(roots).some((e) => (e.op === "var" && this.#carried.has(e.name)) || isPlace(e))) return false;
    const isNarrow = value.dtype === "float16" && roots.length + value.args.length > 1;
    return isNarrow || spelledOperations(roots, this.#target) >= fewestBehind;
  }

  #besideCore(): readonly Let[] {
    return this.#parts.lets.filter((l) => !this.#core.includes(l));
  }

  /** Whether an expression waits for a running value. */
  #reaches(e: Expr): boolean {
    return dependsOn(e, this.#waiting);
  }

  /** Looks for what a running value is made of that does not wait for it. */
  #find(e: Expr): void {
    if (this.#reaches(e)) {
      if (e.op !== "load") e.args.forEach((a) => this.#find(a));
      return;
    }
    const { dtype } = e;
    const isElement = exprOrder([e]).some((x) => this.#varying.has(x.name)) && e.op !== "load" && e.op !== "axis";
    if (!isElement || dtypeInfo(dtype).bytes < 4 || this.#operations([e]) === 0) return;
    this.#early.set(keyIn(e), e);
  }

  /** Operations of an element, those behind names included; positions are none. */
  #operations(roots: readonly Expr[]): number {
    const values = [...roots, ...letsFor(roots, this.#parts.lets).map((l) => l.value)];
    const loads = exprOrder(values).filter((e) => e.op === "load");
    if (loads.length === 0 && roots.every((e) => e.dtype === "int32")) return 0;
    const halves = loads.filter((e) => e.dtype === "float16").length;
    return spelledOperations(values, this.#target) + halves * costOfFunction;
  }

  /** The value behind a name. */
  #whole(e: Expr): Expr {
    const own = e.op === "var" ? this.#parts.lets.find((l) => l.name === e.name) : undefined;
    return own?.value ?? e;
  }

  #reading(index: Expr): (e: Expr) => Expr {
    const places = new Map([...this.#early].map(([key, e], i) => [key, load(this.#earlyName(i), e.dtype, index)]));
    return exprReplacer((e) => places.get(keyIn(e)) ?? (e.op === "load" ? e : null));
  }
}
