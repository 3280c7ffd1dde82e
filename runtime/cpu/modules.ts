/** A plan's WebAssembly module, compiled and instantiated at once over the heap. */
import { CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { WasmModule } from "../../compiler/ir/plan.ts";
import type { ConstantPool } from "./constants.ts";
import type { Block, CpuHeap } from "./heap.ts";
import { hostFunctions } from "./worker-source.ts";

/** `(lo, hi, scratch, b0, …, bn, s0, …)`: turns lo … hi - 1 of a kernel. */
export type WasmFunction = (lo: number, hi: number, scratch: number, ...rest: readonly (number | bigint)[]) => void;

/** What the threads need to make an instance of their own: it stands in the heap, where a sleeping thread can read it. */
export interface Publication {
  readonly id: number;
  readonly at: number;
  /** Bytes of the text of a list of the kernels' names, and of the module that follows it. */
  readonly headBytes: number;
  readonly binaryBytes: number;
}

const isKernel = (x: unknown): x is WasmFunction => typeof x === "function";

function importsOf({ imports }: WasmModule, memory: WebAssembly.Memory, constants: number): WebAssembly.Imports {
  const env: Record<string, WebAssembly.ImportValue> = { memory, constants };
  for (const name of imports) {
    const f = hostFunctions[name];
    if (f === undefined) throw new CompilerBug(`a module imports ${name}, which is no scalar function here`);
    env[name] = f;
  }
  return { env };
}

let published = 0;

/** The blocks that a module took go back when it is collected: plans are forgotten, never ended. */
const collected = new FinalizationRegistry(({ heap, blocks }: { readonly heap: CpuHeap; readonly blocks: readonly Block[] }) => {
  for (const block of blocks) heap.drop(block);
});

export class LoadedModule {
  readonly module: WasmModule;
  /** One a kernel of the plan. */
  readonly kernels: readonly WasmFunction[];
  /** Where its constants lie. */
  readonly constants: number;
  readonly #heap: CpuHeap;
  readonly #blocks: Block[] = [];
  #publication: Publication | null = null;

  /** Throws a CompilerBug where the module is no valid one, a DeviceError where the page forbids to compile it. */
  constructor(name: string, module: WasmModule, heap: CpuHeap, pool: ConstantPool) {
    const { memory } = heap;
    if (memory === null) throw new DeviceError('cpu: the heap is no WebAssembly memory. configure({ target: "js" }).');
    this.module = module;
    this.#heap = heap;
    const placed = pool.place(module.constants);
    this.constants = placed.at;
    collected.register(this, { heap, blocks: this.#blocks });
    if (placed.block !== null) this.#blocks.push(placed.block);
    this.kernels = instantiate(name, module, importsOf(module, memory, placed.at));
  }

  /** Writes it where the threads find it, once. */
  get publication(): Publication {
    if (this.#publication !== null) return this.#publication;
    const { module } = this;
    const head = new TextEncoder().encode(JSON.stringify(module.kernels.map((k) => k.name)));
    const block = this.#heap.reserve(head.length + module.binary.length);
    this.#blocks.push(block);
    const { u8 } = this.#heap.views;
    u8.set(head, block.at);
    u8.set(module.binary, block.at + head.length);
    this.#publication = { id: ++published, at: block.at, headBytes: head.length, binaryBytes: module.binary.length };
    return this.#publication;
  }
}

function instantiate(name: string, module: WasmModule, imports: WebAssembly.Imports): readonly WasmFunction[] {
  const { exports } = new WebAssembly.Instance(compile(name, module.binary), imports);
  return module.kernels.map((kernel) => {
    const made = exports[kernel.name];
    if (!isKernel(made)) throw new CompilerBug(`plan ${name}: its module exports no kernel ${kernel.name}`);
    return made;
  });
}

function compile(name: string, binary: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(binary);
  } catch (error) {
    if (WebAssembly.validate(binary))
      throw new DeviceError(`cpu: this page's content security policy forbids WebAssembly (${String(error)}). configure({ target: "js" }).`);
    throw new CompilerBug(`plan ${name}: its WebAssembly is not valid: ${String(error)}`);
  }
}
