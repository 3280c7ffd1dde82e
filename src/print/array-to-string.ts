/** The elements of an array or tensor as text, without its name. */
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Lazy } from "../handle.ts";
import { formatElements } from "./format.ts";
import { numpyScalar } from "./numpy.ts";
import type { PrintOptions } from "./options.ts";
import { optionsFor } from "./options.ts";

export interface ArrayToStringOptions extends Partial<PrintOptions> {
  /** What stands between elements: a space for arrays, a comma and a space for tensors. */
  readonly separator?: string;
}

/**
 * The elements as NumPy's `str` prints them, without name and dtype; options hold for this call. An array without axes is printed
 * with every digit that it needs, unless options are given. Evaluates on the CPU; throws a DeviceError on devices that cannot wait, and
 * an UnsupportedError where an option is unknown or its value is not allowed.
 *
 * @example
 * arrayToString(array([[1, 2], [3, 4]])); // → [[1 2] [3 4]]
 * arrayToString(array([0.25, 1 / 3]), { precision: 3, separator: ", " }); // → [0.25 , 0.333]
 */
export function arrayToString(x: Lazy, options: ArrayToStringOptions = {}): string {
  const { separator = x.face === "array" ? " " : ", ", ...changes } = options;
  if (typeof separator !== "string") throw new UnsupportedError(`arrayToString: separator is a string, not ${String(separator)}.`);
  const own = optionsFor("arrayToString", x.face, changes);
  const printed = x.printed();
  if (x.face === "array" && x.ndim === 0 && Object.keys(changes).length === 0) return numpyScalar(at(printed.data, 0), x.dtype);
  return formatElements(printed, own, { separator, indent: 0, closing: 0 });
}
