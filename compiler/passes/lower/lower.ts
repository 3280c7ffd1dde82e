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
import { argument, axisIndex, s, variable } from "../../ir/expr.ts";
import { addIndex, conjoin, flatten, ix, namesIn, subIndex, within } from "../../ir/indexing.ts";
import type { Kernel, KernelBuffer, KernelScalar, Stmt } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import { flag, int, ints, result, text } from "../../ir/node.ts";
import type { ContractionPrimitive, Monoid, Place, ViewPrimitive } from "../../ir/primitive.ts";
import { sizeOf } from "../../ir/shape.ts";
import { clampIndex } from "../../ops/views.ts";
import type { Target } from "../../target.ts";
import type { Region, RegionOutput, RegionSegment } from "../region.ts";
import { destinationsOf, isPassThrough, isScalarParam } from "../region.ts";
import { piecesInside } from "../fuse/demand.ts";
import type { Mark } from "./element.ts";
import { elementOf, guardedLoad, inBounds, isTrivial, Sizes, unmarked, wordOf } from "./element.ts";
import type { Asked } from "./heavy-first.ts";
import { heavyFirst, rowsFirst } from "./heavy-first.ts";
import type { Loop } from "./loop.ts";
import { axisOf, loopAxis, wholeLoop } from "./loop.ts";
import { closeNest, innermostOf, namesOf, openNest } from "./nest.ts";
import type { Buffers, FormLoop, OutputGroup } from "./outputs.ts";
import { backwards, groupByLoops, mapOutput, storeOf } from "./outputs.ts";
import type { Kept } from "./row-cache.ts";
import { isCacheable, RowCache } from "./row-cache.ts";
import { forwarded } from "./forward-rows.ts";
import { Scope } from "./scope.ts";
import { shareRows } from "./share-rows.ts";
import type { Walk } from "./stages.ts";
import { heldElements, stagesOf } from "./stages.ts";
import { partsNeeded } from "./running.ts";
import { sumMonoid } from "./sum.ts";
import { tidy } from "./tidy.ts";

/** Beyond this many operations an expression gets a name, so that no later pass meets a deep one. */
const namedBeyond = 24;

/** A kernel with the params whose values fill its scalars. */
export interface Lowered {
  readonly kernel: Kernel;
  readonly scalars: readonly Node[];
}

export function lower(region: Region, target: Target, mark: Mark = unmarked): Lowered {
  const held = new Map(region.held.map((h) => [h.value, heldElements(region, h)]));
  const probe = new Lowering(region, new RowCache(held, target), mark);
  const kernel = probe.run();
  const repeated = probe.repeatedRows();
  if (repeated.size === 0) return { kernel, scalars: probe.scalarNodes() };
  const again = new Lowering(region, new RowCache(new Map([...held, ...repeated]), target), mark);
  return { kernel: again.run(), scalars: again.scalarNodes() };
}

/** The kernel that brings the updates of a scatter into a buffer that already holds its operand. */
export function lowerScatter(region: Region, node: Node, mark: Mark = unmarked): Lowered {
  const lowering = new Lowering(region, new RowCache(new Map(), { lanes: 1, rowBytes: 0, scratchBytes: 0 }), mark);
  return { kernel: lowering.runScatter(node), scalars: lowering.scalarNodes() };
}

/** Where an element is computed, and what else is there at the same index. */
interface Home {
  readonly home: Scope;
  readonly there: ReadonlyMap<Value, Expr>;
  /** Whether another loop than the one that asks is around it. */
  readonly isHoisted: boolean;
}

class Lowering {
  readonly #region: Region;
  readonly #cache: RowCache;
  readonly #mark: Mark;
  readonly #uses = new Map<Value, number>();
  readonly #sizes = new Sizes();
  readonly #buffers = new Map<Value, KernelBuffer>();
  readonly #scalars = new Map<Node, KernelScalar>();
  readonly #root = new Scope(null, []);
  /** What a point of the grid does. */
  #point: Scope = this.#root;
  /** Rows by the loops that walk their elements. */
  readonly #segments = new Map<string, RegionSegment>();
  /** A running value that comes from the end is met by loops that come from the end. */
  readonly #backwards: boolean;
  #fresh = 0;

  constructor(region: Region, cache: RowCache, mark: Mark) {
    this.#region = region;
    this.#cache = cache;
    this.#mark = mark;
    this.#backwards = [...region.nodes].some((n) => n.op.kind === "prefix" && flag(n.attrs, "reverse"));
    for (const n of region.nodes) for (const a of n.args) this.#uses.set(a, (this.#uses.get(a) ?? 0) + 1);
    region.inputs.forEach((v, i) => this.#buffers.set(v, { name: `in${i}`, dtype: v.dtype, size: sizeOf(v.shape), access: "read" }));
  }

  run(): Kernel {
    const stored = destinationsOf(this.#region.outputs);
    const outputs = new Map(stored.map((v, i): [Value, KernelBuffer] => [v, { name: `out${i}`, dtype: v.dtype, size: sizeOf(v.shape), access: "write" }]));
    const grid = this.#region.grid.filter((g) => g.extent !== 1);
    const names = grid.map((g) => g.name);
    const scopes = openNest(this.#root, names);
    const inner = innermostOf(scopes);
    this.#point = inner;
    const before = this.#stages(outputs, inner);
    for (const group of groupByLoops(this.#region, before)) this.#store(group, outputs, inner);
    this.#cache.declare(inner.statements);
    for (let i = grid.length - 1; i >= 0; i--) {
      const g = at(grid, i);
      at(scopes, i).statements.push({ kind: "for", axis: loopAxis(g.name, g.extent, "grid"), body: at(scopes, i + 1).statements });
    }
    const read = this.#region.inputs.map((v) => lookup(this.#buffers, v, "an input's buffer"));
    const [buffers, scalars] = [[...read, ...outputs.values()], [...this.#scalars.values()]];
    return { name: this.#region.name, buffers, scalars, body: shareRows(forwarded(tidy(this.#root.statements))) };
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
  repeatedRows(): Map<Value, number> {
    return this.#cache.worthwhile();
  }

  /** What stands before the outputs; gives those that it stores. */
  #stages(buffers: Buffers, grid: Scope): Set<RegionOutput> {
    const stored = new Set<RegionOutput>();
    for (const stage of stagesOf(this.#region)) {
      if (stage.kind === "element") this.#value(stage.output.value, stage.output.form, undefined, grid);
      else for (const o of this.#hold(stage, buffers, grid)) stored.add(o);
    }
    return stored;
  }

  /** Fills rows in scratch, in one walk; gives the outputs that it stores. */
  #hold({ around, rows }: Walk, buffers: Buffers, grid: Scope): RegionOutput[] {
    const names = new Map<string, Expr>();
    const loopsFor = (list: readonly FormLoop[]): Loop[] =>
      list.flatMap(({ index, segment }) => {
        const axis = this.#along(index.hi + 1, segment?.offsets);
        names.set(index.name, axis);
        return axis.op === "axis" ? [this.#loop({ index: axis, segment }, grid)] : [];
      });
    const outer = loopsFor(around);
    const scopes = openNest(grid, namesOf(outer));
    this.#cache.enter(innermostOf(scopes), outer);
    const filled = rows.map(({ output, inside, stores }) => {
      const inner = loopsFor(inside);
      // rows of one form have loops of their own: what a mapper has found out about one is not so for the next
      const own = exprMapper((e) => (e.op === "axis" ? (names.get(e.name) ?? e) : e));
      const below = openNest(innermostOf(scopes), namesOf(inner));
      const body = innermostOf(below);
      const index = output.form.map(own);
      if (inner.length > 0) this.#cache.enter(body, inner);
      this.#cache.hold(output.value, [...outer, ...inner]);
      const value = this.#value(output.value, index, undefined, body);
      this.#cache.write(output.value, index, value, body);
      for (const o of stores) body.statements.push(storeOf(mapOutput(o, own), buffers, value));
      closeNest(inner, below);
      if (inner.length > 0) this.#cache.leave(body, outer);
      return body;
    });
    closeNest(outer, scopes);
    for (const body of filled) this.#cache.leave(body);
    return rows.flatMap((r) => r.stores);
  }

  #store(given: OutputGroup, buffers: Buffers, grid: Scope): void {
    const group = this.#backwards ? backwards(given) : given;
    const loops = group.loops.map((l) => this.#loop(l, grid));
    const scopes = openNest(grid, namesOf(loops));
    const body = innermostOf(scopes);
    this.#cache.enter(body, loops);
    for (const o of group.outputs) body.statements.push(storeOf(o, buffers, this.#value(o.value, o.form, undefined, body)));
    closeNest(loops, scopes);
    this.#cache.leave(body);
  }

  /**
   * An element of a value, computed where its index is known, named where it is worth a name. Operands at the same index come first,
   * from the start of the chain: no recursion is as deep as a chain of elementwise ops is long.
   */
  #value(v: Value, index: readonly Expr[], asked: Expr | undefined, scope: Scope): Expr {
    // what is there for every value of the loops needs no guard, which might keep it inside of them
    const guard = asked !== undefined && index.every((e, i) => within(e, 0, at(v.shape, i)) === undefined) ? undefined : asked;
    const home = scope.home(index, guard);
    const there = home.at(index, guard);
    const known = there.get(v);
    if (known !== undefined) return known;
    const waiting = [v];
    for (let x = waiting.at(-1); x !== undefined; x = waiting.at(-1)) {
      const operands = this.#operandsAt(x, index, guard);
      const { length } = waiting;
      for (let i = operands.length - 1; i >= 0; i--) {
        const a = at(operands, i);
        if (!there.has(a)) waiting.push(a);
      }
      if (waiting.length > length) continue;
      waiting.pop();
      if (!there.has(x)) there.set(x, this.#element(x, index, guard, { home, there, isHoisted: x === v && home !== scope }));
    }
    return lookup(there, v, "an element");
  }

  /** Operands that are asked for at the index of the value itself. */
  #operandsAt(v: Value, index: readonly Expr[], guard: Expr | undefined): readonly Value[] {
    if (v.node.op.kind !== "elementwise" || this.#buffers.has(v) || isScalarParam(v.node)) return [];
    const cached = guard === undefined ? this.#cache.read(v, index) : null;
    return cached !== null && cached.guard === undefined ? [] : v.node.args;
  }

  #element(v: Value, index: readonly Expr[], guard: Expr | undefined, { home, there, isHoisted }: Home): Expr {
    const cached = guard === undefined ? this.#cache.read(v, index) : null;
    const found = this.#kept(cached, () => this.#elementwise(v, there) ?? this.#compute(v, index, guard, home));
    let expr = this.#buffers.has(v) ? found : this.#mark.element(found, v.node);
    const shared = (this.#uses.get(v) ?? 0) > 1 || isHoisted || this.#sizes.of(expr) > namedBeyond;
    if (shared && !isTrivial(expr)) expr = this.#name(expr, home, wordOf(v.node));
    if (cached === null && guard === undefined && isCacheable(v.node) && !this.#buffers.has(v)) this.#cache.write(v, index, expr, home);
    return expr;
  }

  /** What was kept of a row, computed again where it was not. */
  #kept(cached: Kept | null, compute: () => Expr): Expr {
    if (cached === null) return compute();
    return cached.guard === undefined ? cached.value : s.select(cached.guard, cached.value, compute());
  }

  /** Of operands that are there already; null where some are not, or it is none of those. */
  #elementwise(v: Value, there: ReadonlyMap<Value, Expr>): Expr | null {
    const { op, args } = v.node;
    if (op.kind !== "elementwise" || this.#buffers.has(v) || isScalarParam(v.node)) return null;
    const operands: Expr[] = [];
    for (let i = 0; i < args.length; i++) {
      const operand = there.get(at(args, i));
      if (operand === undefined) return null;
      operands.push(operand);
    }
    return elementOf(v, operands);
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
        const operands = node.args.map((a) => ask(a, index, guard));
        return elementOf(v, operands);
      }
      case "view":
      case "gather":
        return this.#pieces(node, node.op, index, guard, scope);
      case "reduction":
        return this.#reduction(v, index, guard, scope);
      case "segment":
        return this.#segment(v, index, guard, scope);
      case "contraction":
        return this.#contraction(node, node.op, index, guard, scope);
      case "prefix":
        return this.#prefix(v, index, guard, scope);
      default:
        if (isPassThrough(node) || node.op.kind === "barrier") return ask(at(node.args, 0), index, guard);
        throw new CompilerBug(`lower: ${node.op.name} cannot stand inside a kernel of loops`);
    }
  }

  #pieces(node: Node, op: ViewPrimitive, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const read = (k: number, i: readonly Expr[]): Expr => {
      const e = this.#mark.element(this.#value(at(node.args, k), i, guard, scope), node);
      return isTrivial(e) ? e : this.#name(e, scope);
    };
    const row = (k: number, position: Expr, size: number): Expr | undefined => this.#rowOf(at(node.args, k), position, size);
    const given = op.pieces(index, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read, row });
    const pieces = this.#mark.pieces(given, node);
    const until = pieces.findIndex((p) => p.guard === undefined);
    const used = piecesInside(until < 0 ? pieces : pieces.slice(0, until + 1), node);
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
    if (guard === undefined) this.#prepare({ value: operand, index: inner }, loops, scope);
    const tuple = this.#reduce(monoid, node, loops.map(wholeLoop), scope, (body) => monoid.seed([this.#value(operand, inner, guard, body)], position));
    return at(monoid.finish(tuple), v.index);
  }

  /** What a loop over a row needs once comes first. */
  #prepare(element: Asked, loops: readonly Expr[], scope: Scope): void {
    const isThere = ({ value, index }: Asked): boolean => this.#buffers.has(value) || isScalarParam(value.node) || this.#cache.read(value, index) !== null;
    const names = new Set(loops.flatMap((l) => (l.op === "axis" ? [l.name] : [])));
    for (const { value, index } of heavyFirst(element, names, isThere)) this.#value(value, index, undefined, scope);
    for (const { value, index } of rowsFirst(element, names, isThere)) {
      const [walked, fixed] = [index.filter((e) => names.has(e.name)), index.filter((e) => !names.has(e.name))];
      if (!this.#cache.reserve(value, sizeOf(walked.map((e) => e.hi + 1)))) continue;
      const rows = [{ output: { value, form: index }, inside: [], stores: [] }];
      this.#hold({ around: walked.map((e) => ({ index: e, segment: undefined })), rows }, new Map(), scope.home(fixed, undefined, this.#point));
    }
  }

  /** A reduction over the positions of one row, whose bounds are loaded. */
  #segment(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (node.op.kind !== "segment") throw new CompilerBug("not a reduction of segments");
    const [values, offsets] = [at(node.args, 0), at(node.args, 1)];
    const [row, ...inner] = index;
    if (row === undefined) throw new CompilerBug("a row of nothing");
    const length = at(values.shape, 0);
    const along = this.#along(length, offsets);
    const loop = this.#loop({ index: along, segment: { offsets, row } }, scope, guard);
    const monoid = node.op.monoid(values.type, node.attrs);
    const element = (body: Scope): readonly Expr[] => monoid.seed([this.#value(values, [along, ...inner], guard, body)], subIndex(along, loop.lo));
    const tuple = this.#reduce(monoid, node, [loop], scope, element);
    return at(monoid.finish(tuple), v.index);
  }

  /** A loop over an axis, or over the part of it that is one row; the bounds of a row are named in front of it. */
  #loop({ index, segment }: FormLoop, scope: Scope, guard?: Expr): Loop {
    const length = index.hi + 1;
    if (segment === undefined || length === 0 || isOneRow(segment.offsets)) return wholeLoop(index);
    this.#segments.set(index.name, segment);
    const [lo, hi] = [segment.row, addIndex(segment.row, 1)].map((row) => this.#bound(segment.offsets, row, length, guard, scope));
    const rows = at(segment.offsets.shape, 0) - 1;
    return { ...wholeLoop(index), ...(lo && hi ? { lo, hi } : {}), segment, about: Math.ceil(length / Math.max(1, rows)) };
  }

  /** Where a row starts or ends, kept inside of what there is. */
  #bound(offsets: Value, row: Expr, length: number, guard: Expr | undefined, scope: Scope): Expr {
    const home = scope.home([row], guard);
    const there = home.at([row], guard, `row<${length}`);
    const known = there.get(offsets) ?? this.#name(clampIndex(this.#value(offsets, [row], guard, home), 0, length), home, "row");
    there.set(offsets, known);
    return known;
  }

  /** The row in which a position lies, where a loop over a row's elements says so. */
  #rowOf(offsets: Value, position: Expr, size: number): Expr | undefined {
    if (isOneRow(offsets)) return ix(0);
    const segment = position.op === "axis" && position.hi + 1 === size ? this.#segments.get(position.name) : undefined;
    return segment?.offsets === offsets ? segment.row : undefined;
  }

  #contraction(node: Node, op: ContractionPrimitive, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const types = node.args.map((a) => a.type);
    const loops = op.depth(types, node.attrs).map((n) => this.#axis(n));
    const places = op.factors(index, loops, { attrs: node.attrs, shape: (k) => at(types, k).shape });
    const { dtype } = result(node, 0);
    const tuple = this.#reduce(sumMonoid(dtype), node, loops.map(wholeLoop), scope, (body) => {
      const factors = places.map((p, k) => this.#factor(at(node.args, k), p, guard, body));
      return [s.mul(at(factors, 0), at(factors, 1))];
    });
    return at(tuple, 0);
  }

  /** A factor of a product: 0 where its own guard fails. */
  #factor(v: Value, place: Place, guard: Expr | undefined, scope: Scope): Expr {
    const value = this.#value(v, place.index, conjoin(guard, place.guard), scope);
    const isGuarded = place.guard === undefined || (value.op === "load" && value.args.length > 1);
    return isGuarded ? value : s.select(place.guard, value, 0);
  }

  /** Appends a reduce statement to `scope`; `element` computes one iteration's tuple in its body. */
  #reduce(monoid: Monoid, node: Node, loops: readonly Loop[], scope: Scope, element: (body: Scope) => readonly Expr[]): Expr[] {
    const used = loops.filter((l) => l.index.op === "axis");
    const body = new Scope(
      scope,
      used.map((l) => l.index.name),
    );
    this.#cache.enter(body, used);
    const values = element(body).map((e) => this.#mark.element(e, node));
    this.#cache.leave(body);
    const names = monoid.dtypes.map(() => `${wordOf(node)}_${this.#fresh++}`);
    const n = monoid.dtypes.length;
    const templates = (from: number): Expr[] => monoid.dtypes.map((d, i) => argument(from + i, d));
    scope.statements.push({
      kind: "reduce",
      names,
      init: monoid.init,
      axes: used.map((l) => axisOf(l, "serial")),
      body: body.statements,
      values,
      combine: monoid.combine(templates(0), templates(n)).map((e) => this.#mark.element(e, node)),
      exact: monoid.exact,
    });
    names.forEach((name) => scope.define(name));
    return names.map((name, i) => variable(name, at(monoid.dtypes, i)));
  }

  /** A running value: a carry before the loop that walks its axis, one step in each iteration. */
  #prefix(v: Value, index: readonly Expr[], guard: Expr | undefined, scope: Scope): Expr {
    const node = v.node;
    if (node.op.kind !== "prefix") throw new CompilerBug("not a prefix");
    const along = at(index, int(node.attrs, "axis"));
    const walker = namesIn(along);
    const monoid = node.op.monoid(at(node.args, 0).type, node.attrs);
    const elements = node.args.map((operand) => this.#value(operand, index, guard, scope));
    const seed = monoid.seed(elements, along);
    if (walker.length === 0) return at(monoid.finish(monoid.combine(monoid.init, seed)), v.index);
    const loop = scope.owner(at(walker, 0));
    if (loop.parent === null) throw new CompilerBug("a prefix outside of its loop");
    const names = monoid.dtypes.map(() => `${wordOf(node)}_${this.#fresh++}`);
    const old = names.map((name, i) => variable(name, at(monoid.dtypes, i)));
    const combined = monoid.combine(old, seed).map((e) => this.#mark.element(e, node));
    const used = partsNeeded(names, combined, at(monoid.finish(old), v.index));
    for (const i of used) loop.parent.statements.push({ kind: "carry", name: at(names, i), init: at(monoid.init, i) });
    const next = combined.map((e, i) => (used.includes(i) ? this.#name(e, loop) : e));
    for (const i of used) loop.statements.push({ kind: "assign", name: at(names, i), value: at(next, i) });
    return at(monoid.finish(next), v.index);
  }

  #axis(extent: number): Expr {
    return extent === 1 ? ix(0) : axisIndex(`k${this.#fresh++}`, 0, extent - 1);
  }

  /** The index of a loop over an axis, or over the elements of its rows, which may hold the only one or none. */
  #along(extent: number, offsets: Value | undefined): Expr {
    return offsets === undefined || isOneRow(offsets) ? this.#axis(extent) : axisIndex(`k${this.#fresh++}`, 0, extent - 1);
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
}

/** The only row is all there is. */
const isOneRow = (offsets: Value): boolean => at(offsets.shape, 0) === 2;

function neverMissing(): never {
  throw new CompilerBug("a piece without guard is the last");
}
