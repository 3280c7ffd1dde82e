/** Which outputs of a kernel may be written over which of its inputs. */
import { at } from "../ir/errors.ts";
import { keyOf, normalIndex } from "../ir/indexing.ts";
import type { Expr } from "../ir/expr.ts";
import { mapOperands, withName } from "../ir/expr.ts";
import type { Kernel, Stmt, Store } from "../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, statements } from "../ir/loop.ts";
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
  readonly index: string;
}

type Touches = Map<string, Touch[]>;

/**
 * Pairs of an input that is loaded, and an output that is stored, at one and the same index in one and the same iteration, the
 * loads not after the store. Then nobody reads an element after it was written over: there may be several stores, for the middle and
 * the end of an axis say, but each element is stored once. Or all loads are done before the first store.
 */
export function replaceable(kernel: Kernel): Replacement[] {
  const [reads, writes] = [kernel.buffers.filter((b) => b.access === "read"), kernel.buffers.filter((b) => b.access === "write")];
  const pairs = writes.flatMap((to) => reads.flatMap((from) => (from.size === to.size ? [{ read: from.name, written: to.name }] : [])));
  if (pairs.length === 0) return [];
  const { loads, stores } = touchesOf(kernel, new Set(pairs.flatMap((p) => [p.read, p.written])));
  return pairs.filter(({ read, written }) => {
    const to = stores.get(written) ?? [];
    return to.length > 0 && (loads.get(read) ?? []).every((l) => to.some((store) => isBefore(l, store)) || isDone(l, to, kernel));
  });
}

/**
 * Whether a load is done for good when the first store is reached: kernels without a grid do one statement after the other. Lanes meet
 * after what they reduce together; they may run ahead of one another elsewhere.
 */
function isDone(load: Touch, stores: readonly Touch[], { body }: Kernel): boolean {
  const axes = statements(body).flatMap(axesOf);
  if (axes.some((a) => a.kind === "grid" || a.kind === "group")) return false;
  const from = outermost(load.place);
  if (!stores.every((store) => from.position < outermost(store.place).position)) return false;
  const whole = at(from.list, from.position);
  return !axes.some((a) => a.kind === "lane") || (whole.kind === "reduce" && whole.axes.some((a) => a.kind === "lane"));
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
    const names = new Map(known);
    list.forEach((s, position) => {
      const place = { list, position, outer };
      for (const e of expressionsOf(s)) noteLoads(e, wanted, (name, index) => push(loads, name, { place, index: spelled(index, names) }));
      if (s.kind === "store" && wanted.has(s.buffer)) push(stores, s.buffer, { place, index: storeIndex(s, names) });
      if (s.kind === "let" && s.value.dtype === "int32") {
        const value = resolved(s.value, names);
        if (value !== null) names.set(s.name, value);
      }
      for (const body of bodiesOf(s)) walk(body, place, names);
    });
  };
  walk(kernel.body, null, new Map());
  return { loads, stores };
}

/** Loads of the wanted buffers, with their indices. */
function noteLoads(root: Expr, wanted: ReadonlySet<string>, note: (name: string, index: Expr) => void): void {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (e.args.length === 0 || seen.has(e)) return;
    seen.add(e);
    const [index] = e.args;
    if (e.op === "load" && index !== undefined && wanted.has(e.name)) note(e.name, index);
    for (const a of e.args) visit(a);
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

/** One text for one place. */
const spelled = (index: Expr, names: Names): string => keyOf(normalIndex(resolved(index, names) ?? index));

/** A guarded or atomic store does not overwrite for certain; give it an index that equals none. */
const storeIndex = (s: Store, names: Names): string => (s.guard || s.atomic ? "" : spelled(s.index, names));

function push(map: Touches, name: string, touch: Touch): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [touch]);
  else list.push(touch);
}
