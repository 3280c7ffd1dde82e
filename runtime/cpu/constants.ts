/**
 * Vectors of constants that WebAssembly code loads. They lie in the heap's reserved first page, where plans with the same constants
 * share them; once that is full each plan has a block of its own.
 */
import type { Block, CpuHeap } from "./heap.ts";
import { pageBytes } from "./heap.ts";

const vectorBytes = 16;
/** Position 0 is no address of anything. */
const firstByte = 64;

/** Where constants lie; the block to drop when nothing loads them any more, null where they are in the first page. */
export interface PlacedConstants {
  readonly at: number;
  readonly block: Block | null;
}

/** Words of the vectors, seen as numbers that compare. */
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);

export class ConstantPool {
  readonly #heap: CpuHeap;
  /** The first byte of the page that is not taken. */
  #end = firstByte;

  constructor(heap: CpuHeap) {
    this.#heap = heap;
  }

  /** Bytes of the first page that are taken. */
  get used(): number {
    return this.#end - firstByte;
  }

  /** Puts vectors where code can load them, or finds them there. */
  place(vectors: Uint8Array): PlacedConstants {
    if (vectors.length === 0) return { at: firstByte, block: null };
    const start = this.#find(wordsOf(vectors));
    if (start + vectors.length <= pageBytes) {
      this.#heap.views.u8.set(vectors, start);
      this.#end = Math.max(this.#end, start + vectors.length);
      return { at: start, block: null };
    }
    const block = this.#heap.reserve(vectors.length);
    this.#heap.views.u8.set(vectors, block.at);
    return { at: block.at, block };
  }

  /** The first byte from which on the page holds these words, or from which on it could: its last vectors may be their first. */
  #find(words: Uint32Array): number {
    const page = this.#heap.views.u32;
    const end = this.#end / 4;
    for (let start = firstByte / 4; start < end; start += vectorBytes / 4) {
      const length = Math.min(words.length, end - start);
      let same = 0;
      while (same < length && page[start + same] === words[same]) same++;
      if (same === length) return start * 4;
    }
    return this.#end;
  }
}
