/** Instructions, and the module around them, as bytes: https://webassembly.github.io/spec/core/binary. */
import { at, CompilerBug } from "../../ir/errors.ts";
import { ascii, float32, float64, signed, signedBig, unsigned } from "./bytes.ts";
import type { Code, FunctionCode, InstructionData, ModuleCode, ValueType } from "./code.ts";
import type { InstructionRow } from "./instructions.ts";

export const valueTypes: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const emptyBlock = 0x40;
const functionType = 0x60;
const maxPages = 65536;

/**
 * One instruction. `a` is the index of a local, global or function, the depth of a label, a constant, a lane, or an offset in memory;
 * `b` the lane of a memory access.
 */
export function encodeInstruction(out: number[], row: InstructionRow, a: number, b: number, data: InstructionData): void {
  const { opcode } = row;
  if (opcode < 0x100) out.push(opcode);
  else {
    out.push(opcode >> 16);
    unsigned(out, opcode & 0xffff);
  }
  switch (row.immediate) {
    case "none":
      return;
    case "block":
      return void out.push(typeof data === "string" ? valueTypes[data] : emptyBlock);
    case "label":
    case "function":
    case "local":
    case "global":
      return unsigned(out, a);
    case "memory":
    case "memoryLane":
      out.push(row.alignment);
      unsigned(out, a);
      if (row.immediate === "memoryLane") out.push(b);
      return;
    case "lane":
      return void out.push(a);
    case "i32":
      return signed(out, a);
    case "i64":
      return signedBig(out, typeof data === "bigint" ? data : BigInt(a));
    case "f32":
      return float32(out, a);
    case "f64":
      return float64(out, a);
    case "v128":
    case "shuffle":
      if (!(data instanceof Uint8Array) || data.length !== 16) throw new CompilerBug(`${row.name} without its 16 bytes`);
      return void out.push(...data);
  }
}

/** A section or a function body: its length, then its bytes. */
function sized(code: Code): Code {
  const length: number[] = [];
  unsigned(length, lengthOf(code));
  return [length, ...code];
}

const lengthOf = (code: Code): number => code.reduce((n, list) => n + list.length, 0);

function encodeFunction(f: FunctionCode): Code {
  const runs: { type: ValueType; count: number }[] = [];
  for (let i = f.parameters; i < f.locals.length; i++) {
    const { type } = at(f.locals, i);
    const last = runs[runs.length - 1];
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const declared: number[] = [];
  unsigned(declared, runs.length);
  for (const { type, count } of runs) {
    unsigned(declared, count);
    declared.push(valueTypes[type]);
  }
  return sized([declared, ...f.code, [0x0b]]);
}

const typeKey = (f: FunctionCode): string =>
  f.locals
    .slice(0, f.parameters)
    .map((l) => l.type)
    .join(" ");

/** The types of a module: those of imports by their arity, then those of functions. */
class Types {
  readonly bytes: number[] = [];
  readonly #indices = new Map<string, number>();
  count = 0;

  /** The index of `parameters → results`. */
  of(key: string, parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    this.#indices.set(key, this.count);
    this.bytes.push(functionType);
    for (const list of [parameters, results]) {
      unsigned(this.bytes, list.length);
      for (const type of list) this.bytes.push(valueTypes[type]);
    }
    return this.count++;
  }
}

function encodeImports(module: ModuleCode, types: Types): number[] {
  const out: number[] = [];
  unsigned(out, 2 + module.imports.length);
  ascii(out, "env");
  ascii(out, "memory");
  // memory that is not shared fits with or without a maximum
  out.push(0x02, module.sharedMemory ? 0x03 : 0x00, 1);
  if (module.sharedMemory) unsigned(out, maxPages);
  ascii(out, "env");
  ascii(out, "constants");
  out.push(0x03, valueTypes.i32, 0);
  for (const { name, arity } of module.imports) {
    ascii(out, "env");
    ascii(out, name);
    out.push(0x00);
    const parameters = Array.from({ length: arity }, (): ValueType => "f64");
    unsigned(out, types.of(`host ${arity}`, parameters, ["f64"]));
  }
  return out;
}

const section = (id: number, content: Code): Code => [[id], ...sized(content)];

/** A list as it stands in a section: how many, then each. */
function listed(count: number, content: Code): Code {
  const length: number[] = [];
  unsigned(length, count);
  return [length, ...content];
}

/** The bytes of a module. It exports each function by its names. */
export function encodeModule(module: ModuleCode): Uint8Array<ArrayBuffer> {
  const { functions } = module;
  const types = new Types();
  const imports = encodeImports(module, types);
  const declared: number[] = [];
  const exported: number[] = [];
  let exports = 0;
  functions.forEach((f, i) => {
    const parameters = f.locals.slice(0, f.parameters).map((l) => l.type);
    unsigned(declared, types.of(typeKey(f), parameters, []));
    for (const name of [f.name, ...(f.aliases ?? [])]) {
      ascii(exported, name);
      exported.push(0x00);
      unsigned(exported, module.imports.length + i);
      exports++;
    }
  });
  return joined([
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, listed(types.count, [types.bytes])),
    ...section(2, [imports]),
    ...section(3, listed(functions.length, [declared])),
    ...section(7, listed(exports, [exported])),
    ...section(10, listed(functions.length, functions.map(encodeFunction).flat())),
  ]);
}

function joined(code: Code): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lengthOf(code));
  let position = 0;
  for (let i = 0; i < code.length; i++) {
    const list = at(code, i);
    out.set(list, position);
    position += list.length;
  }
  return out;
}
