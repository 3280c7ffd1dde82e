/** Expressions: shared sub-expressions become lets, and so do deep ones, since shader parsers bound their recursion. */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Memory } from "./memory.ts";
import { loadText, offsetText } from "./memory.ts";
import type { Names } from "./names.ts";
import type { Needs } from "./scalar.ts";
import { constantText, operationText, wgslType } from "./scalar.ts";

/** Levels of parentheses that one text may have. */
const deepest = 16;

/** What expressions are spelled against. */
export interface Scope extends Needs {
  readonly names: Names;
  readonly memory: (name: string) => Memory;
  /** The text of a scalar parameter, or undefined for other names. */
  readonly parameter: (name: string) => string | undefined;
}

/** The text without parentheses around the whole of it. */
export function bare(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let open = 0;
  for (let i = 0; i < text.length - 1; i++) {
    if (text[i] === "(") open++;
    if (text[i] === ")" && --open === 0) return text;
  }
  return text.slice(1, -1);
}

interface Spelled {
  readonly text: string;
  readonly depth: number;
}

const isLeaf = (e: Expr): boolean => e.op === "const" || e.op === "var" || e.op === "axis";

function leafText(e: Expr, scope: Scope): string {
  if (e.op === "const") return constantText(e.value, e.dtype, scope);
  return scope.parameter(e.name) ?? scope.names.of(e.name);
}

function nodeText(e: Expr, args: readonly string[], scope: Scope): string {
  if (e.op === "arg") throw new CompilerBug("an argument of a template was not substituted");
  if (e.op !== "load") return operationText(e, args, scope);
  const m = scope.memory(e.name);
  const value = loadText(m, `${m.ident}[${offsetText(m, at(e.args, 0), bare(at(args, 0)))}]`);
  const guard = args[1];
  return guard === undefined ? value : `select(${constantText(0, e.dtype, scope)}, ${value}, ${guard})`;
}

/** How often each node is an operand, or a root. */
function countUses(order: readonly Expr[], roots: readonly Expr[]): Map<Expr, number> {
  const uses = new Map<Expr, number>();
  const count = (e: Expr): void => void uses.set(e, (uses.get(e) ?? 0) + 1);
  for (const e of order) e.args.forEach(count);
  roots.forEach(count);
  return uses;
}

/**
 * The texts of `roots`; the lets that they use are appended to `lines`.
 * An operation on constants alone takes the first from a let: WGSL would compute it while compiling, where overflow is an error.
 */
export function spell(roots: readonly Expr[], scope: Scope, lines: string[]): string[] {
  const order = exprOrder(roots);
  const uses = countUses(order, roots);
  const done = new Map<Expr, Spelled>();
  const bind = (text: string, hint: string): Spelled => {
    const word = scope.names.fresh(hint);
    lines.push(`let ${word} = ${bare(text)};`);
    return { text: word, depth: 0 };
  };
  for (const e of order) {
    if (isLeaf(e)) {
      done.set(e, { text: leafText(e, scope), depth: 0 });
      continue;
    }
    const args = e.args.map((a) => lookup(done, a, "an operand"));
    const texts = args.map((a) => a.text);
    if (e.op !== "load" && e.op !== "select" && e.args.every((a) => a.op === "const")) texts[0] = bind(at(texts, 0), "c").text;
    const depth = 1 + Math.max(0, ...args.map((a) => a.depth));
    const text = nodeText(e, texts, scope);
    done.set(e, (uses.get(e) ?? 0) > 1 || depth > deepest ? bind(text, "t") : { text, depth });
  }
  return roots.map((e) => lookup(done, e, "a root").text);
}

/** A text like `spell`'s, of one expression that stands alone: right of `=`, in brackets or parentheses. */
export const spellOne = (e: Expr, scope: Scope, lines: string[]): string => bare(at(spell([e], scope, lines), 0));

/** `var name: f32 = value;` */
export const variableText = (ident: string, e: Expr, value: string): string => `var ${ident}: ${wgslType(e.dtype)} = ${bare(value)};`;
