/**
 * parts: a long loop of a kernel with hardly a grid becomes a launch of its own, so that threads have work.
 *
 *   @k { reduce %s over %k in 0..2^24 { … }  store %y[0] = %s * 2 }
 *     → @k_parts { for %p in 0..128 [grid] { reduce %s over %k in 0..2^17 { … }  store %part[%p] = %s } }
 *       @k { reduce %s over %k in 0..128 { load %part[%k] }  store %y[0] = %s * 2 }
 *
 * What a loop stores on its way is stored by its parts. Of a length that nothing divides, what equal parts leave is done where they
 * come together. Where a loop is cut follows from shapes and what is computed, so that the bits do not depend on the machine. For
 * targets whose lanes do not share memory: others deal out loops to lanes (`tile/lanes`), and `split`.
 */
import { at, CompilerBug, lookup } from "../ir/errors.ts";
import { exprOrder } from "../ir/expr-order.ts";
import { axisIndex, load, variable } from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import { addIndex, flatten, ix, mulIndex } from "../ir/indexing.ts";
import type { Axis, For, Kernel, KernelBuffer, Reduce, Stmt } from "../ir/loop.ts";
import { expressionsIn, statements } from "../ir/loop.ts";
import { buffersTouched } from "../ir/loop-walk.ts";
import type { TensorType } from "../ir/shape.ts";
import { tensorType } from "../ir/shape.ts";
import type { Fragment, Launch, Operand } from "../routines/fragment.ts";
import { ofTemp } from "../routines/fragment.ts";
import type { Target } from "../target.ts";
import { merge } from "./tile/combine.ts";
import { copied } from "./tile/copy.ts";
import { costOf, valuesIn } from "./tile/cost.ts";
import { isIndependent } from "./tile/independent.ts";
import { joinReductions } from "./tile/join.ts";
import { gridNest, isPlain, pointsOf } from "./tile/nest.ts";
import { orderOf } from "./tile/order.ts";

/** With this many grid points threads have work anyway; columns go many at a time. */
const enoughPoints = 16;
const enoughColumns = 512;
/** Elements of a part: enough of them to be worth a thread's while, fewer where much is computed. */
const [light, heavy] = [1 << 17, 1 << 14];
const muchFrom = 20;
const mostParts = 256;

/** A launch that was divided, and what came of it. */
interface Divided {
  readonly launch: Launch;
  readonly parts: readonly Launch[];
  /** Temporaries that it was given beside those that there were. */
  readonly temps: readonly TensorType[];
  readonly before: number;
}

/** What became of kernels, by their bodies. */
export type DividedKernels = Map<Kernel["body"], Divided>;

/** Of kernels with one body the parts have one body each. */
export function inParts(f: Fragment, target: Target, known: DividedKernels): Fragment {
  if (target.lanes > 1) return f;
  const temps: TensorType[] = [...f.temps];
  const launches = f.launches.flatMap((l) => {
    const divided = known.get(l.kernel.body) ?? dividedFrom(l, temps.length);
    known.set(l.kernel.body, divided);
    const before = temps.length;
    temps.push(...divided.temps);
    return divided.launch === l ? divided.parts : divided.parts.map((part) => anew(part, divided, l, before));
  });
  return { ...f, temps, launches };
}

function dividedFrom(launch: Launch, before: number): Divided {
  const division = new Division(launch, before);
  const parts = division.launches();
  return { launch, parts, temps: division.temps, before };
}

/** A part of a launch as one of another launch, whose kernel has the same body; `before`: temporaries that there are without it. */
function anew(part: Launch, from: Divided, to: Launch, before: number): Launch {
  const operand = (o: Operand): Operand => {
    const i = from.launch.buffers.indexOf(o);
    if (i >= 0) return at(to.buffers, i);
    if (o.of !== "temp") throw new CompilerBug("a part binds what its launch does not");
    return ofTemp(o.temp - from.before + before);
  };
  const name = to.kernel.name + part.kernel.name.slice(from.launch.kernel.name.length);
  return { kernel: { ...part.kernel, name }, buffers: part.buffers.map(operand), scalars: to.scalars };
}

/** A loop and the axis of it that is cut. */
interface Cut {
  readonly loop: For | Reduce;
  readonly axis: Axis;
  readonly count: number;
  /** Elements of a part along the axis. */
  readonly length: number;
  /** Where the parts of a reduction are. */
  readonly parts: readonly KernelBuffer[];
}

class Division {
  readonly temps: TensorType[] = [];
  readonly #launch: Launch;
  /** Temporaries that there are without its own. */
  readonly #before: number;
  readonly #nest: readonly For[];
  /** The statements of a grid point, reductions over as few axes as may be: a part is one piece of memory then. */
  readonly #body: readonly Stmt[];
  readonly #operands: Map<string, Operand>;
  readonly #cuts = new Map<Stmt, Cut>();

  constructor(launch: Launch, before: number) {
    const { kernel, buffers } = launch;
    this.#launch = launch;
    this.#before = before;
    this.#nest = gridNest(kernel.body);
    this.#body = joinReductions(this.#nest.at(-1)?.body ?? kernel.body);
    this.#operands = new Map(kernel.buffers.map((b, i) => [b.name, at(buffers, i)]));
  }

  launches(): readonly Launch[] {
    if (!this.#isOpen()) return [this.#launch];
    const loops = this.#body.filter((s) => s.kind === "for" || s.kind === "reduce");
    for (const f of loops) this.#cut(f, this.#elementsOf(f));
    if (this.#cuts.size === 0) return [this.#launch];
    // what stands before a loop that is cut would be done again in each of its parts
    const last = loops.findLastIndex((f) => this.#cuts.has(f));
    for (const f of loops.slice(0, last)) if (f.kind === "reduce" && !this.#cuts.has(f)) this.#cut(f, heavy);
    const own = loops.flatMap((f) => this.#cuts.get(f) ?? []).map((c) => this.#partsOf(c));
    const rest = this.#kept(this.#body.flatMap((s): readonly Stmt[] => (s.kind === "for" ? this.#left(s) : [s])));
    const stores = statements(rest).some((s) => s.kind === "store");
    return stores ? [...own, this.#made(this.#launch.kernel.name, this.#around(rest), [])] : own;
  }

  #isOpen(): boolean {
    const { kernel } = this.#launch;
    const points = this.#nest.reduce((n, f) => n * (isPlain(f.axis) ? f.axis.hi.value : Infinity), 1);
    const simple = statements(kernel.body).every((s) => s.kind !== "local" && s.kind !== "carry" && s.kind !== "barrier" && s.kind !== "if");
    const few = points < enoughPoints || (points < enoughColumns && orderOf(this.#nest) === "columns");
    return few && simple && kernel.buffers.every((b) => b.access === "read" || b.access === "write");
  }

  /** Elements of a part that are enough. */
  #elementsOf(loop: For | Reduce): number {
    const { body, values } = insideOf(loop);
    return costOf([...valuesIn(body), ...values]) >= muchFrom ? heavy : light;
  }

  /** Notes where a loop is cut into parts of so many elements, if it is long enough and can be. */
  #cut(loop: For | Reduce, part: number): void {
    const axes = axesOf(loop);
    const { body, values } = insideOf(loop);
    const long = axes.every((a) => isPlain(a) && a.kind === "serial") ? pointsOf(axes) : 0;
    const points = pointsOf(this.#nest.map((f) => f.axis));
    const wanted = points < enoughPoints ? Math.min(mostParts, Math.ceil(long / part)) : Math.min(enoughPoints, Math.floor((long * points) / part));
    if (wanted < 2 || !isIndependent(body, values, new Set())) return;
    const found = [divisorNear, leavingLeast]
      .flatMap((choose) => axes.map((axis) => ({ axis, count: choose(axis.hi.value, wanted) })))
      .find(({ count }) => count > 0);
    if (found === undefined) return;
    const { axis, count } = found;
    this.#cuts.set(loop, { loop, axis, count, length: Math.floor(axis.hi.value / count), parts: loop.kind === "reduce" ? this.#partsFor(loop, count) : [] });
  }

  /** Memory for the parts of a reduction's results. */
  #partsFor(r: Reduce, count: number): KernelBuffer[] {
    const size = this.#nest.reduce((n, f) => n * f.axis.hi.value, count);
    return r.names.map((name, i) => {
      const { dtype } = at(r.init, i);
      this.#operands.set(`${name}_part`, ofTemp(this.#before + this.temps.push(tensorType(dtype, [size])) - 1));
      return { name: `${name}_part`, dtype, size, access: "write" };
    });
  }

  /** The launch that runs a loop in parts. */
  #partsOf({ loop, axis, count, length, parts }: Cut): Launch {
    const p = axisIndex(freshName(this.#launch.kernel), 0, count - 1);
    const place = addIndex(mulIndex(p, length), axisIndex(axis.name, 0, length - 1));
    const part = restricted(loop, axis.name, length, place);
    const results =
      part.kind === "reduce" ? part.names.map((name, i): Stmt => this.#stored(at(parts, i), p, count, variable(name, at(part.init, i).dtype))) : [];
    const before = this.#body.slice(0, this.#body.indexOf(loop)).filter((s) => s.kind === "let" || s.kind === "reduce");
    const body = this.#kept([...before, part, ...results]);
    // parts go around: neighbouring grid points stay neighbours
    const grid: For = { kind: "for", axis: { name: p.name, kind: "grid", lo: ix(0), hi: ix(count), step: 1 }, body: this.#around(body) };
    return this.#made(`${this.#launch.kernel.name}_parts`, [grid], parts);
  }

  #stored(buffer: KernelBuffer, p: Expr, count: number, value: Expr): Stmt {
    return { kind: "store", buffer: buffer.name, index: this.#place(p, count), value };
  }

  /** Where the part of this grid point is. */
  #place(p: Expr, count: number): Expr {
    const axes = this.#nest.map((f) => axisIndex(f.axis.name, 0, f.axis.hi.value - 1));
    return flatten([p, ...axes], [count, ...this.#nest.map((f) => f.axis.hi.value)]);
  }

  /** Statements without what nothing after them reads; reductions that are cut combine their parts. */
  #kept(list: readonly Stmt[]): Stmt[] {
    const read = new Set<string>();
    const out: Stmt[] = [];
    for (const s of list.toReversed()) {
      const names = namedBy(s);
      const isWanted = names.length === 0 || names.some((n) => read.has(n)) || statements([s]).some((inner) => inner.kind === "store" && !this.#cuts.has(s));
      if (!isWanted) continue;
      const cut = this.#cuts.get(s);
      const next = cut !== undefined && s.kind === "reduce" ? this.#together(s, cut) : [s];
      out.unshift(...next);
      for (const e of exprOrder(expressionsIn(next))) if (e.op === "var") read.add(e.name);
    }
    return out;
  }

  #together(r: Reduce, { axis, count, parts }: Cut): Stmt[] {
    const k = axisIndex(axis.name, 0, count - 1);
    const values = parts.map((b) => load(b.name, b.dtype, this.#place(k, count)));
    const even: Reduce = { ...r, axes: [{ ...axis, hi: ix(count) }], body: [], values };
    const [rest] = this.#left(r);
    if (rest?.kind !== "reduce") return [even];
    const named = (end: string): string[] => r.names.map((name) => name + end);
    const tuple = (end: string): Expr[] => named(end).map((name, i) => variable(name, at(r.init, i).dtype));
    const both = merge(r, tuple("_even"), tuple("_rest"));
    return [
      { ...even, names: named("_even") },
      { ...rest, names: named("_rest") },
      ...both.map((value, i): Stmt => ({ kind: "let", name: at(r.names, i), value })),
    ];
  }

  /** What equal parts leave of a loop: nothing of one that they divide, and all of one that is not cut. */
  #left(loop: For | Reduce): readonly (For | Reduce)[] {
    const cut = this.#cuts.get(loop);
    if (cut === undefined) return [loop];
    const { axis, count, length } = cut;
    const left = axis.hi.value - count * length;
    return left === 0 ? [] : [restricted(loop, axis.name, left, addIndex(axisIndex(axis.name, 0, left - 1), count * length))];
  }

  #around(body: readonly Stmt[]): readonly Stmt[] {
    return this.#nest.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: below }], body);
  }

  /** A launch with the buffers that its kernel touches; `own` are written, parts of other reductions read. */
  #made(name: string, body: readonly Stmt[], own: readonly KernelBuffer[]): Launch {
    const { kernel, scalars } = this.#launch;
    const others = [...this.#cuts.values()].flatMap((c) => c.parts).filter((b) => !own.includes(b));
    const all: KernelBuffer[] = [...kernel.buffers, ...others.map((b): KernelBuffer => ({ ...b, access: "read" })), ...own];
    const touched = buffersTouched({ ...kernel, body });
    const buffers = all.filter((b) => touched.has(b.name));
    return { kernel: { ...kernel, name, buffers, body }, buffers: buffers.map((b) => lookup(this.#operands, b.name, "a buffer's operand")), scalars };
  }
}

function namedBy(s: Stmt): readonly string[] {
  if (s.kind === "reduce") return s.names;
  return s.kind === "let" ? [s.name] : [];
}

/** The axes of a reduction, or of a loop and those that it consists of. */
function axesOf(loop: For | Reduce): readonly Axis[] {
  if (loop.kind === "reduce") return loop.axes;
  const inner = loop.body.length === 1 ? loop.body[0] : undefined;
  return inner?.kind === "for" ? [loop.axis, ...axesOf(inner)] : [loop.axis];
}

function insideOf(loop: For | Reduce): { readonly body: readonly Stmt[]; readonly values: readonly Expr[] } {
  if (loop.kind === "reduce") return loop;
  const inner = loop.body.length === 1 ? loop.body[0] : undefined;
  return inner?.kind === "for" ? insideOf(inner) : { body: loop.body, values: [] };
}

/** The loop over a part of one axis. */
function restricted(loop: For | Reduce, axis: string, length: number, place: Expr): For | Reduce {
  const shorter = (a: Axis): Axis => (a.name === axis ? { ...a, hi: ix(length) } : a);
  const axes = new Map([[axis, place]]);
  if (loop.kind === "reduce") return { ...loop, axes: loop.axes.map(shorter), ...copied(loop, { suffix: "", axes }) };
  const nested = (f: For): For => ({ ...f, axis: shorter(f.axis), body: f.body.map((s) => (s.kind === "for" ? nested(s) : s)) });
  const { body } = copied({ body: loop.body, values: [] }, { suffix: "", axes });
  return nested({ ...loop, body });
}

/** A number of parts near the wanted one into which `n` can be cut; 0 where there is none. */
function divisorNear(n: number, wanted: number): number {
  for (let d = 0; d <= wanted / 2; d++) for (const count of [wanted + d, wanted - d]) if (count > 1 && count < n && n % count === 0) return count;
  return 0;
}

/** The number of parts near the wanted one that leave least of `n`; 0 where that would take as long as a part does. */
function leavingLeast(n: number, wanted: number): number {
  let best = wanted;
  for (let count = Math.ceil(wanted / 2); count <= 1.5 * wanted; count++) if (count > 1 && n % count < n % best) best = count;
  return (n % best) * best < n && best < n ? best : 0;
}

function freshName(kernel: Kernel): string {
  const taken = new Set<string>();
  for (const s of statements(kernel.body)) {
    if (s.kind === "for") taken.add(s.axis.name);
    if (s.kind === "let") taken.add(s.name);
    if (s.kind === "reduce") [...s.names, ...s.axes.map((a) => a.name)].forEach((n) => taken.add(n));
  }
  let name = "p";
  while (taken.has(name)) name += "_";
  return name;
}
