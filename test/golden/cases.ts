/** Golden cases as the JSON files hold them; test/goldens/README.md says what the fields mean. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** `"NaN"`, `"Infinity"` and `"-Infinity"` are numbers wherever they occur. */
export type GoldenNumber = number | boolean | "NaN" | "Infinity" | "-Infinity";

export interface GoldenData {
  readonly shape: readonly number[];
  readonly dtype: "float64" | "float32" | "int32" | "int64" | "bool";
  readonly data: readonly GoldenNumber[];
}

export interface GoldenExpr {
  readonly fn: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

export interface GoldenCase extends GoldenExpr {
  readonly id: string;
  readonly area: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly expr?: GoldenExpr;
  readonly inputs: readonly GoldenData[];
  readonly outputs: readonly GoldenData[];
  readonly cotangents?: readonly (readonly GoldenNumber[] | null)[];
  readonly grads: readonly { readonly input: number; readonly data: readonly GoldenNumber[] }[];
  readonly rtol32: number;
  readonly atol32: number;
  readonly tier: 1 | 2;
  readonly optional?: boolean;
  readonly only?: "float64";
  readonly zeroSign?: "exact";
  readonly note?: string;
  /** Area 11: the printed text. */
  readonly text?: string;
  readonly gradConvention?: string;
  /** Area 6, programs: names of inputs, what happens, what is compared. */
  readonly vars?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly steps?: readonly Readonly<Record<string, unknown>>[];
  readonly outputNames?: readonly string[];
  readonly sharesMemory?: readonly (readonly [string, string, boolean])[];
  /** Area 10: what the expression is differentiated by, along and with. */
  readonly v?: readonly unknown[];
  readonly tangents?: readonly unknown[];
  readonly params?: readonly number[];
}

const folder = fileURLToPath(new URL("../goldens/", import.meta.url));

/** The cases of an area: 1 is unary, 2 binary, … as the files are numbered. */
export function goldenCases(area: number): GoldenCase[] {
  const prefix = `${String(area).padStart(2, "0")}-`;
  const file = readdirSync(folder).find((name) => name.startsWith(prefix));
  if (file === undefined) throw new Error(`no goldens for area ${area}`);
  const parsed: { readonly cases: GoldenCase[] } = JSON.parse(readFileSync(folder + file, "utf8"));
  return parsed.cases;
}

/** The stored number. */
export const numberOf = (x: GoldenNumber): number => Number(x);
