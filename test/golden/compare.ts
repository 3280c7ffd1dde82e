/** Whether what was computed is what a case stores. */
import type { HostArray } from "../../src/index.ts";
import { Lazy } from "../../src/handle.ts";
import type { GoldenCase, GoldenData, GoldenNumber } from "./cases.ts";
import { numberOf } from "./cases.ts";

export type FloatDType = "float32" | "float64";

/** The dtype under test, and how much wider than stored a tolerance is (on GPUs); 1 unless told. */
export interface Under {
  readonly dtype: FloatDType;
  readonly factor?: number;
}

interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** float32 by the case, float64 by the README: 1e-10, and 1e-12 of the largest magnitude. */
function toleranceOf(c: GoldenCase, { dtype, factor = 1 }: Under, want: readonly number[]): Tolerance {
  if (c.rtol32 === 0 && c.atol32 === 0) return { rtol: 0, atol: 0 };
  if (dtype === "float32") return { rtol: factor * c.rtol32, atol: factor * c.atol32 };
  const largest = want.filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return { rtol: 1e-10, atol: 1e-12 * largest };
}

function close(got: number, want: number, { rtol, atol }: Tolerance, exactZero: boolean): boolean {
  if (Number.isNaN(want)) return Number.isNaN(got);
  if (!Number.isFinite(want)) return got === want;
  if (exactZero && want === 0 && got === 0) return Object.is(got, want);
  return Math.abs(got - want) <= atol + rtol * Math.abs(want);
}

/** What is wrong with a list of numbers, or null. */
export function compareNumbers(c: GoldenCase, what: string, got: ArrayLike<number>, stored: readonly GoldenNumber[], under: Under): string | null {
  const want = stored.map(numberOf);
  if (got.length !== want.length) return `${what}: ${got.length} elements, not ${want.length}`;
  const tolerance = toleranceOf(c, under, want);
  const wrong = want.findIndex((w, i) => !close(got[i] ?? Number.NaN, w, tolerance, c.zeroSign === "exact"));
  if (wrong < 0) return null;
  const shown = (x: number | undefined): string => (Object.is(x, -0) ? "-0" : String(x));
  return `${what}[${wrong}]: got ${shown(got[wrong])}, want ${shown(want[wrong])}`;
}

const kindOf = (dtype: string): string => {
  if (dtype.startsWith("float")) return "float";
  return dtype === "bool" ? "bool" : "integer";
};

/** What is wrong with an output: its class, shape, kind of dtype or elements; or null. */
export async function compareOutput(c: GoldenCase, what: string, got: unknown, want: GoldenData, under: Under): Promise<string | null> {
  const { dtype } = under;
  if (!(got instanceof Lazy)) return `${what}: got ${typeof got}, not an array or tensor`;
  if (String(got.shape) !== String(want.shape)) return `${what}: shape [${String(got.shape)}], not [${String(want.shape)}]`;
  if (kindOf(got.dtype) !== kindOf(want.dtype)) return `${what}: ${got.dtype}, not ${want.dtype}`;
  if (kindOf(got.dtype) === "float" && got.dtype !== dtype) return `${what}: ${got.dtype}, not the ${dtype} under test`;
  return compareNumbers(c, what, Array.from<number | bigint, number>(await got.data<HostArray>(), Number), want.data, under);
}
