/** Cases of fixtures/: text that NumPy or PyTorch's rules printed. */
import { readFileSync } from "node:fs";
import type { DType } from "../../src/index.ts";
import type { PrintOptions } from "../../src/index.ts";

export interface PrintedCase {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly (number | "NaN" | "Infinity" | "-Infinity")[];
  readonly options: Partial<PrintOptions>;
  readonly repr: string;
  readonly str?: string;
}

export function printedCases(name: "numpy" | "pytorch"): readonly PrintedCase[] {
  const parsed: { readonly cases: readonly PrintedCase[] } = JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
  return parsed.cases;
}
