/** What a GPU says went wrong, as a DeviceError that names the plan and the kernel. */
import { DeviceError } from "../../compiler/ir/errors.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { messageOf } from "./acquire.ts";

const filters = ["validation", "out-of-memory", "internal"] as const;
export type ErrorKind = (typeof filters)[number];

export interface Caught {
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Does `task`, which must not wait; what the GPU says about it comes later, null where all is well. */
export function scoped<T>(device: GPUDevice, task: () => T): { readonly value: T; readonly caught: Promise<Caught | null> } {
  for (const filter of filters) device.pushErrorScope(filter);
  let popped: Promise<Caught | null>[] = [];
  try {
    const value = task();
    popped = popScopes(device);
    return { value, caught: Promise.all(popped).then((all) => all.find((c) => c !== null) ?? null) };
  } finally {
    if (popped.length === 0) for (const lost of popScopes(device)) lost.catch(() => null);
  }
}

const popScopes = (device: GPUDevice): Promise<Caught | null>[] => filters.toReversed().map((kind) => popScope(device, kind));

async function popScope(device: GPUDevice, kind: ErrorKind): Promise<Caught | null> {
  try {
    const error = await device.popErrorScope();
    return error === null ? null : { kind, message: error.message };
  } catch (error) {
    // a lost device has no scopes any more; that it is lost is told elsewhere
    return { kind: "internal", message: messageOf(error) };
  }
}

const wayOut: Readonly<Record<ErrorKind, string>> = {
  "out-of-memory": 'The GPU is out of memory: dispose() what is no longer needed, evaluate in smaller parts, or configure({ device: "cpu" }).',
  validation: "This is a bug in lazuli: the GPU refused the work.",
  internal: "The GPU's driver failed.",
};

/** The error of a run; the kernel is named where the message's labels tell it. */
export function runError(plan: Plan, { kind, message }: Caught): DeviceError {
  const named = plan.kernels.find((k) => message.includes(`"${kernelLabel(plan, k.name)}"`));
  const kernels = plan.kernels.length > 0 ? `one of its kernels (${kernelNames(plan)})` : "it has no kernels";
  const where = named === undefined ? kernels : `kernel ${named.name}`;
  return new DeviceError(`webgpu: plan ${plan.name}, ${where}: ${kind}. ${wayOut[kind]}\n${message}`);
}

/** The first few. */
export const kernelNames = ({ kernels }: Plan): string =>
  kernels
    .slice(0, 4)
    .map((k) => k.name)
    .join(", ") + (kernels.length > 4 ? ", …" : "");

/** What a kernel's GPU objects are called. */
export const kernelLabel = (plan: Plan, kernel: string): string => `${plan.name}/${kernel}`;
