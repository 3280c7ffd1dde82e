/** Reading what a caller left out, gave by position, or named in the last options object. */
import type { Value } from "../../compiler/ir/node.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import { Lazy } from "../handle.ts";
import { userNumber } from "../operands.ts";

/** An optional array operand, or the options object in its place. */
export type Given<T extends Lazy, O> = T | O | null | undefined;

const isHandle = <T extends Lazy, O>(x: Given<T, O>): x is T => x instanceof Lazy;
const isOptions = <T extends Lazy, O>(x: Given<T, O>): x is O => x !== null && x !== undefined && !(x instanceof Lazy);

/** The options object among these, or an empty one. */
export function optionsOf<T extends Lazy, O extends object>(none: O, ...given: readonly Given<T, O>[]): O {
  return given.find((x) => isOptions(x)) ?? none;
}

/** The handle given by position, or else by name. */
export const handleOf = <T extends Lazy, O>(given: Given<T, O>, named: T | null | undefined): T | null => (isHandle(given) ? given : (named ?? null));

/** A number that the user may have passed: lifted into a parameter where it was, a constant of the kernel where not. */
export function numberValue(op: string, given: number | undefined, fallback: number, dtype: DType): Value {
  return given === undefined ? constantValue(fallback, dtype) : userNumber(op, given, dtype);
}

/** Throws an UnsupportedError that lists the choices, unless `name` is one of them. */
export function requireChoice(op: string, what: string, name: string, choices: readonly string[]): void {
  if (!choices.includes(name)) throw new UnsupportedError(`${op}: ${what} "${name}" is unknown. Use one of ${choices.map((c) => `"${c}"`).join(", ")}.`);
}
