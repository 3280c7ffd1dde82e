/** Texts of JavaScript expressions that know how strongly they bind, and what puts them together. */
import type { Expr } from "../../ir/expr.ts";

/** A text with the binding strength of its outermost operator. */
export interface Spelling {
  readonly text: string;
  readonly level: number;
}

/** Binding strengths, loosest first. */
export const level = {
  conditional: 2,
  or: 4,
  and: 5,
  bitOr: 6,
  bitXor: 7,
  bitAnd: 8,
  equality: 9,
  relation: 10,
  shift: 11,
  sum: 12,
  product: 13,
  unary: 15,
  primary: 20,
} as const;

/** What spelling an expression asks of the kernel around it. */
export interface SpellingContext {
  /** Spellings of operands, and of their operands. */
  readonly of: (e: Expr) => Spelling;
  /** The identifier of a var or an axis. */
  readonly name: (e: Expr) => string;
  /** One element of a buffer or local, read from its memory. */
  readonly element: (buffer: string, index: Spelling) => Spelling;
  /** Notes that the module needs a function of the prelude. */
  readonly use: (name: string) => string;
}

export const primary = (text: string): Spelling => ({ text, level: level.primary });
export const call = (name: string, ...args: readonly Spelling[]): Spelling => primary(`${name}(${args.map((a) => a.text).join(", ")})`);
export const wrap = (s: Spelling, least: number): string => (s.level >= least ? s.text : `(${s.text})`);
export const infix = (a: Spelling, operator: string, b: Spelling, strength: number): Spelling => ({
  text: `${wrap(a, strength)} ${operator} ${wrap(b, strength + 1)}`,
  level: strength,
});
export const prefix = (operator: string, a: Spelling): Spelling => {
  const operand = wrap(a, level.unary);
  return { text: operand.startsWith(operator) ? `${operator}(${operand})` : operator + operand, level: level.unary };
};
export const conditional = (c: Spelling, yes: Spelling, no: Spelling): Spelling => ({
  text: `${wrap(c, level.or)} ? ${wrap(yes, level.or)} : ${wrap(no, level.or)}`,
  level: level.conditional,
});
/** Bit operators bind unlike what readers expect, so their operands are always in parentheses. */
export const bits = (a: Spelling, operator: string, b: Spelling, strength: number): Spelling => ({
  text: `${wrap(a, level.unary)} ${operator} ${wrap(b, level.unary)}`,
  level: strength,
});
export const asInt = (a: Spelling): Spelling => bits(a, "|", primary("0"), level.bitOr);
export const asUint = (a: Spelling): Spelling => bits(a, ">>>", primary("0"), level.shift);
/** && and ||, which may be regrouped. */
export const logical = (a: Spelling, operator: string, b: Spelling, strength: number): Spelling => ({
  text: `${wrap(a, strength)} ${operator} ${wrap(b, strength)}`,
  level: strength,
});
