/** What wgsl_reflect reads out of a shader, in the words of the emitter; and its search for races. */
import { WgslReflect, detectRaces } from "wgsl_reflect/wgsl_reflect.module.js";
import type { VariableInfo } from "wgsl_reflect/wgsl_reflect.module.js";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import type { Memory } from "./fixtures.ts";
import { uniformBytes } from "./script.ts";

export interface Reflected {
  readonly entryPoints: readonly string[];
  readonly workgroupSize: readonly number[] | null | undefined;
  readonly bindings: readonly { readonly name: string; readonly group: number; readonly binding: number; readonly access: string }[];
  readonly uniforms: readonly { readonly name: string; readonly offset: number; readonly type: string }[];
  readonly uniformBytes: number | undefined;
}

export function reflect(source: string): Reflected {
  const r = new WgslReflect(source);
  const binding = (v: VariableInfo, access: string): Reflected["bindings"][number] => ({ name: v.name, group: v.group, binding: v.binding, access });
  const [u] = r.uniforms;
  return {
    entryPoints: r.entry.compute.map((f) => f.name),
    workgroupSize: r.entry.compute[0]?.workgroupSize,
    bindings: [...r.uniforms.map((v) => binding(v, "uniform")), ...r.storage.map((v) => binding(v, v.access))].sort((a, b) => a.binding - b.binding),
    uniforms: (u?.members ?? []).map((m) => ({ name: m.name, offset: m.offset, type: m.type.name })),
    uniformBytes: u?.size,
  };
}

/** Bytes of one item of each storage array. */
export const itemBytes = (source: string): Readonly<Record<string, number>> =>
  Object.fromEntries(new WgslReflect(source).storage.map((v) => [v.name, v.stride]));

/** wgsl_reflect does not run workgroupUniformLoad, which is a load between two barriers. */
const withoutUniformLoads = (source: string): string =>
  source.replace(/let (\w+) = workgroupUniformLoad\(&(\w+)\);/g, "workgroupBarrier();\nlet $1 = $2;\nworkgroupBarrier();");

/** Where a shader's buffers start, and how many words each binding has. */
export interface Placement {
  readonly base: (buffer: string) => number;
  readonly words: (binding: WgslKernel["bindings"][number]) => number;
}

/** Races between the lanes of a workgroup, as messages; every buffer starts at element 0. */
export function races(shader: WgslKernel, memory: Memory, scalars: Readonly<Record<string, number>>): string[] {
  return racesOver(
    shader,
    shader.dispatch,
    uniformBytes(shader, scalars, () => 0),
    (b) => memory[b.buffers[0] ?? ""]?.slice(),
  );
}

/** The same in the first workgroups of a kernel of a plan: lanes of different workgroups share nothing that barriers order. Memory is all zeros. */
export function racesInPlan(shader: WgslKernel, { base, words }: Placement): string[] {
  const few: WgslKernel["dispatch"] = [Math.min(2, shader.dispatch[0]), 1, 1];
  return racesOver(shader, few, uniformBytes(shader, {}, base), (b) => new Float32Array(words(b)));
}

function racesOver(
  shader: WgslKernel,
  dispatch: readonly number[],
  uniform: Uint8Array<ArrayBuffer>,
  memory: (b: WgslKernel["bindings"][number]) => ArrayLike<number> | undefined,
): string[] {
  const resources = shader.bindings.map((b) => [b.binding, b.access === "uniform" ? { uniform: uniform.buffer } : memory(b)]);
  const { races, errors } = detectRaces(withoutUniformLoads(shader.source), shader.entryPoint, [...dispatch], { 0: Object.fromEntries(resources) });
  return [...races.map((r) => r.message), ...errors];
}
