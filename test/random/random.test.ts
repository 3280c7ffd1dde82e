import { describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { bernoulli, bits, fold, integers, key, normal, permutation, split, uniform } from "../../src/random/index.ts";
import { threefryWords } from "../../src/random/key.ts";

const hex = (words: readonly number[]): string => words.map((w) => w.toString(16).padStart(8, "0")).join(" ");
const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0) / x.length;

describe("Threefry-2x32", () => {
  // The known answers of Random123 1.14.
  it.each([
    [[0, 0], [0, 0], "6b200159 99ba4efe"],
    [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "1cb996fc bb002be7"],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], "c4923a9c 483df7a0"],
  ] as const)("key %j, counter %j", (k, c, want) => {
    expect(hex(threefryWords(k, c))).toBe(want);
  });
  it("host and row agree: bits are the two words of each counter, combined", () => {
    const k = key(2 ** 33 + 7);
    const want = [0, 1, 2, 3, 4, 5].map((i) => {
      const [x, y] = threefryWords(k.words, [0, i]);
      return (x ^ y) >>> 0;
    });
    expect([...bits(k, [2, 3]).dataSync()]).toEqual(want);
  });
});

describe("keys", () => {
  it("split and fold give keys of their own, the same each time", () => {
    const all = [...split(key(1), 3), fold(key(1), 5), fold(key(2), 5), key(1)];
    expect(new Set(all.map((k) => hex(k.words))).size).toBe(6);
    expect(split(key(1), 3)).toEqual(split(key(1), 3));
  });
  it("a seed is a whole number", () => {
    expect(() => key(-1)).toThrow("random.key: the seed -1 is no whole number");
    expect(() => key(0.5)).toThrow("random.key: the seed 0.5 is no whole number");
  });
});

describe("distributions", () => {
  it.each(["float32", "float64"] as const)("uniform %s stays in its range and has its mean and variance", (dtype) => {
    const x = uniform(key(3), 20000, { dtype, low: -2, high: 4 }).dataSync();
    expect(x.every((v) => v >= -2 && v <= 4)).toBe(true);
    expect(Math.abs(mean(x) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(x.map((v) => (v - 1) ** 2)) - 3)).toBeLessThan(0.1);
  });
  it("uniform never gives 1", () => {
    expect(Math.max(...uniform(key(4), 20000).dataSync())).toBeLessThan(1);
    expect(Math.fround(0xffffff * 2 ** -24)).toBeLessThan(1);
  });
  it.each(["float32", "float64"] as const)("normal %s has mean 0, variance 1, no skew and the right tails", (dtype) => {
    const x = Array.from(normal(key(5), [100, 200], { dtype }).dataSync());
    expect(Math.abs(mean(x))).toBeLessThan(0.03);
    expect(Math.abs(mean(x.map((v) => v ** 2)) - 1)).toBeLessThan(0.04);
    expect(Math.abs(mean(x.map((v) => v ** 3)))).toBeLessThan(0.1);
    expect(Math.abs(mean(x.map((v) => (Math.abs(v) > 1.96 ? 1 : 0))) - 0.05)).toBeLessThan(0.006);
    expect(x.every(Number.isFinite)).toBe(true);
  });
  it("a permutation has each number once, in another order for another key", () => {
    const p = [...permutation(key(6), 100).dataSync()];
    expect(p.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(p).not.toEqual([...permutation(key(7), 100).dataSync()]);
    expect(p.filter((x, i) => x === i).length).toBeLessThan(8);
  });
  it("dtypes that are no floats are refused", () => {
    expect(() => uniform(key(1), 3, { dtype: "int32" })).toThrow("draws float32 or float64, not int32");
    expect(() => normal(key(1), [at([-1], 0)])).toThrow("random.normal: [-1] is no shape");
  });
  it("integers are the high words of 64 bits times their number, as big integers have them", () => {
    const k = key(8);
    for (const [low, high] of [
      [0, 6],
      [-3, 4],
      [5, 6],
      [-(2 ** 31), 2 ** 31],
      [-1_500_000_000, 1_500_000_001],
    ] as const) {
      const wanted = Array.from({ length: 50 }, (_, i) => {
        const [x, y] = threefryWords(k.words, [0, i]);
        return Number((((BigInt(x) << 32n) | BigInt(y)) * BigInt(high - low)) >> 64n) + low;
      });
      expect([...integers(k, [5, 10], { low, high }).dataSync()]).toEqual(wanted);
    }
  });
  it.each(["int8", "uint8", "int16", "int32", "uint32"] as const)("integers of %s reach both ends and are even", (dtype) => {
    const x = integers(key(9), 12_000, { low: 3, high: 9, dtype });
    expect(x.dtype).toBe(dtype);
    const counts = [3, 4, 5, 6, 7, 8].map((n) => [...x.dataSync()].filter((v) => v === n).length);
    expect(counts.reduce((a, b) => a + b)).toBe(12_000);
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
  it("integers take the whole range of uint32", () => {
    const x = [...integers(key(10), 2000, { high: 2 ** 32, dtype: "uint32" }).dataSync()];
    expect(x.some((v) => v >= 2 ** 31) && x.some((v) => v < 2 ** 31)).toBe(true);
  });
  it("integers of an empty or foreign range are refused", () => {
    expect(() => integers(key(1), 2, { high: 0 })).toThrow("random.integers: low 0 and high 0 must be whole");
    expect(() => integers(key(1), 2, { high: 300, dtype: "int8" })).toThrow("in the range of int8");
    expect(() => integers(key(1), 2, { high: 3, dtype: "float32" })).toThrow("draws integers of up to 32 bits, not float32");
  });
  it("bernoulli is true as often as it should be", () => {
    const share = mean([...bernoulli(key(11), 20_000, { p: 0.3 }).dataSync()].map(Number));
    expect(Math.abs(share - 0.3)).toBeLessThan(0.02);
    expect(() => bernoulli(key(1), 2, { p: 1.5 })).toThrow("p 1.5 is no probability");
  });
});
