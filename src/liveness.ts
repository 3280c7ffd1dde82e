/**
 * Who still needs a value: handles and cells that hold it, and recorded definitions that read it. Where nobody does, its memory goes
 * back at once and its definition is dropped, which frees what that reads, and so on.
 *
 *   y = x.at("1:").mul(2), evaluated: the definition of y is dropped, so nothing reads the slice, so it is dropped, so nothing of it reads x
 *
 * What is only in use inside of a function call, as operands on their way into a node, is safe: nothing is evaluated meanwhile. What is
 * kept beyond a call is held. Tracked nodes keep their definitions for autodiff, and all they read.
 */
import type { Node, Value } from "../compiler/ir/node.ts";
import { releaseSlot } from "./slots.ts";

/** One more handle, cell or cache keeps the value. */
export function hold(value: Value): void {
  value.holders++;
}

/** One less. Collection takes care of handles that were dropped without `dispose`, in its time. */
export function letGo(value: Value): void {
  value.holders--;
  settle(value);
}

/** Keeps values until the task is done, also where what stands for them is rebound or disposed meanwhile. */
export async function holding<T>(values: readonly Value[], task: () => Promise<T>): Promise<T> {
  const held = values.map((value) => ({ value, wasHeld: value.holders > 0 }));
  for (const { value } of held) hold(value);
  try {
    return await task();
  } finally {
    for (const { value, wasHeld } of held) {
      // what a view has read stays there, though nobody holds it
      if (wasHeld) letGo(value);
      else value.holders--;
    }
  }
}

/** Nobody asks for the value by itself any more; who reads it or holds it keeps it. */
export function settle(value: Value): void {
  if (isUnneeded(value)) retire(value);
}

const isUnneeded = (v: Value): boolean => v.readers === 0 && v.holders === 0 && !v.node.tracked;

/** Nobody needs this value, or what was computed for it alone. */
function retire(value: Value): void {
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    releaseSlot(next);
    if (next.node.definition !== null && next.node.results.every(isUnneeded)) open.push(...dropped(next.node));
  }
}

/** Forgets how a node is computed; gives those of its operands that nobody needs any more. */
function dropped(node: Node): Value[] {
  const args = node.definition?.args ?? [];
  node.drop();
  const unneeded = args.filter(isUnneeded);
  return unneeded.length > 1 ? [...new Set(unneeded)] : unneeded;
}

/** Whether nothing is left of a value that nobody needed. */
export const isGone = ({ slot, node }: Value): boolean => slot === null && node.definition === null;

const nothing: ReadonlySet<Value> = new Set();

/** Forgets how an evaluated node was computed, and what was computed for it alone; `spared` are values that are asked for themselves. */
export function forget(node: Node, spared: ReadonlySet<Value> = nothing): void {
  for (const v of dropped(node)) if (!spared.has(v)) retire(v);
}

/** How often definitions read each value that will be forgotten once `values` are evaluated. */
export function readingsForgotten(values: readonly Value[]): ReadonlyMap<Value, number> {
  const readings = new Map<Value, number>();
  const asked = new Set(values);
  const open = values.map((v) => v.node).filter((node) => isForgotten(node, asked));
  const seen = new Set(open);
  const gone = (v: Value): boolean => v.holders === 0 && readings.get(v) === v.readers && !v.node.tracked;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const a of node.definition?.args ?? []) {
      readings.set(a, (readings.get(a) ?? 0) + 1);
      if (!gone(a) || seen.has(a.node) || !a.node.results.every((r) => gone(r) || (r.readers === 0 && r.holders === 0))) continue;
      seen.add(a.node);
      open.push(a.node);
    }
  }
  return readings;
}

/** Whether evaluating `asked` makes a node forget its definition: tracked ones keep theirs, but for cells that were rebound. */
export function isForgotten(node: Node, asked: ReadonlySet<Value>): boolean {
  const { definition } = node;
  if (definition === null || node.results.some((r) => r.slot === null && !asked.has(r))) return false;
  return !node.tracked || (definition.op.kind === "barrier" && definition.op.effect === "detach");
}
