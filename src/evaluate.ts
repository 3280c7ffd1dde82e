/** Evaluation: fills the slots of values and drops the definitions that nothing needs any more. */
import { CompilerBug } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import type { HostArray, HostData } from "../compiler/ir/host.ts";
import { interpretValues } from "../compiler/interpret.ts";
import { Node, result } from "../compiler/ir/node.ts";
import type { Slot, Value } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";
import type { DeviceBuffer } from "../runtime/device.ts";
import { cpu } from "./devices.ts";

function bufferOf(value: Value): DeviceBuffer | null {
  if (value.slot === null) return null;
  const buffer = buffers.get(value.slot);
  if (buffer === undefined) throw new CompilerBug("a slot that no device filled");
  return buffer;
}

/** The slots that devices filled: a slot is its buffer. */
const buffers = new WeakMap<Slot, DeviceBuffer>();

function fill(value: Value, data: HostArray): void {
  const buffer = cpu.upload(data, value.type);
  buffers.set(buffer, buffer);
  value.slot = buffer;
}

function contentOf(value: Value): HostData | null {
  const buffer = bufferOf(value);
  return buffer === null ? null : { type: value.type, data: cpu.readSync(buffer) };
}

/** Data of the user as a value: a node without definition, its slot filled. */
export function upload(data: HostArray, type: TensorType): Value {
  const value = result(new Node(null, [type], false, "user"), 0);
  fill(value, data);
  return value;
}

/** Lets `to` stand for the same evaluated memory as `from`, where it was evaluated. */
export function shareSlot(from: Value, to: Value): void {
  bufferOf(from)?.retain();
  to.slot = from.slot;
}

/** Computes these values, each once, in one plan. */
export async function evaluate(values: readonly Value[]): Promise<void> {
  evaluateSync(values);
}

/** `evaluate` without waiting; throws a DeviceError on devices that cannot. */
export function evaluateSync(values: readonly Value[]): void {
  const pending = values.filter((v) => v.slot === null);
  interpretValues(pending, contentOf).forEach((data, i) => {
    const value = pending[i];
    if (value === undefined || value.slot !== null) return;
    fill(value, data.data);
    dropDefinition(value.node);
  });
}

/** Tracked nodes keep theirs for autodiff; a detached one (a rebound cell) is a leaf, whatever it was computed from. */
function dropDefinition(node: Node): void {
  const { definition } = node;
  if (definition === null || node.results.some((r) => r.slot === null)) return;
  const detached = definition.op.kind === "barrier" && definition.op.effect === "detach";
  if (!node.tracked || detached) node.definition = null;
}

/** A copy of the elements of an evaluated value. */
export async function readValue(value: Value): Promise<HostArray> {
  return readValueSync(value);
}

/** `readValue` without waiting; throws a DeviceError on devices that cannot. */
export function readValueSync(value: Value): HostArray {
  const content = contentOf(value);
  if (content === null) throw new CompilerBug("reading a value that was not evaluated");
  return content.data;
}

/** A handle was disposed: its memory may go once no recorded node reads it. */
export function releaseValue(value: Value): void {
  void value;
}

/** How many nodes an evaluation of this value would compute. */
export const pendingNodes = (value: Value): number => postorder([value], (v) => v.slot !== null).length;

/** The name of the target that code is generated for. */
export const targetName = (): string => "js";
