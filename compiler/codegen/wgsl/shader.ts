/** What a shader is made of besides its statements: names, memory, uniforms, workgroup variables and the prelude it needs. */
import type { Binding, UniformMember } from "../../ir/shader.ts";
import type { DType } from "../../ir/dtype.ts";
import { CompilerBug, lookup, UnsupportedError } from "../../ir/errors.ts";
import type { Axis, Kernel, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { vectorWidth } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import type { Scope } from "./expression.ts";
import type { Placement } from "./lanes.ts";
import type { Memory } from "./memory.ts";
import { cellOf, cellType } from "./memory.ts";
import { Names } from "./names.ts";
import type { Packing } from "./packing.ts";
import { leavesSlots } from "./packing.ts";
import { prelude } from "./prelude.ts";
import { wgslType } from "./scalar.ts";
import type { Spelling } from "./spelling.ts";
import type { VectorLoop, VectorPlan } from "./vectors.ts";

/** Lists of buffers, each to be bound once. */
export type Groups = readonly (readonly string[])[];

const atomicNames = (body: readonly Stmt[]): Set<string> =>
  new Set([...statements(body)].flatMap((s) => (s.kind === "store" && s.atomic !== undefined ? [s.buffer] : [])));

export interface ShaderOptions {
  readonly vectors: VectorPlan;
  readonly packing: Packing;
  /** Grid points. */
  readonly points: number;
  readonly placement: Placement;
  readonly together: Groups;
}

/** The frame of one shader, filled as statements are spelled. */
export class Shader implements Scope {
  readonly kernel: Kernel;
  /** Lanes that share one grid point. */
  readonly lanes: number;
  readonly packing: Packing;
  /** Whether some slots of the last workgroup have no grid point. */
  readonly leavesSlots: boolean;
  readonly names: Names;
  readonly bindings: readonly Binding[];
  readonly vector = null;
  /** Elements of buffers and locals. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly #vectors: VectorPlan;
  readonly #memory: Map<string, Memory> = new Map();
  readonly #uniforms: UniformMember[] = [];
  readonly #parameters: Map<string, string> = new Map();
  readonly #helpers: Set<string> = new Set();
  readonly #partials: Set<string> = new Set();
  readonly #workgroup: Map<string, { readonly type: string; readonly elements: number }> = new Map();

  constructor(options: ShaderOptions) {
    const { kernel } = options.vectors;
    this.kernel = kernel;
    this.packing = options.packing;
    this.lanes = options.packing.lanes;
    this.leavesSlots = leavesSlots(options.packing, options.points);
    this.#vectors = options.vectors;
    const locals = [...statements(kernel.body)].flatMap((s) => (s.kind === "local" ? [s] : []));
    this.sizes = new Map([...kernel.buffers, ...locals].map((b) => [b.name, b.size]));
    this.names = new Names(kernel);
    this.bindings = bindingsOf(kernel, options.together, this.names);
    this.#addBuffers();
    for (const p of kernel.scalars) this.#addScalar(p.name, p.dtype);
    for (const s of statements(kernel.body)) if (s.kind === "local") this.#addLocal(s, lookup(options.placement, s.name, "the place of a local"));
  }

  #addUniform(member: Omit<UniformMember, "offset">): string {
    this.#uniforms.push({ offset: 4 * this.#uniforms.length, ...member });
    return `u.${member.name}`;
  }

  #addBuffers(): void {
    const atomics = atomicNames(this.kernel.body);
    for (const b of this.kernel.buffers) {
      const binding = this.bindings.find((r) => r.buffers.includes(b.name));
      if (binding === undefined) throw new CompilerBug(`buffer ${b.name} of ${this.kernel.name} is bound nowhere`);
      const atomic = binding.buffers.some((name) => atomics.has(name));
      const base = this.#addUniform({ name: this.names.fresh(`${b.name}_base`), dtype: "uint32", role: "base", of: b.name });
      const cell = binding.isShared ? "u32" : cellOf({ dtype: b.dtype, space: "storage", atomic });
      const [wide, isConstant] = [this.#vectors.wide.has(b.name), binding.access === "read"];
      this.#memory.set(b.name, { ident: binding.name, dtype: b.dtype, space: "storage", base, cell, wide, atomic, isConstant });
    }
  }

  #addScalar(name: string, dtype: DType): void {
    const text = this.#addUniform({ name: this.names.of(name), dtype: dtype === "bool" ? "uint32" : dtype, role: "scalar", of: name });
    this.#parameters.set(name, dtype === "bool" ? `(${text} != 0u)` : text);
  }

  #addLocal(s: { readonly name: string; readonly dtype: DType; readonly size: number }, space: "function" | "workgroup"): void {
    if (this.#memory.has(s.name)) throw new CompilerBug(`kernel ${this.kernel.name} declares ${s.name} twice`);
    const atomic = space === "workgroup" && atomicNames(this.kernel.body).has(s.name);
    const cell = cellOf({ dtype: s.dtype, space, atomic });
    const wide = this.#vectors.wide.has(s.name);
    const { slots } = this.packing;
    const room = wide ? vectorWidth * Math.ceil(s.size / vectorWidth) : s.size;
    const base = space === "workgroup" && slots > 1 ? `slot * ${room}u` : null;
    const m: Memory = { ident: this.names.memory(s.name), dtype: s.dtype, space, base, cell, wide, atomic, isConstant: false };
    this.#memory.set(s.name, m);
    if (space === "workgroup") this.#workgroup.set(m.ident, { type: arrayType(m, slots * room), elements: slots * room });
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

  /** What is known of a vector axis whose loop is spelled with vectors. */
  vectorLoop(axis: Axis | undefined): VectorLoop | undefined {
    return axis?.kind === "vector" ? this.#vectors.loops.get(axis.name) : undefined;
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

  /** The n-th workgroup array with one element of this dtype per lane, or four. */
  partials(dtype: DType, n: number, { type, width }: Pick<Spelling, "type" | "width">): string {
    const key = `partials ${dtype}${width === 1 ? "" : "x4"} ${n}`;
    const ident = this.names.memory(key);
    this.#partials.add(ident);
    const items = this.lanes * this.packing.slots;
    this.#workgroup.set(ident, { type: `array<${type(dtype)}, ${items}>`, elements: width * items });
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

/** `array<f32, 10>` or `array<vec4<f32>, 3>`. */
export const arrayType = (m: Memory, size: number): string => `array<${cellType(m)}, ${m.wide ? Math.ceil(size / vectorWidth) : size}>`;

/** The uniforms, the buffers of their own, and those bound together. */
function bindingsOf(kernel: Kernel, together: Groups, names: Names): Binding[] {
  const grouped = new Set(together.flat());
  const alone = kernel.buffers.filter((b) => !grouped.has(b.name)).map((b) => [b]);
  const groups = together.map((list) => kernel.buffers.filter((b) => list.includes(b.name))).filter((list) => list.length > 0);
  const storage = [...alone, ...groups].map((list, i): Binding => {
    const isShared = i >= alone.length;
    const access = list.every((b) => b.access === "read") ? "read" : "read_write";
    const name = isShared ? names.fresh("words") : names.memory(list[0]?.name ?? "");
    return { name, group: 0, binding: i + 1, access, buffers: list.map((b) => b.name), isShared };
  });
  return [{ name: "u", group: 0, binding: 0, access: "uniform", buffers: [], isShared: false }, ...storage];
}

/** Throws an UnsupportedError where the kernel binds more storage buffers than the target can. */
export function requireBindings(shader: Shader, target: Target): void {
  const count = shader.bindings.length - 1;
  if (count <= target.maxBindings) return;
  throw new UnsupportedError(`kernel ${shader.kernel.name} binds ${count} buffers, ${target.name} has ${target.maxBindings}. Fuse less.`);
}
