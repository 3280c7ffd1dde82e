/** Stores that combine with what is there. WGSL has atomics of i32 and u32 only: the others compare and exchange their bits. */
import { s, variable } from "../../ir/expr.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Store } from "../../ir/loop.ts";
import type { Scope } from "./expression.ts";
import { spellOne } from "./expression.ts";
import type { Memory } from "./memory.ts";
import { fromCell, loadText, storeText, toCell } from "./memory.ts";

export type Combination = NonNullable<Store["atomic"]>;

/** Booleans combine as in ors (add, max) and ands (mul, min). */
function combined(op: Combination, a: Expr, b: Expr): Expr {
  if (a.dtype !== "bool") return s[op](a, b);
  return op === "add" || op === "max" ? s.or(a, b) : s.and(a, b);
}

const native: Readonly<Record<Combination, string | undefined>> = { add: "atomicAdd", min: "atomicMin", max: "atomicMax", mul: undefined };

function nativeName(m: Memory, op: Combination): string | undefined {
  if (m.dtype === "bool") return op === "add" || op === "max" ? "atomicOr" : "atomicAnd";
  const sameNumbers = (m.dtype === "int32" && m.cell === "i32") || m.dtype === "uint32";
  return sameNumbers ? native[op] : undefined;
}

/** Combines `value` into the element at `place`. */
export function atomicLines(m: Memory, place: string, op: Combination, value: string, scope: Scope): string[] {
  const name = m.atomic ? nativeName(m, op) : undefined;
  if (name !== undefined) return [`${name}(&${place}, ${toCell(m, value)});`];
  const [word, old, operand] = [scope.names.fresh("word"), scope.names.fresh("old"), scope.names.fresh("operand")];
  const lines: string[] = [];
  const text = spellOne(combined(op, variable(old, m.dtype), variable(operand, m.dtype)), scope, lines);
  const given = `let ${operand} = ${value};`;
  if (!m.atomic) return [given, `let ${old} = ${loadText(m, place)};`, ...lines, storeText(m, place, text)];
  const swap = scope.names.fresh("swap");
  return [
    given,
    "loop {",
    `  let ${word} = atomicLoad(&${place});`,
    `  let ${old} = ${fromCell(m, word)};`,
    ...lines.map((line) => `  ${line}`),
    `  let ${swap} = atomicCompareExchangeWeak(&${place}, ${word}, ${toCell(m, text)});`,
    `  if (${swap}.exchanged) { break; }`,
    "}",
  ];
}
