/** Runs generated modules in one thread, over memory of their own. */
import { emitWasm } from "../../../compiler/codegen/wasm/emit.ts";
import { scalarFunction } from "../../../compiler/interpret-scalar.ts";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import { halfBits, halfNumber } from "../../../compiler/ir/half.ts";
import { isScalarOp } from "../../../compiler/ir/expr.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import type { WasmModule } from "../../../compiler/ir/plan.ts";

const page = 65536;
export type WasmCall = (...args: readonly (number | bigint)[]) => void;

export interface LoadedModule {
  readonly memory: WebAssembly.Memory;
  readonly kernels: readonly WasmCall[];
  /** The first free byte of the memory. */
  readonly start: number;
}

/** The functions that a module asks of its host, as the interpreter has them. */
export function hostFunctions(module: WasmModule): Record<string, (a: number, b: number) => number> {
  return Object.fromEntries(
    module.imports.map((name) => {
      if (!isScalarOp(name)) throw new Error(`the host has no ${name}`);
      const f = scalarFunction(name, "float64");
      return [name, (a: number, b: number): number => f(a, b, 0)];
    }),
  );
}

/** An instance with its constants in place, in a memory of so many bytes beyond them. */
export function load(module: WasmModule, bytes: number): LoadedModule {
  const constants = 64;
  const start = constants + Math.ceil(module.constants.length / 64) * 64;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((start + bytes) / page) });
  new Uint8Array(memory.buffer).set(module.constants, constants);
  const global = new WebAssembly.Global({ value: "i32", mutable: false }, constants);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.binary), { env: { memory, constants: global, ...hostFunctions(module) } });
  const kernels = module.kernels.map(({ name }) => {
    const f = exports[name];
    if (typeof f !== "function") throw new Error(`no kernel ${name} in the module`);
    return (...args: readonly (number | bigint)[]): void => void Reflect.apply(f, null, args);
  });
  return { memory, kernels, start };
}

type Elements = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | Int8Array | Int16Array | Uint16Array | BigInt64Array | BigUint64Array;

/** Elements of a dtype; float16 as its bits. */
export function elementsOf(memory: WebAssembly.Memory, dtype: DType, address: number, size: number): Elements {
  const b = memory.buffer;
  switch (dtype) {
    case "float32":
      return new Float32Array(b, address, size);
    case "float64":
      return new Float64Array(b, address, size);
    case "int32":
      return new Int32Array(b, address, size);
    case "uint32":
      return new Uint32Array(b, address, size);
    case "int8":
      return new Int8Array(b, address, size);
    case "int16":
      return new Int16Array(b, address, size);
    case "uint16":
    case "float16":
      return new Uint16Array(b, address, size);
    case "int64":
      return new BigInt64Array(b, address, size);
    case "uint64":
      return new BigUint64Array(b, address, size);
    default:
      return new Uint8Array(b, address, size);
  }
}

type Numbers = readonly (number | bigint)[];

function fill(elements: Elements, dtype: DType, numbers: Numbers): void {
  numbers.forEach((x, i) => {
    if (dtype === "float16") elements[i] = halfBits(Number(x));
    else if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements[i] = BigInt(x);
    else elements[i] = Number(x);
  });
}

/** How the turns of a kernel are run: all at once, or one by one from the last. */
export type Turns = "together" | "backwards";

/** The buffers after one run of the kernel; those not given start as zeros. */
export function runWasm(kernel: Kernel, data: Readonly<Record<string, Numbers>>, scalars: Numbers = [], turns: Turns = "together"): Record<string, Numbers> {
  const { module } = emitWasm([kernel], { sharedMemory: false, relaxed: false });
  const made = at(module.kernels, 0);
  const sizes = kernel.buffers.map((b) => Math.ceil((b.size * dtypeInfo(b.dtype).bytes) / 64) * 64);
  const scratch = Math.ceil(made.scratchBytes / 64) * 64;
  const { memory, kernels, start } = load(module, sizes.reduce((a, b) => a + b, scratch) + 64);
  let end = start + scratch;
  const addresses = sizes.map((size) => {
    end += size;
    return end - size;
  });
  const elements = kernel.buffers.map((b, i) => elementsOf(memory, b.dtype, at(addresses, i), b.size));
  kernel.buffers.forEach((b, i) => fill(at(elements, i), b.dtype, data[b.name] ?? []));
  const call = (lo: number, hi: number): void => at(kernels, 0)(lo, hi, start, ...addresses, ...scalars);
  call(0, 0);
  if (turns === "together") call(0, made.turns);
  else for (let turn = made.turns - 1; turn >= 0; turn--) call(turn, turn + 1);
  const given = (dtype: DType, list: Numbers): Numbers => (dtype === "float16" ? list.map((x) => halfNumber(Number(x))) : list);
  return Object.fromEntries(kernel.buffers.map((b, i) => [b.name, given(b.dtype, [...at(elements, i)])]));
}
