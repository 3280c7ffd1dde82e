/**
 * What kernels compute more often than once an element, and what that saves: a value that two kernels compute is neither stored nor
 * read back, nor is one that several stages of a row compute, each for itself.
 *
 *   t = a * b; (t + c, the sum of t's columns)     →     t is computed 2 times an element: 3 times its bytes are not moved
 *
 * This follows the demands of regions as `lower` does, without making loops: sibling loops over the same range that may be one count
 * as one, and costly elements of a row that fit into scratch are kept. Nothing depends on it: it is for those who ask why.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { argument, axisIndex, isScalarOp, variable } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { freeNames, ix, keyOf } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import { result } from "../../ir/node.ts";
import type { ViewPrimitive } from "../../ir/primitive.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Target } from "../../target.ts";
import { worthKeeping } from "../lower/row-cache.ts";
import type { Region, RegionSegment } from "../region.ts";
import { isLight, isScalarParam } from "../region.ts";
import { Axes } from "./axes.ts";
import { anchorOf, asksOfLight } from "./demand.ts";

/** A value that is computed again. */
export interface Recomputed {
  readonly value: Value;
  /** How often an element is computed, on average. */
  readonly times: number;
  /** How many kernels compute it. */
  readonly kernels: number;
  /** Scalar operations beyond computing each element once. */
  readonly operations: number;
  /** Bytes that storing it once and reading it in each place would move. */
  readonly savedBytes: number;
}

interface Use {
  /** Elements computed. */
  elements: number;
  /** Loops that compute it. */
  places: number;
  kernels: number;
  stored: boolean;
}

/** What the kernels of these regions compute again, in the order in which they do. */
export function recomputations(regions: readonly Region[], target: Target): Recomputed[] {
  const uses = new Map<Value, Use>();
  for (const region of regions) {
    const own = new Demands(region, target).run();
    for (const [v, { elements, places }] of own) {
      const use = uses.get(v) ?? { elements: 0, places: 0, kernels: 0, stored: false };
      use.elements += elements;
      use.places += places;
      use.kernels++;
      use.stored ||= region.outputs.some((o) => o.value === v);
      uses.set(v, use);
    }
  }
  return [...uses].flatMap(([value, { elements, places, kernels, stored }]) => {
    const size = sizeOf(value.shape);
    const operations = Math.round((elements - size) * operationsOf(value.node));
    if (operations <= 0 || size === 0) return [];
    const moved = stored ? places - 1 : places + 1;
    return [{ value, times: elements / size, kernels, operations, savedBytes: Math.max(0, moved) * size * dtypeInfo(value.dtype).bytes }];
  });
}

/** Loops that are one body: axes, and how often they run. */
interface Nest {
  readonly axes: readonly string[];
  readonly trips: number;
}

interface Asked {
  readonly value: Value;
  readonly index: readonly Expr[];
  /** Loops around the place, outermost first. */
  readonly around: readonly Nest[];
}

/** Follows one region's demands from what it stores to what it reads. */
class Demands {
  readonly #region: Region;
  readonly #target: Target;
  readonly #axes = new Axes();
  /** Axes by what tells their loops apart: loops alike that need the same stages before them may be one. */
  readonly #loops = new Map<string, Expr>();
  readonly #levels: ReadonlyMap<Node, number>;
  readonly #walks: boolean;
  readonly #inputs: ReadonlySet<Value>;
  readonly #held: ReadonlySet<Value>;
  readonly #seen = new Set<string>();
  /** The loop that keeps a row, by what is kept. */
  readonly #rows = new Map<string, string>();
  readonly #found = new Map<Value, { elements: number; places: number }>();
  readonly #waiting: Asked[] = [];
  /** What the index of a loaded index needs. */
  readonly #loaded = new Map<string, ReadonlySet<string>>();

  constructor(region: Region, target: Target) {
    this.#region = region;
    this.#target = target;
    this.#inputs = new Set(region.inputs);
    this.#held = new Set(region.held.map((h) => h.value));
    this.#levels = levelsOf(region);
    this.#walks = [...region.nodes].some((n) => n.op.kind === "prefix");
  }

  run(): ReadonlyMap<Value, { readonly elements: number; readonly places: number }> {
    const grid = new Map(this.#region.grid.map((g) => [g.name, g.extent === 1 ? ix(0) : this.#axes.add(g.extent)]));
    const around = [...grid.values()].filter((e) => e.op === "axis").map((e): Nest => ({ axes: [e.name], trips: e.hi + 1 }));
    for (const { value, form } of [...this.#region.anchors, ...this.#region.outputs]) {
      const names = new Map(grid);
      const inner = form.filter((e) => e.op === "axis" && !grid.has(e.name));
      inner.forEach((e, i) => names.set(e.name, this.#loop(this.#level(value.node) + 1, i, e.hi + 1)));
      const loops = inner.map((e): Nest => ({ axes: [lookup(names, e.name, "a loop").name], trips: this.#trips(e) }));
      for (const e of inner) this.#walkRows(lookup(names, e.name, "a loop"), this.#region.segments.get(e.name), renamer(names));
      this.#waiting.push({ value, index: form.map(renamer(names)), around: [...around, ...loops] });
      this.#follow();
    }
    return this.#found;
  }

  #follow(): void {
    for (let asked = this.#waiting.pop(); asked !== undefined; asked = this.#waiting.pop()) {
      const { value, index } = asked;
      if (this.#inputs.has(value) || isScalarParam(value.node) || value.node.op.kind === "param") continue;
      const around = this.#home(asked);
      const key = `${value.node.id}.${value.index} ${index.map(keyOf).join()}`;
      if (this.#seen.has(key) || this.#isKept(value, index, around)) continue;
      this.#seen.add(key);
      const known = this.#found.get(value) ?? { elements: 0, places: 0 };
      known.elements += around.reduce((n, { trips }) => n * trips, 1);
      known.places++;
      this.#found.set(value, known);
      this.#operands({ ...asked, around });
    }
  }

  #operands(asked: Asked): void {
    const { node } = asked.value;
    const { index, around } = asked;
    if (isLight(node)) {
      const asks = asksOfLight(node, { index, inner: [], carried: 0, share: 1 }, this.#axes);
      const place = renamer(new Map(), `at ${index.map(keyOf).join()}`);
      for (const { value, demand } of asks) {
        const own = demand.index?.map(place);
        if (own === undefined) continue;
        for (const e of own) for (const name of freeNames(e)) if (!this.#axes.has(name)) this.#loaded.set(name, namesIn(index));
        this.#waiting.push({ value, index: own, around });
      }
      return;
    }
    const anchor = anchorOf(node, this.#axes);
    const names = new Map(anchor.form.flatMap((e, i) => (e.op === "axis" ? [[e.name, at(index, i)] as const] : [])));
    const depth = `${this.#level(node)}${around.length > this.#region.grid.length ? ` in ${around.map((n) => n.axes.join()).join(" ")}` : ""}`;
    const loops = [...new Set(anchor.asks.flatMap((a) => a.demand.inner))].filter((a) => !names.has(a));
    loops.forEach((a, i) => names.set(a, this.#loop(depth, i, this.#axes.extent(a))));
    const axes = loops.map((a) => lookup(names, a, "a loop").name);
    const trips = loops.reduce((n, a) => n * this.#axes.extent(a), 1);
    const rows = node.op.kind === "segment" ? Math.max(1, at(at(node.args, 1).shape, 0) - 1) : 1;
    const [along] = loops;
    const [row] = index;
    if (node.op.kind === "segment" && along !== undefined && row !== undefined)
      this.#walkRows(lookup(names, along, "a loop"), { offsets: at(node.args, 1), row }, (e) => e);
    const space = node.op.kind === "scatter" ? anchor.grid.map((a): Nest => ({ axes: [a], trips: this.#axes.extent(a) })) : null;
    const inside = space ?? (axes.length === 0 ? around : [...around, { axes, trips: trips / rows }]);
    for (const { value, demand } of anchor.asks)
      if (demand.index !== null) this.#waiting.push({ value, index: demand.index.map(renamer(names)), around: inside });
  }

  /** A loop over the elements of one row knows which row that is. */
  #walkRows(loop: Expr, segment: RegionSegment | undefined, f: (e: Expr) => Expr): void {
    const row = segment === undefined ? undefined : f(segment.row);
    if (segment !== undefined && row?.op === "axis" && loop.op === "axis") this.#axes.setSegment(loop.name, { offsets: segment.offsets, row: row.name });
  }

  /** Whether another stage has computed this row of costly elements, and kept it. */
  #isKept(v: Value, index: readonly Expr[], around: readonly Nest[]): boolean {
    const { op } = v.node;
    if (!this.#held.has(v) && (op.kind !== "elementwise" || op.cost < worthKeeping)) return false;
    const grid = new Set(this.#region.grid.length === 0 ? [] : around.slice(0, this.#gridDepth()).flatMap((n) => n.axes));
    const walks = index.filter((e) => e.op === "axis" && !grid.has(e.name));
    const bytes = walks.reduce((n, e) => n * (e.hi + 1), 1) * dtypeInfo(v.dtype).bytes;
    // where rows are held there is room for all of them, a block at a time if need be
    if (walks.length === 0 || (bytes > this.#target.rowBytes && this.#region.held.length === 0)) return false;
    const key = `${v.node.id}.${v.index} ${index.map((e) => (walks.includes(e) ? "*" : keyOf(e))).join()}`;
    const loop = walks
      .map((e) => e.name)
      .sort()
      .join();
    const first = this.#rows.get(key) ?? loop;
    this.#rows.set(key, first);
    return first !== loop;
  }

  /** The loops around a place down to the innermost one that its index needs, or what its index was loaded with. */
  #home({ value, index, around }: Asked): readonly Nest[] {
    const names = new Set(namesIn(index));
    // a row that is held is filled by loops of its own
    if (this.#held.has(value)) return around.filter((n, i) => i < this.#gridDepth() || n.axes.some((a) => names.has(a)));
    for (const name of names) for (const n of this.#loaded.get(name) ?? []) names.add(n);
    return around.slice(0, around.findLastIndex((n) => n.axes.some((a) => names.has(a))) + 1);
  }

  #gridDepth(): number {
    return this.#region.grid.filter((g) => g.extent !== 1).length;
  }

  #loop(level: number | string, position: number, extent: number): Expr {
    if (extent === 1) return ix(0);
    // loops that carry a running value stay apart
    if (this.#walks) return this.#axes.add(extent);
    const key = `${level} ${position} ${extent}`;
    const known = this.#loops.get(key) ?? this.#axes.add(extent);
    this.#loops.set(key, known);
    return known;
  }

  /** How often a loop of an output's form runs: the elements of one row, on average, where it walks these. */
  #trips(e: Expr): number {
    const segment = this.#region.segments.get(e.name);
    return segment === undefined ? e.hi + 1 : (e.hi + 1) / Math.max(1, at(segment.offsets.shape, 0) - 1);
  }

  #level(node: Node): number {
    return this.#levels.get(node) ?? 0;
  }
}

/** Gives axes other names, and what was loaded one that tells where. */
const renamer = (names: ReadonlyMap<string, Expr>, place: string = ""): ((e: Expr) => Expr) =>
  exprMapper((e) => {
    if (e.op === "axis") return names.get(e.name) ?? e;
    return e.op === "var" && place !== "" && !e.name.includes(" at ") ? variable(`${e.name} ${place}`, e.dtype) : e;
  });

function namesIn(index: readonly Expr[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const e of index) freeNames(e, names);
  return names;
}

/** How many stages of a region stand before each of its nodes, its own among them. */
function levelsOf({ nodes }: Region): Map<Node, number> {
  const levels = new Map<Node, number>();
  for (const node of [...nodes].sort((a, b) => a.id - b.id)) {
    const before = node.args.reduce((n, a) => Math.max(n, levels.get(a.node) ?? 0), 0);
    levels.set(node, isLight(node) ? before : before + 1);
  }
  return levels;
}

/** Scalar operations of one element. */
function operationsOf(node: Node): number {
  const { op, args, attrs } = node;
  const types = args.map((a) => a.type);
  const operands = types.map((t, i) => variable(`x${i}`, t.dtype));
  switch (op.kind) {
    case "elementwise":
      return scalarOps(op.scalar(operands, attrs, types));
    case "source":
      return scalarOps([op.element(indexOf(node), result(node, 0).type, attrs)]);
    case "contraction":
      return 2 * sizeOf(op.depth(types, attrs));
    case "reduction":
    case "segment":
    case "prefix": {
      const { dtypes, combine, seed } = op.monoid(at(types, 0), attrs);
      const tuple = (from: number): Expr[] => dtypes.map((d, i) => argument(from + i, d));
      const turn =
        scalarOps(combine(tuple(0), tuple(dtypes.length))) +
        scalarOps(seed(op.kind === "prefix" ? operands : [at(operands, 0)], variable("position", "int32")));
      return (turn * sizeOf(at(types, 0).shape)) / Math.max(1, sizeOf(result(node, 0).shape));
    }
    case "view":
    case "gather":
      return choices(node, op);
    default:
      return 0;
  }
}

/** What each of them takes, named values aside. */
const scalarOps = (list: readonly Expr[]): number => list.reduce((n, e) => n + exprOrder([e]).filter((x) => isScalarOp(x.op)).length, 0);

const indexOf = (node: Node): Expr[] => result(node, 0).shape.map((n, i) => (n === 1 ? ix(0) : axisIndex(`i${i}`, 0, n - 1)));

/** Choices between the pieces of a view; the conditions are index arithmetic. */
function choices(node: Node, op: ViewPrimitive): number {
  const index = indexOf(node);
  let reads = 0;
  const read = (): Expr => variable(`read${reads++}`, "int32");
  const pieces = op.pieces(index, { attrs: node.attrs, operands: node.args.length, shape: (k) => at(node.args, k).shape, read });
  return pieces.length - 1;
}
