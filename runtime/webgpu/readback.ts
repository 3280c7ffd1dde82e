/** Copies from the GPU to the host, through staging buffers that are used again. */
import type { Memory } from "./memory.ts";
import { MemoryPool, usage } from "./memory.ts";

const mebibyte = 2 ** 20;
/** A bit of GPUMapMode. */
const mapRead = 1;

export class Readback {
  readonly #device: GPUDevice;
  readonly #staging: MemoryPool;

  constructor(device: GPUDevice) {
    this.#device = device;
    const { maxBufferSize } = device.limits;
    this.#staging = new MemoryPool(device, { usage: usage.mapRead | usage.copyTarget, largest: maxBufferSize, spareBytes: 64 * mebibyte });
  }

  /** Submits the copy before it returns; the bytes come later. Rejects where the device cannot. */
  async read(from: Memory, bytes: number): Promise<ArrayBuffer> {
    const staging = this.#staging.take(bytes);
    try {
      const encoder = this.#device.createCommandEncoder({ label: "read" });
      encoder.copyBufferToBuffer(from.gpu, 0, staging.gpu, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
      await staging.gpu.mapAsync(mapRead, 0, bytes);
      const copy = staging.gpu.getMappedRange(0, bytes).slice(0);
      staging.gpu.unmap();
      return copy;
    } catch (error) {
      staging.invalid = true;
      throw error;
    } finally {
      this.#staging.give(staging);
    }
  }

  /** Destroys what lies ready. */
  clear(): void {
    this.#staging.clear();
  }
  close(): void {
    this.#staging.close();
  }
}
