/** GPU memory by size class, used again and again: work on a queue is done in order, so memory given back may be taken at once. */

/** Bits of GPUBufferUsage; the global of that name is not there in Node. */
export const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128, queryResolve: 512 } as const;

const mebibyte = 2 ** 20;

let made = 0;

/** A GPU buffer with a number of its own. */
export class Memory {
  readonly id: number = made++;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  /** Whether its creation failed: then it is destroyed and never used again. */
  invalid = false;
  constructor(gpu: GPUBuffer, bytes: number) {
    this.gpu = gpu;
    this.bytes = bytes;
  }
}

/** `bytes` rounded up to four classes an octave, from 256 bytes. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

export interface PoolOptions {
  readonly usage: number;
  /** No memory is made larger than this by rounding. */
  readonly largest: number;
  /** Bytes that may lie unused before memory is destroyed. */
  readonly spareBytes?: number;
  /** Bytes that may be reserved at one time. */
  readonly limit?: number | undefined;
}

export class MemoryPool {
  readonly #device: GPUDevice;
  readonly #options: PoolOptions;
  readonly #spare = new Map<number, Memory[]>();
  #spareBytes = 0;
  #held = 0;
  #peak = 0;
  #isClosed = false;

  constructor(device: GPUDevice, options: PoolOptions) {
    this.#device = device;
    this.#options = options;
  }

  /** Bytes taken and not given back. */
  get held(): number {
    return this.#held;
  }
  get peak(): number {
    return this.#peak;
  }
  /** Bytes held and bytes that lie ready. */
  get reserved(): number {
    return this.#held + this.#spareBytes;
  }

  get limit(): number {
    return this.#options.limit ?? Infinity;
  }

  /** Memory of at least as many bytes. */
  take(bytes: number): Memory {
    return this.reuse(bytes) ?? this.create(bytes);
  }

  /** Memory of at least as many bytes that lies ready, or null. */
  reuse(bytes: number): Memory | null {
    const memory = this.#spare.get(this.#sizeOf(bytes))?.pop();
    if (memory === undefined) return null;
    this.#spareBytes -= memory.bytes;
    return this.#hold(memory);
  }

  /** New memory; an error of its creation arrives later. */
  create(bytes: number): Memory {
    const size = this.#sizeOf(bytes);
    return this.#hold(new Memory(this.#device.createBuffer({ size, usage: this.#options.usage }), size));
  }

  /** Whether new memory of so many bytes stays within the limit; what lies ready makes room for it. */
  fits(bytes: number): boolean {
    const size = this.#sizeOf(bytes);
    if (this.reserved + size > this.limit) this.clear();
    return this.reserved + size <= this.limit;
  }

  readonly give = (memory: Memory): void => {
    this.#held -= memory.bytes;
    if (this.#isClosed || memory.invalid || this.#spareBytes + memory.bytes > (this.#options.spareBytes ?? 256 * mebibyte)) {
      memory.gpu.destroy();
      return;
    }
    this.#spareBytes += memory.bytes;
    const list = this.#spare.get(memory.bytes);
    if (list === undefined) this.#spare.set(memory.bytes, [memory]);
    else list.push(memory);
  };

  /** Destroys what lies ready. */
  clear(): void {
    for (const list of this.#spare.values()) for (const memory of list) memory.gpu.destroy();
    this.#spare.clear();
    this.#spareBytes = 0;
  }

  /** From now on what is given back is destroyed. */
  close(): void {
    this.#isClosed = true;
    this.clear();
  }

  #sizeOf(bytes: number): number {
    return Math.max(Math.ceil(bytes / 16) * 16, Math.min(sizeClass(bytes), this.#options.largest));
  }

  #hold(memory: Memory): Memory {
    this.#held += memory.bytes;
    this.#peak = Math.max(this.#peak, this.#held);
    return memory;
  }
}
