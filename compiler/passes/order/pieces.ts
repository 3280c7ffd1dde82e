/** Pieces of a plan: what a step launches, and what must be there before it for another reason than that it reads it. */
import { at } from "../../ir/errors.ts";
import type { KernelBuffer } from "../../ir/loop.ts";
import type { Value } from "../../ir/node.ts";
import type { Fragment } from "../../routines/fragment.ts";
import type { Region } from "../region.ts";
import { isPassThrough } from "../region.ts";
import { constantOf, storageOf } from "../storage.ts";

export interface Piece {
  readonly fragment: Fragment;
  readonly waits: readonly Value[];
}

/** What must be there before a region for another reason than that it is read: a barrier says so. */
export function waitsFor({ nodes }: Region): Value[] {
  const found: Value[] = [];
  for (const node of nodes)
    for (const arg of node.args)
      for (let v = arg; ; v = at(v.node.args, 0)) {
        if (isPassThrough(v.node)) found.push(...v.node.args.slice(1).map(storageOf));
        else if (v.node.op.kind !== "view" || v.node.op.alias !== true) break;
      }
  return found;
}

/** Values that a fragment reads or goes on with; constants are filled in when they are needed. */
export function readBy(f: Fragment): Value[] {
  const found = new Set<Value>();
  for (const p of f.before) if (p.kind === "copy") found.add(storageOf(p.from));
  noteBound(f, "write", found);
  return [...found].filter((v) => constantOf(v) === null);
}

/** Values that are there, or are others, after a fragment. */
export function madeBy(f: Fragment): Value[] {
  const found = new Set<Value>();
  for (const p of f.before) found.add(storageOf(p.to));
  noteBound(f, "read", found);
  return [...found];
}

/** Adds what kernels of a fragment bind, but for what they bind in one way. */
function noteBound(f: Fragment, except: KernelBuffer["access"], found: Set<Value>): void {
  for (const { kernel, buffers } of f.launches)
    for (let i = 0; i < buffers.length; i++) {
      const operand = at(buffers, i);
      if (operand.of === "value" && at(kernel.buffers, i).access !== except) found.add(storageOf(operand.value));
    }
}
