/** What a shader is made of besides its statements: names, memory, uniforms, workgroup variables and the prelude it needs. */
import type { DType } from "../../ir/dtype.ts";
import { CompilerBug, lookup, UnsupportedError } from "../../ir/errors.ts";
import type { Kernel, KernelBuffer, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import type { Scope } from "./expression.ts";
import type { Placement } from "./lanes.ts";
import type { Memory } from "./memory.ts";
import { cellOf, cellType } from "./memory.ts";
import { Names } from "./names.ts";
import { prelude } from "./prelude.ts";
import { wgslType } from "./scalar.ts";

/** A resource of group 0. `buffers` are the kernel's buffers that live in it: one, or those in the arena. */
export interface Binding {
  readonly name: string;
  readonly group: 0;
  readonly binding: number;
  readonly access: "uniform" | "read" | "read_write";
  readonly buffers: readonly string[];
}

/**
 * A member of the uniform struct, 4 bytes each. `base` is the position of element 0 of the kernel's buffer `of`, in elements;
 * `scalar` the kernel's scalar `of` (bool as a u32 of 0 or 1); `nan` and `inf` are those numbers.
 */
export interface UniformMember {
  readonly name: string;
  readonly dtype: DType;
  /** Bytes. */
  readonly offset: number;
  readonly role: "base" | "scalar" | "nan" | "inf";
  readonly of: string;
}

const atomicNames = (body: readonly Stmt[]): Set<string> =>
  new Set([...statements(body)].flatMap((s) => (s.kind === "store" && s.atomic !== undefined ? [s.buffer] : [])));

/** The frame of one shader, filled as statements are spelled. */
export class Shader implements Scope {
  readonly kernel: Kernel;
  /** Lanes that share one grid point. */
  readonly lanes: number;
  readonly names: Names;
  readonly bindings: readonly Binding[];
  readonly #memory: Map<string, Memory> = new Map();
  readonly #uniforms: UniformMember[] = [];
  readonly #parameters: Map<string, string> = new Map();
  readonly #helpers: Set<string> = new Set();
  readonly #partials: Set<string> = new Set();
  readonly #workgroup: Map<string, { readonly type: string; readonly elements: number }> = new Map();

  constructor(kernel: Kernel, options: { readonly lanes: number; readonly placement: Placement; readonly arena: ReadonlySet<string> }) {
    this.kernel = kernel;
    this.lanes = options.lanes;
    this.names = new Names(kernel);
    this.bindings = bindingsOf(kernel, options.arena, this.names);
    this.#addBuffers(options.arena);
    for (const p of kernel.scalars) this.#addScalar(p.name, p.dtype);
    for (const s of statements(kernel.body)) if (s.kind === "local") this.#addLocal(s, lookup(options.placement, s.name, "the place of a local"));
  }

  #addUniform(member: Omit<UniformMember, "offset">): string {
    this.#uniforms.push({ ...member, offset: 4 * this.#uniforms.length });
    return `u.${member.name}`;
  }

  #addBuffers(arena: ReadonlySet<string>): void {
    const atomics = atomicNames(this.kernel.body);
    const arenaIsAtomic = [...arena].some((name) => atomics.has(name));
    for (const b of this.kernel.buffers) {
      const inArena = arena.has(b.name);
      const atomic = inArena ? arenaIsAtomic : atomics.has(b.name);
      const base = this.#addUniform({ name: this.names.fresh(`${b.name}_base`), dtype: "uint32", role: "base", of: b.name });
      const ident = inArena ? "arena" : this.names.memory(b.name);
      this.#memory.set(b.name, {
        ident,
        dtype: b.dtype,
        space: "storage",
        base,
        cell: inArena ? "u32" : cellOf({ dtype: b.dtype, space: "storage", atomic }),
        atomic,
      });
    }
  }

  #addScalar(name: string, dtype: DType): void {
    const text = this.#addUniform({ name: this.names.of(name), dtype: dtype === "bool" ? "uint32" : dtype, role: "scalar", of: name });
    this.#parameters.set(name, dtype === "bool" ? `(${text} != 0u)` : text);
  }

  #addLocal(s: { readonly name: string; readonly dtype: DType; readonly size: number }, space: "function" | "workgroup"): void {
    if (this.#memory.has(s.name)) throw new CompilerBug(`kernel ${this.kernel.name} declares ${s.name} twice`);
    const atomic = space === "workgroup" && atomicNames(this.kernel.body).has(s.name);
    const m: Memory = { ident: this.names.memory(s.name), dtype: s.dtype, space, base: null, cell: cellOf({ dtype: s.dtype, space, atomic }), atomic };
    this.#memory.set(s.name, m);
    if (space === "workgroup") this.#workgroup.set(m.ident, { type: `array<${cellType(m)}, ${s.size}>`, elements: s.size });
  }

  helper(name: string): string {
    this.#helpers.add(name);
    return name;
  }

  special(name: "nan" | "inf"): string {
    const known = this.#uniforms.find((m) => m.role === name);
    return known ? `u.${known.name}` : this.#addUniform({ name: this.names.fresh(name), dtype: "float32", role: name, of: "" });
  }

  parameter(name: string): string | undefined {
    return this.#parameters.get(name);
  }

  memory(name: string): Memory {
    return lookup(this.#memory, name, `a buffer or local of ${this.kernel.name}`);
  }

  /** Whether another lane could see a store to it. */
  isShared(name: string): boolean {
    const m = this.memory(name);
    if (m.space !== "storage") return m.space === "workgroup";
    return this.kernel.buffers.some((b) => b.name === name && b.access !== "read");
  }

  isPartial(ident: string): boolean {
    return this.#partials.has(ident);
  }

  /** The n-th workgroup array with one element of this dtype per lane. */
  partials(dtype: DType, n: number): string {
    const key = `partials ${dtype} ${n}`;
    const ident = this.names.memory(key);
    this.#partials.add(ident);
    this.#workgroup.set(ident, { type: `array<${wgslType(dtype)}, ${this.lanes}>`, elements: this.lanes });
    return ident;
  }

  /** A workgroup variable of its own. */
  workgroupVariable(hint: string, dtype: DType): string {
    const ident = this.names.fresh(hint);
    this.#workgroup.set(ident, { type: wgslType(dtype), elements: 1 });
    return ident;
  }

  /** Bytes of workgroup memory, each variable rounded up to 16 as the limit counts them. */
  workgroupBytes(): number {
    return [...this.#workgroup.values()].reduce((n, { elements }) => n + Math.ceil(elements / 4) * 16, 0);
  }

  uniforms(): readonly UniformMember[] {
    return this.#uniforms;
  }

  /** Everything before the entry point. */
  declarations(): string[] {
    const members = this.#uniforms.map((m) => `  ${m.name}: ${wgslType(m.dtype)},`);
    const buffers = this.bindings.slice(1).map((b) => {
      const m = this.memory(b.buffers[0] ?? "");
      return `@group(0) @binding(${b.binding}) var<storage, ${b.access}> ${m.ident}: array<${cellType(m)}>;`;
    });
    const workgroup = [...this.#workgroup].map(([ident, { type }]) => `var<workgroup> ${ident}: ${type};`);
    return ["struct Uniforms {", ...members, "}", "@group(0) @binding(0) var<uniform> u: Uniforms;", ...buffers, ...workgroup, ...prelude(this.#helpers)];
  }
}

const storageAccess = (b: KernelBuffer): "read" | "read_write" => (b.access === "read" ? "read" : "read_write");

/** The uniforms, the buffers that are not in the arena, and the arena. */
function bindingsOf(kernel: Kernel, arena: ReadonlySet<string>, names: Names): Binding[] {
  const alone = kernel.buffers.filter((b) => !arena.has(b.name));
  const inArena = kernel.buffers.filter((b) => arena.has(b.name)).map((b) => b.name);
  const resources: Omit<Binding, "binding">[] = [
    { name: "u", group: 0, access: "uniform", buffers: [] },
    ...alone.map((b): Omit<Binding, "binding"> => ({ name: names.memory(b.name), group: 0, access: storageAccess(b), buffers: [b.name] })),
  ];
  if (inArena.length > 0) resources.push({ name: "arena", group: 0, access: "read_write", buffers: inArena });
  return resources.map((r, i) => ({ ...r, binding: i }));
}

/** Throws an UnsupportedError where the kernel binds more storage buffers than the target can. */
export function requireBindings(shader: Shader, target: Target): void {
  const count = shader.bindings.length - 1;
  if (count <= target.maxBindings) return;
  throw new UnsupportedError(`kernel ${shader.kernel.name} binds ${count} buffers, ${target.name} has ${target.maxBindings}. Fuse less.`);
}
