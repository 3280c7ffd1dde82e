/**
 * WebAssembly for kernels: one module a plan, one export a kernel (of one function, where kernels have one body), called as
 * `(lo, hi, scratch, buffers, scalars)`. Equal
 * kernels give equal bytes. The same code prints as text:
 *
 *   (func (export "scale") (param $lo i32) (param $hi i32) (param $scratch i32) (param $x i32) (param $y i32) (param $s f32) …
 *     …
 *     v128.load
 *     local.get $s.v
 *     f32x4.mul
 *     v128.store
 */
import type { Kernel } from "../../ir/loop.ts";
import type { WasmModule } from "../../ir/plan.ts";
import type { FunctionCode, ImportedFunction, ModuleCode } from "./code.ts";
import { ConstantPool } from "./constants.ts";
import { encodeModule } from "./encode.ts";
import type { MadeKernel } from "./kernel-code.ts";
import { KernelCode } from "./kernel-code.ts";
import { moduleText } from "./text.ts";

export interface WasmOptions {
  readonly sharedMemory: boolean;
  readonly relaxed: boolean;
}

export interface EmittedWasm {
  readonly module: WasmModule;
  /** WebAssembly text. */
  readonly text: () => string;
}

/** Functions of the host that a module calls. Calls are by position among them. */
class Host {
  readonly functions: ImportedFunction[] = [];

  indexOf(name: string, arity: number): number {
    const known = this.functions.findIndex((f) => f.name === name);
    return known < 0 ? this.functions.push({ name, arity }) - 1 : known;
  }
}

interface Made {
  /** One a kernel: those with one body share a function. */
  readonly kernels: readonly (MadeKernel & { readonly name: string })[];
  readonly code: ModuleCode;
  readonly pool: ConstantPool;
}

function make(kernels: readonly Kernel[], { sharedMemory, relaxed }: WasmOptions): Made {
  const pool = new ConstantPool();
  const host = new Host();
  const tools = { pool, relaxed, host: (name: string, arity: number): number => host.indexOf(name, arity) };
  const names = exportNames(kernels);
  const byBody = new Map<Kernel["body"], { readonly made: MadeKernel; readonly aliases: string[] }>();
  const all = kernels.map((kernel, i) => {
    const name = names[i] ?? kernel.name;
    const known = byBody.get(kernel.body);
    known?.aliases.push(name);
    const made = known?.made ?? new KernelCode(kernel, tools).make(name);
    if (known === undefined) byBody.set(kernel.body, { made, aliases: [] });
    return { name, ...made };
  });
  const functions = [...byBody.values()].map(({ made, aliases }): FunctionCode => (aliases.length === 0 ? made.code : { aliases, ...made.code }));
  return { kernels: all, code: { sharedMemory, imports: host.functions, functions }, pool };
}

/** The module of a plan's kernels, in their order. The text is made once more from the kernels, which holds less memory than to keep it. */
export function emitWasm(kernels: readonly Kernel[], options: WasmOptions): EmittedWasm {
  const made = make(kernels, options);
  const module: WasmModule = {
    binary: encodeModule(made.code),
    constants: made.pool.bytes(),
    kernels: made.kernels.map(({ name, turns, turnNs, scratchBytes }) => ({ name, turns, turnNs, scratchBytes })),
    imports: made.code.imports.map((f) => f.name),
  };
  return { module, text: () => moduleText(make(kernels, options).code) };
}

/** The kernels' names; those of one name are told apart. */
function exportNames(kernels: readonly Kernel[]): string[] {
  const taken = new Map<string, number>();
  const names = new Set(kernels.map((k) => k.name));
  return kernels.map(({ name }) => {
    let times = taken.get(name) ?? 0;
    let candidate = name;
    while (times > 0 && (candidate === name || names.has(candidate))) candidate = `${name}_${++times}`;
    taken.set(name, Math.max(1, times));
    names.add(candidate);
    return candidate;
  });
}
