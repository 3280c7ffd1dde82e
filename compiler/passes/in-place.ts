/** Which outputs of a kernel may be written over which of its inputs. */
import { keyOf } from "../ir/indexing.ts";
import type { Expr } from "../ir/expr.ts";
import { withName } from "../ir/expr.ts";
import type { Kernel, Stmt, Store } from "../ir/loop.ts";
import { bodiesOf, expressionsOf } from "../ir/loop.ts";
import { exprMapper, mapStatements } from "../ir/loop-walk.ts";

export interface Replacement {
  readonly read: string;
  readonly written: string;
}

/** Where buffers are touched: the innermost list, the position in it, and the index. */
interface Touch {
  readonly list: readonly Stmt[];
  readonly position: number;
  readonly index: string;
}

/**
 * Pairs of an input that is loaded, and an output that is stored, at one and the same index in one and the same iteration, the
 * loads not after the store. Then nobody reads an element after it was written over: there may be several stores, for the middle and
 * the end of an axis say, but each element is stored once.
 */
export function replaceable(kernel: Kernel): Replacement[] {
  const loads = new Map<string, Touch[]>();
  const stores = new Map<string, Touch[]>();
  collect(kernel.body, loads, stores);
  const dtypes = new Map(kernel.buffers.map((b) => [b.name, b]));
  const out: Replacement[] = [];
  for (const [written, to] of stores) {
    const target = dtypes.get(written);
    if (target?.access !== "write") continue;
    for (const [read, from] of loads) {
      const source = dtypes.get(read);
      if (source?.access !== "read" || source.size !== target.size) continue;
      if (from.every((l) => to.some((store) => isBefore(l, store)))) out.push({ read, written });
    }
  }
  return out;
}

/**
 * The kernel with what it loads from `read` loaded from `written`, which begins as a copy of it: where each element is loaded only in
 * the iteration that stores it, before the store. Null where some load is elsewhere.
 */
export function readWhereWritten(kernel: Kernel, read: string, written: string): Kernel | null {
  const loads = new Map<string, Touch[]>();
  const stores = new Map<string, Touch[]>();
  collect(kernel.body, loads, stores);
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

/** Whether a load is of the element that is stored, in the same iteration and not after it. */
const isBefore = (load: Touch, store: Touch): boolean => load.list === store.list && load.position <= store.position && load.index === store.index;

function collect(list: readonly Stmt[], loads: Map<string, Touch[]>, stores: Map<string, Touch[]>): void {
  list.forEach((s, position) => {
    const seen = new Set<Expr>();
    const note = (e: Expr): void => {
      if (e.args.length === 0 || seen.has(e)) return;
      seen.add(e);
      if (e.op === "load") push(loads, e.name, { list, position, index: e.args[0] ? keyOf(e.args[0]) : "" });
      for (const a of e.args) note(a);
    };
    for (const e of expressionsOf(s)) note(e);
    if (s.kind === "store") push(stores, s.buffer, { list, position, index: storeIndex(s) });
    for (const body of bodiesOf(s)) collect(body, loads, stores);
  });
}

/** A guarded or atomic store does not overwrite for certain; give it an index that equals none. */
const storeIndex = (s: Store): string => (s.guard || s.atomic ? "" : keyOf(s.index));

function push(map: Map<string, Touch[]>, name: string, touch: Touch): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [touch]);
  else list.push(touch);
}
