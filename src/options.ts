/** Options that many functions share, and PyTorch's names for them. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import { normalizeAxes, normalizeAxis } from "../compiler/ir/shape.ts";
import type { Lazy } from "./handle.ts";

/** One axis; negative ones count from the end. Tensors also take PyTorch's `dim`. */
export interface AxisOption {
  readonly axis?: number | null;
  readonly dim?: number | null;
}

/** The axes to reduce (null: all), and whether they stay with length 1. Tensors also take PyTorch's `dim` and `keepdim`. */
export interface ReduceOptions {
  readonly axis?: number | readonly number[] | null;
  readonly keepdims?: boolean;
  readonly dim?: number | readonly number[] | null;
  readonly keepdim?: boolean;
}

function requireTensor(op: string, x: Lazy, name: string, numpy: string): void {
  if (x.face === "tensor") return;
  throw new UnsupportedError(`${op}: ${name} is PyTorch's name and goes with tensors. Arrays take ${numpy}.`);
}

/** Options are one object, with these names: what else JavaScript callers pass is an error, not a silent default. */
export function requireOptions(op: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new UnsupportedError(`${op}: options are one object: { ${names[0] ?? ""}: … }, not ${String(options)}.`);
  for (const name in options) if (!names.includes(name)) throw new UnsupportedError(`${op}: there is no option ${name}. There are ${names.join(", ")}.`);
}

const reduceNames = ["axis", "keepdims", "dim", "keepdim", "dtype", "correction", "ord"];

/** The axis option as it was given, null where it was not. */
export function axisOption(op: string, x: Lazy, options: AxisOption): number | null {
  if (options.dim === undefined) return options.axis ?? null;
  requireTensor(op, x, "dim", "axis");
  return options.dim;
}

export interface Reduction {
  /** Distinct axes in rising order. */
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** Which axes a reduction of `x` takes away. */
export function reduceOption(op: string, x: Lazy, options: ReduceOptions): Reduction {
  requireOptions(op, options, reduceNames);
  if (options.dim !== undefined) requireTensor(op, x, "dim", "axis");
  if (options.keepdim !== undefined) requireTensor(op, x, "keepdim", "keepdims");
  const axes = options.dim === undefined ? options.axis : options.dim;
  return { axes: normalizeAxes(op, axes, x.ndim), keepdims: options.keepdims ?? options.keepdim ?? false };
}

/** An axis that must be there, given as a number or as an option; `fallback` stands in where there is one. */
export function requiredAxis(op: string, x: Lazy, given: number | AxisOption, fallback: number | null = null): number {
  const axis = typeof given === "number" ? given : (axisOption(op, x, given) ?? fallback ?? onlyAxis(op, x));
  return normalizeAxis(op, axis, x.ndim);
}

function onlyAxis(op: string, x: Lazy): number {
  if (x.ndim === 1) return 0;
  throw new UnsupportedError(`${op}: say along which axis: { axis: -1 }.`);
}
