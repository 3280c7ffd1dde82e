/**
 * The instructions that generated modules are made of: one row each. The encoder, the text printer and the tests walk this table.
 *
 * A row: the opcode (behind a prefix byte where it is longer than a byte), the types taken and given (i = i32, l = i64, f = f32,
 * d = f64, v = v128), the kind of its immediate if it has one, and for memory instructions the bytes of an access.
 */
import { CompilerBug } from "../../ir/errors.ts";

/** What follows an opcode. */
export type Immediate =
  | "none"
  | "block"
  | "label"
  | "function"
  | "local"
  | "global"
  | "memory"
  | "memoryLane"
  | "lane"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "v128"
  | "shuffle";

// oxfmt-ignore
const table = {
  // control: types of blocks, calls and branches follow from what they stand for
  "block": [0x02, ":", "block"],
  "loop": [0x03, ":", "block"],
  "if": [0x04, "i:", "block"],
  "else": [0x05, ":"],
  "end": [0x0b, ":"],
  "br": [0x0c, ":", "label"],
  "br_if": [0x0d, "i:", "label"],
  "return": [0x0f, ":"],
  "call": [0x10, ":", "function"],
  // variables; a drop and a select take what comes
  "drop": [0x1a, ":"],
  "select": [0x1b, ":"],
  "local.get": [0x20, ":", "local"],
  "local.set": [0x21, ":", "local"],
  "local.tee": [0x22, ":", "local"],
  "global.get": [0x23, ":i", "global"],
  // memory, with the bytes of an access
  "i32.load": [0x28, "i:i", "memory", 4],
  "i64.load": [0x29, "i:l", "memory", 8],
  "f32.load": [0x2a, "i:f", "memory", 4],
  "f64.load": [0x2b, "i:d", "memory", 8],
  "i32.load8_s": [0x2c, "i:i", "memory", 1],
  "i32.load8_u": [0x2d, "i:i", "memory", 1],
  "i32.load16_s": [0x2e, "i:i", "memory", 2],
  "i32.load16_u": [0x2f, "i:i", "memory", 2],
  "i32.store": [0x36, "ii:", "memory", 4],
  "i64.store": [0x37, "il:", "memory", 8],
  "f32.store": [0x38, "if:", "memory", 4],
  "f64.store": [0x39, "id:", "memory", 8],
  "i32.store8": [0x3a, "ii:", "memory", 1],
  "i32.store16": [0x3b, "ii:", "memory", 2],
  // constants
  "i32.const": [0x41, ":i", "i32"],
  "i64.const": [0x42, ":l", "i64"],
  "f32.const": [0x43, ":f", "f32"],
  "f64.const": [0x44, ":d", "f64"],
  // i32
  "i32.eqz": [0x45, "i:i"],
  "i32.eq": [0x46, "ii:i"],
  "i32.ne": [0x47, "ii:i"],
  "i32.lt_s": [0x48, "ii:i"],
  "i32.lt_u": [0x49, "ii:i"],
  "i32.gt_s": [0x4a, "ii:i"],
  "i32.gt_u": [0x4b, "ii:i"],
  "i32.le_s": [0x4c, "ii:i"],
  "i32.le_u": [0x4d, "ii:i"],
  "i32.ge_s": [0x4e, "ii:i"],
  "i32.ge_u": [0x4f, "ii:i"],
  "i32.add": [0x6a, "ii:i"],
  "i32.sub": [0x6b, "ii:i"],
  "i32.mul": [0x6c, "ii:i"],
  "i32.div_s": [0x6d, "ii:i"],
  "i32.div_u": [0x6e, "ii:i"],
  "i32.rem_s": [0x6f, "ii:i"],
  "i32.rem_u": [0x70, "ii:i"],
  "i32.and": [0x71, "ii:i"],
  "i32.or": [0x72, "ii:i"],
  "i32.xor": [0x73, "ii:i"],
  "i32.shl": [0x74, "ii:i"],
  "i32.shr_s": [0x75, "ii:i"],
  "i32.shr_u": [0x76, "ii:i"],
  // i64
  "i64.eqz": [0x50, "l:i"],
  "i64.eq": [0x51, "ll:i"],
  "i64.ne": [0x52, "ll:i"],
  "i64.lt_s": [0x53, "ll:i"],
  "i64.lt_u": [0x54, "ll:i"],
  "i64.gt_s": [0x55, "ll:i"],
  "i64.gt_u": [0x56, "ll:i"],
  "i64.le_s": [0x57, "ll:i"],
  "i64.le_u": [0x58, "ll:i"],
  "i64.ge_s": [0x59, "ll:i"],
  "i64.ge_u": [0x5a, "ll:i"],
  "i64.add": [0x7c, "ll:l"],
  "i64.sub": [0x7d, "ll:l"],
  "i64.mul": [0x7e, "ll:l"],
  "i64.div_s": [0x7f, "ll:l"],
  "i64.div_u": [0x80, "ll:l"],
  "i64.rem_s": [0x81, "ll:l"],
  "i64.rem_u": [0x82, "ll:l"],
  "i64.and": [0x83, "ll:l"],
  "i64.or": [0x84, "ll:l"],
  "i64.xor": [0x85, "ll:l"],
  "i64.shl": [0x86, "ll:l"],
  "i64.shr_s": [0x87, "ll:l"],
  "i64.shr_u": [0x88, "ll:l"],
  // f32
  "f32.eq": [0x5b, "ff:i"],
  "f32.ne": [0x5c, "ff:i"],
  "f32.lt": [0x5d, "ff:i"],
  "f32.gt": [0x5e, "ff:i"],
  "f32.le": [0x5f, "ff:i"],
  "f32.ge": [0x60, "ff:i"],
  "f32.abs": [0x8b, "f:f"],
  "f32.neg": [0x8c, "f:f"],
  "f32.ceil": [0x8d, "f:f"],
  "f32.floor": [0x8e, "f:f"],
  "f32.trunc": [0x8f, "f:f"],
  "f32.nearest": [0x90, "f:f"],
  "f32.sqrt": [0x91, "f:f"],
  "f32.add": [0x92, "ff:f"],
  "f32.sub": [0x93, "ff:f"],
  "f32.mul": [0x94, "ff:f"],
  "f32.div": [0x95, "ff:f"],
  "f32.min": [0x96, "ff:f"],
  "f32.max": [0x97, "ff:f"],
  "f32.copysign": [0x98, "ff:f"],
  // f64
  "f64.eq": [0x61, "dd:i"],
  "f64.ne": [0x62, "dd:i"],
  "f64.lt": [0x63, "dd:i"],
  "f64.gt": [0x64, "dd:i"],
  "f64.le": [0x65, "dd:i"],
  "f64.ge": [0x66, "dd:i"],
  "f64.abs": [0x99, "d:d"],
  "f64.neg": [0x9a, "d:d"],
  "f64.ceil": [0x9b, "d:d"],
  "f64.floor": [0x9c, "d:d"],
  "f64.trunc": [0x9d, "d:d"],
  "f64.nearest": [0x9e, "d:d"],
  "f64.sqrt": [0x9f, "d:d"],
  "f64.add": [0xa0, "dd:d"],
  "f64.sub": [0xa1, "dd:d"],
  "f64.mul": [0xa2, "dd:d"],
  "f64.div": [0xa3, "dd:d"],
  "f64.min": [0xa4, "dd:d"],
  "f64.max": [0xa5, "dd:d"],
  "f64.copysign": [0xa6, "dd:d"],
  // conversions
  "i32.wrap_i64": [0xa7, "l:i"],
  "i64.extend_i32_s": [0xac, "i:l"],
  "i64.extend_i32_u": [0xad, "i:l"],
  "f32.convert_i32_s": [0xb2, "i:f"],
  "f32.convert_i32_u": [0xb3, "i:f"],
  "f32.convert_i64_s": [0xb4, "l:f"],
  "f32.convert_i64_u": [0xb5, "l:f"],
  "f32.demote_f64": [0xb6, "d:f"],
  "f64.convert_i32_s": [0xb7, "i:d"],
  "f64.convert_i32_u": [0xb8, "i:d"],
  "f64.convert_i64_s": [0xb9, "l:d"],
  "f64.convert_i64_u": [0xba, "l:d"],
  "f64.promote_f32": [0xbb, "f:d"],
  "i32.reinterpret_f32": [0xbc, "f:i"],
  "i64.reinterpret_f64": [0xbd, "d:l"],
  "f32.reinterpret_i32": [0xbe, "i:f"],
  "f64.reinterpret_i64": [0xbf, "l:d"],
  "i32.trunc_sat_f32_s": [0xfc0000, "f:i"],
  "i32.trunc_sat_f32_u": [0xfc0001, "f:i"],
  "i32.trunc_sat_f64_s": [0xfc0002, "d:i"],
  "i32.trunc_sat_f64_u": [0xfc0003, "d:i"],
  "i64.trunc_sat_f32_s": [0xfc0004, "f:l"],
  "i64.trunc_sat_f32_u": [0xfc0005, "f:l"],
  "i64.trunc_sat_f64_s": [0xfc0006, "d:l"],
  "i64.trunc_sat_f64_u": [0xfc0007, "d:l"],
  // vectors: memory
  "v128.load": [0xfd0000, "i:v", "memory", 16],
  "v128.load16x4_s": [0xfd0003, "i:v", "memory", 8],
  "v128.load16x4_u": [0xfd0004, "i:v", "memory", 8],
  "v128.load32_splat": [0xfd0009, "i:v", "memory", 4],
  "v128.load64_splat": [0xfd000a, "i:v", "memory", 8],
  "v128.store": [0xfd000b, "iv:", "memory", 16],
  "v128.load32_zero": [0xfd005c, "i:v", "memory", 4],
  "v128.load64_zero": [0xfd005d, "i:v", "memory", 8],
  "v128.load8_lane": [0xfd0054, "iv:v", "memoryLane", 1],
  "v128.load16_lane": [0xfd0055, "iv:v", "memoryLane", 2],
  "v128.load32_lane": [0xfd0056, "iv:v", "memoryLane", 4],
  "v128.load64_lane": [0xfd0057, "iv:v", "memoryLane", 8],
  "v128.store8_lane": [0xfd0058, "iv:", "memoryLane", 1],
  "v128.store16_lane": [0xfd0059, "iv:", "memoryLane", 2],
  "v128.store32_lane": [0xfd005a, "iv:", "memoryLane", 4],
  "v128.store64_lane": [0xfd005b, "iv:", "memoryLane", 8],
  // vectors: constants and lanes
  "v128.const": [0xfd000c, ":v", "v128"],
  "i8x16.shuffle": [0xfd000d, "vv:v", "shuffle"],
  "i32x4.splat": [0xfd0011, "i:v"],
  "i64x2.splat": [0xfd0012, "l:v"],
  "f32x4.splat": [0xfd0013, "f:v"],
  "f64x2.splat": [0xfd0014, "d:v"],
  "i32x4.extract_lane": [0xfd001b, "v:i", "lane"],
  "i32x4.replace_lane": [0xfd001c, "vi:v", "lane"],
  "i64x2.extract_lane": [0xfd001d, "v:l", "lane"],
  "i64x2.replace_lane": [0xfd001e, "vl:v", "lane"],
  "f32x4.extract_lane": [0xfd001f, "v:f", "lane"],
  "f32x4.replace_lane": [0xfd0020, "vf:v", "lane"],
  "f64x2.extract_lane": [0xfd0021, "v:d", "lane"],
  "f64x2.replace_lane": [0xfd0022, "vd:v", "lane"],
  // vectors: bits and masks
  "v128.not": [0xfd004d, "v:v"],
  "v128.and": [0xfd004e, "vv:v"],
  "v128.andnot": [0xfd004f, "vv:v"],
  "v128.or": [0xfd0050, "vv:v"],
  "v128.xor": [0xfd0051, "vv:v"],
  "v128.bitselect": [0xfd0052, "vvv:v"],
  "v128.any_true": [0xfd0053, "v:i"],
  "i32x4.all_true": [0xfd00a3, "v:i"],
  "i64x2.all_true": [0xfd00c3, "v:i"],
  // i32x4
  "i8x16.ne": [0xfd0024, "vv:v"],
  "i32x4.eq": [0xfd0037, "vv:v"],
  "i32x4.ne": [0xfd0038, "vv:v"],
  "i32x4.lt_s": [0xfd0039, "vv:v"],
  "i32x4.lt_u": [0xfd003a, "vv:v"],
  "i32x4.gt_s": [0xfd003b, "vv:v"],
  "i32x4.gt_u": [0xfd003c, "vv:v"],
  "i32x4.le_s": [0xfd003d, "vv:v"],
  "i32x4.le_u": [0xfd003e, "vv:v"],
  "i32x4.ge_s": [0xfd003f, "vv:v"],
  "i32x4.ge_u": [0xfd0040, "vv:v"],
  "i32x4.abs": [0xfd00a0, "v:v"],
  "i32x4.neg": [0xfd00a1, "v:v"],
  "i32x4.shl": [0xfd00ab, "vi:v"],
  "i32x4.shr_s": [0xfd00ac, "vi:v"],
  "i32x4.shr_u": [0xfd00ad, "vi:v"],
  "i32x4.add": [0xfd00ae, "vv:v"],
  "i32x4.sub": [0xfd00b1, "vv:v"],
  "i32x4.mul": [0xfd00b5, "vv:v"],
  "i32x4.min_s": [0xfd00b6, "vv:v"],
  "i32x4.min_u": [0xfd00b7, "vv:v"],
  "i32x4.max_s": [0xfd00b8, "vv:v"],
  "i32x4.max_u": [0xfd00b9, "vv:v"],
  // i64x2
  "i64x2.eq": [0xfd00d6, "vv:v"],
  "i64x2.ne": [0xfd00d7, "vv:v"],
  "i64x2.lt_s": [0xfd00d8, "vv:v"],
  "i64x2.gt_s": [0xfd00d9, "vv:v"],
  "i64x2.le_s": [0xfd00da, "vv:v"],
  "i64x2.ge_s": [0xfd00db, "vv:v"],
  "i64x2.abs": [0xfd00c0, "v:v"],
  "i64x2.neg": [0xfd00c1, "v:v"],
  "i64x2.shl": [0xfd00cb, "vi:v"],
  "i64x2.shr_s": [0xfd00cc, "vi:v"],
  "i64x2.shr_u": [0xfd00cd, "vi:v"],
  "i64x2.add": [0xfd00ce, "vv:v"],
  "i64x2.sub": [0xfd00d1, "vv:v"],
  "i64x2.mul": [0xfd00d5, "vv:v"],
  // f32x4
  "f32x4.eq": [0xfd0041, "vv:v"],
  "f32x4.ne": [0xfd0042, "vv:v"],
  "f32x4.lt": [0xfd0043, "vv:v"],
  "f32x4.gt": [0xfd0044, "vv:v"],
  "f32x4.le": [0xfd0045, "vv:v"],
  "f32x4.ge": [0xfd0046, "vv:v"],
  "f32x4.ceil": [0xfd0067, "v:v"],
  "f32x4.floor": [0xfd0068, "v:v"],
  "f32x4.trunc": [0xfd0069, "v:v"],
  "f32x4.nearest": [0xfd006a, "v:v"],
  "f32x4.abs": [0xfd00e0, "v:v"],
  "f32x4.neg": [0xfd00e1, "v:v"],
  "f32x4.sqrt": [0xfd00e3, "v:v"],
  "f32x4.add": [0xfd00e4, "vv:v"],
  "f32x4.sub": [0xfd00e5, "vv:v"],
  "f32x4.mul": [0xfd00e6, "vv:v"],
  "f32x4.div": [0xfd00e7, "vv:v"],
  "f32x4.min": [0xfd00e8, "vv:v"],
  "f32x4.max": [0xfd00e9, "vv:v"],
  "f32x4.pmin": [0xfd00ea, "vv:v"],
  "f32x4.pmax": [0xfd00eb, "vv:v"],
  // f64x2
  "f64x2.eq": [0xfd0047, "vv:v"],
  "f64x2.ne": [0xfd0048, "vv:v"],
  "f64x2.lt": [0xfd0049, "vv:v"],
  "f64x2.gt": [0xfd004a, "vv:v"],
  "f64x2.le": [0xfd004b, "vv:v"],
  "f64x2.ge": [0xfd004c, "vv:v"],
  "f64x2.ceil": [0xfd0074, "v:v"],
  "f64x2.floor": [0xfd0075, "v:v"],
  "f64x2.trunc": [0xfd007a, "v:v"],
  "f64x2.nearest": [0xfd0094, "v:v"],
  "f64x2.abs": [0xfd00ec, "v:v"],
  "f64x2.neg": [0xfd00ed, "v:v"],
  "f64x2.sqrt": [0xfd00ef, "v:v"],
  "f64x2.add": [0xfd00f0, "vv:v"],
  "f64x2.sub": [0xfd00f1, "vv:v"],
  "f64x2.mul": [0xfd00f2, "vv:v"],
  "f64x2.div": [0xfd00f3, "vv:v"],
  "f64x2.min": [0xfd00f4, "vv:v"],
  "f64x2.max": [0xfd00f5, "vv:v"],
  "f64x2.pmin": [0xfd00f6, "vv:v"],
  "f64x2.pmax": [0xfd00f7, "vv:v"],
  // vectors: conversions
  "f32x4.demote_f64x2_zero": [0xfd005e, "v:v"],
  "f64x2.promote_low_f32x4": [0xfd005f, "v:v"],
  "i8x16.narrow_i16x8_s": [0xfd0065, "vv:v"],
  "i8x16.narrow_i16x8_u": [0xfd0066, "vv:v"],
  "i16x8.narrow_i32x4_s": [0xfd0085, "vv:v"],
  "i16x8.narrow_i32x4_u": [0xfd0086, "vv:v"],
  "i16x8.extend_low_i8x16_s": [0xfd0087, "v:v"],
  "i16x8.extend_high_i8x16_s": [0xfd0088, "v:v"],
  "i16x8.extend_low_i8x16_u": [0xfd0089, "v:v"],
  "i32x4.extend_low_i16x8_s": [0xfd00a7, "v:v"],
  "i32x4.extend_high_i16x8_s": [0xfd00a8, "v:v"],
  "i32x4.extend_low_i16x8_u": [0xfd00a9, "v:v"],
  "i64x2.extend_low_i32x4_s": [0xfd00c7, "v:v"],
  "i64x2.extend_high_i32x4_s": [0xfd00c8, "v:v"],
  "i64x2.extend_low_i32x4_u": [0xfd00c9, "v:v"],
  "i64x2.extend_high_i32x4_u": [0xfd00ca, "v:v"],
  "i32x4.trunc_sat_f32x4_s": [0xfd00f8, "v:v"],
  "i32x4.trunc_sat_f32x4_u": [0xfd00f9, "v:v"],
  "f32x4.convert_i32x4_s": [0xfd00fa, "v:v"],
  "f32x4.convert_i32x4_u": [0xfd00fb, "v:v"],
  "i32x4.trunc_sat_f64x2_s_zero": [0xfd00fc, "v:v"],
  "i32x4.trunc_sat_f64x2_u_zero": [0xfd00fd, "v:v"],
  "f64x2.convert_low_i32x4_s": [0xfd00fe, "v:v"],
  "f64x2.convert_low_i32x4_u": [0xfd00ff, "v:v"],
  // relaxed SIMD: a product and a sum, rounded once or twice
  "f32x4.relaxed_madd": [0xfd0105, "vvv:v"],
  "f32x4.relaxed_nmadd": [0xfd0106, "vvv:v"],
  "f64x2.relaxed_madd": [0xfd0107, "vvv:v"],
  "f64x2.relaxed_nmadd": [0xfd0108, "vvv:v"],
} as const;

/** The name of an instruction. */
export type Op = keyof typeof table;

export interface InstructionRow {
  readonly name: Op;
  readonly opcode: number;
  /** Letters of the types taken and given. */
  readonly takes: string;
  readonly gives: string;
  readonly immediate: Immediate;
  /** Bytes of a memory access, else 0. */
  readonly bytes: number;
  /** Its alignment as a power of two, a hint: what is natural for the elements. */
  readonly alignment: number;
}

const isOp = (name: string): name is Op => Object.hasOwn(table, name);

function rowOf(name: Op): InstructionRow {
  const row: readonly [number, string, Immediate?, number?] = table[name];
  const [opcode, signature, immediate = "none", bytes = 0] = row;
  const [takes = "", gives = ""] = signature.split(":");
  return { name, opcode, takes, gives, immediate, bytes, alignment: bytes === 0 ? 0 : Math.min(2, Math.log2(bytes)) };
}

const rows: ReadonlyMap<string, InstructionRow> = new Map(
  Object.keys(table)
    .filter(isOp)
    .map((name) => [name, rowOf(name)]),
);

/** Every row. */
export const instructionRows: readonly InstructionRow[] = [...rows.values()];

/** The row of an instruction; a CompilerBug for a name that the table has not. */
export function instruction(name: string): InstructionRow {
  const row = rows.get(name);
  if (row === undefined) throw new CompilerBug(`there is no WebAssembly instruction ${name} in the table`);
  return row;
}
