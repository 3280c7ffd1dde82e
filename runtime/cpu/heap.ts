/**
 * The CPU's heap: one linear memory for all buffers, so that generated JavaScript and WebAssembly see the same bytes.
 *
 * Where it can it is a shared WebAssembly memory of up to 4 GiB, of which the system commits pages when they are first touched.
 * Positions are unsigned byte offsets (never `| 0`). The first page stays reserved: position 0 is no buffer, and WebAssembly
 * modules keep their constants there (constants.ts). Blocks are multiples of 64 bytes (a cache line) in size classes eight to a doubling, so a
 * freed block serves the next request of its class at once; neighbours are merged only when nothing else fits. Small blocks share slabs:
 * code and constants stay for good, and scattered between large blocks they would leave no large piece free.
 */
import { at, DeviceError } from "../../compiler/ir/errors.ts";

/** Bytes of a page, the first of which no block lies in. */
export const pageBytes = 65536;
const lineBytes = 64;
/** Least growth, so that many small buffers do not grow the memory many times. */
const growthBytes = 16 * 2 ** 20;

/** The whole memory as typed arrays. One object for the life of the heap; its fields change when the memory grows. */
export interface HeapViews {
  f32: Float32Array;
  f64: Float64Array;
  i32: Int32Array;
  u32: Uint32Array;
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i64: BigInt64Array;
  u64: BigUint64Array;
}

/** All views of one memory. */
export const viewsOf = (buffer: ArrayBufferLike): HeapViews => ({
  f32: new Float32Array(buffer),
  f64: new Float64Array(buffer),
  i32: new Int32Array(buffer),
  u32: new Uint32Array(buffer),
  i8: new Int8Array(buffer),
  u8: new Uint8Array(buffer),
  i16: new Int16Array(buffer),
  u16: new Uint16Array(buffer),
  i64: new BigInt64Array(buffer),
  u64: new BigUint64Array(buffer),
});

/** WebAssembly's memory as the DOM's types spell it, in words that projects without them have too. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(delta: number): number;
  toFixedLengthBuffer(): ArrayBuffer;
  toResizableBuffer(): ArrayBuffer;
}

/** Memory that was handed out: `bytes` as asked for last, `size` as reserved, from byte `at` on. */
export interface Block {
  readonly at: number;
  readonly size: number;
  bytes: number;
}

export interface HeapOptions {
  /** Most bytes of the memory; at most, and by default, 4 GiB. */
  readonly maximumBytes?: number;
  /** What the memory is made of; by default the first of these that the engine has. */
  readonly kind?: MemoryKind;
  /** No block lies below this byte; what is skipped is only address space. For tests of high positions. */
  readonly firstByte?: number;
}
export type MemoryKind = "shared" | "wasm" | "array";

interface Memory {
  readonly kind: MemoryKind;
  /** What WebAssembly modules import; null where there is none. */
  readonly wasm: LinearMemory | null;
  readonly buffer: () => ArrayBufferLike;
  /** Grows by this many pages or throws. */
  readonly grow: (pages: number) => void;
  readonly maximumPages: number;
}

function wasmMemory(kind: "shared" | "wasm", maximumPages: number): Memory {
  const shared = kind === "shared";
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared });
  return { kind, wasm: memory, maximumPages, buffer: () => memory.buffer, grow: (pages) => void memory.grow(pages) };
}

function arrayMemory(maximumPages: number): Memory {
  let buffer = new ArrayBuffer(pageBytes);
  const grow = (pages: number): void => {
    const next = new ArrayBuffer(buffer.byteLength + pages * pageBytes);
    new Uint8Array(next).set(new Uint8Array(buffer));
    buffer = next;
  };
  return { kind: "array", wasm: null, maximumPages, buffer: () => buffer, grow };
}

/** An engine short of address space refuses large maxima: half of it is tried then. */
function tryWasm(kind: "shared" | "wasm", pages: number): Memory | null {
  for (let maximum = pages; maximum >= Math.min(pages, 256); maximum = Math.floor(maximum / 2)) {
    try {
      return wasmMemory(kind, maximum);
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    }
  }
  return null;
}

function createMemory({ kind, maximumBytes = 2 ** 32 }: HeapOptions): Memory {
  const pages = Math.min(65536, Math.ceil(maximumBytes / pageBytes));
  const hasWasm = typeof WebAssembly !== "undefined";
  const hasShared = hasWasm && typeof SharedArrayBuffer !== "undefined";
  const allows = (k: MemoryKind): boolean => kind === undefined || kind === k;
  const shared = hasShared && allows("shared") ? tryWasm("shared", pages) : null;
  return shared ?? (hasWasm && allows("wasm") ? tryWasm("wasm", pages) : null) ?? arrayMemory(pages);
}

/** The class of a request, all of whose blocks have one size: 1 … 16 lines one by one, then eight classes a doubling. */
export function classOf(bytes: number): number {
  const lines = Math.ceil(bytes / lineBytes);
  if (lines <= 16) return lines;
  const exponent = 31 - Math.clz32(lines - 1);
  const step = 2 ** (exponent - 3);
  return 17 + (exponent - 4) * 8 + Math.ceil(lines / step) - 9;
}

/** Bytes of every block of a class. */
function classBytes(index: number): number {
  if (index <= 16) return index * lineBytes;
  const k = index - 17;
  return ((k % 8) + 9) * 2 ** (Math.floor(k / 8) + 1) * lineBytes;
}

/** The largest class whose size a block of `size` bytes covers. */
function classWithin(size: number): number {
  const index = classOf(size);
  return classBytes(index) === size ? index : index - 1;
}

const classes = classOf(2 ** 32) + 1;

/** Blocks of up to so many bytes lie in slabs. */
const smallBytes = 2 ** 16;
const slabBytes = 2 ** 20;
const mib = (bytes: number): string => (bytes < 2 ** 20 ? `${bytes} bytes` : `${(bytes / 2 ** 20).toFixed(1)} MiB`);

/** Allocates blocks of one memory. Throws a DeviceError where no more fits. */
export class CpuHeap {
  readonly views: HeapViews;
  readonly #memory: Memory;
  readonly #free: Block[][] = Array.from({ length: classes }, () => []);
  #reserved: number;
  /** Everything from here on was never handed out. */
  #top: number;
  #freeBytes = 0;
  #held = 0;
  #peak = 0;
  #blocks = 0;

  constructor(options: HeapOptions = {}) {
    this.#memory = createMemory(options);
    this.#top = Math.max(pageBytes, Math.ceil((options.firstByte ?? 0) / lineBytes) * lineBytes);
    const buffer = this.#memory.buffer();
    this.#reserved = buffer.byteLength;
    this.views = viewsOf(buffer);
  }

  /** What the memory is made of. */
  get kind(): MemoryKind {
    return this.#memory.kind;
  }
  /** What WebAssembly modules import; null where the heap is plain memory. */
  get memory(): LinearMemory | null {
    return this.#memory.wasm;
  }
  /** Bytes asked for by the blocks that are out. */
  get held(): number {
    return this.#held;
  }
  /** The most bytes ever held. */
  get peak(): number {
    return this.#peak;
  }
  /** Bytes of the memory as it has grown. */
  get reserved(): number {
    return this.#reserved;
  }
  /** Bytes that the memory may grow to. */
  get maximum(): number {
    return this.#memory.maximumPages * pageBytes;
  }

  /** A block of at least `bytes` bytes, aligned to 64; its contents are whatever was there. */
  allocate(bytes: number): Block {
    const size = classBytes(Math.max(1, classOf(bytes)));
    const start = this.#place(size);
    if (start === null) throw this.#full(bytes);
    this.#out(bytes);
    return { at: start, size, bytes };
  }

  /** A block of code and constants, which count as nobody's bytes; `drop` takes it back. */
  reserve(bytes: number): Block {
    const block = this.allocate(bytes);
    this.park(block);
    return block;
  }

  /** Its bytes are nobody's any more, but the block is kept for the next one who asks for its size: `reissue` or `drop` it. */
  park(block: Block): void {
    this.#held -= block.bytes;
    this.#blocks--;
    block.bytes = 0;
  }

  /** A parked block as `allocate` would give it; `bytes` is of its size class. */
  reissue(block: Block, bytes: number): void {
    block.bytes = bytes;
    this.#out(bytes);
  }

  /** Takes back a block that was parked or reserved. */
  drop(block: Block): void {
    this.#put(block);
  }

  #out(bytes: number): void {
    this.#held += bytes;
    this.#blocks++;
    if (this.#held > this.#peak) this.#peak = this.#held;
  }

  /** Takes a block back; the caller drops it. */
  free(block: Block): void {
    this.#held -= block.bytes;
    this.#blocks--;
    this.#put(block);
  }

  /** Where a block of a class's size goes, cheapest way first. */
  #place(size: number): number | null {
    const inSlab = size > smallBytes ? null : (this.#reuse(size) ?? this.#split(size, classOf(slabBytes)) ?? this.#slab(size));
    return inSlab ?? this.#reuse(size) ?? this.#extend(size) ?? this.#split(size) ?? this.#merged(size) ?? this.#grown(size);
  }

  #put(block: Block): void {
    if (block.at + block.size === this.#top) {
      this.#top = block.at;
      return;
    }
    at(this.#free, classWithin(block.size)).push(block);
    this.#freeBytes += block.size;
  }

  #reuse(size: number): number | null {
    const block = at(this.#free, classOf(size)).pop();
    return block === undefined ? null : this.#cut(block, size);
  }

  /** The front of a new slab, whose rest is for other small blocks. */
  #slab(size: number): number | null {
    const start = this.#place(slabBytes);
    if (start === null) return null;
    const rest = { at: start + size, size: slabBytes - size, bytes: 0 };
    at(this.#free, classWithin(rest.size)).push(rest);
    this.#freeBytes += rest.size;
    return start;
  }

  /** The front of a free block; the rest stays free. */
  #cut(block: Block, size: number): number {
    this.#freeBytes -= block.size;
    if (block.size > size) this.#put({ at: block.at + size, size: block.size - size, bytes: 0 });
    return block.at;
  }

  #extend(size: number): number | null {
    if (this.#top + size > this.#reserved) return null;
    this.#top += size;
    return this.#top - size;
  }

  /** `largest`: the class of the largest block that may be cut. */
  #split(size: number, largest: number = classes - 1): number | null {
    if (this.#freeBytes < size) return null;
    for (let index = classOf(size) + 1; index <= largest; index++) {
      const block = at(this.#free, index).pop();
      if (block !== undefined) return this.#cut(block, size);
    }
    return null;
  }

  /** Merging costs a sort, so it must promise a quarter of the memory, or be the last way: what lies below the top joins what is above it. */
  #merged(size: number): number | null {
    const left = this.maximum - this.#top;
    const promises = left < size ? this.#freeBytes + left >= size : this.#freeBytes >= Math.max(size, this.#top / 4);
    if (!promises) return null;
    const blocks = this.#free.flat().sort((a, b) => a.at - b.at);
    for (const list of this.#free) list.length = 0;
    this.#freeBytes = 0;
    let run: Block | null = null;
    for (const block of blocks) {
      if (run !== null && run.at + run.size === block.at) run = { at: run.at, size: run.size + block.size, bytes: 0 };
      else {
        if (run !== null) this.#put(run);
        run = block;
      }
    }
    if (run !== null) this.#put(run);
    return this.#reuse(size) ?? this.#split(size) ?? this.#extend(size);
  }

  #grown(size: number): number | null {
    const need = this.#top + size - this.#reserved;
    const room = this.maximum - this.#reserved;
    if (need > room) return null;
    const wish = Math.min(room, Math.max(need, this.#reserved / 4, growthBytes));
    if (!this.#grow(wish) && !this.#grow(need)) return null;
    return this.#extend(size);
  }

  #grow(bytes: number): boolean {
    try {
      this.#memory.grow(Math.ceil(bytes / pageBytes));
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    const buffer = this.#memory.buffer();
    this.#reserved = buffer.byteLength;
    Object.assign(this.views, viewsOf(buffer));
    return true;
  }

  #full(bytes: number): DeviceError {
    const unused = this.maximum - this.#top + this.#freeBytes;
    const state = `${mib(this.#held)} are held by ${this.#blocks} buffers, ${mib(unused)} of ${mib(this.maximum)} are free but not in one piece of that size`;
    return new DeviceError(`cpu: no room for ${mib(bytes)}: ${state}. dispose() what is not needed, or rebind with assign() so that its memory is reused.`);
  }
}
