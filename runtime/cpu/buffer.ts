/** Memory of evaluated values on the CPU. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { DeviceError, UnsupportedError } from "../../compiler/ir/errors.ts";
import { fromHalves, toHalves } from "../../compiler/ir/half.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import { copyElements, asNumbers } from "../../compiler/ir/host.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import type { DeviceBuffer } from "../device.ts";
import type { Block, CpuHeap, HeapViews } from "./heap.ts";
import { classOf } from "./heap.ts";

/**
 * What collection is told of a block: registering costs more than running a small kernel, so a lease is registered once and then used
 * again with its block. Its finaliser returns the bytes when every handle was dropped without release.
 */
class Lease {
  readonly block: Block;
  constructor(block: Block) {
    this.block = block;
  }
}

/** A lease and the number of its owners. */
class Storage {
  readonly lease: Lease;
  readonly pool: BufferPool;
  owners = 1;
  constructor(lease: Lease, pool: BufferPool) {
    this.lease = lease;
    this.pool = pool;
  }
}

/** Blocks beyond this size are not kept: running a kernel over them costs more than registering. */
const mostParkedBytes = 16384;
const mostParked = 16;

/** Makes buffers of one heap and takes their bytes back, by count or, as a backstop, when they are collected. */
export class BufferPool {
  readonly heap: CpuHeap;
  /** Frees the blocks of buffers that were collected. */
  readonly collected: FinalizationRegistry<Block>;
  /** Small blocks that nobody has, by size class. */
  readonly #parked: Lease[][] = Array.from({ length: classOf(mostParkedBytes) + 1 }, () => []);

  constructor(heap: CpuHeap) {
    this.heap = heap;
    this.collected = new FinalizationRegistry((block) => heap.free(block));
  }

  /** A new buffer with one owner; its contents are whatever was there. */
  create(type: TensorType, bytes: number): CpuBuffer {
    return new CpuBuffer(type, new Storage(this.#lease(bytes), this));
  }

  #lease(bytes: number): Lease {
    const parked = bytes > mostParkedBytes ? undefined : this.#parked[classOf(bytes || 1)]?.pop();
    if (parked !== undefined) {
      this.heap.reissue(parked.block, bytes);
      return parked;
    }
    const made = new Lease(this.heap.allocate(bytes));
    this.collected.register(made, made.block, made);
    return made;
  }

  /** The last owner has gone. */
  reclaim({ lease }: Storage): void {
    const { block } = lease;
    const list = block.size > mostParkedBytes ? undefined : this.#parked[classOf(block.size)];
    this.heap.park(block);
    if (list !== undefined && list.length < mostParked) list.push(lease);
    else this.#drop(lease);
  }

  /** Gives parked blocks back to the heap; whether there were any. */
  flush(): boolean {
    const leases = this.#parked.flatMap((list) => list.splice(0));
    for (const lease of leases) this.#drop(lease);
    return leases.length > 0;
  }

  #drop(lease: Lease): void {
    this.collected.unregister(lease);
    this.heap.drop(lease.block);
  }
}

/** The elements of a dtype in the heap; float16 as its bits. */
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
    case "int64":
      return views.i64;
    case "uint64":
      return views.u64;
    case "int16":
      return views.i16;
    case "uint16":
    case "float16":
      return views.u16;
    case "int8":
      return views.i8;
    case "uint8":
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
    return this.#live("used").lease.block.at;
  }
  /** Throws a DeviceError after the last release. */
  requireLive(): void {
    this.#live("used");
  }
  /** The elements, to be read at once: in the heap, valid until it grows; of float16 a copy. */
  get elements(): HostArray {
    const words = this.#words("read");
    return this.type.dtype === "float16" ? fromHalves(asNumbers(words)) : words;
  }
  /** A copy of the elements. */
  copy(): HostArray {
    return this.type.dtype === "float16" ? this.elements : this.elements.slice();
  }
  /** Writes the elements. */
  fill(data: HostArray): void {
    copyElements(this.#words("written"), this.type.dtype === "float16" ? toHalves(asNumbers(data)) : data);
  }

  /** The memory as typed arrays see it. */
  #words(verb: string): HostArray {
    const { lease, pool } = this.#live(verb);
    const start = lease.block.at / dtypeInfo(this.type.dtype).bytes;
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
