/** Scratch that is registers: locals of which every access is a whole vector of a vector axis, or one element at a constant index. */
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import type { For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { bodiesOf, statements } from "../../ir/loop.ts";
import type { LinearForms } from "./linear.ts";
import type { VectorLoop } from "./vectors.ts";
import { loadsOf } from "./vectors.ts";

/** Elements that a local may have to be kept in registers, and in one local an element. */
const mostLanes = 128;
const mostElements = 16;

/** How a local is kept. */
export type Keeping = "registers" | "elements" | "memory";

export function planRegisters(kernel: Kernel, loops: ReadonlyMap<For, VectorLoop>, forms: LinearForms): Map<string, Keeping> {
  const locals = new Map([...statements(kernel.body)].flatMap((s): [string, Local][] => (s.kind === "local" ? [[s.name, s]] : [])));
  const keepings = new Map<string, Keeping>([...locals].map(([name, l]) => [name, firstChoice(l)]));
  if (locals.size === 0) return keepings;
  const access = (name: string, index: Expr, seen: { readonly loop: VectorLoop | null; readonly isPlain: boolean }): void => {
    if (!locals.has(name)) return;
    const kind = seen.isPlain ? accessKind(index, seen.loop, forms) : "other";
    if (kind === "other" || (kind === "lanes" && !fitsRegisters(locals.get(name)))) keepings.set(name, "memory");
    else if (kind === "lanes" && keepings.get(name) === "elements") keepings.set(name, "registers");
  };
  const walk = (list: readonly Stmt[], loop: VectorLoop | null): void => {
    for (const s of list) {
      for (const e of loadsOf(s)) access(e.name, e.args[0] ?? e, { loop, isPlain: e.args.length === 1 });
      if (s.kind === "store") access(s.buffer, s.index, { loop, isPlain: s.guard === undefined && s.atomic === undefined });
      const inner = s.kind === "for" ? (loops.get(s) ?? loop) : loop;
      for (const body of bodiesOf(s)) walk(body, inner);
    }
  };
  walk(kernel.body, null);
  for (const [name, l] of locals) if (keepings.get(name) === "elements" && l.size > mostElements) keepings.set(name, "memory");
  return keepings;
}

/** One local an element until a vector is met; a narrow dtype must be rounded to, which memory does. */
const firstChoice = (l: Local): Keeping => (l.dtype !== "bool" && dtypeInfo(l.dtype).bytes < 4 ? "memory" : "elements");
const fitsRegisters = (l: Local | undefined): boolean => l !== undefined && l.size <= mostLanes;

function accessKind(index: Expr, loop: VectorLoop | null, forms: LinearForms): "element" | "lanes" | "other" {
  const { terms, offset } = forms.of(index);
  const [only, second] = terms;
  if (only === undefined) return "element";
  if (loop === null || second !== undefined || only.coefficient !== 1 || only.atom.name !== loop.axis.name) return "other";
  const { lo } = loop.axis;
  return lo.op === "const" && lo.value + offset >= 0 && (lo.value + offset) % 4 === 0 ? "lanes" : "other";
}
