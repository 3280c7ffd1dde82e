/**
 * `LAZULI_DUMP=graph,fuse,plan,loop,source node program.js` prints these stages of every plan that is compiled to the standard error.
 * The variable is read in Node and the like; in browsers there is none.
 */
import type { Compilation } from "../../compiler/pipeline.ts";
import type { Stage } from "./render/stages.ts";
import { isStage, stages, stagesText } from "./render/stages.ts";

interface Process {
  readonly wanted: string;
  readonly write: (text: string) => void;
}

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null;

/** What the variable says and where the text goes, or null where there is no such thing. */
function dumpingProcess(): Process | null {
  const found: unknown = Reflect.get(globalThis, "process");
  if (!isRecord(found)) return null;
  const { env } = found;
  const wanted = isRecord(env) ? env["LAZULI_DUMP"] : undefined;
  if (typeof wanted !== "string" || wanted.trim() === "") return null;
  // Node makes the stream when it is first looked at, which takes longer than compiling a kernel
  const { stderr } = found;
  if (!isRecord(stderr)) return null;
  const { write } = stderr;
  return typeof write === "function" ? { wanted, write: (text) => void Reflect.apply(write, stderr, [text]) } : null;
}

/** "loop" is what the variable was called first; both are understood. */
const stageNamed = (word: string): Stage | undefined => [word, `${word}s`].find(isStage);

let warnedOf = "";
let plans = 0;

/** Prints the stages that the variable asks for; does nothing where there is none. */
export function dumpPlan(c: Compilation): void {
  plans++;
  const process = dumpingProcess();
  if (process === null) return;
  const words = process.wanted
    .split(",")
    .map((w) => w.trim())
    .filter((w) => w !== "");
  const unknown = words.filter((w) => stageNamed(w) === undefined);
  if (unknown.length > 0 && warnedOf !== process.wanted) {
    process.write(`lazuli: LAZULI_DUMP names no stage with ${unknown.map((w) => JSON.stringify(w)).join(", ")}. There are ${stages.join(", ")}.\n`);
    warnedOf = process.wanted;
  }
  const wanted = stages.filter((s) => words.some((w) => stageNamed(w) === s));
  if (wanted.length > 0) process.write(`${stagesText(c, wanted, (s) => `${s} of plan ${plans} for ${c.target.name}`)}\n`);
}
