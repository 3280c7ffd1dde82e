/** Which outputs of a kernel may be written over which of its inputs. */
import { at } from "../ir/errors.ts";
import { keyOf, normalIndex } from "../ir/indexing.ts";
import type { Expr } from "../ir/expr.ts";
import { mapOperands, withName } from "../ir/expr.ts";
import type { Axis, Kernel, Stmt, Store } from "../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, hasConstantBounds, statements } from "../ir/loop.ts";
import { exprMapper, mapStatements } from "../ir/loop-walk.ts";

export interface Replacement {
  readonly read: string;
  readonly written: string;
}

/** A position in a list of statements, and where that list stands. */
interface Place {
  readonly list: readonly Stmt[];
  readonly position: number;
  readonly outer: Place | null;
}

/** Where buffers are touched, and the index. */
interface Touch {
  readonly place: Place;
  /** With names as what they were let to be; null for stores that do not overwrite for certain. */
  readonly expr: Expr | null;
  readonly index: string;
}

type Touches = Map<string, Touch[]>;

/** Several passes ask the same. */
const found = new WeakMap<Kernel["body"], { readonly buffers: Kernel["buffers"]; readonly pairs: readonly Replacement[] }>();

/**
 * Pairs of an input that is loaded, and an output that is stored, at one and the same index in one and the same iteration, the
 * loads not after the store. Then nobody reads an element after it was written over: there may be several stores, for the middle and
 * the end of an axis say, but each element is stored once. Or an iteration loads, in a loop of its own, what a later loop of it stores:
 * a column, say. Or all loads are done before the first store.
 */
export function replaceable(kernel: Kernel): readonly Replacement[] {
  const known = found.get(kernel.body);
  if (known?.buffers === kernel.buffers) return known.pairs;
  const pairs = pairsOf(kernel);
  found.set(kernel.body, { buffers: kernel.buffers, pairs });
  return pairs;
}

function pairsOf(kernel: Kernel): Replacement[] {
  const [reads, writes] = [kernel.buffers.filter((b) => b.access === "read"), kernel.buffers.filter((b) => b.access === "write")];
  const pairs = writes.flatMap((to) => reads.flatMap((from) => (from.size === to.size ? [{ read: from.name, written: to.name }] : [])));
  if (pairs.length === 0) return [];
  const { loads, stores } = touchesOf(kernel, new Set(pairs.flatMap((p) => [p.read, p.written])));
  const lanes = statements(kernel.body).some((s) => axesOf(s).some((a) => a.kind === "lane"));
  return pairs.filter(({ read, written }) => {
    const to = stores.get(written) ?? [];
    return (
      to.length > 0 && (loads.get(read) ?? []).every((l) => to.some((store) => isBefore(l, store) || isOfIteration(l, store, lanes)) || isDone(l, to, kernel))
    );
  });
}

/**
 * Whether a load is done for good when the first store is reached: kernels without a grid do one statement after the other. Lanes meet
 * after what they reduce together; they may run ahead of one another elsewhere.
 */
function isDone(load: Touch, stores: readonly Touch[], { body }: Kernel): boolean {
  const axes = statements(body).flatMap(axesOf);
  if (axes.some(isParallel)) return false;
  const from = outermost(load.place);
  if (!stores.every((store) => from.position < outermost(store.place).position)) return false;
  const whole = at(from.list, from.position);
  return !axes.some((a) => a.kind === "lane") || (whole.kind === "reduce" && whole.axes.some((a) => a.kind === "lane"));
}

/**
 * Whether all that the loop of a load reads in one iteration of what is around is stored in the same iteration, by a later statement: the
 * indices are the same but for names of loops of the same bounds. As each element is stored once, no other iteration stores it.
 */
function isOfIteration(load: Touch, store: Touch, lanes: boolean): boolean {
  const own = at(load.place.list, load.place.position);
  let [a, inner]: [Place, readonly Stmt[]] = [load.place, own.kind === "reduce" ? [own] : []];
  for (;;) {
    const outer = outwards(store.place, a.list);
    if (outer !== null) {
      const whole = at(a.list, a.position);
      const meets = !lanes || (whole.kind === "reduce" && whole.axes.some((x) => x.kind === "lane"));
      if (a.position >= outer.place.position || !meets || outer.through.some((s) => s.kind === "if")) return false;
      const text = freeOfLoops(load, inner);
      return text !== null && text === freeOfLoops(store, outer.through);
    }
    if (a.outer === null) return false;
    a = a.outer;
    inner = [at(a.list, a.position), ...inner];
  }
}

/** The place in a list that something stands in or below, and the statements on the way down to it. */
function outwards(from: Place, list: readonly Stmt[]): { readonly place: Place; readonly through: readonly Stmt[] } | null {
  const through: Stmt[] = [];
  for (let place: Place | null = from; place !== null; place = place.outer) {
    if (place !== from) through.unshift(at(place.list, place.position));
    if (place.list === list) return { place, through };
  }
  return null;
}

/** Whether iterations run in any order, or at the same time. */
const isParallel = ({ kind }: Axis): boolean => kind === "grid" || kind === "group";

/** The index with the axes of these loops called by their bounds; null where those are no constants, or one iteration is many. */
function freeOfLoops({ expr, index }: Touch, loops: readonly Stmt[]): string | null {
  const axes = loops.flatMap(axesOf);
  if (expr === null || !axes.every(hasConstantBounds) || axes.some(isParallel)) return null;
  if (axes.length === 0) return index;
  const names = new Map<string, string>();
  for (const { name, lo, hi, step } of axes) {
    const bounds = `${lo.value}..${hi.value}/${step}`;
    names.set(name, `${bounds}#${[...names.values()].filter((n) => n.startsWith(bounds)).length}`);
  }
  const renamed = exprMapper((e) => (e.op === "axis" ? withName(e, names.get(e.name) ?? e.name) : e));
  return keyOf(normalIndex(renamed(expr)));
}

function outermost(place: Place): Place {
  let top = place;
  while (top.outer !== null) top = top.outer;
  return top;
}

/**
 * The kernel with what it loads from `read` loaded from `written`, which begins as a copy of it: where each element is loaded only in
 * the iteration that stores it, before the store. Null where some load is elsewhere.
 */
export function readWhereWritten(kernel: Kernel, read: string, written: string): Kernel | null {
  const { loads, stores } = touchesOf(kernel, new Set([read, written]));
  const to = stores.get(written);
  const only = to?.length === 1 ? to[0] : undefined;
  const from = loads.get(read) ?? [];
  if (only === undefined || !from.every((l) => isBefore(l, only))) return null;
  const body = mapStatements(
    kernel.body,
    exprMapper((e) => (e.op === "load" && e.name === read ? withName(e, written) : e)),
  );
  return { ...kernel, body, buffers: kernel.buffers.filter((b) => b.name !== read) };
}

/** Whether a load is of the element that is stored, in the same iteration and not after it: in the list of the store, or in a body there. */
function isBefore(load: Touch, store: Touch): boolean {
  if (load.index !== store.index) return false;
  let place: Place | null = load.place;
  while (place !== null && place.list !== store.place.list) place = place.outer;
  return place !== null && place.position <= store.place.position;
}

/** What is known where a statement stands: the integers that names were let to be, if no memory decides them. */
type Names = ReadonlyMap<string, Expr>;

function touchesOf(kernel: Kernel, wanted: ReadonlySet<string>): { readonly loads: Touches; readonly stores: Touches } {
  const [loads, stores]: [Touches, Touches] = [new Map(), new Map()];
  const walk = (list: readonly Stmt[], outer: Place | null, known: Names): void => {
    let own: Map<string, Expr> | null = null;
    list.forEach((s, position) => {
      const place = { list, position, outer };
      const names = own ?? known;
      for (const e of expressionsOf(s)) noteLoads(e, wanted, (name, index) => push(loads, name, touch(place, index, names)));
      if (s.kind === "store" && wanted.has(s.buffer)) push(stores, s.buffer, isSure(s) ? touch(place, s.index, names) : { place, expr: null, index: "" });
      if (s.kind === "let" && s.value.dtype === "int32") {
        const value = resolved(s.value, names);
        if (value !== null) (own ??= new Map(known)).set(s.name, value);
      }
      for (const body of bodiesOf(s)) walk(body, place, own ?? known);
    });
  };
  walk(kernel.body, null, new Map());
  return { loads, stores };
}

/** Loads of the wanted buffers, with their indices. */
function noteLoads(root: Expr, wanted: ReadonlySet<string>, note: (name: string, index: Expr) => void): void {
  if (root.args.length === 0) return;
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    const index = e.args[0];
    if (e.op === "load" && index !== undefined && wanted.has(e.name)) note(e.name, index);
    for (const a of e.args) if (a.args.length > 0) visit(a);
  };
  visit(root);
}

/** The expression with names replaced by what they were let to be; null where it loads something. */
function resolved(e: Expr, names: Names): Expr | null {
  if (e.op === "load") return null;
  if (e.op === "var") return names.get(e.name) ?? e;
  let isPure = true;
  const whole = mapOperands(e, (a) => {
    const r = resolved(a, names);
    isPure &&= r !== null;
    return r ?? a;
  });
  return isPure ? whole : null;
}

function touch(place: Place, index: Expr, names: Names): Touch {
  const expr = resolved(index, names) ?? index;
  return { place, expr, index: keyOf(normalIndex(expr)) };
}

/** A guarded or atomic store does not overwrite for certain: its index equals none. */
const isSure = (s: Store): boolean => !s.guard && s.atomic === undefined;

function push(map: Touches, name: string, touch: Touch): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [touch]);
  else list.push(touch);
}
