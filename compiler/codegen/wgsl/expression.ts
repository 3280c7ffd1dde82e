/** Expressions: shared sub-expressions become lets, and so do deep ones, since shader parsers bound their recursion. */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { Axis } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Steps } from "../../ir/steps.ts";
import type { Memory } from "./memory.ts";
import { cellsText, fromCells, loadText, offsetText, placeText, vectorPlaceText } from "./memory.ts";
import type { Names } from "./names.ts";
import type { Needs } from "./scalar.ts";
import { constantText, fourWords, mixes, oneWord, operationText, splat, wgslType } from "./scalar.ts";

/** Levels of parentheses that one text may have. */
const deepest = 16;

/** What expressions are spelled against. */
export interface Scope extends Needs {
  readonly names: Names;
  readonly memory: (name: string) => Memory;
  /** The text of a scalar parameter, or undefined for other names. */
  readonly parameter: (name: string) => string | undefined;
  /** Inside of a loop whose four iterations are spelled as one: its axis, the text of its first value, and what names do. */
  readonly vector: { readonly axis: Axis; readonly first: string; readonly steps: Steps } | null;
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

/**
 * What an expression is among the iterations of a vector: `one` value for all; the `first` of four that go up by a known number;
 * `four` values.
 */
type Form = "one" | "first" | "four";

interface Spelled {
  readonly text: string;
  readonly depth: number;
  readonly form: Form;
}

const isLeaf = (e: Expr): boolean => e.op === "const" || e.op === "var" || e.op === "axis";

function formOf(e: Expr, scope: Scope): Form {
  const stride = scope.vector === null ? 0 : scope.vector.steps.of(e).stride;
  if (stride === 0) return "one";
  return stride === undefined || e.dtype !== "int32" ? "four" : "first";
}

function leafText(e: Expr, scope: Scope): string {
  if (e.op === "const") return constantText(e.value, e.dtype, scope);
  if (e.op === "axis" && e.name === scope.vector?.axis.name) return scope.vector.first;
  return scope.parameter(e.name) ?? scope.names.of(e.name);
}

/** The first value of an index, where that is a number or a name. */
function firstLeaf(e: Expr, scope: Scope): Expr | null {
  const axis = scope.vector?.axis;
  if (axis === undefined) return null;
  const first = addIndex(exprMapper((part) => (part.op === "axis" && part.name === axis.name ? axis.lo : part))(e), 0);
  return isLeaf(first) ? first : null;
}

type Bind = (text: string) => string;

function nodeText(e: Expr, args: readonly Spelled[], scope: Scope, bind: Bind): string {
  if (e.op === "arg") throw new CompilerBug("an argument of a template was not substituted");
  if (formOf(e, scope) === "four") return fourText(e, args, scope, bind);
  const texts = args.map((a) => a.text);
  if (e.op !== "load") return operationText(e, texts, oneWord(scope));
  const m = scope.memory(e.name);
  const value = loadText(m, placeText(m, offsetText(m, bare(at(texts, 0))), bind));
  const guard = texts[1];
  return guard === undefined ? value : `select(${constantText(0, e.dtype, scope)}, ${value}, ${guard})`;
}

/** An operation on four elements at once, or four loads. */
function fourText(e: Expr, args: readonly Spelled[], scope: Scope, bind: Bind): string {
  const words = fourWords(scope);
  const isCondition = (i: number): boolean => (e.op === "select" || e.op === "rare") && i === 0;
  const keeps = (a: Spelled, i: number): boolean => a.form === "one" && (mixes.has(e.op) || isCondition(i));
  if (e.op !== "load")
    return operationText(
      e,
      args.map((a, i) => (keeps(a, i) ? a.text : widened(a, at(e.args, i), scope))),
      words,
    );
  const value = fourLoads(e, at(args, 0), scope, bind);
  const guard = args[1];
  return guard === undefined ? value : `select(${words.constant(0, e.dtype)}, ${value}, ${guard.text})`;
}

/** Four values, whatever the expression is. */
function widened(a: Spelled, e: Expr, scope: Scope): string {
  if (a.form === "four") return a.text;
  if (a.form === "one") return splat(bare(a.text), e.dtype);
  const stride = scope.vector?.steps.of(e).stride ?? 1;
  return `(${a.text} + ${stride === 1 ? "" : `${stride}i * `}${scope.helper("steps")})`;
}

function fourLoads(e: Expr, index: Spelled, scope: Scope, bind: Bind): string {
  const m = scope.memory(e.name);
  const where = at(e.args, 0);
  const offset = (text: string): string => offsetText(m, text);
  if (index.form === "one") return splat(loadText(m, placeText(m, offset(bare(index.text)), bind)), e.dtype);
  const whole = scope.vector?.steps.isWhole(where) === true;
  if (m.wide && whole) return fromCells(m, vectorPlaceText(m, offset(bare(index.text))));
  return cellsText(
    m,
    elementTexts(index, where, scope, bind).map((text) => placeText(m, offset(text), bind)),
  );
}

/** The texts of the four values of an int32 expression. */
function elementTexts(a: Spelled, e: Expr, scope: Scope, bind: Bind): string[] {
  if (a.form === "one") return [a.text, a.text, a.text, a.text];
  if (a.form === "four") {
    const word = bind(a.text);
    return ["x", "y", "z", "w"].map((c) => `${word}.${c}`);
  }
  const stride = scope.vector?.steps.of(e).stride ?? 1;
  const first = a.text.length > 24 ? bind(a.text) : a.text;
  return [0, 1, 2, 3].map((k) => (k === 0 ? bare(first) : `${first} + ${k * stride}i`));
}

/** How often each node is an operand, or a root. */
function countUses(order: readonly Expr[], roots: readonly Expr[]): Map<Expr, number> {
  const uses = new Map<Expr, number>();
  const count = (e: Expr): void => void uses.set(e, (uses.get(e) ?? 0) + 1);
  for (const e of order) e.args.forEach(count);
  roots.forEach(count);
  return uses;
}

/** Comparisons of floats look at their operands again, for NaN. */
const spelledTwice = (e: Expr): boolean => e.op !== "isnan" && e.dtype === "bool" && e.args[0]?.dtype === "float32" && e.args.length === 2;

const isWord = (text: string): boolean => /^\w+$/.test(text);

/** Gives texts names by lets. */
function binder(scope: Scope, lines: string[]): (text: string, hint: string) => string {
  return (text, hint) => {
    const word = scope.names.fresh(hint);
    lines.push(`let ${word} = ${bare(text)};`);
    return word;
  };
}

/**
 * The texts of `roots`; the lets that they use are appended to `lines`.
 * An operation on constants alone takes the first from a let: WGSL would compute it while compiling, where overflow is an error.
 */
export function spell(roots: readonly Expr[], scope: Scope, lines: string[]): string[] {
  return spellAll(roots, scope, lines).map((a) => a.text);
}

function spellAll(roots: readonly Expr[], scope: Scope, lines: string[]): Spelled[] {
  const order = exprOrder(roots);
  const uses = countUses(order, roots);
  const done = new Map<Expr, Spelled>();
  const bind = binder(scope, lines);
  for (const e of order) {
    const form = formOf(e, scope);
    if (isLeaf(e)) {
      done.set(e, { text: leafText(e, scope), depth: 0, form });
      continue;
    }
    const leaf = form === "first" ? firstLeaf(e, scope) : null;
    if (leaf !== null) {
      done.set(e, { text: leafText(leaf, scope), depth: 0, form });
      continue;
    }
    const args = e.args.map((a) => lookup(done, a, "an operand"));
    const [first] = args;
    if (first !== undefined && e.op !== "load" && e.op !== "select" && e.args.every((a) => a.op === "const"))
      args[0] = { ...first, text: bind(first.text, "c") };
    if (spelledTwice(e)) args.forEach((a, i) => void (args[i] = a.depth === 0 ? a : { ...a, text: bind(a.text, "t"), depth: 0 }));
    const depth = 1 + Math.max(0, ...args.map((a) => a.depth));
    const text = nodeText(e, args, scope, (part) => (isWord(part) ? part : bind(part, "at")));
    done.set(e, (uses.get(e) ?? 0) > 1 || depth > deepest ? { text: bind(text, "t"), depth: 0, form } : { text, depth, form });
  }
  return roots.map((e) => lookup(done, e, "a root"));
}

/** The texts of four values of each of `roots`; the lets that they use are appended to `lines`. */
export function spellFour(roots: readonly Expr[], scope: Scope, lines: string[]): string[] {
  return spellAll(roots, scope, lines).map((a, i) => widened(a, at(roots, i), scope));
}

/** The texts of the four values of an index, one by one. */
export function spellElements(index: Expr, scope: Scope, lines: string[]): string[] {
  const bind = binder(scope, lines);
  return elementTexts(at(spellAll([index], scope, lines), 0), index, scope, (text) => (isWord(text) ? text : bind(text, "at")));
}

/** A text like `spell`'s, of one expression that stands alone: right of `=`, in brackets or parentheses. */
export const spellOne = (e: Expr, scope: Scope, lines: string[]): string => bare(at(spell([e], scope, lines), 0));

/** `var name: f32 = value;` */
export const variableText = (ident: string, e: Expr, value: string): string => `var ${ident}: ${wgslType(e.dtype)} = ${bare(value)};`;
