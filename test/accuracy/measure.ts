/** Errors of functions in units in the last place, over all exponents. */
import * as lazuli from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import type { Bound } from "./bounds.ts";
import type { Exact, Reference } from "./reference.ts";

export type Float = "float32" | "float64";

const known: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  ...Object.fromEntries(
    (
      [
        ["exp", lazuli.exp],
        ["exp2", lazuli.exp2],
        ["expm1", lazuli.expm1],
        ["log", lazuli.log],
        ["log2", lazuli.log2],
        ["log10", lazuli.log10],
        ["log1p", lazuli.log1p],
        ["sin", lazuli.sin],
        ["cos", lazuli.cos],
        ["tan", lazuli.tan],
        ["asin", lazuli.asin],
        ["acos", lazuli.acos],
        ["atan", lazuli.atan],
        ["sinh", lazuli.sinh],
        ["cosh", lazuli.cosh],
        ["tanh", lazuli.tanh],
        ["asinh", lazuli.asinh],
        ["acosh", lazuli.acosh],
        ["atanh", lazuli.atanh],
        ["erf", lazuli.erf],
        ["erfc", lazuli.erfc],
        ["erfinv", lazuli.erfinv],
        ["cbrt", lazuli.cbrt],
        ["rsqrt", lazuli.rsqrt],
        ["sigmoid", lazuli.sigmoid],
        ["lgamma", lazuli.lgamma],
        ["digamma", lazuli.digamma],
      ] as const
    ).map(([name, f]) => [name, (x: Tensor) => f(x)]),
  ),
  pow: (x, y) => lazuli.pow(x, y),
  atan2: (x, y) => lazuli.atan2(x, y),
};

const edges = [0, -0, 1, -1, 0.5, -0.5, 2, -2, Infinity, -Infinity, Number.NaN, 88.37, 88.7228, 88.73, -103.9, 709.78, 709.79, -745.1, 1e-45, 5e-324];

/** Numbers of every exponent, a third of them near 1, within the domain. */
export function samples(count: number, dtype: Float, { domain: [lo, hi] = [-Infinity, Infinity] }: Bound, seed: number): Float32Array | Float64Array {
  let state = seed >>> 0;
  const word = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
  const out = dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
  const bits = new Uint32Array(out.buffer);
  const width = bits.length / count;
  const bounded = Number.isFinite(lo) && Number.isFinite(hi);
  const near = bounded ? (hi - lo) / 2 : 24;
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) bits[i * width + k] = word();
    const x = out[i] ?? 0;
    if (i % 3 === 0 || !(x >= lo && x <= hi)) out[i] = (Number.isFinite(lo) ? lo : -near) + (word() / 2 ** 32) * 2 * near;
  }
  const inside = edges.filter((x) => Number.isNaN(x) || (x >= lo && x <= hi));
  out.set(inside.slice(0, count));
  return out;
}

export interface Worst {
  readonly ulps: number;
  readonly at: readonly number[];
  readonly got: number;
  readonly want: number;
}

const smallest = { float32: 2 ** -149, float64: 2 ** -1074 } as const;
const digits = { float32: 23, float64: 52 } as const;
const largest = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE } as const;

function exponentOf(x: number): number {
  const e = Math.floor(Math.log2(x));
  return 2 ** e > x ? e - 1 : e;
}

/** Units in the last place between a result and the truth, of numbers at least as large as `least`. */
function distance(got: number, { near, rest }: Exact, dtype: Float, least: number): number {
  const want = dtype === "float32" ? Math.fround(near) : near;
  if (Number.isNaN(got) && Number.isNaN(want)) return 0;
  if (Number.isNaN(got) || Number.isNaN(want)) return Infinity;
  // infinities and zeros, with their signs
  if (Object.is(got, want) && (!Number.isFinite(got) || near === 0)) return 0;
  if (got === 0 && want === 0 && !Object.is(got, want)) return Infinity;
  const close = (x: number): number => (Number.isFinite(x) ? x : Math.sign(x) * largest[dtype] * 1.0000000000000002);
  return Math.abs(close(got) - close(near) - rest) / unit(Math.max(Math.abs(near), least), dtype);
}

function unit(x: number, dtype: Float): number {
  const size = Math.min(x, largest[dtype]);
  return size === 0 ? smallest[dtype] : Math.max(smallest[dtype], 2 ** (exponentOf(size) - digits[dtype]));
}

/** The largest error of a function over samples. */
export function worstOf(bound: Bound, dtype: Float, count: number, exact: Reference, seed: number = 0): Worst {
  const f = known[bound.name];
  if (f === undefined) throw new Error(`no function ${bound.name}`);
  const everywhere: Bound = { name: bound.name, float32: 0, float64: 0 };
  const x = samples(count, dtype, bound, 17 + seed);
  const y = samples(count, dtype, bound.name === "pow" ? { ...everywhere, domain: [-60, 60] } : everywhere, 91 + seed);
  const got = f(lazuli.tensor(x, { dtype }), lazuli.tensor(y, { dtype })).evalSync().dataSync();
  let worst: Worst = { ulps: 0, at: [], got: 0, want: 0 };
  for (let i = 0; i < count; i++) {
    const [a, b, value] = [x[i] ?? 0, y[i] ?? 0, Number(got[i])];
    const truth = exact(a, b);
    const ulps = distance(value, truth, dtype, bound.least ?? 0);
    if (ulps > worst.ulps) worst = { ulps, at: [a, b], got: value, want: truth.near };
  }
  return worst;
}
