/**
 * A filetest: comment lines that say what to do, IR text, and what must come of it.
 *
 *     ; pass: simplify             graph passes to run, in order; `print` only reads and prints
 *     ; stage: plan                or a stage of the compilation: graph, passes, fuse, plan, loops, source (program is plan and kernels)
 *     ; target: wgsl               for which passes and stages run; js if not said (wasm, wgsl)
 *     ; donated: 0                 buffer params, by position, whose memory may be written over
 *     ; read: kernel               what the text is: graph (the default), kernel or plan
 *     ; kernels: 1                 how many kernels the graph takes on js
 *     ; run                        every target gives what the interpreter gives
 *     ; error: 2:3: unknown op     reading or verifying the text throws this
 *     graph @g(…) -> … { … }
 *     ; expect
 *     …
 */
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";

export interface FileTest {
  readonly passes: readonly string[];
  readonly stage: string | undefined;
  readonly target: Target;
  readonly donated: readonly number[];
  readonly read: string;
  readonly kernels: number | undefined;
  readonly run: boolean;
  readonly error: string | undefined;
  /** The whole text before the expectation: its lines and columns are those of the file. */
  readonly input: string;
  readonly expected: string | undefined;
}

const directive = /^;\s*(?<key>pass|stage|target|donated|read|kernels|run|error)\b:?[ \t]*(?<value>.*?)\s*$/;
const separator = /^; expect[ \t]*\n/m;

/** Reads a filetest; throws where a directive is given twice or says nothing. */
export function readFileTest(text: string): FileTest {
  const found = separator.exec(text);
  const input = found === null ? text : text.slice(0, found.index);
  const directives = new Map<string, string>();
  for (const line of input.split("\n")) {
    const { key, value } = directive.exec(line)?.groups ?? {};
    if (key === undefined || value === undefined) continue;
    if (directives.has(key)) throw new Error(`directive ${key} is given twice`);
    if (value === "" && key !== "run") throw new Error(`directive ${key} says nothing`);
    directives.set(key, value);
  }
  const kernels = directives.get("kernels");
  if (kernels !== undefined && !/^\d+$/.test(kernels)) throw new Error(`kernels should be a number, not ${kernels}`);
  return {
    passes: directives.get("pass")?.split(/\s*,\s*/) ?? [],
    stage: directives.get("stage"),
    target: targetNamed(directives.get("target") ?? "js"),
    donated:
      directives
        .get("donated")
        ?.split(/\s*,\s*/)
        .map(Number) ?? [],
    read: directives.get("read") ?? "graph",
    kernels: kernels === undefined ? undefined : Number(kernels),
    run: directives.has("run"),
    error: directives.get("error"),
    input,
    expected: found === null ? undefined : text.slice(found.index + found[0].length),
  };
}

function targetNamed(name: string): Target {
  if (name === "js") return js;
  if (name === "wasm") return wasm;
  if (name === "wgsl") return wgsl;
  throw new Error(`there is no target ${name}: js, wasm or wgsl`);
}

/** The text of a filetest with what really came out in place of what was expected. */
export function blessed(text: string, outcome: Outcome): string {
  const found = separator.exec(text);
  const input = found === null ? `${text.trimEnd()}\n` : text.slice(0, found.index);
  if (outcome.error !== undefined) return input.replace(/^;\s*error\b.*$/m, () => `; error: ${outcome.error ?? ""}`);
  return outcome.text === undefined ? input : `${input}; expect\n${outcome.text}`;
}

/** What reading and compiling gave: a text, or the error where one was announced. */
export interface Outcome {
  readonly text?: string;
  readonly error?: string;
}
