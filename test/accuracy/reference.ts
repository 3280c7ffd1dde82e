/** Elementary functions to 200 bits, by MPFR: each value as the nearest float64 and what is left of it. */
import type { GMPFunctions } from "gmp-wasm";
import { init } from "gmp-wasm";
import { lookup } from "../../compiler/ir/errors.ts";

export interface Exact {
  readonly near: number;
  /** The value less `near`. */
  readonly rest: number;
}
export type Reference = (x: number, y: number) => Exact;

const precision = 200;
const toNearest = 0;

type Register = ReturnType<GMPFunctions["mpfr_t"]>;
type Registers = readonly [result: Register, x: Register, y: Register, spare: Register];
/** Writes the function of x (and y) into the result. */
type Step = (m: GMPFunctions, registers: Registers) => void;

/** By Newton's method from S. Winitzki's estimate; MPFR has erf only. */
function erfinv(m: GMPFunctions, [r, x, t, e]: Registers): void {
  const value = m.mpfr_get_d(x, toNearest);
  if (!(Math.abs(value) < 1)) return void m.mpfr_set_d(r, Math.abs(value) === 1 ? value * Infinity : Number.NaN, toNearest);
  const log = Math.log1p(-value * value);
  const half = 2 / (Math.PI * 0.147) + log / 2;
  m.mpfr_set_d(r, Math.sign(value) * Math.sqrt(Math.sqrt(half * half - log / 0.147) - half), toNearest);
  for (let i = 0; i < 8; i++) {
    m.mpfr_mul(e, r, r, toNearest);
    m.mpfr_exp(e, e, toNearest);
    m.mpfr_erf(t, r, toNearest);
    m.mpfr_sub(t, t, x, toNearest);
    m.mpfr_mul(t, t, e, toNearest);
    m.mpfr_mul_d(t, t, Math.sqrt(Math.PI) / 2, toNearest);
    m.mpfr_sub(r, r, t, toNearest);
  }
}

const steps: Readonly<Record<string, Step>> = {
  exp: (m, [r, x]) => void m.mpfr_exp(r, x, toNearest),
  exp2: (m, [r, x]) => void m.mpfr_exp2(r, x, toNearest),
  expm1: (m, [r, x]) => void m.mpfr_expm1(r, x, toNearest),
  log: (m, [r, x]) => void m.mpfr_log(r, x, toNearest),
  log2: (m, [r, x]) => void m.mpfr_log2(r, x, toNearest),
  log10: (m, [r, x]) => void m.mpfr_log10(r, x, toNearest),
  log1p: (m, [r, x]) => void m.mpfr_log1p(r, x, toNearest),
  sin: (m, [r, x]) => void m.mpfr_sin(r, x, toNearest),
  cos: (m, [r, x]) => void m.mpfr_cos(r, x, toNearest),
  tan: (m, [r, x]) => void m.mpfr_tan(r, x, toNearest),
  asin: (m, [r, x]) => void m.mpfr_asin(r, x, toNearest),
  acos: (m, [r, x]) => void m.mpfr_acos(r, x, toNearest),
  atan: (m, [r, x]) => void m.mpfr_atan(r, x, toNearest),
  sinh: (m, [r, x]) => void m.mpfr_sinh(r, x, toNearest),
  cosh: (m, [r, x]) => void m.mpfr_cosh(r, x, toNearest),
  tanh: (m, [r, x]) => void m.mpfr_tanh(r, x, toNearest),
  asinh: (m, [r, x]) => void m.mpfr_asinh(r, x, toNearest),
  acosh: (m, [r, x]) => void m.mpfr_acosh(r, x, toNearest),
  atanh: (m, [r, x]) => void m.mpfr_atanh(r, x, toNearest),
  erf: (m, [r, x]) => void m.mpfr_erf(r, x, toNearest),
  erfc: (m, [r, x]) => void m.mpfr_erfc(r, x, toNearest),
  erfinv,
  cbrt: (m, [r, x]) => void m.mpfr_cbrt(r, x, toNearest),
  rsqrt: (m, [r, x]) => {
    m.mpfr_sqrt(r, x, toNearest);
    m.mpfr_d_div(r, 1, r, toNearest);
  },
  // of negative numbers lngamma is NaN where gamma is negative
  lgamma: (m, [r, x]) => {
    if (!(m.mpfr_get_d(x, toNearest) < 0)) return void m.mpfr_lngamma(r, x, toNearest);
    m.mpfr_gamma(r, x, toNearest);
    m.mpfr_abs(r, r, toNearest);
    m.mpfr_log(r, r, toNearest);
    // the poles
    if (Number.isNaN(m.mpfr_get_d(r, toNearest))) m.mpfr_set_d(r, Infinity, toNearest);
  },
  digamma: (m, [r, x]) => void m.mpfr_digamma(r, x, toNearest),
  sigmoid: (m, [r, x]) => {
    m.mpfr_neg(r, x, toNearest);
    m.mpfr_exp(r, r, toNearest);
    m.mpfr_add_d(r, r, 1, toNearest);
    m.mpfr_d_div(r, 1, r, toNearest);
  },
  pow: (m, [r, x, y]) => void m.mpfr_pow(r, x, y, toNearest),
  atan2: (m, [r, x, y]) => void m.mpfr_atan2(r, x, y, toNearest),
};

/** The functions that have a reference. */
export const referenced: readonly string[] = Object.keys(steps);

/** A reference for each function. Tiny arguments keep their precision, because MPFR rounds once. */
export async function references(): Promise<(name: string) => Reference> {
  const { binding: m } = await init();
  const register = (): Register => {
    const made = m.mpfr_t();
    m.mpfr_init2(made, precision);
    return made;
  };
  const registers: Registers = [register(), register(), register(), register()];
  const [result, first, second] = registers;
  return (name) => {
    const step = lookup(new Map(Object.entries(steps)), name, "a reference");
    return (x, y) => {
      m.mpfr_set_d(first, x, toNearest);
      m.mpfr_set_d(second, y, toNearest);
      step(m, registers);
      const near = m.mpfr_get_d(result, toNearest);
      if (!Number.isFinite(near)) return { near, rest: 0 };
      m.mpfr_sub_d(result, result, near, toNearest);
      return { near, rest: m.mpfr_get_d(result, toNearest) };
    };
  };
}
