/** Code as instructions again, for those who print it. */
import { CompilerBug } from "../../ir/errors.ts";
import { Reader } from "./bytes.ts";
import type { Code, InstructionData, ValueType } from "./code.ts";
import { valueTypes } from "./encode.ts";
import type { InstructionRow } from "./instructions.ts";
import { instructionRows } from "./instructions.ts";

export interface Instruction {
  readonly row: InstructionRow;
  /** The index of a local, global or function, the depth of a label, a constant, a lane, an offset in memory. */
  readonly a: number;
  /** The lane of a memory access. */
  readonly b: number;
  readonly data: InstructionData;
}

const rows: ReadonlyMap<number, InstructionRow> = new Map(instructionRows.map((row) => [row.opcode, row]));
const typesByByte: ReadonlyMap<number, ValueType> = new Map((["i32", "i64", "f32", "f64", "v128"] as const).map((type) => [valueTypes[type], type]));
const longOpcodes = 0xfc;

/** Every instruction in order. */
export function eachInstruction(code: Code, visit: (i: Instruction) => void): void {
  const reader = new Reader(code.flat());
  while (!reader.isAtEnd) visit(decoded(reader));
}

function decoded(reader: Reader): Instruction {
  const first = reader.byte();
  const opcode = first < longOpcodes ? first : (first << 16) | reader.unsigned();
  const row = rows.get(opcode);
  if (row === undefined) throw new CompilerBug(`there is no WebAssembly instruction 0x${opcode.toString(16)} in the table`);
  const whole = { row, a: 0, b: 0, data: null };
  switch (row.immediate) {
    case "none":
      return whole;
    case "block":
      return { ...whole, data: typesByByte.get(reader.byte()) ?? null };
    case "label":
    case "function":
    case "local":
    case "global":
      return { ...whole, a: reader.unsigned() };
    case "memory":
    case "memoryLane": {
      reader.byte();
      const a = reader.unsigned();
      return { ...whole, a, b: row.immediate === "memoryLane" ? reader.byte() : 0 };
    }
    case "lane":
      return { ...whole, a: reader.byte() };
    case "i32":
      return { ...whole, a: Number(reader.signed()) };
    case "i64":
      return { ...whole, data: reader.signed() };
    case "f32":
      return { ...whole, a: reader.float32() };
    case "f64":
      return { ...whole, a: reader.float64() };
    case "v128":
    case "shuffle":
      return { ...whole, data: reader.take(16) };
  }
}
