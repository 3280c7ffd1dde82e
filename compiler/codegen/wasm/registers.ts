/** Scratch that is registers: locals of which every access is a whole vector of a vector axis, or one element at a constant index. */
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { bodiesOf, statements } from "../../ir/loop.ts";
import { LinearForms } from "./linear.ts";
import { surveyOf } from "./survey.ts";
import type { VectorLoop } from "./vectors.ts";

/** Elements that a local may have to be kept in registers, and in one local an element. */
const mostLanes = 128;
const mostElements = 16;

/** How a local is kept. */
export type Keeping = "registers" | "elements" | "memory";

export function planRegisters(kernel: Kernel, loops: ReadonlyMap<For, VectorLoop>): Map<string, Keeping> {
  const locals = new Map<string, Local>();
  const lets = new Map<string, Expr>();
  const keepings = new Map<string, Keeping>();
  for (const s of statements(kernel.body)) {
    if (s.kind === "let") lets.set(s.name, s.value);
    if (s.kind !== "local") continue;
    const choice = firstChoice(s);
    keepings.set(s.name, choice);
    // what goes to memory anyway needs no look at its accesses
    if (choice !== "memory") locals.set(s.name, s);
  }
  if (locals.size === 0) return keepings;
  const forms = new LinearForms((name) => indexOf(lets.get(name)));
  const access = (name: string, index: Expr, seen: { readonly loop: VectorLoop | null; readonly isPlain: boolean }): void => {
    if (!locals.has(name)) return;
    const kind = seen.isPlain ? accessKind(index, seen.loop, forms) : "other";
    if (kind === "other") keepings.set(name, "memory");
    else if (kind === "lanes" && keepings.get(name) === "elements") keepings.set(name, "registers");
  };
  const walk = (list: readonly Stmt[], loop: VectorLoop | null): void => {
    for (const s of list) {
      for (const e of surveyOf(s).loads) access(e.name, e.args[0] ?? e, { loop, isPlain: e.args.length === 1 });
      if (s.kind === "store") access(s.buffer, s.index, { loop, isPlain: s.guard === undefined && s.atomic === undefined });
      const inner = s.kind === "for" ? (loops.get(s) ?? loop) : loop;
      for (const body of bodiesOf(s)) walk(body, inner);
    }
  };
  walk(kernel.body, null);
  for (const [name, l] of locals) if (keepings.get(name) === "elements" && l.size > mostElements) keepings.set(name, "memory");
  return keepings;
}

/** What an index may be looked at through: an int32 let without loads. */
const indexOf = (value: Expr | undefined): Expr | undefined =>
  value?.dtype === "int32" && exprOrder([value]).every((e) => e.op !== "load") ? value : undefined;

/** One local an element until a vector is met; a narrow dtype must be rounded to, which memory does. */
const firstChoice = (l: Local): Keeping => (l.size > mostLanes || (l.dtype !== "bool" && dtypeInfo(l.dtype).bytes < 4) ? "memory" : "elements");

function accessKind(index: Expr, loop: VectorLoop | null, forms: LinearForms): "element" | "lanes" | "other" {
  const { terms, offset } = forms.of(index);
  const [only, second] = terms;
  if (only === undefined) return "element";
  if (loop === null || second !== undefined || only.coefficient !== 1 || only.atom.name !== loop.axis.name) return "other";
  const { lo } = loop.axis;
  return lo.op === "const" && lo.value + offset >= 0 && (lo.value + offset) % 4 === 0 ? "lanes" : "other";
}
