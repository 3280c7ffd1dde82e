/** Memory of evaluated values on the CPU. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { DeviceError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import type { DeviceBuffer } from "../device.ts";
import type { Block, CpuHeap, HeapViews } from "./heap.ts";

/** A block and the number of its owners. Its finaliser returns the bytes when every handle was dropped without release. */
class Storage {
  readonly block: Block;
  readonly pool: BufferPool;
  owners = 1;
  constructor(block: Block, pool: BufferPool) {
    this.block = block;
    this.pool = pool;
  }
}

/** Makes buffers of one heap and takes their bytes back, by count or, as a backstop, when they are collected. */
export class BufferPool {
  readonly heap: CpuHeap;
  /** Frees the blocks of buffers that were collected. */
  readonly collected: FinalizationRegistry<Block>;
  constructor(heap: CpuHeap) {
    this.heap = heap;
    this.collected = new FinalizationRegistry((block) => heap.free(block));
  }

  /** The first handle on a new block, with one owner. */
  adopt(type: TensorType, block: Block): CpuBuffer {
    const storage = new Storage(block, this);
    this.collected.register(storage, storage.block, storage);
    return new CpuBuffer(type, storage);
  }

  /** The last owner has gone. */
  reclaim(storage: Storage): void {
    this.collected.unregister(storage);
    this.heap.free(storage.block);
  }
}

/** The elements of a dtype in the heap. */
export function viewOf(views: HeapViews, dtype: DType): HostArray {
  switch (dtype) {
    case "float32":
      return views.f32;
    case "float64":
      return views.f64;
    case "int32":
      return views.i32;
    case "uint32":
      return views.u32;
    case "bool":
      return views.u8;
    default:
      throw new UnsupportedError(`dtype ${dtype} has no buffers on the cpu yet`);
  }
}

/**
 * A handle on memory in the heap. Every handle owns one count when it is made; `retain` adds one. At zero the bytes go back and
 * every further use throws a DeviceError.
 */
export class CpuBuffer implements DeviceBuffer {
  readonly type: TensorType;
  readonly device = "cpu";
  /** Null once this handle's memory was handed to an output. */
  #storage: Storage | null;

  constructor(type: TensorType, storage: Storage) {
    this.type = type;
    this.#storage = storage;
  }

  get bytes(): number {
    return bytesOf(this.type);
  }
  get freed(): boolean {
    return this.#storage === null || this.#storage.owners === 0;
  }
  /** How many owners the memory has. */
  get owners(): number {
    return this.#storage?.owners ?? 0;
  }
  /** The position in the heap in bytes; throws a DeviceError after the last release. */
  get position(): number {
    return this.#live("used").block.at;
  }
  /** Throws a DeviceError after the last release. */
  requireLive(): void {
    this.#live("used");
  }
  /** The elements in the heap: valid until the heap grows. */
  get elements(): HostArray {
    const { block, pool } = this.#live("read");
    const start = block.at / dtypeInfo(this.type.dtype).bytes;
    return viewOf(pool.heap.views, this.type.dtype).subarray(start, start + sizeOf(this.type.shape));
  }

  /** The same memory as another type of as many bytes: one more handle, one more owner. */
  view(type: TensorType): CpuBuffer {
    const storage = this.#live("viewed");
    if (bytesOf(type) !== this.bytes)
      throw new DeviceError(`a buffer of ${typeText(this.type)} has ${this.bytes} bytes and cannot be seen as ${typeText(type)}`);
    storage.owners++;
    return new CpuBuffer(type, storage);
  }

  retain(): void {
    this.#live("retained").owners++;
  }

  release(): void {
    const storage = this.#live("released");
    storage.owners--;
    if (storage.owners === 0) storage.pool.reclaim(storage);
  }

  /** Moves this handle's ownership to a new handle; this one is freed. */
  handOver(type: TensorType): CpuBuffer {
    const next = new CpuBuffer(type, this.#live("donated"));
    this.#storage = null;
    return next;
  }

  #live(verb: string): Storage {
    const storage = this.#storage;
    if (storage !== null && storage.owners > 0) return storage;
    throw new DeviceError(
      `a buffer of ${typeText(this.type)} was ${verb} after it was freed. Keep what you still need: dispose() and assign() end the old value.`,
    );
  }
}
