/** A module as bytes: https://webassembly.github.io/spec/core/binary. */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Code, FunctionCode, Instruction, ModuleCode, ValueType } from "./code.ts";

const valueTypes: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const emptyBlock = 0x40;
const functionType = 0x60;
const maxPages = 65536;

const scratch = new DataView(new ArrayBuffer(8));

/** Bytes that grow. */
export class Bytes {
  #data = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#data.length) this.#grow(1);
    this.#data[this.#length++] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#data.length) this.#grow(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Two bytes, which is what most instructions are. */
  pair(first: number, second: number): void {
    if (this.#length + 2 > this.#data.length) this.#grow(2);
    this.#data[this.#length++] = first;
    this.#data[this.#length++] = second;
  }

  triple(first: number, second: number, third: number): void {
    if (this.#length + 3 > this.#data.length) this.#grow(3);
    this.#data[this.#length++] = first;
    this.#data[this.#length++] = second;
    this.#data[this.#length++] = third;
  }

  /** LEB128 of 0 … 2^32 - 1. */
  unsigned(value: number): void {
    if (value < 128) return this.byte(value);
    let rest = value;
    while (rest >= 128) {
      this.byte((rest & 127) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 127;
      rest >>= 7;
      if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return this.byte(low);
      this.byte(low | 128);
    }
  }

  /** Signed LEB128 of an int64. */
  signedBig(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 127n);
      rest >>= 7n;
      if ((rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)) return this.byte(low);
      this.byte(low | 128);
    }
  }

  float32(value: number): void {
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) this.byte(scratch.getUint8(i));
  }

  float64(value: number): void {
    scratch.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.byte(scratch.getUint8(i));
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c > 126) throw new CompilerBug(`a name in a module is not ASCII: ${text}`);
      this.byte(c);
    }
  }

  /** A section or a function body: its length, then its bytes. */
  sized(bytes: Bytes): void {
    this.unsigned(bytes.length);
    this.append(bytes.taken());
  }

  taken(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#data.length, this.#length + by));
    larger.set(this.#data);
    this.#data = larger;
  }
}

function encodeImmediate(out: Bytes, { row, a, b, data }: Instruction): void {
  switch (row.immediate) {
    case "none":
      return;
    case "block":
      return out.byte(typeof data === "string" ? valueTypes[data] : emptyBlock);
    case "label":
    case "function":
    case "local":
    case "global":
      return out.unsigned(a);
    case "memory":
    case "memoryLane":
      out.byte(row.alignment);
      out.unsigned(a);
      if (row.immediate === "memoryLane") out.byte(b);
      return;
    case "lane":
      return out.byte(a);
    case "i32":
      return out.signed(a);
    case "i64":
      return out.signedBig(typeof data === "bigint" ? data : BigInt(a));
    case "f32":
      return out.float32(a);
    case "f64":
      return out.float64(a);
    case "v128":
    case "shuffle":
      if (!(data instanceof Uint8Array) || data.length !== 16) throw new CompilerBug(`${row.name} without its 16 bytes`);
      return out.append(data);
  }
}

/** One instruction. */
export function encodeInstruction(out: Bytes, i: Instruction): void {
  const { opcode } = i.row;
  if (opcode < 0x100) out.byte(opcode);
  else {
    const low = opcode & 0xffff;
    // LEB128, of which a second byte is the last
    if (low < 128) out.pair(opcode >> 16, low);
    else out.triple(opcode >> 16, (low & 127) | 128, low >> 7);
  }
  if (i.row.immediate !== "none") encodeImmediate(out, i);
}

function encodeCode(out: Bytes, code: Code): void {
  for (let i = 0; i < code.length; i++) {
    const item = code[i];
    if (item === undefined) break;
    if (Array.isArray(item)) encodeCode(out, item);
    else if (item.row.immediate === "local" && item.a < 128) out.pair(item.row.opcode, item.a);
    else encodeInstruction(out, item);
  }
}

function encodeFunction(f: FunctionCode): Bytes {
  const out = new Bytes();
  const runs: { type: ValueType; count: number }[] = [];
  for (let i = f.parameters; i < f.locals.length; i++) {
    const { type } = at(f.locals, i);
    const last = runs[runs.length - 1];
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  out.unsigned(runs.length);
  for (const { type, count } of runs) {
    out.unsigned(count);
    out.byte(valueTypes[type]);
  }
  encodeCode(out, f.code);
  out.byte(0x0b);
  return out;
}

const typeKey = (f: FunctionCode): string =>
  f.locals
    .slice(0, f.parameters)
    .map((l) => l.type)
    .join(" ");

/** The types of a module: those of imports by their arity, then those of functions. */
class Types {
  readonly bytes: Bytes = new Bytes();
  readonly #indices = new Map<string, number>();
  count = 0;

  /** The index of `parameters → results`. */
  of(key: string, parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    this.#indices.set(key, this.count);
    this.bytes.byte(functionType);
    for (const list of [parameters, results]) {
      this.bytes.unsigned(list.length);
      for (const type of list) this.bytes.byte(valueTypes[type]);
    }
    return this.count++;
  }
}

function encodeImports(module: ModuleCode, types: Types): Bytes {
  const out = new Bytes();
  out.unsigned(2 + module.imports.length);
  out.name("env");
  out.name("memory");
  out.byte(0x02);
  // memory that is not shared fits with or without a maximum
  out.byte(module.sharedMemory ? 0x03 : 0x00);
  out.unsigned(1);
  if (module.sharedMemory) out.unsigned(maxPages);
  out.name("env");
  out.name("constants");
  out.byte(0x03);
  out.byte(valueTypes.i32);
  out.byte(0);
  for (const { name, arity } of module.imports) {
    out.name("env");
    out.name(name);
    out.byte(0x00);
    const parameters = Array.from({ length: arity }, (): ValueType => "f64");
    out.unsigned(types.of(`host ${arity}`, parameters, ["f64"]));
  }
  return out;
}

function section(out: Bytes, id: number, content: Bytes): void {
  out.byte(id);
  out.sized(content);
}

/** A list as it stands in a section: how many, then each. */
function listed(count: number, bytes: Bytes): Bytes {
  const out = new Bytes();
  out.unsigned(count);
  out.append(bytes.taken());
  return out;
}

/** The bytes of a module. It exports each function by its names. */
export function encodeModule(module: ModuleCode): Uint8Array<ArrayBuffer> {
  const { functions } = module;
  const types = new Types();
  const imports = encodeImports(module, types);
  const [declared, exported, bodies] = [new Bytes(), new Bytes(), new Bytes()];
  let exports = 0;
  functions.forEach((f, i) => {
    const parameters = f.locals.slice(0, f.parameters).map((l) => l.type);
    declared.unsigned(types.of(typeKey(f), parameters, []));
    for (const name of [f.name, ...(f.aliases ?? [])]) {
      exported.name(name);
      exported.byte(0x00);
      exported.unsigned(module.imports.length + i);
      exports++;
    }
    bodies.sized(encodeFunction(f));
  });
  const out = new Bytes();
  for (const b of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) out.byte(b);
  section(out, 1, listed(types.count, types.bytes));
  section(out, 2, imports);
  section(out, 3, listed(functions.length, declared));
  section(out, 7, listed(exports, exported));
  section(out, 10, listed(functions.length, bodies));
  return out.taken();
}
