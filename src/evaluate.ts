/** Evaluation: fills the slots of values and drops the definitions that nothing needs any more. */
import { at, CompilerBug, UnsupportedError } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import type { HostArray, HostData } from "../compiler/ir/host.ts";
import { interpretValues } from "../compiler/interpret.ts";
import { Node, result } from "../compiler/ir/node.ts";
import type { Value } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";
import { typeText } from "../compiler/ir/shape.ts";
import { canonicalize } from "../compiler/passes/canonicalize.ts";
import { CpuBuffer } from "../runtime/cpu/buffer.ts";
import { cpu } from "./devices.ts";
import { prepare } from "./plans.ts";
import { settings } from "./settings.ts";

/** The evaluated memory of a value, or null where it is pending. */
function bufferOf(value: Value): CpuBuffer | null {
  if (value.slot === null) return null;
  if (value.slot instanceof CpuBuffer) return value.slot;
  throw new UnsupportedError(`${typeText(value.type)} was only described, for inspect: it has no elements.`);
}

function contentOf(value: Value): HostData | null {
  const buffer = bufferOf(value);
  return buffer === null ? null : { type: value.type, data: cpu.readSync(buffer) };
}

/** Data of the user as a value: a node without definition, its slot filled. */
export function upload(data: HostArray, type: TensorType): Value {
  const value = result(new Node(null, [type], { tracked: false, provenance: "user" }), 0);
  value.slot = cpu.upload(data, type);
  return value;
}

/** Lets `to` stand for the same evaluated memory as `from`, where it was evaluated. */
export function shareSlot(from: Value, to: Value): void {
  if (from.slot instanceof CpuBuffer) from.slot.retain();
  to.slot = from.slot;
}

/** Computes these values, each once, in one plan; lets dead buffers go where they have piled up. */
export async function evaluate(values: readonly Value[]): Promise<void> {
  run(values);
  await cpu.pressure.relieve();
}

/** `evaluate` without waiting; throws a DeviceError on devices that cannot, and where dead buffers have piled up that cannot be collected. */
export function evaluateSync(values: readonly Value[]): void {
  run(values);
  cpu.pressure.relieveSync();
}

function run(values: readonly Value[]): void {
  const pending = [...new Set(values)].filter((v) => v.slot === null);
  if (pending.length === 0) return;
  const buffers = settings().target === "interpreter" ? interpret(pending) : execute(pending);
  pending.forEach((value, i) => fill(value, at(buffers, i)));
}

function execute(pending: readonly Value[]): CpuBuffer[] {
  const canonical = canonicalize(pending);
  const { executable } = prepare(canonical);
  const inputs = canonical.buffers.map((v) => bufferOf(v) ?? missing());
  return cpu.run(executable, inputs, canonical.scalars);
}

function interpret(pending: readonly Value[]): CpuBuffer[] {
  return interpretValues(pending, contentOf).map((data, i) => cpu.upload(data.data, at(pending, i).type));
}

function missing(): never {
  throw new CompilerBug("a plan's input is not evaluated");
}

/** Puts the memory into the value, and into what the value is a detached form of. */
function fill(value: Value, buffer: CpuBuffer): void {
  for (let v: Value | undefined = value; v !== undefined && v.slot === null; v = detachedFrom(v)) {
    v.slot = v === value ? buffer : buffer.view(v.type);
  }
  dropDefinition(value.node);
}

function detachedFrom(value: Value): Value | undefined {
  const { definition } = value.node;
  return definition?.op.kind === "barrier" && definition.op.effect === "detach" ? definition.args[0] : undefined;
}

/** Tracked nodes keep theirs for autodiff; a detached one (a rebound cell) is a leaf, whatever it was computed from. */
function dropDefinition(node: Node): void {
  const { definition } = node;
  if (definition === null || node.results.some((r) => r.slot === null)) return;
  const detached = definition.op.kind === "barrier" && definition.op.effect === "detach";
  if (!node.tracked || detached) node.drop();
}

/** A copy of the elements of an evaluated value. */
export async function readValue(value: Value): Promise<HostArray> {
  return readValueSync(value);
}

/** `readValue` without waiting; throws a DeviceError on devices that cannot. */
export function readValueSync(value: Value): HostArray {
  const buffer = bufferOf(value);
  if (buffer === null) throw new CompilerBug("reading a value that was not evaluated");
  return cpu.readSync(buffer);
}

/** A handle was disposed: its memory may go once no recorded node reads it. */
export function releaseValue(value: Value): void {
  if (value.readers === 0 && value.slot instanceof CpuBuffer) value.slot.release();
}

/** How many nodes an evaluation of this value would compute. */
export const pendingNodes = (value: Value): number => postorder([value], (v) => v.slot !== null).length;

/** The name of the target that code is generated for. */
export const targetName = (): string => settings().target;
