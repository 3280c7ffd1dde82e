/** A module as WebAssembly text, for people. Locals have the names of what they hold; made only where somebody asks for it. */
import { at } from "../../ir/errors.ts";
import type { FunctionCode, ModuleCode } from "./code.ts";
import type { Instruction } from "./decode.ts";
import { eachInstruction } from "./decode.ts";

const hex = (bytes: Uint8Array, from: number): string => {
  const word = (at(bytes, from + 3) << 24) | (at(bytes, from + 2) << 16) | (at(bytes, from + 1) << 8) | at(bytes, from);
  return `0x${(word >>> 0).toString(16).padStart(8, "0")}`;
};

function numberText(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  return Object.is(x, -0) ? "-0" : String(x);
}

/** `name` as an identifier of the text format. */
export const identifier = (name: string): string => `$${name.replace(/[^A-Za-z0-9_.$~#]/g, "_")}`;

function memoryText(i: Instruction): string {
  const offset = i.a === 0 ? "" : ` offset=${i.a}`;
  return i.row.immediate === "memoryLane" ? `${offset} ${i.b}` : offset;
}

function immediateText(i: Instruction, names: readonly string[], module: ModuleCode): string {
  switch (i.row.immediate) {
    case "none":
      return "";
    case "block":
      return typeof i.data === "string" ? ` (result ${i.data})` : "";
    case "local":
      return ` ${at(names, i.a)}`;
    case "global":
      return " $constants";
    case "function":
      return ` ${identifier(at(module.imports, i.a).name)}`;
    case "label":
    case "lane":
      return ` ${i.a}`;
    case "i32":
    case "f32":
    case "f64":
      return ` ${numberText(i.a)}`;
    case "i64":
      return ` ${String(i.data ?? i.a)}`;
    case "memory":
    case "memoryLane":
      return memoryText(i);
    case "v128":
    case "shuffle": {
      const { data } = i;
      if (!(data instanceof Uint8Array)) return "";
      return i.row.immediate === "shuffle" ? ` ${data.join(" ")}` : ` i32x4 ${[0, 4, 8, 12].map((n) => hex(data, n)).join(" ")}`;
    }
  }
}

const opens: ReadonlySet<string> = new Set(["block", "loop", "if"]);

/** Names of locals, told apart by numbers. */
function identifiersOf({ locals }: FunctionCode): string[] {
  const taken = new Map<string, number>();
  return locals.map(({ name }) => {
    const times = taken.get(name) ?? 0;
    taken.set(name, times + 1);
    return identifier(times === 0 ? name : `${name}~${times}`);
  });
}

function functionLines(f: FunctionCode, module: ModuleCode): string[] {
  const names = identifiersOf(f);
  const declared = f.locals.map((l, i) => `(${i < f.parameters ? "param" : "local"} ${at(names, i)} ${l.type})`);
  const lines = [
    `;; ${f.comment()}`,
    `(func ${[f.name, ...(f.aliases ?? [])].map((name) => `(export "${name}")`).join(" ")} ${declared.slice(0, f.parameters).join(" ")}`,
  ];
  const locals = declared.slice(f.parameters);
  for (let i = 0; i < locals.length; i += 4) lines.push(`  ${locals.slice(i, i + 4).join(" ")}`);
  let depth = 1;
  eachInstruction(f.code, (i) => {
    const { name } = i.row;
    if (name === "end" || name === "else") depth--;
    lines.push("  ".repeat(depth) + name + immediateText(i, names, module));
    if (opens.has(name) || name === "else") depth++;
  });
  lines.push(")");
  return lines;
}

/** The text of a module. */
export function moduleText(module: ModuleCode): string {
  const lines = [
    `(import "env" "memory" (memory 1${module.sharedMemory ? " 65536 shared" : ""}))`,
    `(import "env" "constants" (global $constants i32))`,
    ...module.imports.map(({ name, arity }) => `(import "env" "${name}" (func ${identifier(name)} (param${" f64".repeat(arity)}) (result f64)))`),
    ...module.functions.flatMap((f) => functionLines(f, module)),
  ];
  return `(module\n${lines.map((l) => `  ${l}`).join("\n")}\n)\n`;
}
