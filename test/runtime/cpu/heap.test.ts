import { describe, expect, test } from "vitest";
import { at } from "../../../compiler/ir/errors.ts";
import type { Block, MemoryKind } from "../../../runtime/cpu/heap.ts";
import { CpuHeap } from "../../../runtime/cpu/heap.ts";

const kinds: readonly MemoryKind[] = ["shared", "wasm", "array"];
const mib = 2 ** 20;

/** A sequence of numbers below 1 that is the same in every run. */
function* noise(seed: number): Generator<number> {
  for (let x = seed; ;) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    yield x / 2 ** 32;
  }
}

describe.each(kinds)("a heap of %s memory", (kind) => {
  test("has what it was asked for", () => expect(new CpuHeap({ kind }).kind).toBe(kind));

  test("keeps its first page, aligns to 64 bytes and hands a freed block out again", () => {
    const heap = new CpuHeap({ kind });
    const [a, b] = [heap.allocate(100), heap.allocate(100)];
    expect([a.at >= 65536, a.at % 64, b.at % 64, b.at - a.at]).toEqual([true, 0, 0, 128]);
    heap.free(a);
    expect(heap.allocate(120).at).toBe(a.at);
  });

  test("keeps contents when it grows, and shows them in the views", () => {
    const heap = new CpuHeap({ kind });
    const { views } = heap;
    const first = heap.allocate(8);
    views.f64[first.at / 8] = 2.5;
    const big = heap.allocate(40 * mib);
    views.u8[big.at + 40 * mib - 1] = 7;
    expect([heap.views === views, views.f64[first.at / 8], views.u8[big.at + 40 * mib - 1]]).toEqual([true, 2.5, 7]);
  });

  test("says what was asked, held and free when it is full", () => {
    const heap = new CpuHeap({ kind, maximumBytes: 32 * mib });
    heap.allocate(20 * mib);
    expect(() => heap.allocate(20 * mib)).toThrow("cpu: no room for 20.0 MiB: 20.0 MiB are held by 1 buffers, 11.9 MiB of 32.0 MiB are free");
    expect(heap.allocate(1000).size).toBe(1024);
  });
});

describe("the heap", () => {
  test("counts bytes held and their peak", () => {
    const heap = new CpuHeap();
    const a = heap.allocate(1000);
    heap.allocate(500);
    heap.free(a);
    expect([heap.held, heap.peak]).toEqual([500, 1500]);
  });

  test("merges neighbours when nothing else fits", () => {
    const heap = new CpuHeap({ maximumBytes: 64 * mib });
    const small = Array.from({ length: 900 }, () => heap.allocate(64 * 1024));
    heap.allocate(64);
    for (const block of small) heap.free(block);
    expect(heap.allocate(50 * mib).size).toBeGreaterThanOrEqual(50 * mib);
  });

  test("small blocks that stay leave what lay between them in one piece", () => {
    const heap = new CpuHeap({ maximumBytes: 64 * mib });
    const large = Array.from({ length: 15 }, () => {
      const block = heap.allocate(3 * mib);
      heap.reserve(1000);
      return block;
    });
    for (const block of large) heap.free(block);
    expect(heap.allocate(44 * mib).size).toBeGreaterThanOrEqual(44 * mib);
  });

  test("blocks of any size never overlap, and waste at most an eighth beyond a cache line", () => {
    const heap = new CpuHeap({ maximumBytes: 512 * mib });
    const live: Block[] = [];
    const random = noise(7);
    const next = (): number => random.next().value ?? 0;
    for (let step = 0; step < 20_000; step++) {
      if (live.length > 0 && next() < 0.48) {
        heap.free(at(live.splice(Math.floor(next() * live.length), 1), 0));
        continue;
      }
      const bytes = Math.floor(2 ** (next() * 20));
      const block = heap.allocate(bytes);
      expect(block.size).toBeLessThanOrEqual(Math.max(bytes * 1.125, bytes + 64));
      live.push(block);
    }
    const sorted = live.toSorted((a, b) => a.at - b.at);
    sorted.slice(1).forEach((block, i) => expect(at(sorted, i).at + at(sorted, i).size).toBeLessThanOrEqual(block.at));
    expect(heap.held).toBe(live.reduce((sum, b) => sum + b.bytes, 0));
  });

  test("positions beyond 2 GiB are positive", () => {
    const heap = new CpuHeap();
    heap.allocate(2 ** 31);
    const block = heap.allocate(64);
    heap.views.u8[block.at] = 9;
    expect([block.at > 2 ** 31, heap.views.u8[block.at]]).toEqual([true, 9]);
  });
});
