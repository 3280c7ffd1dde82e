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
  const copied = f.before.flatMap((p) => (p.kind === "copy" ? [storageOf(p.from)] : []));
  return [...new Set([...copied, ...boundBy(f, (access) => access !== "write")])].filter((v) => constantOf(v) === null);
}

/** Values that are there, or are others, after a fragment. */
export const madeBy = (f: Fragment): Value[] => [...new Set([...f.before.map((p) => storageOf(p.to)), ...boundBy(f, (access) => access !== "read")])];

function boundBy(f: Fragment, wanted: (access: KernelBuffer["access"]) => boolean): Value[] {
  return f.launches.flatMap((l) => l.buffers.flatMap((b, i) => (b.of === "value" && wanted(at(l.kernel.buffers, i).access) ? [storageOf(b.value)] : [])));
}
