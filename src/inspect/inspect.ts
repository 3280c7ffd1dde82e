/** Looking at what evaluation would do, without doing it. */
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import type { Nesting } from "../nesting.ts";
import { handlesIn, isPlain } from "../nesting.ts";
import type { DeviceName } from "../devices.ts";
import { requireDevice } from "../devices.ts";
import type { Lazy } from "../handle.ts";
import { compile } from "../plans.ts";
import { requestFor } from "../requests.ts";
import { cpuCode, targetFor } from "../targets.ts";
import { described, isDescription } from "./described.ts";
import { Inspection } from "./inspection.ts";

export interface InspectOptions {
  /** What to generate code for; the target that is set unless told. */
  readonly target?: "wasm" | "js" | "wgsl";
}

/** The arguments of a function, each of which may be only described, as `f32[2,3]`. */
export type Described<A extends readonly unknown[]> = { readonly [K in keyof A]: A[K] | string };

/**
 * What evaluating these handles now, in one plan, would launch: kernels, loops, code, bytes, reasons. Of a function: what evaluating
 * its result would. Arguments may be handles or descriptions: `f32[2,3]` is a tensor, `array f64[2,3]` an array. Nothing is evaluated.
 * Throws an UnsupportedError for something that is no array or tensor.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * inspect(x.mul(2).sum()).kernels.length; // → 1
 * inspect((a: Tensor, b: Tensor) => a.matmul(b).relu(), "f32[64,32]", "f32[32,8]").kernels.map((k) => k.nodes.map((n) => n.op)); // → [ [ 'dot', … ] ]
 */
export function inspect(x: Nesting, options?: InspectOptions): Inspection;
export function inspect<A extends readonly unknown[]>(f: (...args: A) => Nesting, ...args: readonly [...Described<NoInfer<A>>, InspectOptions?]): Inspection;
export function inspect(x: unknown, ...rest: readonly unknown[]): Inspection {
  return inspectionOf(x, rest);
}

/**
 * Why fusion did what it did, as text: the kernels that evaluating would launch with what is in them, their bytes, operations and
 * predicted times, why each stops where it stops, what is computed again, and which merges were refused. Takes what `inspect` takes.
 * For measured times beside them: `const i = inspect(x); await i.measure(); i.explain()`.
 *
 * @example
 * explain(tensor([1, 2, 3]).mul(2).sqrt()); // → 1 kernel for wasm: 6 operations, 12 bytes read, 12 written, peak 24 bytes, 250 ns predicted
 * // kernel  stages  operations  bytes  predicted  writes  computes                ends because
 * // k0_sqrt      1           6     24     250 ns  f32[3]  multiply, sqrt; 1 view  %2 sqrt → result …
 */
export function explain(x: Nesting, options?: InspectOptions): string;
export function explain<A extends readonly unknown[]>(f: (...args: A) => Nesting, ...args: readonly [...Described<NoInfer<A>>, InspectOptions?]): string;
export function explain(x: unknown, ...rest: readonly unknown[]): string {
  return inspectionOf(x, rest).explain();
}

function inspectionOf(x: unknown, rest: readonly unknown[]): Inspection {
  const last = rest.at(-1);
  const options = isOptions(last) ? last : {};
  const args = isOptions(last) ? rest.slice(0, -1) : rest;
  if (typeof x !== "function" && args.length > 0)
    throw new UnsupportedError("inspect: only a function takes arguments. Give several handles as one list, options as { target }.");
  const handles = typeof x === "function" ? handlesIn("inspect", resultOf(x, args), "the function's result") : handlesIn("inspect", x, "its argument");
  return inspectValues(
    handles.map((h) => h.value),
    targetOf(options, handles),
  );
}

const optionNames = ["target"];
const isOptions = (x: unknown): x is InspectOptions => isPlain(x) && Object.keys(x).length > 0 && Object.keys(x).every((k) => optionNames.includes(k));

/** The target that is asked for, or that of the device which would compute these. */
function targetOf({ target }: InspectOptions, handles: readonly Lazy[]): Target {
  if (target === undefined) return targetFor(deviceOfAll(handles));
  // what runs here knows more of itself, as whether its memory is shared
  const named = [cpuCode().target, wasm, js, wgsl].find((t) => t.name === target);
  if (named !== undefined) return named;
  throw new UnsupportedError(`inspect: there is no target ${JSON.stringify(target)}. There are "wasm", "js" and "wgsl".`);
}

function deviceOfAll(handles: readonly Lazy[]): DeviceName {
  const devices = [...new Set(handles.map((h) => h.device))];
  if (devices.length > 1) throw new UnsupportedError(`inspect: these are computed on ${devices.join(" and ")}, in a plan each. Inspect them one by one.`);
  return requireDevice("inspect", devices[0] ?? "cpu");
}

function resultOf(f: Function, args: readonly unknown[]): unknown {
  const made: unknown = Reflect.apply(
    f,
    undefined,
    args.map((a) => (typeof a === "string" && isDescription(a) ? described(a) : a)),
  );
  if (made instanceof Promise) throw new UnsupportedError("inspect: the function is asynchronous. Await outside, and compute inside.");
  return made;
}

/** Evaluation would compute each pending value once, and leave the others as they are. */
function inspectValues(values: readonly Value[], target: Target): Inspection {
  const request = requestFor([...new Set(values)].filter((v) => v.slot === null));
  return new Inspection(compile(request, target), request, target === cpuCode().target ? cpuCode().instead : null);
}
