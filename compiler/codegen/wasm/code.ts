/**
 * What a module is before it is bytes or text. A function's code is a list of instructions; a list may hold lists, which are
 * filled while later code is made: that is how values get in front of the loops that use them.
 */
import type { InstructionRow } from "./instructions.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

export interface Instruction {
  readonly row: InstructionRow;
  /** The index of a local, global or function, the depth of a label, a constant, a lane, an offset in memory. */
  readonly a: number;
  /** The lane of a memory access. */
  readonly b: number;
  /** The bytes of a vector or a shuffle, the value of an i64, the result type of a block. */
  readonly data: Uint8Array | bigint | ValueType | null;
}

export type Code = (Instruction | Code)[];

export interface LocalVariable {
  /** What it holds; others may hold the same. */
  readonly name: string;
  readonly type: ValueType;
}

/** A function that takes its first `parameters` locals and gives nothing. */
export interface FunctionCode {
  readonly name: string;
  /** Other names that it is exported by. */
  readonly aliases?: readonly string[];
  /** What it is made for: a comment of the text. */
  readonly comment: () => string;
  readonly parameters: number;
  readonly locals: readonly LocalVariable[];
  readonly code: Code;
}

/** A function of f64s that the host gives. */
export interface ImportedFunction {
  readonly name: string;
  readonly arity: number;
}

export interface ModuleCode {
  readonly sharedMemory: boolean;
  readonly imports: readonly ImportedFunction[];
  readonly functions: readonly FunctionCode[];
}

/** Every instruction in order. The depth of the lists is that of the loops. */
export function eachInstruction(code: Code, visit: (i: Instruction) => void): void {
  for (const item of code) {
    if (Array.isArray(item)) eachInstruction(item, visit);
    else visit(item);
  }
}
