/** Who may import whom. */
import type { SourceFile } from "./source.ts";

/**
 * The rooms, most specific first, and the rooms that each may import (its own included only where it is listed).
 * A file that no prefix matches may import anything.
 */
interface Room {
  readonly name: string;
  readonly prefix: string;
  readonly may: readonly string[];
}

const rooms: readonly Room[] = [
  { name: "ir", prefix: "compiler/ir/", may: ["ir"] },
  { name: "ops", prefix: "compiler/ops/", may: ["ops", "ir"] },
  { name: "target", prefix: "compiler/target.ts", may: ["ir"] },
  { name: "scalar", prefix: "compiler/interpret-scalar.ts", may: ["ir"] },
  { name: "scalar", prefix: "compiler/interpret-wide.ts", may: ["scalar", "ir"] },
  { name: "autodiff", prefix: "compiler/autodiff/", may: ["autodiff", "ops", "ir"] },
  { name: "routines", prefix: "compiler/routines/", may: ["routines", "ops", "ir", "target"] },
  { name: "passes", prefix: "compiler/passes/", may: ["passes", "routines", "ops", "ir", "target", "scalar"] },
  { name: "js", prefix: "compiler/codegen/js/", may: ["js", "codegen", "ops", "ir", "target"] },
  { name: "wgsl", prefix: "compiler/codegen/wgsl/", may: ["wgsl", "codegen", "ops", "ir", "target"] },
  { name: "codegen", prefix: "compiler/codegen/", may: ["codegen", "ops", "ir", "target"] },
  {
    name: "compiler",
    prefix: "compiler/",
    may: ["compiler", "passes", "routines", "autodiff", "codegen", "js", "wgsl", "ops", "ir", "target", "scalar"],
  },
  { name: "runtime", prefix: "runtime/", may: ["runtime", "ir"] },
  {
    name: "src",
    prefix: "src/",
    may: ["src", "runtime", "compiler", "passes", "routines", "autodiff", "codegen", "js", "wgsl", "ops", "ir", "target", "scalar"],
  },
  { name: "examples", prefix: "examples/", may: ["examples", "src"] },
];

/** The part of the IR that the runtime knows: kernels, plans and the types in them, but no op. */
const runtimeKnows = new Set(["dtype", "errors", "half", "host", "loop", "node", "plan", "shader", "shape"].map((name) => `compiler/ir/${name}.ts`));

const roomOf = (path: string): Room | undefined => rooms.find((room) => path.startsWith(room.prefix));

/** Node's own modules and packages: only where a program starts, or by a dynamic import (browsers load the rest). */
function allowsPackage(path: string, dynamic: boolean): boolean {
  if (path.startsWith("compiler/")) return false;
  if (path.startsWith("src/cli/")) return true;
  return dynamic || !(path.startsWith("src/") || path.startsWith("runtime/"));
}

/** What is wrong with the imports of a file, as positions and reasons. */
export function wrongImports(file: SourceFile): { readonly start: number; readonly why: string }[] {
  const room = roomOf(file.path);
  if (room === undefined) return [];
  return file.imports.flatMap(({ target, relative, dynamic, start }) => {
    if (!relative) return allowsPackage(file.path, dynamic) ? [] : [{ start, why: `imports ${target}` }];
    const other = roomOf(target);
    const allowed = other !== undefined && room.may.includes(other.name);
    if (!allowed) return [{ start, why: `${room.name} imports ${target}` }];
    if (room.name === "runtime" && other.name === "ir" && !runtimeKnows.has(target)) return [{ start, why: `the runtime imports ${target}` }];
    return [];
  });
}

type Colour = "open" | "done";

/** A cycle as a list of paths that ends where it began, or null. Depth first with an explicit stack. */
export function findCycle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const colour = new Map<string, Colour>();
  for (const start of imports.keys()) {
    if (colour.has(start)) continue;
    const path: { readonly name: string; next: number }[] = [{ name: start, next: 0 }];
    colour.set(start, "open");
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = imports.get(top.name)?.[top.next++];
      if (target === undefined) {
        colour.set(top.name, "done");
        path.pop();
      } else if (colour.get(target) === "open") {
        const names = path.map((step) => step.name);
        return [...names.slice(names.indexOf(target)), target];
      } else if (!colour.has(target)) {
        colour.set(target, "open");
        path.push({ name: target, next: 0 });
      }
    }
  }
  return null;
}
