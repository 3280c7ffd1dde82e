/**
 * A cluster: a kernel in the making. It knows its axes, which nodes it computes, at which indices it asks for the values it
 * reads (demands), and at which indices it can store the values it computes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { keyOf } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Axes, Segment } from "./axes.ts";

/** One place where a cluster asks for a value. */
export interface Demand {
  /** The index asked for; null where the whole buffer must be there first (a sort, the target of a scatter). */
  readonly index: readonly Expr[] | null;
  /** Axes of loops inside the grid point at this place, outermost first. */
  readonly inner: readonly string[];
  /** Axes of the one loop that the innermost of these is of: also those that the index turned out not to need. */
  readonly nest: readonly string[];
  /** Work, in additions an element, that already repeats because of this place. */
  readonly carried: number;
  /** The part of the iterations that really asks: a piece behind a guard (of a pad, of a concat) is computed where the guard holds. */
  readonly share: number;
}

export const noDemands: readonly Demand[] = [];

/** Whether the whole buffer must be there first. */
export const asksWhole = ({ index }: Demand): boolean => index === null;

export class Cluster {
  /** Rises with creation, which is in reverse topological order. */
  readonly id: number;
  grid: readonly string[];
  /** Holds a reduction or the like: every grid axis is one of its axes, so none can become a loop. */
  fixed: boolean;
  /** A cluster that cannot take part in any merge (a sort, a scatter, a user's copy), with the reason. */
  readonly closed: string | null;
  readonly nodes: Set<Node> = new Set();
  /** What is read from outside. */
  readonly demands: Map<Value, Demand[]> = new Map();
  /** Where members are asked for from within. */
  readonly forms: Map<Value, Demand[]> = new Map();
  /** What must be there before, though nobody here reads it: barriers say so. */
  readonly waits: Set<Value> = new Set();
  /** Members that must be stored, and the form they are stored at. */
  readonly outputs: Map<Value, readonly Expr[]> = new Map();
  /** Members of which a grid point holds a row in scratch, and the form they are held at: see `held-rows.ts`. */
  readonly held: Map<Value, readonly Expr[]> = new Map();
  operations = 0;
  /** Whether everything it asks for counts as a buffer: see `Bindings`. */
  careful = false;
  /** Grid axes that walk the rows of ragged values: they stay in the grid, as loops over a row stand below them. */
  readonly rows: Set<string> = new Set();
  /** Which ends running values inside come from. */
  readonly walks: Set<"start" | "end"> = new Set();
  mergedInto: Cluster | null = null;

  constructor(id: number, grid: readonly string[], { fixed, closed }: Pick<Cluster, "fixed" | "closed">) {
    this.id = id;
    this.grid = grid;
    this.fixed = fixed;
    this.closed = closed;
  }

  /** The cluster that this one has become part of. */
  root(): Cluster {
    let c: Cluster = this;
    while (c.mergedInto !== null) c = c.mergedInto;
    if (this.mergedInto !== null && this.mergedInto !== c) this.mergedInto = c;
    return c;
  }

  addDemand(v: Value, demand: Demand): void {
    addTo(this.demands, v, demand);
  }

  addForm(v: Value, demand: Demand): void {
    addTo(this.forms, v, demand);
  }

  /** What was asked for from outside is asked for from within from here on; where that is. */
  takeIn(v: Value): readonly Demand[] {
    const demands = this.demands.get(v);
    if (demands === undefined) return noDemands;
    this.demands.delete(v);
    if (this.forms.has(v)) for (const d of demands) this.addForm(v, d);
    else this.forms.set(v, demands);
    return demands;
  }

  /** Loops over rows stand inside. */
  addRow(segment: Segment | undefined): void {
    if (segment !== undefined) this.rows.add(segment.row);
  }

  /** Whether a flat grid axis can become a loop over the elements of a row. */
  mayTurn(axis: string): boolean {
    return !this.fixed && this.closed === null && this.walks.size === 0 && this.grid.includes(axis) && !this.rows.has(axis);
  }
}

/** Whether a cluster computes a node of a kind. */
export function hasKind(c: Cluster, kind: Node["op"]["kind"]): boolean {
  for (const n of c.nodes) if (n.op.kind === kind) return true;
  return false;
}

/** The demand without the loops inside of the innermost one that its index needs: it is computed outside of them. */
function atHome(demand: Demand): Demand {
  const { index, inner } = demand;
  if (index === null || inner.length === 0) return demand;
  const innermost = inner[inner.length - 1];
  // most are at home: the innermost loop is an axis of the index itself
  for (let i = 0; i < index.length; i++) {
    const e = index[i];
    if (e?.op === "axis" && e.name === innermost) return demand;
  }
  const leaves = index.every((e) => e.args.length === 0) ? index : exprOrder(index).filter((e) => e.op === "axis" || e.op === "var");
  if (leaves.some((e) => e.op === "var")) return demand;
  const last = inner.findLastIndex((a) => leaves.some((e) => e.name === a));
  return last === inner.length - 1 ? demand : { ...demand, inner: inner.slice(0, last + 1) };
}

function addTo(map: Map<Value, Demand[]>, v: Value, given: Demand): void {
  const demand = atHome(given);
  const list = map.get(v);
  if (list === undefined) map.set(v, [demand]);
  else {
    const known = list.findIndex((d) => sameIndex(d.index, demand.index) && sameNames(d.inner, demand.inner));
    if (known < 0) list.push(demand);
    else if (at(list, known).nest.length < demand.nest.length) list[known] = demand;
  }
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean => a === b || (a.length === b.length && a.every((name, i) => name === b[i]));

export function sameIndex(a: readonly Expr[] | null, b: readonly Expr[] | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  return a.length === b.length && a.every((e, i) => sameExpr(e, at(b, i)));
}

/** What is quickly told without texts is. */
function sameExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.op === "axis" && b.op === "axis") return a.name === b.name;
  return keyOf(a) === keyOf(b);
}

/**
 * The index if the cluster can store the value there, each element once: every dimension has an axis of its own that covers it (or
 * is 0 along a length of 1), and every grid axis takes part; the loop over a row's elements covers them together with the axis of the rows.
 * Else null.
 */
export function storable(c: Cluster, v: Value, demand: Demand, axes: Axes): readonly Expr[] | null {
  const { index } = demand;
  if (index === null) return null;
  const seen: string[] = [];
  for (let i = 0; i < index.length; i++) {
    const e = at(index, i);
    const length = at(v.shape, i);
    if (e.op === "const" && e.value === 0 && length === 1) continue;
    if (e.op !== "axis" || axes.extent(e.name) !== length) return null;
    for (const name of axes.walked(e.name)) {
      if (seen.includes(name)) return null;
      seen.push(name);
    }
  }
  if (!c.grid.every((g) => seen.includes(g))) return null;
  return index;
}

/** Demands with axes renamed or replaced; indices and loops that many share, they go on to share. */
export function renaming(to: ReadonlyMap<string, Expr>): (demand: Demand) => Demand {
  if (to.size === 0) return (demand) => demand;
  const f = exprMapper((e) => (e.op === "axis" ? (to.get(e.name) ?? e) : e));
  const indices = new Map<readonly Expr[], readonly Expr[]>();
  const loops = new Map<readonly string[], readonly string[]>();
  return ({ index, inner, nest, carried, share }) => ({
    index: index === null ? null : remembered(indices, index, (list) => list.map(f)),
    inner: inner.length === 0 ? inner : remembered(loops, inner, (list) => renamedLoops(list, to)),
    nest: nest.length === 0 ? nest : remembered(loops, nest, (list) => renamedLoops(list, to)),
    carried,
    share,
  });
}

function renamedLoops(inner: readonly string[], to: ReadonlyMap<string, Expr>): readonly string[] {
  const names: string[] = [];
  for (const a of inner) {
    const e = to.get(a);
    if (e === undefined) names.push(a);
    else if (e.op === "axis") names.push(e.name);
  }
  return names;
}

function remembered<T>(known: Map<T, T>, given: T, find: (given: T) => T): T {
  const found = known.get(given) ?? find(given);
  known.set(given, found);
  return found;
}
