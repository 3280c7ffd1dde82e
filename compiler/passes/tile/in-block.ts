/** What is computed first in a block of some grid points (`functions-first.ts`): what lies there side by side, or is put there. */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, keyOf, mulIndex, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Let, Reduce, Stmt } from "../../ir/loop.ts";
import { canWait } from "./chains.ts";
import { hasFunction, isMadeOfOthers } from "./cost.ts";
import { namedBy, namesBehind } from "./independent.ts";
import { pointsOf, strideOf } from "./nest.ts";
import { letsFor } from "./strip.ts";

/** Names, and what is made of them along some axes of its own: a reduction, or a grid point that has none. */
export type Source = Pick<Reduce, "axes" | "body" | "values">;

/** What of a source is computed first in a block of some grid axes, and where its elements lie there. */
export interface Piece {
  readonly source: Source;
  /** The axes within a block, the outermost of the grid's first, and how far apart elements are along each. */
  readonly axes: readonly Axis[];
  readonly strides: readonly number[];
  readonly kept: readonly Expr[];
  /** Whether it is computed in the order in which it lies there. */
  readonly isFlat: boolean;
}

const axesWithin = (r: Source, nest: readonly For[], outermost: number): readonly Axis[] => [...nest.slice(outermost).map((f) => f.axis), ...r.axes];

/** Elements of a block that has one point of the outermost axis. */
export const unitOf = ({ axes }: Piece): number => pointsOf(axes.slice(1));

/** Where an element lies in its block. */
export const placeIn = ({ axes, strides }: Piece, outermost: Expr): Expr =>
  axes.reduce<Expr>((sum, a, i) => addIndex(sum, mulIndex(i === 0 ? outermost : axisIndex(a.name, 0, a.hi.hi - 1), at(strides, i))), ix(0));

/** Whether an operand differs along some of the axes. */
export const isAlong = (e: Expr, axes: readonly Axis[]): boolean => e.op === "load" && namesIn(at(e.args, 0)).some((name) => axes.some((a) => a.name === name));

/** The names of a list. */
export const letsIn = (list: readonly Stmt[]): Let[] => list.filter((s) => s.kind === "let");

/** The functions of a source whose operands lie in a block side by side, the largest parts that are made of nothing else. */
export function functionsOf(source: Source, nest: readonly For[], outermost: number): Piece {
  const axes = axesWithin(source, nest, outermost);
  const lets = letsIn(source.body);
  const inBlock = new InBlock(axes, new Map(lets.map((l) => [l.name, l.value])));
  const isWanted = (e: Expr): boolean => canWait(e) && hasFunction([e, ...letsFor([e], lets).map((l) => l.value)]) && inBlock.has(e);
  const kept = partsFirst(largest(source, [...source.values, ...storedIn(source)], isWanted), lets);
  return { source, axes, strides: inBlock.strides ?? [], kept, isFlat: true };
}

/** Of what is made of one another the parts first; what takes no function but theirs is computed where it is used. */
function partsFirst(found: readonly Expr[], lets: readonly Let[]): Expr[] {
  const named = new Map(lets.map((l) => [l.name, l.value]));
  const all = new Map(found.map((e) => [keyOf(e), e]));
  /** The others that one is made of, and whether it takes a function beside them. */
  const madeOf = (whole: Expr): { readonly parts: number; readonly isMore: boolean } => {
    const seen = new Set([whole]);
    let [parts, isMore] = [0, false];
    for (const e of seen) {
      isMore ||= isMadeOfOthers(e.op);
      if (keyOf(e) !== keyOf(whole) && all.has(keyOf(e))) parts++;
      else for (const x of [named.get(e.op === "var" ? e.name : "") ?? e.args].flat()) seen.add(x);
    }
    return { parts, isMore };
  };
  const known = [...all.values()].map((e) => ({ e, ...madeOf(e) })).filter(({ parts, isMore }) => parts === 0 || isMore);
  return known.toSorted((a, b) => a.parts - b.parts).map(({ e }) => e);
}

/** What a source stores on its way. */
const storedIn = ({ body }: Source): Expr[] => body.flatMap((s) => (s.kind === "store" ? [s.value] : []));

/** The largest parts of some expressions in a source that are wanted; names stand for their values. */
function largest({ body }: Source, roots: readonly Expr[], isWanted: (e: Expr) => boolean): Expr[] {
  const named = new Map(letsIn(body).map((l) => [l.name, l.value]));
  const found = new Set<Expr>();
  const seen = new Set<Expr>();
  const open = [...roots];
  for (let e = open.pop(); e !== undefined; e = open.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    const value = e.op === "var" ? named.get(e.name) : undefined;
    if (isWanted(e)) found.add(e);
    else open.push(...(value === undefined ? e.args : [value]));
  }
  return [...found];
}

/** Which parts are made of elements of a block, and of what is the same for all of it. */
class InBlock {
  readonly #axes: readonly Axis[];
  readonly #named: ReadonlyMap<string, Expr>;
  readonly #known = new Map<Expr, boolean>();
  /** How far apart elements are along the axes, the same for all operands. */
  strides: readonly number[] | null = null;

  constructor(axes: readonly Axis[], named: ReadonlyMap<string, Expr>) {
    this.#axes = axes;
    this.#named = named;
  }

  has(e: Expr): boolean {
    const known = this.#known.get(e);
    if (known !== undefined) return known;
    const found = this.#find(e);
    this.#known.set(e, found);
    return found;
  }

  #find(e: Expr): boolean {
    if (e.op === "load") return e.args.length === 1 && (!isAlong(e, this.#axes) || this.#isInStep(addIndex(at(e.args, 0), 0)));
    if (e.op === "axis") return false;
    if (e.op !== "var") return e.args.every((a) => this.has(a));
    const value = this.#named.get(e.name);
    return value !== undefined && this.has(value);
  }

  /** Whether elements fill the block without gaps, as those of all other operands do. */
  #isInStep(index: Expr): boolean {
    const strides = this.#axes.map((a) => strideOf(index, a.name));
    if (this.strides !== null) return this.strides.every((n, i) => n === strides[i]);
    const order = strides.map((stride, i) => ({ stride, length: at(this.#axes, i).hi.hi, isOutermost: i === 0 })).toSorted((a, b) => a.stride - b.stride);
    let next = 1;
    for (const { stride, length } of order) {
      if (stride !== next) return false;
      next *= length;
    }
    if (!at(order, order.length - 1).isOutermost) return false;
    this.strides = strides;
    return true;
  }
}

/** What functions take, where that does not lie in a block side by side: put there, they do. */
export function operandsOf(source: Source, nest: readonly For[], outermost: number): Piece {
  const axes = axesWithin(source, nest, outermost);
  const strides = axes.map((_, i) => pointsOf(axes.slice(i + 1)));
  const lets = [...new Set([...letsIn(at(nest, nest.length - 1).body), ...letsIn(source.body)])];
  const behind = (e: Expr): Expr[] => [e, ...letsFor([e], lets).map((l) => l.value)];
  const rows = Math.max(1, source.axes.length);
  const [ofPoint, ofRow] = [axes.slice(0, -rows), axes.slice(-rows)].map((list) =>
    namesBehind(
      lets,
      list.map((a) => a.name),
    ),
  );
  const varies = (e: Expr, names: ReadonlySet<string> | undefined): boolean => exprOrder([e]).some((x) => isNamed(x) && names?.has(x.name) === true);
  const functions = largest(source, source.values, (e) => isMadeOfOthers(e.op));
  const all = exprOrder(functions.flatMap(behind)).filter((e) => isMadeOfOthers(e.op));
  // functions of a row or of a column alone are computed once for all who need them
  const areOfBoth = all.every((e) => varies(e, ofRow) && varies(e, ofPoint));
  const taken = largest(
    source,
    functions.flatMap((e) => e.args),
    (e) => canWait(e) && !hasFunction(behind(e)) && (varies(e, ofRow) || varies(e, ofPoint)),
  );
  const values = new Map(lets.map((l) => [l.name, l.value]));
  const below = (e: Expr): readonly Expr[] => (e.op === "load" ? [] : e.args);
  const parts = (e: Expr): readonly Expr[] => {
    const value = e.op === "var" ? values.get(e.name) : undefined;
    return (value === undefined ? below(e) : [value]).filter((x) => varies(x, ofRow) || varies(x, ofPoint));
  };
  const operands = [...new Set(taken.map((e) => narrowest(e, parts)))];
  // what a point has to find out first
  const found = new Set(at(nest, nest.length - 1).body.flatMap((s) => (s.kind === "let" ? [] : namedBy(s))));
  const isKnown = (e: Expr): boolean => exprOrder(behind(e)).every((x) => !found.has(x.name));
  const isThere = (e: Expr): boolean =>
    e.op === "load" && e.args.length === 1 && axes.every((a, i) => strideOf(addIndex(at(e.args, 0), 0), a.name) === strides[i]);
  const loaded = (e: Expr): Expr => lets.find((l) => e.op === "var" && l.name === e.name)?.value ?? e;
  const kept = areOfBoth && operands.every(isKnown) ? operands.filter((e) => !isThere(loaded(e))) : [];
  return { source, axes, strides, isFlat: false, kept };
}

/** The smallest part of an expression that all it varies with goes through, of those that can wait. */
function narrowest(whole: Expr, parts: (e: Expr) => readonly Expr[]): Expr {
  const seen = new Set([whole]);
  for (const e of seen) for (const x of parts(e)) seen.add(x);
  const isAround = (e: Expr): boolean => {
    const reached = new Set([whole]);
    for (const x of reached) {
      if (x === e) continue;
      const inside = parts(x);
      if (inside.length === 0) return false;
      for (const y of inside) reached.add(y);
    }
    return true;
  };
  return [...seen].findLast((e) => canWait(e) && isAround(e)) ?? whole;
}

const isNamed = ({ op }: Expr): boolean => op === "var" || op === "axis";
