/** Every instruction of the table, encoded in a small module, and executed where it computes. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Body } from "../../../compiler/codegen/wasm/body.ts";
import type { ModuleCode, ValueType } from "../../../compiler/codegen/wasm/code.ts";
import { Reader, signed, signedBig, unsigned } from "../../../compiler/codegen/wasm/bytes.ts";
import { encodeModule } from "../../../compiler/codegen/wasm/encode.ts";
import type { InstructionRow, Op } from "../../../compiler/codegen/wasm/instructions.ts";
import { instruction, instructionRows } from "../../../compiler/codegen/wasm/instructions.ts";
import { moduleText } from "../../../compiler/codegen/wasm/text.ts";
import { lookup } from "../../../compiler/ir/errors.ts";

const types: ReadonlyMap<string, ValueType> = new Map([
  ["i", "i32"],
  ["l", "i64"],
  ["f", "f32"],
  ["d", "f64"],
  ["v", "v128"],
]);
const typeOf = (letter: string): ValueType => lookup(types, letter, "a type");

/** Operands in memory from 64 on, 16 bytes each; the result goes to 0. Their lanes hold small numbers of their type. */
function moduleOf(row: InstructionRow): ModuleCode {
  const body = new Body();
  body.local("lo", "i32");
  const operand = (letter: string, i: number): void => {
    const isAddress = letter === "i" && row.bytes > 0 && i === 0;
    body.int(isAddress ? 128 : 64 + 16 * i);
    if (isAddress) return;
    body.named(`${typeOf(letter)}.load`);
  };
  const special = specials.get(row.name);
  if (special !== undefined) special(body);
  else {
    if (row.gives !== "") body.int(0);
    [...row.takes].forEach(operand);
    body.emit(row.name, row.immediate === "v128" || row.immediate === "shuffle" ? 0 : 1, 0, row.immediate === "shuffle" ? swapped : sixteen(row));
    if (row.gives !== "") body.named(`${typeOf(row.gives)}.store`);
  }
  const start = { name: "run", comment: () => "a test", parameters: 1, locals: body.locals, code: body.code };
  return { sharedMemory: false, imports: [{ name: "host", arity: 1 }], functions: [start] };
}

const swapped = new Uint8Array([4, 5, 6, 7, 0, 1, 2, 3, 16, 17, 18, 19, 28, 29, 30, 31]);
const sixteen = (row: InstructionRow): Uint8Array | null => (row.immediate === "v128" ? new Uint8Array(16).fill(7) : null);

/** Control and variables: what they need around them. Each leaves 7 at address 0. */
const int =
  (value: number) =>
  (b: Body): void =>
    b.int(value);
const emit =
  (op: Op, a: number = 0) =>
  (b: Body): void =>
    b.emit(op, a);
const block =
  (op: "block" | "loop", ...steps: readonly Step[]) =>
  (b: Body): void =>
    b.block(op, "i32", () => steps.forEach((step) => step(b)));
const choose =
  (yes: number, no: number) =>
  (b: Body): void =>
    b.choose(
      "i32",
      () => b.int(yes),
      () => b.int(no),
    );
const variable = (b: Body): void => void b.local("x", "i32");
type Step = (b: Body) => void;

const specials: ReadonlyMap<Op, (b: Body) => void> = new Map(
  (
    [
      ["block", [block("block", int(7))]],
      ["loop", [block("loop", int(7))]],
      ["if", [int(1), choose(7, 8)]],
      ["else", [int(0), choose(8, 7)]],
      ["end", [block("block", int(7))]],
      ["br", [block("block", int(7), emit("br"))]],
      ["br_if", [block("block", int(7), int(1), emit("br_if"), emit("drop"), int(8))]],
      ["return", [int(7), emit("i32.store"), emit("return"), int(0), int(8)]],
      ["call", [emit("f64.const", 6), emit("call"), emit("i32.trunc_sat_f64_s")]],
      ["drop", [int(7), int(8), emit("drop")]],
      ["select", [int(8), int(7), int(0), emit("select")]],
      ["local.get", [emit("local.get")]],
      ["local.set", [variable, int(7), emit("local.set", 1), emit("local.get", 1)]],
      ["local.tee", [variable, int(7), emit("local.tee", 1)]],
      ["global.get", [emit("global.get")]],
    ] as const satisfies readonly (readonly [Op, readonly Step[]])[]
  ).map(([name, steps]): [Op, Step] => [name, (b) => [int(0), ...steps, emit("i32.store")].forEach((step) => step(b))]),
);

const isRelaxed = (row: InstructionRow): boolean => row.name.includes("relaxed");

/** The bytes of the memory after a run: operands hold 3, 2 and 1 in every lane of the type that the name begins with. */
function run(row: InstructionRow): DataView {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const view = new DataView(memory.buffer);
  [3, 2, 1].forEach((value, i) => setLanes(view, 64 + 16 * i, sourceType(row), value));
  for (let i = 0; i < 16; i++) view.setUint8(128 + i + 1, 0x81 + i);
  const binary = encodeModule(moduleOf(row));
  if (isRelaxed(row)) return runElsewhere(binary, view);
  const constants = new WebAssembly.Global({ value: "i32", mutable: false }, 7);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory, constants, host: (x: number) => x + 1 } });
  const { run: f } = exports;
  if (typeof f !== "function") throw new Error("no run");
  f(7);
  return view;
}

/** The same in a Node that was asked for relaxed vector operations: up to version 20 it has them only then. */
function runElsewhere(binary: Uint8Array, view: DataView): DataView {
  const program = `
    const [binary, bytes] = JSON.parse(require("fs").readFileSync(0, "utf8")).map((list) => Uint8Array.from(list));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    new Uint8Array(memory.buffer).set(bytes);
    const constants = new WebAssembly.Global({ value: "i32", mutable: false }, 7);
    new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory, constants, host: (x) => x + 1 } }).exports.run(7);
    process.stdout.write(JSON.stringify([...new Uint8Array(memory.buffer, 0, 256)]));`;
  const flags = Number.parseInt(process.versions.node, 10) > 20 ? [] : ["--experimental-wasm-relaxed-simd"];
  const input = JSON.stringify([[...binary], [...new Uint8Array(view.buffer, 0, 256)]]);
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, "--eval", program], { input, encoding: "utf8" });
  expect(stderr).toBe("");
  const bytes: unknown = JSON.parse(stdout);
  if (!Array.isArray(bytes)) throw new Error("no bytes");
  return new DataView(Uint8Array.from(bytes, Number).buffer);
}

/** The type of the lanes of the operands. */
function sourceType(row: InstructionRow): string {
  const named =
    /(?:trunc_sat|convert_low|convert|demote|promote_low|promote|reinterpret|narrow|extend_low|extend_high|extend|wrap)_(i8x16|i16x8|[if]\d+(?:x\d)?)/.exec(
      row.name,
    );
  if (named?.[1] !== undefined) return named[1];
  return row.name.startsWith("v128") || row.name === "i8x16.shuffle" ? "i32x4" : (row.name.split(".")[0] ?? "");
}

function setLanes(view: DataView, address: number, type: string, value: number): void {
  for (let i = 0; i < 16; i += 8) {
    if (type.startsWith("f64")) view.setFloat64(address + i, value, true);
    else if (type.startsWith("i64")) view.setBigInt64(address + i, BigInt(value), true);
    else for (let j = i; j < i + 8; j += 4) setWord(view, address + j, type, value);
  }
}

function setWord(view: DataView, address: number, type: string, value: number): void {
  if (type.startsWith("f32")) return view.setFloat32(address, value, true);
  if (type.startsWith("i32")) return view.setInt32(address, value, true);
  if (type === "i16x8") for (const k of [0, 2]) view.setInt16(address + k, value, true);
  else for (const k of [0, 1, 2, 3]) view.setInt8(address + k, value);
}

const isTest = (row: InstructionRow): boolean => /\.(?:eq|ne|lt|gt|le|ge)(?:_[su])?$/.test(row.name);

/** The first lane of the result, by the type that the instruction gives. */
function firstLane(view: DataView, row: InstructionRow): number {
  const own = row.name.split(".")[0] ?? "";
  const isOwn = row.gives === "v" && own !== "v128";
  // masks are integers
  const given = isOwn ? own : typeOf(row.gives === "" ? "i" : row.gives);
  const type = isTest(row) ? given.replace("f", "i") : given;
  if (type === "i8x16") return row.name === "i8x16.shuffle" ? view.getInt32(0, true) : view.getInt8(0);
  if (type === "i16x8") return view.getInt16(0, true);
  if (type.startsWith("f64")) return view.getFloat64(0, true);
  if (type.startsWith("f32")) return view.getFloat32(0, true);
  if (type.startsWith("i64")) return Number(view.getBigInt64(0, true));
  return view.getInt32(0, true);
}

/** What an operation gives on 3 and 2 (and 1), by its name without type and sign. */
const meanings: Readonly<Record<string, number>> = {
  add: 5, pmin: 2, pmax: 3, sub: 1, mul: 6, min: 2, max: 3, and: 2, or: 3, xor: 1, shl: 12, shr: 0, rem: 1, copysign: 3, abs: 3, neg: -3, eqz: 0,
  ceil: 3, floor: 3, trunc: 3, nearest: 3, sqrt: Math.sqrt(3), eq: 0, ne: 1, lt: 0, gt: 1, le: 0, ge: 1, relaxed_madd: 7, relaxed_nmadd: -5,
  trunc_sat: 3, convert: 3, convert_low: 3, promote: 3, promote_low: 3, demote: 3, extend: 3, extend_low: 3, extend_high: 3, wrap: 3, narrow: 3,
  splat: 3, extract_lane: 3, all_true: 1,
}; // oxfmt-ignore

function meaningOf(row: InstructionRow): number | undefined {
  const [type = "", operation = ""] = row.name.split(".");
  if (type === "v128") return undefined;
  const name = operation.replace(/_(?:[if]\d+|i8x16|i16x8).*$/, "").replace(/_[su]$/, "");
  const isVector = row.gives === "v";
  const quotient = type.startsWith("f") ? 1.5 : 1;
  const value = name === "div" ? quotient : meanings[name];
  return value !== undefined && isVector && isTest(row) ? -value : value;
}

describe("every instruction", () => {
  for (const row of instructionRows) {
    test(`${row.name}`, () => {
      const module = moduleOf(row);
      if (!isRelaxed(row)) expect(WebAssembly.validate(encodeModule(module))).toBe(true);
      expect(moduleText(module)).toContain(row.name);
      const view = run(row);
      const want = specials.has(row.name) ? 7 : meaningOf(row);
      if (want !== undefined) expect(firstLane(view, row)).toBeCloseTo(want === Math.sqrt(3) && row.name.startsWith("f32") ? Math.fround(want) : want, 6);
    });
  }

  test("narrow loads extend, and lanes go where they are put", () => {
    expect(firstLane(run(instruction("i32.load8_s")), instruction("i32.load8_s"))).toBe(0x81 - 256);
    expect(firstLane(run(instruction("i32.load8_u")), instruction("i32.load8_u"))).toBe(0x81);
    expect(firstLane(run(instruction("i32.load16_u")), instruction("i32.load16_u"))).toBe(0x8281);
    expect(run(instruction("v128.load16x4_s")).getInt32(0, true)).toBe((0x8281 << 16) >> 16);
    expect(run(instruction("v128.load32_splat")).getUint32(12, true)).toBe(0x84838281);
    expect(run(instruction("i8x16.shuffle")).getInt32(8, true)).toBe(2);
    expect(run(instruction("v128.bitselect")).getInt32(0, true)).toBe((3 & 1) | (2 & ~1));
    expect(run(instruction("v128.const")).getUint32(0, true)).toBe(0x07070707);
    expect(run(instruction("v128.andnot")).getInt32(0, true)).toBe(3 & ~2);
  });

  test("a name that the table has not is a bug", () => {
    expect(() => instruction("i32.frob")).toThrow(/no WebAssembly instruction i32.frob/);
  });
});

describe("numbers", () => {
  const bytesOf = <T>(write: (out: number[], value: T) => void, value: T): number[] => {
    const out: number[] = [];
    write(out, value);
    return out;
  };
  test.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [2147483647, [0xff, 0xff, 0xff, 0xff, 7]],
    [4294967295, [0x7f]],
  ])("signed %i", (value, want) => {
    expect(bytesOf(signed, value)).toEqual(want);
    expect(new Reader(want).signed()).toBe(BigInt(value | 0));
  });
  test.each([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [4294967295, [0xff, 0xff, 0xff, 0xff, 15]],
  ])("unsigned %i", (value, want) => {
    expect(bytesOf(unsigned, value)).toEqual(want);
    expect(new Reader(want).unsigned()).toBe(value);
  });
  test.each([
    [1n << 63n, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]],
    [-1n, [0x7f]],
    [64n, [0xc0, 0]],
  ])("signed 64 bits %i", (value, want) => {
    expect(bytesOf(signedBig, value)).toEqual(want);
    expect(new Reader(want).signed()).toBe(BigInt.asIntN(64, value));
  });
});
