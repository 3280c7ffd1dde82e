/** Evaluation: fills the slots of values and drops the definitions that nothing needs any more. */
import { CompilerBug } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import type { HostArray, HostData } from "../compiler/ir/host.ts";
import { interpretValues } from "../compiler/interpret.ts";
import { Node, result } from "../compiler/ir/node.ts";
import type { Slot, Value } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";

/** Elements of the slots that the interpreter filled. */
const contents = new WeakMap<Slot, HostData>();

function fill(value: Value, data: HostArray): void {
  const slot: Slot = { type: value.type, device: "cpu" };
  contents.set(slot, { type: value.type, data });
  value.slot = slot;
}

function contentOf(value: Value): HostData | null {
  if (value.slot === null) return null;
  const data = contents.get(value.slot);
  if (data === undefined) throw new CompilerBug("a slot that this device did not fill");
  return data;
}

/** Data of the user as a value: a node without definition, its slot filled. `tracked` makes it a leaf of differentiation. */
export function upload(data: HostArray, type: TensorType, tracked: boolean): Value {
  const value = result(new Node(null, [type], tracked, "user"), 0);
  fill(value, data);
  return value;
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
  return content.data.slice();
}

/** A handle was disposed: its memory may go once no recorded node reads it. */
export function releaseValue(value: Value): void {
  void value;
}

/** How many nodes an evaluation of this value would compute. */
export const pendingNodes = (value: Value): number => postorder([value], (v) => v.slot !== null).length;

/** The name of the target that code is generated for. */
export const targetName = (): string => "js";
