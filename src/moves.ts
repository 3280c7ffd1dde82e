/** Moving values between devices: recorded as a node, done when something on the other device is evaluated. */
import { postorder } from "../compiler/ir/graph.ts";
import type { Node, Value } from "../compiler/ir/node.ts";
import { at } from "../compiler/ir/errors.ts";
import { transfer } from "../compiler/ops/barrier.ts";
import { isMove } from "../compiler/passes/canonicalize.ts";
import type { DeviceName } from "./devices.ts";

let recorded = false;

/** Whether any value of this process ever moved: most programs stay on one device. */
export const movesRecorded = (): boolean => recorded;

/** The same value on a device; itself where it is there. Gradients flow back. */
export function moveTo(value: Value, device: DeviceName): Value {
  recorded = true;
  return transfer(value, device);
}

/** The moves that must be done before these values can be evaluated, and that wait for no other move. */
export function nextMoves(values: readonly Value[]): Value[] {
  if (!recorded) return [];
  const moves: Value[] = [];
  const waiting = new Set<Node>();
  for (const node of postorder(values, (v) => v.slot !== null)) {
    const waits = node.args.some((a) => a.slot === null && waiting.has(a.node));
    const value = at(node.results, 0);
    if (isMove(value) && !waits) moves.push(value);
    if (waits || isMove(value)) waiting.add(node);
  }
  return moves;
}
