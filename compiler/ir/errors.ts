/**
 * The errors that users see. A message says: the op, the values, the rule, the fix.
 *
 * `ShapeError: matmul: inner axes differ: f32[3,4] · f32[5,2] (4 ≠ 5). Transpose the second operand?`
 */

/** Shapes that do not fit an op. */
export class ShapeError extends Error {
  override readonly name: string = "ShapeError";
}

/** A dtype that an op does not take, or a number that a dtype cannot represent. */
export class DTypeError extends Error {
  override readonly name: string = "DTypeError";
}

/** An axis or an index out of range. */
export class IndexError extends Error {
  override readonly name: string = "IndexError";
}

/** A device that is missing, lost, full, or asked for something it cannot do. */
export class DeviceError extends Error {
  override readonly name: string = "DeviceError";
}

/** Something that lazuli does not do (yet); the message names the way out. */
export class UnsupportedError extends Error {
  override readonly name: string = "UnsupportedError";
}

/** IR text that does not parse; `line` and `column` count from 1. */
export class ParseError extends Error {
  override readonly name: string = "ParseError";
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(`${line}:${column}: ${message}`);
    this.line = line;
    this.column = column;
  }
}

/** An invariant of the compiler is broken: never the user's fault. */
export class CompilerBug extends Error {
  override readonly name: string = "CompilerBug";
}

/** `list[i]`, or a CompilerBug where there is no such element. */
export function at<T>(list: ArrayLike<T>, i: number): T {
  const item = list[i];
  if (item === undefined) throw new CompilerBug(`index ${i} of a list of ${list.length}`);
  return item;
}

/** `map.get(key)`, or a CompilerBug where the key is missing. */
export function lookup<K, V>(map: ReadonlyMap<K, V>, key: K, what: string): V {
  const item = map.get(key);
  if (item === undefined) throw new CompilerBug(`${what} is not there: ${String(key)}`);
  return item;
}
