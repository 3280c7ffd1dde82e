/** Pooling against loops over single elements, with every option; adaptive pooling by its definition; and what they refuse. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import * as lazuli from "../../src/index.ts";
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  array,
  avgPool1d,
  avgPool2d,
  configure,
  grad,
  maxPool1d,
  maxPool2d,
  ones,
} from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";
import type { Dense } from "./windows-reference.ts";
import { random, windowsOf, zeros } from "./windows-reference.ts";

afterEach(() => void configure({ target: "wasm" }));

const handle = ({ shape, data }: Dense): NDArray => array(data, { shape });
const close = (got: NDArray, want: Dense): void => {
  expect(got.shape).toEqual(want.shape);
  const data = got.dataSync();
  want.data.forEach((v, i) => expect(Math.abs(at(data, i) - v)).toBeLessThan(1e-9));
};
const call = (name: string, ...args: readonly unknown[]): NDArray => {
  const f: unknown = Reflect.get(lazuli, name);
  const y: unknown = typeof f === "function" ? Reflect.apply(f, undefined, args) : undefined;
  if (y instanceof lazuli.NDArray) return y;
  throw new Error(`${name} gave no array`);
};

const small = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const axis = fc.record({ length: small(1, 7), size: small(1, 3), stride: small(1, 4), dilation: small(1, 2), padding: small(0, 2) });
type Axis = typeof axis extends fc.Arbitrary<infer T> ? T : never;
const cases = fc.record({
  axes: small(1, 3).chain((rank) => fc.array(axis, { minLength: rank, maxLength: rank })),
  ceilMode: fc.boolean(),
  seed: small(0, 999),
});

const reachOf = (a: Axis): number => (a.size - 1) * a.dilation + 1;
const fits = (a: Axis): boolean => 2 * a.padding <= reachOf(a) && a.length + 2 * a.padding >= reachOf(a);

/** As PyTorch counts: rounded up, without a window that starts in the padding behind. */
function counted(a: Axis, ceilMode: boolean): number {
  if (!ceilMode) return Math.floor((a.length + 2 * a.padding - reachOf(a)) / a.stride) + 1;
  let n = 1;
  while ((n - 1) * a.stride + reachOf(a) < a.length + 2 * a.padding && n * a.stride < a.length + a.padding) n++;
  return n;
}

/** Forward and gradient on both targets. */
function compare(name: string, x: Dense, ct: Dense, args: readonly unknown[], want: readonly [Dense, Dense]): void {
  for (const target of ["js", "wasm", "interpreter"] as const) {
    configure({ target });
    const forward = (v: NDArray): NDArray => call(name, v, ...args);
    close(forward(handle(x)), want[0]);
    close(grad((v: NDArray) => forward(v).mul(handle(ct)).sum())(handle(x)), want[1]);
  }
}

const setting = (axes: readonly Axis[], ceilMode: boolean, seed: number) => {
  const x = random([2, 1, ...axes.map((a) => a.length)], seed);
  const ct = random([2, 1, ...axes.map((a) => counted(a, ceilMode))], seed + 1);
  const moves = { stride: axes.map((a) => a.stride), low: axes.map((a) => a.padding), dilation: axes.map((a) => a.dilation) };
  const windows = windowsOf(
    x.shape,
    ct.shape,
    axes.map((a) => a.size),
    moves,
  );
  return { x, ct, windows };
};

describe("any pooling is what loops over its elements give", () => {
  it("max: the derivative goes to the first greatest", () => {
    fc.assert(
      fc.property(cases, ({ axes, ceilMode, seed }) => {
        fc.pre(axes.every(fits));
        const { x, ct, windows } = setting(axes, ceilMode, seed);
        const [y, dx] = [zeros(ct.shape), zeros(x.shape)];
        windows.forEach((window, i) => {
          const inside = window.filter((k) => k >= 0);
          y.data[i] = inside.reduce((m, k) => Math.max(m, at(x.data, k)), -Infinity);
          const first = inside.find((k) => x.data[k] === y.data[i]);
          if (first !== undefined) dx.data[first] = at(dx.data, first) + at(ct.data, i);
        });
        fc.pre(y.data.every((v) => Number.isFinite(v)));
        const options = { stride: axes.map((a) => a.stride), padding: axes.map((a) => a.padding), dilation: axes.map((a) => a.dilation), ceilMode };
        compare(`maxPool${axes.length}d`, x, ct, [axes.map((a) => a.size), options], [y, dx]);
      }),
      { numRuns: 60, seed: 3 },
    );
  });
  it("average, with and without padding in the mean, or by a divisor of one's own", () => {
    const modes = fc.constantFrom({}, { countIncludePad: false }, { divisorOverride: 3 });
    fc.assert(
      fc.property(cases, modes, ({ axes: given, ceilMode, seed }, mode) => {
        const axes = given.map((a) => ({ ...a, dilation: 1 }));
        fc.pre(axes.every(fits));
        const { x, ct, windows } = setting(axes, ceilMode, seed);
        const [y, dx] = [zeros(ct.shape), zeros(x.shape)];
        windows.forEach((window, i) => {
          const inside = window.filter((k) => k >= 0);
          const among = "countIncludePad" in mode ? inside.length : window.filter((k) => k >= -1).length;
          const divisor = "divisorOverride" in mode ? 3 : among;
          y.data[i] = inside.reduce((sum, k) => sum + at(x.data, k), 0) / divisor;
          for (const k of inside) dx.data[k] = at(dx.data, k) + at(ct.data, i) / divisor;
        });
        fc.pre(y.data.every((v) => Number.isFinite(v)));
        const options = { stride: axes.map((a) => a.stride), padding: axes.map((a) => a.padding), ceilMode, ...mode };
        compare(`avgPool${axes.length}d`, x, ct, [axes.map((a) => a.size), options], [y, dx]);
      }),
      { numRuns: 60, seed: 4 },
    );
  });
  it("adaptive: windows from floor(i·n / m) to ceil((i + 1)·n / m)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(small(1, 7), small(1, 5)), { minLength: 1, maxLength: 3 }),
        small(0, 99),
        fc.constantFrom("Avg", "Max"),
        (axes, seed, kind) => {
          const x = random([1, 2, ...axes.map(([n]) => n)], seed);
          const ct = random([1, 2, ...axes.map(([, m]) => m)], seed + 1);
          const [y, dx] = [zeros(ct.shape), zeros(x.shape)];
          const window = (out: readonly number[]): readonly (readonly number[])[] =>
            axes.map(([n, m], i) => {
              const [from, to] = [Math.floor((at(out, i) * n) / m), Math.ceil(((at(out, i) + 1) * n) / m)];
              return Array.from({ length: to - from }, (_, k) => from + k);
            });
          const plane = axes.reduce((p, [n]) => p * n, 1);
          const results = axes.reduce((p, [, m]) => p * m, 1);
          ct.data.forEach((weight, i) => {
            let rest = i % results;
            let out: number[] = [];
            for (const [, m] of axes.toReversed()) [rest, out] = [Math.floor(rest / m), [rest % m, ...out]];
            const places = window(out).reduce<number[]>((list, w, a) => list.flatMap((p) => w.map((k) => p * at(axes, a)[0] + k)), [0]);
            const elements = places.map((p) => p + Math.floor(i / results) * plane);
            const greatest = Math.max(...elements.map((k) => at(x.data, k)));
            y.data[i] = kind === "Max" ? greatest : elements.reduce((sum, k) => sum + at(x.data, k), 0) / elements.length;
            const taking = kind === "Max" ? [elements.find((k) => x.data[k] === greatest) ?? 0] : elements;
            for (const k of taking) dx.data[k] = at(dx.data, k) + weight / taking.length;
          });
          compare(`adaptive${kind}Pool${axes.length}d`, x, ct, [axes.map(([, m]) => m)], [y, dx]);
        },
      ),
      { numRuns: 40, seed: 5 },
    );
  });
});

describe("what calls mean", () => {
  it("windows lie side by side unless told", () => expect(maxPool1d(array([[1, 2, 3, 4, 5]]), 2).tolist()).toEqual([[2, 4]]));
  it("padding is less than any number", () => expect(maxPool1d(array([[-5, -7]]), 2, { stride: 1, padding: 1 }).tolist()).toEqual([[-5, -5, -7]]));
  it("NaN wins", () => expect(maxPool1d(array([[1, NaN, 3, 4]]), 2).tolist()).toEqual([[NaN, 4]]));
  it("integers keep their dtype where nothing is divided", () => {
    const x = array([[-1, -2, 3]], { dtype: "int32" });
    expect([maxPool1d(x, 2, { padding: 1, stride: 2 }).tolist(), maxPool1d(x, 2).dtype, avgPool1d(x, 2).dtype]).toEqual([[[-1, 3]], "int32", "float64"]);
  });
  it("one window is all", () => {
    expect(adaptiveAvgPool2d(ones([1, 2, 5, 3]), 1).shape).toEqual([1, 2, 1, 1]);
    expect(adaptiveAvgPool2d(ones([1, 2, 5, 3]), [null, 2]).shape).toEqual([1, 2, 5, 2]);
    expect(adaptiveMaxPool1d(array([[3, 9, 4]]), 1).tolist()).toEqual([[9]]);
  });
});

describe("errors come from the call and say what to do", () => {
  const x = ones([1, 4, 5, 5]);
  const refusals: readonly (readonly [string, () => unknown, string])[] = [
    ["rank", () => maxPool2d(ones([5]), 2), "maxPool2d: f64[5] has 1 axes. It takes (batch, channels, height, width) or (channels, height, width)."],
    ["size", () => avgPool2d(x, [2]), "avgPool2d: kernelSize [2]: give one whole number from 1 on, or a list of 2 (one for each axis)."],
    ["window", () => maxPool2d(x, 6), "maxPool2d: the window covers 6 positions, axis 2 of f64[1,4,5,5] has 5 with its padding."],
    ["padding", () => maxPool2d(x, 3, { padding: 2 }), "maxPool2d: padding 2 is more than half of the window, which covers 3. Pad less."],
    ["divisor", () => avgPool2d(x, 3, { divisorOverride: 0 }), "avgPool2d: divisorOverride 0 divides nothing."],
    [
      "outputSize",
      () => adaptiveAvgPool2d(x, [2, 0]),
      "adaptiveAvgPool2d: outputSize [2,0]: give a whole number from 1 on, or a list of 2 (null keeps an axis).",
    ],
    ["nothing", () => adaptiveAvgPool1d(ones([1, 0]), 2), "adaptiveAvgPool1d: f64[1,0] has no elements along an axis that is pooled."],
  ];
  it.each(refusals)("%s", (_, run, text) => expect(run).toThrow(text));
});
