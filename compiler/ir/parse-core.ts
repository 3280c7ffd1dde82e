/** What the three parsers share: tokens that know their line and column, and types, names and numbers made of them. */
import type { DType, Numeric } from "./dtype.ts";
import { dtypeFromShort } from "./dtype.ts";
import { ParseError } from "./errors.ts";
import type { TensorType } from "./shape.ts";
import { tensorType } from "./shape.ts";

/**
 * word `reduce` · number `1.5f32` (digits, then a suffix) · ref `%x.1` · global `@loss` · string `"…"` · mark `->` · end of text.
 * `name` is the name of a ref or global without sign and quotes, the content of a string, the digits of a number.
 */
export interface Token {
  readonly kind: "word" | "number" | "ref" | "global" | "string" | "mark" | "end";
  readonly text: string;
  readonly name: string;
  /** The letters after the digits of a number, the result index of a ref; else "". */
  readonly suffix: string;
  readonly line: number;
  readonly column: number;
}

const quoted = String.raw`"(?:[^"\\\n]|\\.)*"`;
const blank = /(?:[ \t\r\n]|;[^\n]*)*/y;
// groups: word, digits and unit of a number, name and result of a ref, global, string
const lexeme = new RegExp(
  [
    String.raw`([A-Za-z_][A-Za-z0-9_]*)`,
    String.raw`(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([A-Za-z_0-9]*)`,
    String.raw`%([A-Za-z0-9_]+|${quoted})(?:\.(\d+))?`,
    String.raw`@([A-Za-z0-9_]+|${quoted})`,
    `(${quoted})`,
    String.raw`(?:\.\.|->|<=|>=|==|!=|<<|>>|[-{}()[\]=,:+*/<>$#])`,
  ].join("|"),
  "y",
);

/** A stream of tokens with one token of sight. */
export class Tokens {
  readonly #text: string;
  #position = 0;
  #line = 1;
  #lineStart = 0;
  #ahead: Token;

  constructor(text: string) {
    this.#text = text;
    this.#ahead = this.#scan();
  }

  /** The token that comes next. */
  get peek(): Token {
    return this.#ahead;
  }

  next(): Token {
    const token = this.#ahead;
    if (token.kind !== "end") this.#ahead = this.#scan();
    return token;
  }

  /** Whether the next token is this word or mark. */
  sees(text: string): boolean {
    const { kind } = this.#ahead;
    return this.#ahead.text === text && (kind === "word" || kind === "mark");
  }

  /** Consumes the next token where it is this word or mark. */
  take(text: string): boolean {
    const found = this.sees(text);
    if (found) this.next();
    return found;
  }

  /** Consumes this word or mark, or throws a ParseError that says what was expected where. */
  expect(text: string, where: string): Token {
    if (!this.sees(text)) throw this.error(`expected ${text} ${where}, found ${shown(this.#ahead)}`);
    return this.next();
  }

  /** Consumes a token of this kind. */
  expectKind(kind: Token["kind"], what: string): Token {
    if (this.#ahead.kind !== kind) throw this.error(`expected ${what}, found ${shown(this.#ahead)}`);
    return this.next();
  }

  /** A ParseError at a token; at the next one by default. */
  error(message: string, token: Token = this.#ahead): ParseError {
    return new ParseError(message, token.line, token.column);
  }

  #skipBlank(): void {
    blank.lastIndex = this.#position;
    const skipped = blank.exec(this.#text)?.[0] ?? "";
    for (let i = skipped.indexOf("\n"); i >= 0; i = skipped.indexOf("\n", i + 1)) {
      this.#line++;
      this.#lineStart = this.#position + i + 1;
    }
    this.#position += skipped.length;
  }

  #scan(): Token {
    this.#skipBlank();
    const [line, column] = [this.#line, this.#position - this.#lineStart + 1];
    if (this.#position >= this.#text.length) return { kind: "end", text: "", name: "", suffix: "", line, column };
    lexeme.lastIndex = this.#position;
    const found = lexeme.exec(this.#text);
    if (found === null) throw new ParseError(`unexpected character ${JSON.stringify(this.#text.charAt(this.#position))}`, line, column);
    this.#position += found[0].length;
    return classify(found, line, column);
  }
}

function classify(found: RegExpExecArray, line: number, column: number): Token {
  const [text, word, digits, unit = "", ref, result = "", global, string] = found;
  if (word !== undefined) return { kind: "word", text, name: word, suffix: "", line, column };
  if (digits !== undefined) return { kind: "number", text, name: digits, suffix: unit, line, column };
  if (ref !== undefined) return { kind: "ref", text, name: unquoted(ref, line, column), suffix: result, line, column };
  if (global !== undefined) return { kind: "global", text, name: unquoted(global, line, column), suffix: "", line, column };
  if (string !== undefined) return { kind: "string", text, name: unquoted(string, line, column), suffix: "", line, column };
  return { kind: "mark", text, name: "", suffix: "", line, column };
}

function unquoted(name: string, line: number, column: number): string {
  if (!name.startsWith('"')) return name;
  try {
    return String(JSON.parse(name));
  } catch {
    throw new ParseError(`a string that is not JSON: ${name}`, line, column);
  }
}

/** How a token is named in an error. */
export const shown = (token: Token): string => (token.kind === "end" ? "the end of the text" : token.text);

/** A name after its sign: bare where it is an identifier, else quoted. */
export const nameText = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name));

/** A number so that it parses back: -0, NaN and the infinities keep themselves. */
export const numberText = (x: Numeric): string => (Object.is(x, -0) ? "-0" : String(x));

/** `-1.5e-7`, `NaN`, `-Infinity`. */
export const parseNumber = (tokens: Tokens): number => Number(parseNumeric(tokens));

/** A number, or a bigint where digits say more than a number holds. */
export function parseNumeric(tokens: Tokens): Numeric {
  const sign = tokens.take("-") ? -1 : 1;
  const token = tokens.next();
  if (token.kind === "word" && (token.name === "NaN" || token.name === "Infinity")) return sign * Number(token.name);
  if (token.kind !== "number") throw tokens.error(`expected a number, found ${shown(token)}`, token);
  if (token.suffix !== "") throw tokens.error(`bad number ${token.text}`, token);
  const value = sign * Number(token.name);
  return Number.isInteger(value) && !Number.isSafeInteger(value) && /^\d+$/.test(token.name) ? BigInt(sign) * BigInt(token.name) : value;
}

/** A count: an integer, zero or more. */
export function parseCount(tokens: Tokens, what: string): number {
  const token = tokens.expectKind("number", what);
  const value = Number(token.name);
  if (token.suffix !== "" || !Number.isSafeInteger(value)) throw tokens.error(`expected ${what}, found ${token.text}`, token);
  return value;
}

/** `f32` */
export function parseDType(tokens: Tokens): DType {
  const token = tokens.expectKind("word", "a dtype");
  const dtype = dtypeFromShort(token.name);
  if (dtype === undefined) throw tokens.error(`unknown dtype ${token.name}`, token);
  return dtype;
}

/** `f32[2,3]` */
export function parseType(tokens: Tokens): TensorType {
  const dtype = parseDType(tokens);
  tokens.expect("[", "before the shape of a type");
  return tensorType(
    dtype,
    parseList(tokens, "]", "in a shape", () => parseCount(tokens, "an axis length")),
  );
}

/** Items with commas between them, up to and with the closing mark. */
export function parseList<T>(tokens: Tokens, close: string, where: string, item: () => T): T[] {
  const list: T[] = [];
  if (tokens.take(close)) return list;
  do list.push(item());
  while (tokens.take(","));
  tokens.expect(close, where);
  return list;
}
