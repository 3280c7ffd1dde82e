/**
 * Runs golden cases: float64 on arrays (gradients by `grad`), float32 on tensors (gradients by `backward`), so that both faces and
 * both ways to differentiate are covered.
 */
import * as lazuli from "../../src/index.ts";
import { array, configure, grad, Lazy, slice, Tensor, tensor } from "../../src/index.ts";
import type { Settings } from "../../src/index.ts";
import type { GoldenCase, GoldenData, GoldenExpr } from "./cases.ts";
import { numberOf } from "./cases.ts";
import type { FloatDType, Under } from "./compare.ts";
import { compareNumbers, compareOutput } from "./compare.ts";

export interface RunOptions {
  readonly dtype: FloatDType;
  readonly device?: Settings["device"];
  readonly target?: Settings["target"];
  /** How much wider than stored tolerances are; 1 unless told. */
  readonly factor?: number;
}

/** How an `fn` that is no function of the library is run; gives the outputs. */
export type Program = (c: GoldenCase, context: Context) => readonly Lazy[] | Promise<readonly Lazy[]>;

/** Inputs as handles, and the functions that cases are written with. */
export interface Context {
  readonly dtype: FloatDType;
  readonly inputs: readonly Lazy[];
  /** The value of an expression whose refs are these handles. */
  readonly call: (expr: GoldenExpr, refs: readonly Lazy[]) => unknown;
  /** `{ "ref": k }`, an expression, a list of them, or a literal. */
  readonly resolve: (given: unknown, refs: readonly Lazy[]) => unknown;
}

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null && !Array.isArray(x);
const isExpr = (x: unknown): x is GoldenExpr => isRecord(x) && typeof x["fn"] === "string";

/** A stored array as a handle of the face that goes with the dtype under test. */
export function makeInput(data: GoldenData, dtype: FloatDType, options: { readonly requiresGrad?: boolean } = {}): Lazy {
  const own = data.dtype === "float64" ? dtype : "int32";
  const made = { dtype: data.dtype === "bool" ? "bool" : own, shape: data.shape } as const;
  const numbers = data.data.map(numberOf);
  return dtype === "float64" ? array(numbers, made) : tensor(numbers, { ...made, ...options });
}

const namespaces = ["linalg", "fft", "special", "nn", "random", "optim"];

function functionNamed(name: string): unknown {
  const homes: unknown[] = [lazuli, ...namespaces.map((n): unknown => Reflect.get(lazuli, n))];
  for (const home of homes) {
    const found: unknown = typeof home === "object" && home !== null ? Reflect.get(home, name) : undefined;
    if (typeof found === "function") return found;
  }
  throw new Error(`lazuli has no function ${name}`);
}

/** Functions that take no array make the face under test. */
const creators = new Set(["arange", "linspace", "logspace", "eye", "tri", "zeros", "ones", "full", "empty", "indices"]);

/** The value of an expression whose refs are these handles. */
export function call(expr: GoldenExpr, refs: readonly Lazy[], dtype: FloatDType): unknown {
  const args = (expr.args ?? []).map((a) => resolve(a, refs, dtype));
  if (expr.fn === "getitem") return invoke("at", [args[0], ...indexOf(expr.args?.[1], refs, dtype)]);
  const write = writes[expr.fn];
  if (write !== undefined) return written(write, args, indexOf(expr.args?.[1], refs, dtype));
  const kwargs = Object.fromEntries(Object.entries(expr.kwargs ?? {}).map(([k, v]) => [k, resolve(v, refs, dtype)]));
  const named = creators.has(expr.fn) && dtype === "float32" ? { ...kwargs, face: "tensor" } : kwargs;
  return invoke(expr.fn, Object.keys(named).length === 0 ? args : [...args, named]);
}

/** Goldens that write give the whole array afterwards; what was there before stays. */
const writes: Readonly<Record<string, string>> = { setitem: "set", atAdd: "add", atMultiply: "mul" };

function written(method: string, [x, , value]: readonly unknown[], index: readonly unknown[]): unknown {
  const place: unknown = methodOf(lazuli.copy(handleOf(x)), "at", index);
  return methodOf(handleOf(place), method, [value]);
}

function methodOf(x: Lazy, name: string, args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(x, name);
  if (typeof method !== "function") throw new Error(`no method ${name}`);
  const result: unknown = Reflect.apply(method, x, args);
  return result;
}

/** Calls a function of the library by its name. */
export function invoke(name: string, args: readonly unknown[]): unknown {
  const f = functionNamed(name);
  if (typeof f !== "function") throw new Error(`${name} is no function`);
  const result: unknown = Reflect.apply(f, undefined, args);
  return result;
}

function resolve(given: unknown, refs: readonly Lazy[], dtype: FloatDType): unknown {
  if (Array.isArray(given)) return given.map((x) => resolve(x, refs, dtype));
  if (isExpr(given)) return call(given, refs, dtype);
  if (isRecord(given) && typeof given["ref"] === "number") return refs[given["ref"]];
  if (given === "NaN" || given === "Infinity" || given === "-Infinity") return Number(given);
  return given === "float" ? dtype : given;
}

/** `{ index: [...] }` as arguments of `at`. */
export function indexOf(given: unknown, refs: readonly Lazy[], dtype: FloatDType): readonly unknown[] {
  const items: unknown = isRecord(given) ? given["index"] : undefined;
  if (!Array.isArray(items)) throw new Error("an index is { index: [...] }");
  return items.map((item: unknown) => {
    if (!isRecord(item)) return item;
    if (item["newaxis"] === true) return null;
    if (item["ellipsis"] === true) return "...";
    const parts = item["slice"];
    if (!Array.isArray(parts)) return resolve(item, refs, dtype);
    const [start, stop, step] = parts.map((n: unknown) => (typeof n === "number" ? n : null));
    return slice(start ?? null, stop ?? null, step ?? null);
  });
}

const listOf = (result: unknown): readonly unknown[] => (Array.isArray(result) ? result : [result]);
export const handleOf = (x: unknown): Lazy => {
  if (x instanceof Lazy) return x;
  throw new Error(`got ${String(x)}, not an array or tensor`);
};

/** The case's own function on these inputs. */
function outputsOf(c: GoldenCase, refs: readonly Lazy[], dtype: FloatDType): readonly unknown[] {
  return listOf(call(c.fn === "expr" && c.expr !== undefined ? c.expr : c, refs, dtype));
}

/** Sum over the outputs of sum(output · cotangent). */
function weightedSum(c: GoldenCase, refs: readonly Lazy[], dtype: FloatDType): Lazy {
  const outputs = outputsOf(c, refs, dtype);
  const terms = (c.cotangents ?? []).flatMap((cotangent, i) => {
    if (cotangent === null) return [];
    const output = handleOf(outputs[i]);
    const weight = makeInput({ shape: output.shape, dtype: "float64", data: cotangent }, dtype);
    return [handleOf(invoke("sum", [invoke("multiply", [output, weight])]))];
  });
  return terms.reduce((a, b) => handleOf(invoke("add", [a, b])));
}

function gradientsOf(c: GoldenCase, dtype: FloatDType): readonly Lazy[] {
  const argnums = c.grads.map((g) => g.input);
  const inputs = c.inputs.map((data, i) => makeInput(data, dtype, { requiresGrad: argnums.includes(i) }));
  if (dtype === "float64") return grad((...xs: readonly Lazy[]) => weightedSum(c, xs, dtype), { argnums })(...inputs);
  const loss = weightedSum(c, inputs, dtype);
  if (!(loss instanceof Tensor)) throw new Error("a float32 case made no tensor");
  loss.backward();
  return argnums.map((i) => {
    const cell = inputs[i];
    return handleOf(cell instanceof Tensor ? cell.grad : null);
  });
}

/** What is wrong with a case: a list of findings, empty where it passes. */
export async function runCase(c: GoldenCase, options: RunOptions, programs: Readonly<Record<string, Program>> = {}): Promise<string[]> {
  const { dtype, factor = 1, ...settings } = options;
  configure(settings);
  try {
    return await findings(c, { dtype, factor }, programs);
  } catch (error) {
    return [String(error)];
  }
}

async function findings(c: GoldenCase, under: Required<Under>, programs: Readonly<Record<string, Program>>): Promise<string[]> {
  const { dtype } = under;
  const inputs = c.inputs.map((data) => makeInput(data, dtype));
  const program = programs[c.fn];
  const context: Context = { dtype, inputs, call: (expr, refs) => call(expr, refs, dtype), resolve: (given, refs) => resolve(given, refs, dtype) };
  const outputs = program === undefined ? outputsOf(c, inputs, dtype) : await program(c, context);
  const found: (string | null)[] = outputs.length === c.outputs.length ? [] : [`${outputs.length} outputs, not ${c.outputs.length}`];
  for (const [i, want] of c.outputs.entries()) found.push(await compareOutput(c, `output ${i}`, outputs[i], want, under));
  if (c.grads.length > 0) {
    const gradients = gradientsOf(c, dtype);
    for (const [k, { input, data }] of c.grads.entries()) {
      const got = await handleOf(gradients[k]).data();
      found.push(compareNumbers(c, `gradient of input ${input}`, got, data, under));
    }
  }
  return found.filter((f) => f !== null);
}
