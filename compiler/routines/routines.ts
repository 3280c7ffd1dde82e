/** Routines by the name that their row gives. */
import { CompilerBug } from "../ir/errors.ts";
import type { Node } from "../ir/node.ts";
import type { Fragment } from "./fragment.ts";
import { sortFragment } from "./sort.ts";

const emitters: ReadonlyMap<string, (node: Node, name: string) => Fragment> = new Map([["sort", sortFragment]]);

/** The kernels of a routine node. */
export function routineFragment(node: Node, name: string): Fragment {
  const emit = node.op.kind === "routine" ? emitters.get(node.op.routine) : undefined;
  if (emit === undefined) throw new CompilerBug(`no routine is written for ${node.op.name}`);
  return emit(node, name);
}
