/** Evaluating several values in one plan, so that what they share is computed once. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import { evaluate, evaluateSync } from "./evaluate.ts";
import { Lazy } from "./handle.ts";

/** Arrays and tensors in any nesting of lists and plain objects. Null, as `x.grad` is before `backward()`, is an error at the call. */
export type Nesting = Lazy | null | readonly Nesting[] | { readonly [key: string]: Nesting };

function isPlain(x: unknown): x is Readonly<Record<string, unknown>> {
  if (typeof x !== "object" || x === null) return false;
  const prototype: unknown = Object.getPrototypeOf(x);
  return prototype === Object.prototype || prototype === null;
}

/** All handles below, or an error that names the place of a leaf that is none. Nothing is evaluated before all are found. */
function valuesIn(roots: readonly unknown[]): Value[] {
  const values: Value[] = [];
  const open = new Set<unknown>();
  const visit = (x: unknown, path: string): void => {
    if (x instanceof Lazy) {
      values.push(x.value);
      return;
    }
    if (!Array.isArray(x) && !isPlain(x))
      throw new UnsupportedError(`evalAll: ${path} is ${leafText(x)}, not an array or tensor. Give arrays, tensors, and lists and plain objects of them.`);
    if (open.has(x)) throw new UnsupportedError(`evalAll: ${path} holds itself.`);
    open.add(x);
    for (const [key, item] of Object.entries(x)) visit(item, Array.isArray(x) ? `${path}[${key}]` : `${path}.${key}`);
    open.delete(x);
  };
  roots.forEach((x, i) => visit(x, `argument ${i}`));
  return values;
}

function leafText(x: unknown): string {
  if (x === null) return "null (a gradient before backward()?)";
  if (typeof x === "object") return `an object (${Object.prototype.toString.call(x)})`;
  return typeof x === "string" ? JSON.stringify(x) : String(x);
}

/**
 * Computes everything given, in one plan. Throws an UnsupportedError for a leaf that is no array or tensor.
 *
 * @example
 * const x = tensor([1, 2]);
 * const parts = { sum: x.sum(), max: x.max() };
 * await evalAll(parts);
 * parts.max.item(); // → 2
 */
export async function evalAll(...values: readonly Nesting[]): Promise<void> {
  await evaluate(valuesIn(values));
}

/**
 * `evalAll` without waiting; throws a DeviceError on devices that cannot.
 *
 * @example
 * const x = tensor([1, 2]);
 * const [sum, max] = [x.sum(), x.max()];
 * evalAllSync(sum, max);
 * max.item(); // → 2
 */
export function evalAllSync(...values: readonly Nesting[]): void {
  evaluateSync(valuesIn(values));
}
