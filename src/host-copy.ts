/** Data that the user gave for a device that answers later. */
import { DeviceError } from "../compiler/ir/errors.ts";
import type { HostArray } from "../compiler/ir/host.ts";
import type { Slot } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";
import { typeText } from "../compiler/ir/shape.ts";
import type { DeviceBuffer, GpuDevice } from "../runtime/device.ts";

/**
 * Elements on the host that count as evaluated on a GPU: uploaded where they are first needed, since the GPU may not be open yet, and
 * again after it was lost. Counted as buffers are: made with one owner, nothing is left at zero.
 */
export class HostCopy implements Slot {
  readonly type: TensorType;
  readonly device: string;
  #data: HostArray | null;
  #uploaded: { readonly to: GpuDevice; readonly buffer: DeviceBuffer } | null = null;
  #owners = 1;

  constructor(type: TensorType, device: string, data: HostArray) {
    this.type = type;
    this.device = device;
    this.#data = data;
  }

  /** The elements; not to be changed. */
  get data(): HostArray {
    if (this.#data !== null) return this.#data;
    throw new DeviceError(`a buffer of ${typeText(this.type)} was used after it was freed. Keep what you still need: dispose() ends a value.`);
  }

  /** Their buffer on this device. An upload that failed, for want of memory then, is tried again. */
  bufferOn(gpu: GpuDevice): DeviceBuffer {
    const known = this.#uploaded;
    if (known?.to === gpu && !gpu.hasFailed(known.buffer)) return known.buffer;
    this.#forget();
    const buffer = gpu.upload(this.data, this.type);
    this.#uploaded = { to: gpu, buffer };
    return buffer;
  }

  /** The same elements, whose type differs in nothing that matters to memory. */
  view(type: TensorType): HostCopy {
    return new HostCopy(type, this.device, this.data);
  }
  retain(): void {
    this.#owners++;
  }
  release(): void {
    this.#owners--;
    if (this.#owners > 0) return;
    this.#data = null;
    this.#forget();
  }

  #forget(): void {
    if (this.#uploaded?.to.isLost === false) this.#uploaded.buffer.release();
    this.#uploaded = null;
  }
}
