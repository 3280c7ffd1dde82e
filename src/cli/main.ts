#!/usr/bin/env node
/** The command line: reads textual IR, shows what the compiler makes of it, runs it. */
import { readFileSync } from "node:fs";
import type { ParseArgsConfig } from "node:util";
import { parseArgs } from "node:util";
import { at, ParseError } from "../../compiler/ir/errors.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { graphsFromText } from "../../compiler/text.ts";
import { isStage, stages, stagesText, stageText } from "../inspect/render/stages.ts";
import { graphInputs } from "./inputs.ts";
import { runText } from "./run.ts";

const help = `lazuli: a compiler for arrays and tensors

  lazuli dump FILE.ir [--stage STAGE] [--target js|wasm|wgsl]   show what the graphs of a file become
  lazuli run FILE.ir [--target wasm|js|interpreter]             compute the outputs of its graphs
  lazuli --help

STAGE is ${stages.join(", ")}; the default is all of them.
A line "; input %x = [[1, 2], [3, 4]]" in the file gives an input to run; inputs without one get fixed random numbers.
FILE may be - for the standard input. Exit code: 0, 1 where the file does not compile or run, 2 for bad usage.
`;

/** The command line was not understood. */
class UsageError extends Error {}

const options = {
  stage: { type: "string" },
  target: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

interface Command {
  readonly name: "dump" | "run";
  readonly file: string;
  readonly stage: string | undefined;
  readonly target: string;
}

/** The command, or null where help is asked for. */
function parseCommand(args: readonly string[]): Command | null {
  const { values, positionals } = parsed(args);
  if (values.help === true) return null;
  const [name, file, ...rest] = positionals;
  if (name === undefined) throw new UsageError("there is no command");
  if (name !== "dump" && name !== "run") throw new UsageError(`there is no command ${name}: use dump or run`);
  if (file === undefined) throw new UsageError(`${name} needs a file`);
  if (rest.length > 0) throw new UsageError(`${name} takes one file, found also ${rest.join(" ")}`);
  if (name === "run" && values.stage !== undefined) throw new UsageError("run takes no --stage");
  if (values.stage !== undefined && !isStage(values.stage)) throw new UsageError(`there is no stage ${values.stage}: use ${stages.join(", ")}`);
  const targets = name === "dump" ? ["js", "wasm", "wgsl"] : ["wasm", "js", "interpreter"];
  const [usual = "js"] = targets;
  const target = values.target ?? usual;
  if (!targets.includes(target)) throw new UsageError(`${name} has no target ${target}: use ${targets.join(" or ")}`);
  return { name, file, stage: values.stage, target };
}

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (e) {
    throw new UsageError(e instanceof Error ? e.message : String(e));
  }
}

/** Null for the interpreter. */
const targetNamed = (name: string): Target | null => [wasm, js, wgsl].find((t) => t.name === name) ?? null;

function dump(text: string, stage: string | undefined, target: string): string {
  const graphs = graphsFromText(text);
  const wanted = stages.filter((s) => stage === undefined || s === stage);
  const parts = graphs.flatMap((graph) => {
    const compilation = compileGraph(graph, targetNamed(target) ?? js);
    return stage === undefined ? stagesText(compilation, wanted, (s) => `${s} of @${graph.name}`) : wanted.map((s) => stageText(compilation, s));
  });
  return parts.join("\n");
}

function run(text: string, target: string): string {
  const graphs = graphsFromText(text);
  const inputs = graphInputs(text, graphs);
  return graphs.map((g, i) => runText(g, at(inputs, i), targetNamed(target))).join("");
}

function readInput(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (e) {
    throw new Error(`cannot read ${file}: ${e instanceof Error ? e.message : String(e)}`, { cause: e });
  }
}

/** Runs the command line; gives the exit code. */
function main(args: readonly string[]): number {
  let file = "";
  try {
    const command = parseCommand(args);
    if (command === null) {
      process.stdout.write(help);
      return 0;
    }
    file = command.file;
    const text = readInput(file);
    process.stdout.write(command.name === "dump" ? dump(text, command.stage, command.target) : run(text, command.target));
    return 0;
  } catch (e) {
    if (e instanceof UsageError) {
      process.stderr.write(`lazuli: ${e.message}\n\n${help}`);
      return 2;
    }
    const message = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
    process.stderr.write(e instanceof ParseError ? `lazuli: ${file}:${e.message}\n` : `lazuli: ${message}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
