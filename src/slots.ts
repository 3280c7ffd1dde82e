/** What slots hold: memory of the CPU, memory of a GPU, host data on its way to a GPU, or only a description. */
import { dtypeInfo } from "../compiler/ir/dtype.ts";
import { CompilerBug, DeviceError, DTypeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { HostArray } from "../compiler/ir/host.ts";
import type { Slot, Value } from "../compiler/ir/node.ts";
import { Node, result } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";
import { typeText } from "../compiler/ir/shape.ts";
import { wgsl } from "../compiler/target.ts";
import { CpuBuffer } from "../runtime/cpu/buffer.ts";
import type { DeviceBuffer, GpuDevice } from "../runtime/device.ts";
import type { DeviceName } from "./devices.ts";
import { overwrittenError } from "./rebinding.ts";
import { cpu, openedGpu } from "./devices.ts";
import { HostCopy } from "./host-copy.ts";

/** Memory that is counted: owned by the values that share it. */
interface Counted extends Slot {
  retain(): void;
  release(): void;
}

const isCounted = (slot: Slot): slot is Counted => "retain" in slot && "release" in slot;

/** What an evaluated value holds. */
export function filled(value: Value): Slot {
  const { slot } = value;
  if (slot === null) throw new CompilerBug("a plan's input is not evaluated");
  requireKept(value);
  if (slot.device === null) throw new UnsupportedError(`${typeText(value.type)} was only described, for inspect: it has no elements.`);
  return slot;
}

/** Throws an UnsupportedError where a step wrote over the value, a DeviceError where the value, and all else, went with its device. */
export function requireKept(value: Value): void {
  if (!isOverwritten(value)) return;
  const { slot } = value;
  if (slot !== null && slot.device === "webgpu" && openedGpu()?.owns(slot) !== true) throw goneError(value.type);
  throw overwrittenError(value) ?? new CompilerBug(`a plan's input ${typeText(value.type)} was freed`);
}

/** Whether what the value held went to another. */
export const isOverwritten = ({ slot }: Value): boolean => slot !== null && isMemory(slot) && slot.freed;

/** Throws a DTypeError where a device has no numbers of this kind. */
export function requireOn(device: string | null, op: string, { dtype }: Pick<TensorType, "dtype">): void {
  if (device !== "webgpu" || wgsl.dtypes.has(dtype)) return;
  const instead = dtypeInfo(dtype).kind === "float" ? 'astype("float32")' : 'astype("int32")';
  throw new DTypeError(`${op}: ${dtype} does not exist on webgpu: WGSL has float32, int32, uint32 and bool. Use ${instead}, or x.toDevice("cpu") first.`);
}

/** Elements as memory of a device. Host data for a GPU stays on the host until a plan needs it. */
export function slotOf(data: HostArray, type: TensorType, device: DeviceName): Slot {
  return device === "cpu" ? cpu.upload(data, type) : new HostCopy(type, device, data);
}

/** Data of the user as a value: a node without definition, its slot filled. */
export function given(data: HostArray, type: TensorType, device: DeviceName): Value {
  const value = result(new Node(null, [type], { tracked: false, provenance: "user" }), 0);
  // what the CPU uploads is a copy; what waits for a GPU must be one too
  value.slot = slotOf(device === "cpu" ? data : data.slice(), type, device);
  return value;
}

/** GPU memory that is being computed; settles when it is known whether that went well. */
const underWay = new Map<Slot, Promise<void>>();

/** Work that is to fill these slots was given to a GPU. */
export function taken(slots: readonly Slot[], finished: Promise<void>): void {
  for (const slot of slots) underWay.set(slot, finished);
  void finished
    .catch(() => null)
    .then(() => {
      for (const slot of slots) underWay.delete(slot);
      return null;
    });
}

/** The work that is to fill the value's slot, where it is under way. */
export const workOn = ({ slot }: Value): Promise<void> | undefined => (slot === null || underWay.size === 0 ? undefined : underWay.get(slot));

/** Lets `to` stand for the same evaluated memory as `from`, where it was evaluated; for nothing again where that turns out to have failed. */
export function shareSlot(from: Value, to: Value): void {
  const { slot } = from;
  if (slot !== null && isCounted(slot)) slot.retain();
  to.slot = slot;
  workOn(from)?.catch(() => {
    if (to.slot === slot) to.slot = null;
  });
}

/** Memory of a device. Host data on its way to one is not, nor is what is only described. */
export const isMemory = (slot: Slot): slot is DeviceBuffer => isCounted(slot) && "owners" in slot;

/** Gives back what a value that nobody needs owns. What a plan took over is gone already. */
export function releaseSlot(value: Value): void {
  const { slot } = value;
  if (slot === null || !isCounted(slot)) return;
  if (!("freed" in slot) || slot.freed === false) slot.release();
  value.slot = null;
}

/** The GPU that holds this memory; a DeviceError where it was lost with its device. */
function gpuOf(slot: Slot): { readonly gpu: GpuDevice; readonly buffer: DeviceBuffer } {
  const gpu = openedGpu();
  if (gpu?.owns(slot) === true) return { gpu, buffer: slot };
  throw goneError(slot.type);
}

const goneError = (type: TensorType): DeviceError =>
  new DeviceError(
    `webgpu: ${typeText(type)} was on a GPU device that is gone. Only data from the host is uploaded again: make it from a copy that you kept, ` +
      "as `await x.data()` gives it.",
  );

/** The elements, to be read only, where they are on the host; null where a GPU must be asked. */
function onHost(slot: Slot): HostArray | null {
  if (slot instanceof HostCopy) return slot.data;
  return slot instanceof CpuBuffer ? cpu.readSync(slot) : null;
}

/** The elements of a value, to be read only and at once, where they are on the host; null where they are not, or not yet. */
export function hostElements(value: Value): HostArray | null {
  const { slot } = value;
  if (slot instanceof HostCopy) return slot.data;
  return slot instanceof CpuBuffer ? slot.elements : null;
}

/** A copy of the elements of an evaluated value. */
export async function readValue(value: Value): Promise<HostArray> {
  const slot = filled(value);
  if (slot instanceof HostCopy) return slot.data.slice();
  if (slot instanceof CpuBuffer) return cpu.readSync(slot);
  const { gpu, buffer } = gpuOf(slot);
  return gpu.read(buffer);
}

/** `readValue` of a value on the CPU. */
export function readValueSync(value: Value): HostArray {
  const slot = filled(value);
  if (slot instanceof CpuBuffer) return cpu.readSync(slot);
  throw new DeviceError(`${typeText(value.type)} lives on ${slot.device}, which answers later. Use await x.data().`);
}

/** A value's memory as the CPU's plans take it; `fetched` are the elements of one that lives elsewhere. */
export function cpuInput(value: Value, fetched: HostArray | undefined): CpuBuffer {
  const slot = filled(value);
  if (slot instanceof CpuBuffer) return slot;
  return cpu.upload(fetched ?? readValueSync(value), value.type);
}

/** The same memory as another type of the same size. */
export function viewOf(slot: Slot, type: TensorType): Slot {
  if (slot instanceof HostCopy || slot instanceof CpuBuffer) return slot.view(type);
  return gpuOf(slot).buffer.view(type);
}

/** A value's memory as a GPU's plans take it. */
export function gpuInput(value: Value, gpu: GpuDevice): DeviceBuffer {
  const slot = filled(value);
  if (slot instanceof HostCopy) return slot.bufferOn(gpu);
  const data = onHost(slot);
  return data === null ? gpuOf(slot).buffer : gpu.upload(data, value.type);
}
