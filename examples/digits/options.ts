/** The command line of the example. */
import { parseArgs } from "node:util";

export interface Options {
  readonly epochs: number;
  readonly seed: number;
  /** Stages of the compiler to print for one step, or null. */
  readonly dump: readonly Stage[] | null;
  readonly device: string;
  readonly target: Target;
}

const stages = ["graph", "passes", "fuse", "plan", "loops", "source"] as const;
const targets = ["js", "interpreter"] as const;
const devices = ["cpu"] as const;

export type Stage = (typeof stages)[number];
export type Target = (typeof targets)[number];

export const usage: string = `usage: npm start -- [--epochs N] [--seed N] [--dump STAGES] [--device ${devices.join("|")}] [--target ${targets.join("|")}]
  STAGES is a list of ${stages.join(", ")}, separated by commas`;

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

/** The options of a command line; throws a UsageError that names what is unknown. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { epochs, seed, dump, device, target } = readFlags(args, { epochs: text, seed: text, dump: text, device: text, target: text });
  return {
    epochs: wholeNumber("epochs", epochs ?? "5", 1),
    seed: wholeNumber("seed", seed ?? "1", 0),
    dump: dump === undefined ? null : dump.split(",").map((stage) => choice("dump", stage.trim(), stages)),
    device: choice("device", device ?? "cpu", devices),
    target: choice("target", target ?? "js", targets),
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
