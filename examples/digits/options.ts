/** The command line of the example. */
import { parseArgs } from "node:util";

export interface Options {
  readonly epochs: number;
  readonly seed: number;
  /** Stages of the compiler to print for one step, or null. */
  readonly dump: readonly Stage[] | null;
  readonly device: Device;
  readonly target: Target;
}

const stages = ["graph", "passes", "fuse", "plan", "loops", "source"] as const;
/** What code a device runs; its first unless told. */
const targets = { cpu: ["wasm", "js", "interpreter"], webgpu: ["wgsl"] } as const;
const devices = ["cpu", "webgpu"] as const;

export type Stage = (typeof stages)[number];
export type Device = (typeof devices)[number];
export type Target = (typeof targets)[Device][number];

const everyTarget: readonly Target[] = devices.flatMap((device): readonly Target[] => targets[device]);

export const usage: string = `usage: npm start -- [--epochs N] [--seed N] [--dump STAGES] [--device ${devices.join("|")}] [--target TARGET]
  STAGES is a list of ${stages.join(", ")}, separated by commas
  TARGET is ${devices.map((device) => `${targets[device].join(" or ")} on ${device}`).join(", ")}`;

/** What is wrong with the command line, in words for the user. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

function wholeNumber(name: string, text: string, least: number): number {
  const n = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(n) || n < least) throw new UsageError(`--${name} ${text}: give a whole number from ${least} on`);
  return n;
}

function choice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((c) => c === text);
  if (found === undefined) throw new UsageError(`--${name} ${text}: give ${choices.join(" or ")}`);
  return found;
}

function targetOn(device: Device, text: string | undefined): Target {
  const here: readonly Target[] = targets[device];
  const target = choice("target", text ?? targets[device][0], everyTarget);
  if (!here.includes(target)) throw new UsageError(`--target ${target} does not run on --device ${device}: give ${here.join(" or ")}`);
  return target;
}

/** The options of a command line; throws a UsageError that names what is unknown. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { epochs, seed, dump, target, device: deviceName } = readFlags(args, { epochs: text, seed: text, dump: text, device: text, target: text });
  const device = choice("device", deviceName ?? "cpu", devices);
  return {
    epochs: wholeNumber("epochs", epochs ?? "5", 1),
    seed: wholeNumber("seed", seed ?? "1", 0),
    dump: dump === undefined ? null : dump.split(",").map((stage) => choice("dump", stage.trim(), stages)),
    device,
    target: targetOn(device, target),
  };
}

type Flag = "epochs" | "seed" | "dump" | "device" | "target";

function readFlags(args: readonly string[], options: Record<Flag, { readonly type: "string" }>): Partial<Record<Flag, string>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
