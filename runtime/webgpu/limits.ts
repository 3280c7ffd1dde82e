/** What a device cannot do, found before it is asked to. */
import { at, DeviceError } from "../../compiler/ir/errors.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { typeText } from "../../compiler/ir/shape.ts";

type Limit =
  | "maxStorageBuffersPerShaderStage"
  | "maxComputeWorkgroupStorageSize"
  | "maxComputeInvocationsPerWorkgroup"
  | "maxComputeWorkgroupsPerDimension"
  | "maxStorageBufferBindingSize"
  | "maxBufferSize";

export type Limits = Readonly<Pick<GPUSupportedLimits, Limit>>;

interface Ask {
  readonly what: string;
  readonly limit: Limit;
  readonly size: number;
  /** The way out. */
  readonly instead: string;
}

const smaller = 'Work on slices of it one after the other, or configure({ device: "cpu" }).';
const unfused = 'configure({ fusion: false }) for smaller kernels, or configure({ device: "cpu" }).';

function demand(limits: Limits, { what, limit, size, instead }: Ask): void {
  if (size <= limits[limit]) return;
  throw new DeviceError(`webgpu: ${what} takes ${size}, and this device's ${limit} is ${limits[limit]}. ${instead}`);
}

/** Throws a DeviceError where so many bytes do not fit one binding. */
export function requireRoom(limits: Limits, what: string, bytes: number): void {
  for (const limit of ["maxStorageBufferBindingSize", "maxBufferSize"] as const)
    demand(limits, { what: `${what} (bytes)`, limit, size: bytes, instead: smaller });
}

function requireKernel(limits: Limits, what: string, shader: WgslKernel): void {
  const storage = shader.bindings.filter((b) => b.access !== "uniform").length;
  demand(limits, { what: `${what} (storage buffers)`, limit: "maxStorageBuffersPerShaderStage", size: storage, instead: unfused });
  demand(limits, { what: `${what} (bytes of workgroup memory)`, limit: "maxComputeWorkgroupStorageSize", size: shader.workgroupBytes, instead: unfused });
  const [lanes] = shader.workgroupSize;
  demand(limits, { what: `${what} (lanes of a workgroup)`, limit: "maxComputeInvocationsPerWorkgroup", size: lanes, instead: unfused });
  const groups = Math.max(...shader.dispatch);
  demand(limits, { what: `${what} (workgroups)`, limit: "maxComputeWorkgroupsPerDimension", size: groups, instead: smaller });
}

/** Throws a DeviceError that names the limit, the size and the way out, where the plan asks for more than the device has. */
export function requireLimits(limits: Limits, plan: Plan, shaders: readonly WgslKernel[]): void {
  shaders.forEach((shader, i) => requireKernel(limits, `plan ${plan.name}, kernel ${at(plan.kernels, i).name}`, shader));
  for (const b of plan.buffers) if (b.role !== "temp") requireRoom(limits, `plan ${plan.name}: a value of ${typeText(b.type)}`, b.bytes);
  requireRoom(limits, `plan ${plan.name}: the arena of its intermediate values`, plan.arenaBytes);
}
