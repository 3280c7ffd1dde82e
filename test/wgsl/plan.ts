/** Plans for WGSL as scripts: temporaries in one arena, inputs and outputs in memories of their own. */
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { emitWgslPlan, homeOf } from "../../compiler/codegen/wgsl/plan.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray, asNumbers, numberArray } from "../../compiler/ir/host.ts";
import type { Plan, PlanBuffer, Step } from "../../compiler/ir/plan.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Location, Script, ScriptStep } from "./script.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Elements as a storage buffer holds them: one word each, a bool as 0 or 1. */
export function toWords(data: HostData["data"]): Bytes {
  const words = data instanceof Float32Array ? Float32Array.from(data) : Uint32Array.from(asNumbers(data), (x) => x >>> 0);
  return new Uint8Array(words.buffer);
}

function fromWords(dtype: DType, size: number, bytes: Bytes, base: number): HostData["data"] {
  const out = hostArray(dtype, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = 0; i < size; i++) {
    const position = 4 * (base + i);
    out[i] = dtype === "float32" ? view.getFloat32(position, true) : view.getInt32(position, true);
  }
  return out;
}

const locationOf = (b: PlanBuffer): Location => ({ memory: homeOf(b), base: b.role === "temp" ? b.offset / 4 : 0 });

/** The shader that each kernel step launches. */
export function shadersOf(plan: Plan): Map<Step, WgslKernel> {
  const shaders = emitWgslPlan(plan, wgsl);
  return new Map(plan.steps.flatMap((s): [Step, WgslKernel][] => (s.kind === "kernel" ? [[s, at(shaders, s.kernel)]] : [])));
}

function stepOf(plan: Plan, s: Step, shaders: ReadonlyMap<Step, WgslKernel>, scalars: readonly number[]): ScriptStep[] {
  const home = (id: number): Location => locationOf(at(plan.buffers, id));
  const size = (id: number): number => sizeOf(at(plan.buffers, id).type.shape);
  if (s.kind === "copy") return size(s.to) === 0 ? [] : [{ kind: "copy", from: home(s.from), to: home(s.to), words: size(s.to) }];
  if (s.kind === "fill") {
    const data = numberArray(at(plan.buffers, s.buffer).type.dtype, size(s.buffer)).fill(Number(s.value));
    return [{ kind: "write", to: home(s.buffer), data: toWords(data) }];
  }
  const shader = shaders.get(s);
  if (s.kind !== "kernel" || shader === undefined) return [];
  const kernel = at(plan.kernels, s.kernel);
  const buffers = Object.fromEntries(kernel.buffers.map((b, k) => [b.name, home(at(s.buffers, k))]));
  const given = Object.fromEntries(kernel.scalars.map((p, k) => [p.name, at(scalars, at(s.scalars, k))]));
  return [{ kind: "launch", shader, buffers, scalars: given }];
}

/** The script that runs a plan on these inputs. */
export function scriptOf(plan: Plan, inputs: readonly HostData[], scalars: readonly number[]): Script {
  const memory = new Map<string, Bytes>([["arena", new Uint8Array(Math.max(16, plan.arenaBytes))]]);
  for (const b of plan.buffers) if (b.role === "output" && b.donates === null) memory.set(`b${b.id}`, new Uint8Array(4 * sizeOf(b.type.shape)));
  plan.inputs.forEach((id, i) => memory.set(`b${id}`, toWords(at(inputs, i).data)));
  const shaders = shadersOf(plan);
  return { memory: Object.fromEntries(memory), steps: plan.steps.flatMap((s) => stepOf(plan, s, shaders, scalars)) };
}

/** The plan's outputs in what the script left. */
export function outputsOf(plan: Plan, after: Script["memory"]): HostData[] {
  return plan.outputs.map(({ buffer, type }) => {
    const { memory, base } = locationOf(at(plan.buffers, buffer));
    return { type, data: fromWords(type.dtype, sizeOf(type.shape), after[memory] ?? new Uint8Array(), base) };
  });
}

/** Elements that differ by more than another order of sums and other functions of the device allow. */
export function differences(found: readonly HostData[], wanted: readonly HostData[]): string[] {
  return wanted.flatMap((w, k) => {
    const got = at(found, k);
    const largest = [...asNumbers(w.data)].reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 0);
    const allowed = isFloat(w.type.dtype) ? 1e-5 * largest : 0;
    const bad = [...asNumbers(w.data)].flatMap((x, i) => {
      const y = at(asNumbers(got.data), i);
      return Object.is(x, y) || x === y || Math.abs(x - y) <= allowed ? [] : [`output ${k}, element ${i}: ${y}, not ${x}`];
    });
    return bad.slice(0, 5);
  });
}
