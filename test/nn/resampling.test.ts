/** Resampling against formulas over single elements. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { array, configure, grad, interpolate, ones, pixelShuffle, pixelUnshuffle } from "../../src/index.ts";
import type { InterpolateOptions, NDArray } from "../../src/index.ts";
import { random } from "./windows-reference.ts";

afterEach(() => void configure({ target: "wasm" }));

/** With which weight each of `n` elements takes part in element o of m. */
type Weights = (o: number, n: number, m: number) => readonly (readonly [number, number])[];

const clamp = (i: number, n: number): number => Math.min(n - 1, Math.max(0, i));
const sourceOf = (o: number, n: number, m: number, align: boolean): number => (align ? (o * (n - 1)) / Math.max(1, m - 1) : ((o + 0.5) * n) / m - 0.5);
const linear =
  (align: boolean): Weights =>
  (o, n, m) => {
    const p = Math.max(0, sourceOf(o, n, m, align));
    const i = Math.floor(p + 1e-12);
    return [
      [clamp(i, n), 1 - (p - i)],
      [clamp(i + 1, n), p - i],
    ];
  };
const kernel = (distance: number): number => {
  const [a, t] = [-0.75, Math.abs(distance)];
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0;
};
const cubic =
  (align: boolean): Weights =>
  (o, n, m) => {
    const p = sourceOf(o, n, m, align);
    return [-1, 0, 1, 2].map((k) => [clamp(Math.floor(p + 1e-12) + k, n), kernel(Math.floor(p + 1e-12) + k - p)] as const);
  };
const nearest: Weights = (o, n, m) => [[Math.floor((o * n) / m), 1]];
const exact: Weights = (o, n, m) => [[Math.floor(((2 * o + 1) * n) / (2 * m)), 1]];
const area: Weights = (o, n, m) => {
  const [from, to] = [Math.floor((o * n) / m), Math.ceil(((o + 1) * n) / m)];
  return Array.from({ length: to - from }, (_, k) => [from + k, 1 / (to - from)] as const);
};

const settings: readonly (readonly [string, number, InterpolateOptions, Weights])[] = [
  ["nearest", 1, {}, nearest],
  ["nearest", 3, { mode: "nearest" }, nearest],
  ["nearest-exact", 2, { mode: "nearest-exact" }, exact],
  ["area", 2, { mode: "area" }, area],
  ["linear", 1, { mode: "linear" }, linear(false)],
  ["bilinear", 2, { mode: "bilinear" }, linear(false)],
  ["bilinear, corners", 2, { mode: "bilinear", alignCorners: true }, linear(true)],
  ["trilinear", 3, { mode: "trilinear" }, linear(false)],
  ["bicubic", 2, { mode: "bicubic" }, cubic(false)],
  ["bicubic, corners", 2, { mode: "bicubic", alignCorners: true }, cubic(true)],
];

describe.each(settings)("%s of %i axes", (_, rank, options, weights) => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 7 })), { minLength: rank, maxLength: rank });
  it("is what its formula gives, and so is its gradient", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 99 }), (axes, seed) => {
        const x = random([1, 2, ...axes.map(([n]) => n)], seed);
        const ct = random([1, 2, ...axes.map(([, m]) => m)], seed + 1);
        const plane = axes.reduce((p, [n]) => p * n, 1);
        const results = axes.reduce((p, [, m]) => p * m, 1);
        const [want, slope] = [ct.data.map(() => 0), x.data.map(() => 0)];
        ct.data.forEach((c, i) => {
          let rest = i % results;
          let out: number[] = [];
          for (const [, m] of axes.toReversed()) [rest, out] = [Math.floor(rest / m), [rest % m, ...out]];
          const parts = axes.reduce<(readonly [number, number])[]>(
            (list, [n, m], a) => list.flatMap(([p, w]) => weights(at(out, a), n, m).map(([k, v]) => [p * n + k, w * v] as const)),
            [[0, 1]],
          );
          for (const [p, w] of parts) {
            const k = p + Math.floor(i / results) * plane;
            want[i] = at(want, i) + w * at(x.data, k);
            slope[k] = at(slope, k) + w * c;
          }
        });
        const run = (v: NDArray): NDArray => interpolate(v, { ...options, size: axes.map(([, m]) => m) });
        for (const target of ["js", "wasm", "interpreter"] as const) {
          configure({ target });
          const given = array(x.data, { shape: x.shape });
          const got = run(given).dataSync();
          want.forEach((v, i) => expect(Math.abs(at(got, i) - v)).toBeLessThan(1e-9));
          const back = grad((v: NDArray) =>
            run(v)
              .mul(array(ct.data, { shape: ct.shape }))
              .sum(),
          )(given).dataSync();
          slope.forEach((v, i) => expect(Math.abs(at(back, i) - v)).toBeLessThan(1e-9));
        }
      }),
      { numRuns: 15, seed: 2 },
    );
  });
});

describe("what calls mean", () => {
  it("a factor makes axes so many times longer, rounded down", () => {
    expect(interpolate(ones([1, 1, 5, 3]), { scaleFactor: [1.5, 2] }).shape).toEqual([1, 1, 7, 6]);
    expect(interpolate(array([[[1, 2, 3, 4]]]), { scaleFactor: 0.5 }).tolist()).toEqual([[[1, 3]]]);
  });
  it("positions follow the factor, not the rounded length", () =>
    expect(
      interpolate(array([[[0, 10, 20]]]), { scaleFactor: 1.5, mode: "linear" })
        .at(0, 0, 3)
        .item(),
    ).toBeCloseTo(10 * (3.5 / 1.5 - 0.5), 9));
  it("pixels and channels change places and back", () => {
    const x = array(random([2, 8, 3, 2], 1).data, { shape: [2, 8, 3, 2] });
    expect(pixelShuffle(x, 2).shape).toEqual([2, 2, 6, 4]);
    expect(pixelShuffle(x, 2).at(1, 1, 3, 2).item()).toBe(x.at(1, 6, 1, 1).item());
    expect(pixelUnshuffle(pixelShuffle(x, 2), 2).tolist()).toEqual(x.tolist());
  });
});

describe("errors come from the call and say what to do", () => {
  const x = ones([1, 2, 3, 4]);
  const refusals: readonly (readonly [string, () => unknown, string])[] = [
    ["neither", () => interpolate(x, {}), "interpolate: takes a size or a scaleFactor, and one of them only."],
    ["both", () => interpolate(x, { size: 2, scaleFactor: 2 }), "interpolate: takes a size or a scaleFactor, and one of them only."],
    ["size", () => interpolate(x, { size: [2] }), "interpolate: size [2]: give one whole number from 1 on, or a list of 2"],
    ["factor", () => interpolate(x, { scaleFactor: 0.1 }), "interpolate: scaleFactor 0.1 leaves nothing of axis 2 of f64[1,2,3,4]."],
    ["mode", () => interpolate(x, { size: 2, mode: "linear" }), 'interpolate: mode "linear" is for 1 axes, f64[1,2,3,4] has 2.'],
    ["corners", () => interpolate(x, { size: 2, alignCorners: true }), 'interpolate: alignCorners means nothing for mode "nearest".'],
    ["rank", () => interpolate(ones([3, 4]), { size: 2 }), "interpolate: f64[3,4] is not (batch, channels, …)"],
    ["channels", () => pixelShuffle(x, 2), "pixelShuffle: f64[1,2,3,4] is not (…, channels, height, width) with channels that 4 divides."],
    ["sides", () => pixelUnshuffle(x, 2), "pixelUnshuffle: f64[1,2,3,4] is not (…, channels, height, width) with sides that 2 divides."],
  ];
  it.each(refusals)("%s", (_, run, text) => expect(run).toThrow(text));
});
