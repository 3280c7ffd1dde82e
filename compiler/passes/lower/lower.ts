/**
 * lower: a region of the graph becomes a kernel of loops.
 *
 *   %0 = reduce max %x {axes=[1]}          for %a in 0..4 [grid] {
 *   …                               →        reduce %m = max over %k in 0..8 { load %x[%a*8 + %k] }
 *   return exp(%x - %0)                      for %b in 0..8 { store %y[%a*8 + %b] = exp(load %x[%a*8 + %b] - %m) }
 *                                          }
 *
 * It works by demand: each output asks for its element at its form, operands are asked for at the index that the op's row gives,
 * and each answer is placed by `Scope`. A value asked for twice at one index is computed once.
 */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { argument, axisIndex, load, s, variable } from "../../ir/expr.ts";
import { addIndex, conjoin, flatten, freeNames, ix, keyOf, subIndex, within } from "../../ir/indexing.ts";
import type { Axis, AxisKind, Kernel, KernelBuffer, KernelScalar, Stmt } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import { flag, int, intLists, ints, result, text } from "../../ir/node.ts";
import type { Monoid, Piece, ViewPrimitive } from "../../ir/primitive.ts";
import { sizeOf } from "../../ir/shape.ts";
import { clampIndex } from "../../ops/views.ts";
import type { Region, RegionOutput } from "../region.ts";
import { isPassThrough, isScalarParam } from "../region.ts";
import { RowCache } from "./row-cache.ts";
import { Scope } from "./scope.ts";
import { sumMonoid } from "./sum.ts";
import { tidy } from "./tidy.ts";

/** Beyond this many operations an expression gets a name, so that no later pass meets a deep one. */
const namedBeyond = 24;

/** A kernel with the params whose values fill its scalars. */
export interface Lowered {
  readonly kernel: Kernel;
  readonly scalars: readonly Node[];
}

export function lower(region: Region, scratchBytes: number): Lowered {
  const probe = new Lowering(region, new RowCache(new Set()));
  const kernel = probe.run();
  const repeated = probe.repeatedRows(scratchBytes);
  if (repeated.size === 0) return { kernel, scalars: probe.scalarNodes() };
  const again = new Lowering(region, new RowCache(repeated));
  return { kernel: again.run(), scalars: again.scalarNodes() };
}

/** The kernel that brings the updates of a scatter into a buffer that already holds its operand. */
export function lowerScatter(region: Region, node: Node): Lowered {
  const lowering = new Lowering(region, new RowCache(new Set()));
  return { kernel: lowering.runScatter(node), scalars: lowering.scalarNodes() };
}

class Lowering {
  readonly #region: Region;
  readonly #cache: RowCache;
  readonly #ids = new Map<Node, number>();
  readonly #uses = new Map<Value, number>();
  readonly #sizes = new WeakMap<Expr, number>();
  readonly #buffers = new Map<Value, KernelBuffer>();
  readonly #scalars = new Map<Node, KernelScalar>();
  readonly #root = new Scope(null, []);
  readonly #gridNames: ReadonlySet<string>;
  /** A running value that comes from the end is met by loops that come from the end. */
  readonly #backwards: boolean;
  #fresh = 0;

  constructor(region: Region, cache: RowCache) {
    this.#region = region;
    this.#cache = cache;
    this.#gridNames = new Set(region.grid.map((g) => g.name));
    this.#backwards = [...region.nodes].some((n) => n.op.kind === "prefix" && flag(n.attrs, "reverse"));
    for (const n of region.nodes) {
      this.#ids.set(n, this.#ids.size);
      for (const a of n.args) this.#uses.set(a, (this.#uses.get(a) ?? 0) + 1);
    }
    region.inputs.forEach((v, i) => this.#buffers.set(v, { name: `in${i}`, dtype: v.dtype, size: sizeOf(v.shape), access: "read" }));
  }

  run(): Kernel {
    const outputs = this.#region.outputs.map((o, i): KernelBuffer => ({ name: `out${i}`, dtype: o.value.dtype, size: sizeOf(o.value.shape), access: "write" }));
    const grid = this.#region.grid.filter((g) => g.extent !== 1);
    const scopes: Scope[] = [this.#root];
    for (const g of grid) scopes.push(new Scope(at(scopes, scopes.length - 1), [g.name]));
    const inner = at(scopes, scopes.length - 1);
    for (const a of this.#region.anchors) this.#value(a.value, a.form, undefined, inner);
    for (const group of groupByLoops(this.#region.outputs, this.#gridNames)) this.#store(group, outputs, inner);
    this.#cache.declare(inner.statements);
    for (let i = grid.length - 1; i >= 0; i--) {
      const g = at(grid, i);
      at(scopes, i).statements.push({ kind: "for", axis: loopAxis(g.name, g.extent, "grid"), body: at(scopes, i + 1).statements });
    }
    const read = this.#region.inputs.map((v) => lookup(this.#buffers, v, "an input's buffer"));
    return { name: this.#region.name, buffers: [...read, ...outputs], scalars: [...this.#scalars.values()], body: tidy(this.#root.statements) };
  }

  runScatter(node: Node): Kernel {
    if (node.op.kind !== "scatter") throw new CompilerBug("not a scatter");
    const target = result(node, 0);
    const updates = at(node.args, node.op.updates);
    const { mode, distinct } = node.op;
    const space = updates.shape.map((n, i) => (n === 1 ? ix(0) : axisIndex(`g${i}`, 0, n - 1)));
    const loops = space.filter((e) => e.op === "axis");
    const body = new Scope(
      this.#root,
      loops.map((l) => l.name),
    );
    const read = (k: number, i: readonly Expr[]): Expr => this.#name(this.#value(at(node.args, k), i, undefined, body), body);
    const goal = node.op.target(space, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read });
    const value = this.#value(updates, space, undefined, body);
    const store = { kind: "store", buffer: "out0", index: flatten(goal, target.shape), value } as const;
    body.statements.push(mode === "set" ? store : { ...store, atomic: mode });
    let inner: Stmt[] = body.statements;
    for (const l of loops.toReversed())
      inner = [{ kind: "for", axis: loopAxis(l.name, l.hi + 1, mode === "set" && !distinct ? "serial" : "grid"), body: inner }];
    const inputs = this.#region.inputs.map((v) => lookup(this.#buffers, v, "an input's buffer"));
    const out: KernelBuffer = { name: "out0", dtype: target.dtype, size: sizeOf(target.shape), access: "update" };
    return { name: this.#region.name, buffers: [...inputs, out], scalars: [...this.#scalars.values()], body: tidy([...this.#root.statements, ...inner]) };
  }

  /** The scalar params that the kernel reads, in the order of `Kernel.scalars`. */
  scalarNodes(): readonly Node[] {
    return [...this.#scalars.keys()];
  }

  /** Values that several loops over one row compute again, and that fit into scratch. */
  repeatedRows(scratchBytes: number): Set<Value> {
    return this.#cache.worthwhile(scratchBytes);
  }

  #store(given: OutputGroup, buffers: readonly KernelBuffer[], grid: Scope): void {
    const group = this.#backwards ? backwards(given) : given;
    const scopes = [grid];
    for (const a of group.loops) scopes.push(new Scope(at(scopes, scopes.length - 1), [a.name]));
    const body = at(scopes, scopes.length - 1);
    this.#cache.enter(body, group.loops);
    for (const o of group.outputs) {
      const value = this.#value(o.value, o.form, undefined, body);
      const buffer = at(
        buffers,
        this.#region.outputs.findIndex((r) => r.value === o.value),
      );
      body.statements.push({ kind: "store", buffer: buffer.name, index: flatten(o.form, o.value.shape), value });
    }
    for (let i = group.loops.length - 1; i >= 0; i--) {
      const a = at(group.loops, i);
      at(scopes, i).statements.push({ kind: "for", axis: loopAxis(a.name, a.hi + 1, "serial"), body: at(scopes, i + 1).statements });
    }
    this.#cache.leave(body);
  }

  /** An element of a value, computed where its index is known, named where it is worth a name. */
  #value(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const names = new Set<string>();
    for (const e of index) freeNames(e, names);
    if (guard) freeNames(guard, names);
    const home = scope.home(names);
    const key = `${this.#id(v.node)}.${v.index}[${index.map(keyOf).join(",")}]${guard ? `?${keyOf(guard)}` : ""}`;
    const known = home.memo.get(key);
    if (known !== undefined) return known;
    const cached = guard === undefined ? this.#cache.read(v, index, home) : null;
    let expr = cached ?? this.#compute(v, index, guard, home);
    const shared = (this.#uses.get(v) ?? 0) > 1 || home !== scope || this.#size(expr) > namedBeyond;
    if (shared && !isTrivial(expr)) expr = this.#name(expr, home, wordOf(v.node));
    if (cached === null && guard === undefined && isCacheable(v.node)) this.#cache.write(v, index, expr, home);
    home.memo.set(key, expr);
    return expr;
  }

  #compute(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (isScalarParam(node)) return this.#scalar(node, v);
    const buffer = this.#buffers.get(v);
    if (buffer !== undefined) return guardedLoad(buffer, flatten(index, v.shape), guard);
    const ask = (operand: Value, i: readonly Expr[], g: Expr | undefined): Expr => this.#value(operand, i, g, scope);
    switch (node.op.kind) {
      case "source":
        return node.op.element(index, v.type, node.attrs);
      case "elementwise": {
        const args = node.args.map((a) => ask(a, index, guard));
        return at(
          node.op.scalar(
            args,
            node.attrs,
            node.args.map((a) => a.type),
          ),
          v.index,
        );
      }
      case "view":
      case "gather":
        return this.#pieces(node, node.op, index, guard, scope);
      case "reduction":
        return this.#reduction(v, index, guard, scope);
      case "segment":
        return this.#segment(v, index, guard, scope);
      case "contraction":
        return this.#contraction(node, index, guard, scope);
      case "prefix":
        return this.#prefix(v, index, guard, scope);
      default:
        if (isPassThrough(node) || node.op.kind === "barrier") return ask(at(node.args, 0), index, guard);
        throw new CompilerBug(`lower: ${node.op.name} cannot stand inside a kernel of loops`);
    }
  }

  #pieces(node: Node, op: ViewPrimitive, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const read = (k: number, i: readonly Expr[]): Expr => {
      const e = this.#value(at(node.args, k), i, guard, scope);
      return isTrivial(e) ? e : this.#name(e, scope);
    };
    const pieces = op.pieces(index, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read });
    const until = pieces.findIndex((p) => p.guard === undefined);
    const used = until < 0 ? pieces : pieces.slice(0, until + 1);
    let earlier: Expr | undefined;
    const answers = used.map((p) => {
      const own = p.guard ?? (inBounds(p, at(node.args, p.operand)) ? undefined : earlier);
      if (p.guard) earlier = conjoin(earlier, s.not(p.guard));
      return this.#value(at(node.args, p.operand), p.index, conjoin(guard, own), scope);
    });
    return answers.reduceRight((no, yes, i) => s.select(at(used, i).guard ?? neverMissing(), yes, no));
  }

  #reduction(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (node.op.kind !== "reduction") throw new CompilerBug("not a reduction");
    const operand = at(node.args, 0);
    const axes = ints(node.attrs, "axes");
    const loops = axes.map((a) => this.#axis(at(operand.shape, a)));
    let kept = 0;
    const inner = operand.shape.map((_, i) => {
      const k = axes.indexOf(i);
      return k >= 0 ? at(loops, k) : at(index, kept++);
    });
    const monoid = node.op.monoid(operand.type, node.attrs);
    const position = flatten(
      loops,
      axes.map((a) => at(operand.shape, a)),
    );
    const tuple = this.#reduce(monoid, wordOf(node), loops, scope, (body) => monoid.seed(this.#value(operand, inner, guard, body), position));
    return at(monoid.finish(tuple), v.index);
  }

  /** A reduction over the positions of one row, whose bounds are loaded. */
  #segment(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (node.op.kind !== "segment") throw new CompilerBug("not a reduction of segments");
    const [values, offsets] = [at(node.args, 0), at(node.args, 1)];
    const [row, ...inner] = index;
    if (row === undefined) throw new CompilerBug("a row of nothing");
    const length = at(values.shape, 0);
    const first = this.#bound(offsets, row, length, guard, scope);
    const end = this.#bound(offsets, addIndex(row, 1), length, guard, scope);
    const along = axisIndex(`k${this.#fresh++}`, 0, length - 1);
    const monoid = node.op.monoid(values.type, node.attrs);
    const element = (body: Scope): readonly Expr[] => monoid.seed(this.#value(values, [along, ...inner], guard, body), subIndex(along, first));
    const tuple = this.#reduce(monoid, wordOf(node), [{ index: along, lo: first, hi: end }], scope, element);
    return at(monoid.finish(tuple), v.index);
  }

  /** Where a row starts or ends, kept inside of what there is. */
  #bound(offsets: Value, row: Expr, length: number, guard: Expr | undefined, scope: Scope): Expr {
    if (length === 0) return ix(0);
    return this.#name(clampIndex(this.#value(offsets, [row], guard, scope), 0, length), scope, "row");
  }

  #contraction(node: Node, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const [a, b] = [at(node.args, 0), at(node.args, 1)];
    const [contractA, contractB] = pair(intLists(node.attrs, "contract"));
    const [batchA, batchB] = pair(intLists(node.attrs, "batch"));
    const loops = contractA.map((k) => this.#axis(at(a.shape, k)));
    let free = batchA.length;
    const place = (shape: readonly number[], contract: readonly number[], batch: readonly number[]): Expr[] =>
      shape.map((_, i) => {
        if (contract.includes(i)) return at(loops, contract.indexOf(i));
        return batch.includes(i) ? at(index, batch.indexOf(i)) : at(index, free++);
      });
    const indexA = place(a.shape, contractA, batchA);
    const indexB = place(b.shape, contractB, batchB);
    const monoid = sumMonoid(a.dtype);
    const tuple = this.#reduce(monoid, wordOf(node), loops, scope, (body) => [s.mul(this.#value(a, indexA, guard, body), this.#value(b, indexB, guard, body))]);
    return at(tuple, 0);
  }

  /** Appends a reduce statement to `scope`; `element` computes one iteration's tuple in its body. */
  #reduce(monoid: Monoid, word: string, loops: readonly (Expr | Loop)[], scope: Scope, element: (body: Scope) => readonly Expr[]): Expr[] {
    const used = loops.map(whole).filter((l) => l.index.op === "axis");
    const body = new Scope(
      scope,
      used.map((l) => l.index.name),
    );
    this.#cache.enter(
      body,
      used.map((l) => l.index),
    );
    const values = element(body);
    this.#cache.leave(body);
    const names = monoid.dtypes.map(() => `${word}_${this.#fresh++}`);
    const n = monoid.dtypes.length;
    const templates = (from: number): Expr[] => monoid.dtypes.map((d, i) => argument(from + i, d));
    scope.statements.push({
      kind: "reduce",
      names,
      init: monoid.init,
      axes: used.map(({ index, lo, hi }) => ({ name: index.name, kind: "serial", lo, hi, step: 1 })),
      body: body.statements,
      values,
      combine: monoid.combine(templates(0), templates(n)),
      exact: monoid.exact,
    });
    names.forEach((name) => scope.define(name));
    return names.map((name, i) => variable(name, at(monoid.dtypes, i)));
  }

  /** A running value: a carry before the loop that walks its axis, one step in each iteration. */
  #prefix(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (node.op.kind !== "prefix") throw new CompilerBug("not a prefix");
    const operand = at(node.args, 0);
    const along = at(index, int(node.attrs, "axis"));
    const walker = [...freeNames(along)];
    const monoid = node.op.monoid(operand.type, node.attrs);
    const element = this.#value(operand, index, guard, scope);
    const seed = monoid.seed(element, along);
    if (walker.length === 0) return at(monoid.finish(monoid.combine(monoid.init, seed)), v.index);
    const loop = scope.owner(at(walker, 0));
    if (loop.parent === null) throw new CompilerBug("a prefix outside of its loop");
    const names = monoid.dtypes.map(() => `${wordOf(node)}_${this.#fresh++}`);
    names.forEach((name, i) => loop.parent?.statements.push({ kind: "carry", name, init: at(monoid.init, i) }));
    const old = names.map((name, i) => variable(name, at(monoid.dtypes, i)));
    const next = monoid.combine(old, seed).map((e) => this.#name(e, loop));
    next.forEach((e, i) => loop.statements.push({ kind: "assign", name: at(names, i), value: e }));
    return at(monoid.finish(next), v.index);
  }

  #axis(extent: number): Expr {
    return extent === 1 ? ix(0) : axisIndex(`k${this.#fresh++}`, 0, extent - 1);
  }

  #id(node: Node): number {
    const id = this.#ids.get(node) ?? this.#ids.size;
    this.#ids.set(node, id);
    return id;
  }

  #scalar(node: Node, v: Value): Expr {
    const known = this.#scalars.get(node);
    const scalar = known ?? { name: `s_${text(node.attrs, "name")}`, dtype: v.dtype };
    if (!known) this.#scalars.set(node, scalar);
    return variable(scalar.name, scalar.dtype);
  }

  /** Gives an expression a name that tells what it is; the number keeps it apart from the functions of any target. */
  #name(expr: Expr, scope: Scope, word: string = expr.op): Expr {
    if (isTrivial(expr)) return expr;
    const name = `${expr.op === "load" ? expr.name : word}_${this.#fresh++}`;
    scope.statements.push({ kind: "let", name, value: expr });
    scope.define(name);
    return variable(name, expr.dtype, expr.lo, expr.hi);
  }

  #size(e: Expr): number {
    const known = this.#sizes.get(e);
    if (known !== undefined) return known;
    let size = 1;
    for (const a of e.args) size += this.#size(a);
    this.#sizes.set(e, size);
    return size;
  }
}

/** `sum` for a `reduce sum`, else the name of the op. */
const wordOf = (node: Node): string => node.op.name.replace(/^(?:segment reduce|segment|reduce|prefix) /, "").replaceAll(" ", "_");
const isTrivial = (e: Expr): boolean => e.op === "const" || e.op === "var" || e.op === "axis";
const isCacheable = (node: Node): boolean => node.op.kind === "elementwise";

function loopAxis(name: string, extent: number, kind: AxisKind): Axis {
  return { name, kind, lo: ix(0), hi: ix(extent), step: 1 };
}

/** A loop inside of a grid point. */
interface Loop {
  readonly index: Expr;
  readonly lo: Expr;
  readonly hi: Expr;
}

/** The loop over all values of an axis. */
const whole = (loop: Expr | Loop): Loop => ("index" in loop ? loop : { index: loop, lo: ix(0), hi: ix(loop.hi + 1) });

function guardedLoad(buffer: KernelBuffer, index: Expr, guard: Expr | undefined): Expr {
  const safe = guard === undefined || (index.lo >= 0 && index.hi < buffer.size);
  return safe ? load(buffer.name, buffer.dtype, index) : load(buffer.name, buffer.dtype, index, guard);
}

/** Whether a piece's index lies inside its operand for every value of the loops. */
const inBounds = (p: Piece, operand: Value): boolean => p.index.every((e, i) => within(e, 0, at(operand.shape, i)) === undefined);

function neverMissing(): never {
  throw new CompilerBug("a piece without guard is the last");
}

function pair<T>(list: readonly T[]): readonly [T, T] {
  return [at(list, 0), at(list, 1)];
}

interface OutputGroup {
  readonly loops: readonly Expr[];
  readonly outputs: readonly RegionOutput[];
}

/** The same loops, each index counted from the other end. */
function backwards(group: OutputGroup): OutputGroup {
  const names = new Set(group.loops.map((l) => l.name));
  const turn = (e: Expr): Expr => (e.op === "axis" && names.has(e.name) ? subIndex(ix(e.hi), e) : e);
  return { loops: group.loops, outputs: group.outputs.map((o) => ({ value: o.value, form: o.form.map(turn) })) };
}

/** Outputs that the same loops inside a grid point store, in their first order. */
function groupByLoops(outputs: readonly RegionOutput[], grid: ReadonlySet<string>): OutputGroup[] {
  const groups = new Map<string, { loops: Expr[]; outputs: RegionOutput[] }>();
  for (const o of outputs) {
    const loops = o.form.filter((e) => e.op === "axis" && !grid.has(e.name));
    const key = loops.map((e) => e.name).join(",");
    const group = groups.get(key) ?? { loops, outputs: [] };
    group.outputs.push(o);
    groups.set(key, group);
  }
  return namedApart([...groups.values()]);
}

/** Loops of different groups have names of their own: `tidy` may put one group's loop into another's. */
function namedApart(groups: readonly OutputGroup[]): OutputGroup[] {
  const taken = new Set<string>();
  return groups.map(({ loops, outputs }, k) => {
    const names = new Map(loops.map((l) => [l.name, taken.has(l.name) ? { ...l, name: `${l.name}n${k}` } : l]));
    for (const l of loops) taken.add(l.name);
    const f = exprMapper((e) => (e.op === "axis" ? (names.get(e.name) ?? e) : e));
    return { loops: loops.map(f), outputs: outputs.map((o) => ({ ...o, form: o.form.map(f) })) };
  });
}
