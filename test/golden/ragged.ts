/** Area 12: arrays whose rows differ in length. Inputs, outputs, gradients and cotangents may be lists of rows. */
import { readFileSync } from "node:fs";
import { array, configure, fromRows, grad, Lazy, multiply, sum } from "../../src/index.ts";
import type { NestedList, Settings } from "../../src/index.ts";
import type { GoldenCase, GoldenNumber } from "./cases.ts";
import { numberOf } from "./cases.ts";
import type { FloatDType } from "./compare.ts";
import { compareNumbers } from "./compare.ts";
import { call, handleOf, makeInput } from "./run.ts";

type Rows = readonly (readonly GoldenNumber[])[];

/** A stored array: rows, or flat data with a shape. */
interface Stored {
  readonly dtype: "float64" | "int32" | "int64" | "bool";
  readonly rows?: Rows;
  readonly shape?: readonly number[];
  readonly data?: readonly GoldenNumber[];
}

export interface RaggedCase extends Omit<GoldenCase, "inputs" | "outputs" | "grads" | "cotangents"> {
  readonly inputs: readonly Stored[];
  readonly outputs: readonly Stored[];
  readonly grads: readonly { readonly input: number; readonly rows: Rows }[];
  readonly cotangents?: readonly (Rows | readonly GoldenNumber[] | null)[];
}

export function raggedCases(): readonly RaggedCase[] {
  const parsed: { readonly cases: readonly RaggedCase[] } = JSON.parse(readFileSync(new URL("../goldens/12-ragged.json", import.meta.url), "utf8"));
  return parsed.cases;
}

export interface RunOptions {
  readonly dtype: FloatDType;
  readonly target: Settings["target"];
}

/** `fromRows`, so that rows are ragged also where all have one length. */
function inputOf({ dtype, rows, shape, data }: Stored, float: FloatDType): Lazy {
  if (rows === undefined) return array(makeInput({ dtype, shape: shape ?? [], data: data ?? [] }, "float64"), { dtype: dtype === "float64" ? float : "int32" });
  return fromRows(
    rows.map((row) => row.map(numberOf)),
    { dtype: dtype === "float64" ? float : "int32" },
  );
}

/** Everything that is wrong with a case; an empty list where it passes. */
export function runRagged(c: RaggedCase, { dtype, target }: RunOptions): string[] {
  configure({ target });
  const inputs = c.inputs.map((stored) => inputOf(stored, dtype));
  const run = (xs: readonly Lazy[]): Lazy => handleOf(call(c, xs, dtype));
  const found = c.outputs.flatMap((want) => compared(c, "output", run(inputs), want, dtype));
  if (c.grads.length === 0) return found;
  const argnums = c.grads.map((g) => g.input);
  const loss = (...xs: readonly Lazy[]): Lazy => {
    const y = run(xs);
    return sum(multiply(y, cotangentOf(c, y, dtype)));
  };
  const gradients = grad(loss, { argnums })(...inputs);
  return [...found, ...c.grads.flatMap(({ rows }, i) => compared(c, `gradient ${i}`, gradients[i], { dtype: "float64", rows }, dtype))];
}

function cotangentOf(c: RaggedCase, y: Lazy, dtype: FloatDType): Lazy {
  const [given] = c.cotangents ?? [];
  if (given === undefined || given === null) throw new Error(`${c.id} has no cotangent`);
  const rows = given.filter((row) => Array.isArray(row));
  if (rows.length > 0) return inputOf({ dtype: "float64", rows }, dtype);
  const data = given.filter((x) => !Array.isArray(x));
  return inputOf({ dtype: "float64", shape: y.shape, data: data.map(Number) }, dtype);
}

const kinds: Readonly<Record<string, string>> = { float64: "float", float32: "float", int32: "integer", int64: "integer", bool: "bool" };

function compared(c: RaggedCase, what: string, got: unknown, want: Stored, dtype: FloatDType): string[] {
  if (!(got instanceof Lazy)) return [`${what}: got ${typeof got}, not an array`];
  const form = want.rows === undefined ? String(want.shape) : `rows of ${want.rows.map((row) => row.length).join(", ")}`;
  const found = formOf(got);
  if (found !== form) return [`${what}: ${found}, not ${form}`];
  if (kinds[got.dtype] !== kinds[want.dtype]) return [`${what}: ${got.dtype}, not ${want.dtype}`];
  const numbers = want.rows === undefined ? (want.data ?? []) : want.rows.flat();
  const wrong = compareNumbers(tolerances(c), what, got.dataSync(), numbers, { dtype });
  return wrong === null ? [] : [wrong];
}

/** What decides how near is near, of any case. */
const tolerances = (c: RaggedCase): GoldenCase => ({ ...c, inputs: [], outputs: [], grads: [], cotangents: [] });

/** How rows are nested, as the elements are listed: independent of what the array says of itself. */
function formOf(x: Lazy): string {
  if (x.rows === null) return String(x.shape);
  const list: NestedList = x.tolist();
  return `rows of ${Array.isArray(list) ? list.map((row: NestedList) => (Array.isArray(row) ? row.length : "?")).join(", ") : "?"}`;
}
