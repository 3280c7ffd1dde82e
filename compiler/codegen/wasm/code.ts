/**
 * What a module is before it is one array or text. A function's code is the bytes of its instructions, in lists one after the other:
 * what is made apart, as values are that get in front of the loops that use them, goes among others without being copied.
 */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The bytes of a vector or a shuffle, the value of an i64, the result type of a block. */
export type InstructionData = Uint8Array | bigint | ValueType | null;

export type Code = number[][];

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
