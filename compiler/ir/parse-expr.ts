/** Scalar expressions from text; `print-expr.ts` shows the form. */
import type { DType } from "./dtype.ts";
import { dtypeFromShort, dtypeInfo, isFloat, isWide, registerDType } from "./dtype.ts";
import { at, CompilerBug, DTypeError } from "./errors.ts";
import type { Expr, ScalarOp } from "./expr.ts";
import { apply, argument, constant, exactValue, isScalarOp, load, scalarArity, wideningLoad, withRange } from "./expr.ts";
import type { Token, Tokens } from "./parse-core.ts";
import { parseCount, parseDType, parseList, shown } from "./parse-core.ts";
import { infixes, unaryLevel } from "./print-expr.ts";
import { rangeOf } from "./ranges.ts";

/** What names mean where an expression stands. */
export interface ExprScope {
  /** A scalar or an axis. */
  readonly scalar: (name: string) => Expr | undefined;
  /** The dtype of a buffer or a local. */
  readonly buffer: (name: string) => DType | undefined;
  /** What `#n` stands for. */
  readonly abbreviations: ReadonlyMap<number, Expr>;
  /** The dtypes of `$0`, `$1` …; empty outside templates. */
  readonly args: readonly DType[];
}

const byMark: ReadonlyMap<string, { readonly op: ScalarOp; readonly level: number }> = new Map(
  [...infixes].flatMap(([op, { mark, level }]) => (isScalarOp(op) && op !== "idiv" ? [[mark, { op, level }] as const] : [])),
);

/** Brackets and calls may nest this deep; the printer stays far below. */
const deepest = 400;

/** Reads one expression; `level` is what it must bind at least as closely as. */
export function parseExpr(tokens: Tokens, scope: ExprScope): Expr {
  return new ExprParser(tokens, scope).infix(0);
}

class ExprParser {
  readonly #tokens: Tokens;
  readonly #scope: ExprScope;
  #depth = 0;

  constructor(tokens: Tokens, scope: ExprScope) {
    this.#tokens = tokens;
    this.#scope = scope;
  }

  infix(level: number): Expr {
    const t = this.#tokens;
    if (++this.#depth > deepest) throw t.error("the expression nests too deep");
    let left = this.#unary();
    for (let row = this.#infixHere(level); row !== undefined; row = this.#infixHere(level)) {
      const token = t.next();
      const right = this.infix(row.level + 1);
      const op = row.op === "div" && !isFloat(left.dtype) ? "idiv" : row.op;
      left = this.#apply(op, [left, right], token);
      if (row.level === 4 && this.#infixHere(4)?.level === 4) throw t.error("comparisons do not chain: write brackets");
    }
    this.#depth--;
    return left;
  }

  #infixHere(level: number): { readonly op: ScalarOp; readonly level: number } | undefined {
    const { kind, text } = this.#tokens.peek;
    const row = kind === "mark" || kind === "word" ? byMark.get(text) : undefined;
    return row !== undefined && row.level >= level ? row : undefined;
  }

  #unary(): Expr {
    const t = this.#tokens;
    const token = t.peek;
    if (!t.take("-")) return this.#primary();
    const next = t.peek;
    if (next.kind === "number" || nonFinite(next) !== undefined) return this.#constant(t.next(), -1);
    return this.#apply("neg", [this.infix(unaryLevel)], token);
  }

  #primary(): Expr {
    const t = this.#tokens;
    const token = t.next();
    switch (token.kind) {
      case "number":
        return this.#constant(token, 1);
      case "ref":
        return this.#scalar(token);
      case "word":
        return this.#word(token);
      default:
        return this.#marked(token);
    }
  }

  #marked(token: Token): Expr {
    const t = this.#tokens;
    if (token.text === "(") {
      const inner = this.infix(0);
      t.expect(")", "after a bracketed expression");
      return inner;
    }
    if (token.text === "#") {
      const known = this.#scope.abbreviations.get(parseCount(t, "the number of an abbreviation"));
      if (known === undefined) throw t.error("unknown abbreviation", token);
      return known;
    }
    if (token.text === "$") {
      const n = parseCount(t, "the number of an argument");
      const dtype = this.#scope.args[n];
      if (dtype === undefined) throw t.error(`there is no argument $${n} here`, token);
      return argument(n, dtype);
    }
    throw t.error(`expected an expression, found ${shown(token)}`, token);
  }

  #scalar(token: Token): Expr {
    const found = this.#scope.scalar(token.name);
    if (found === undefined || token.suffix !== "") throw this.#tokens.error(`unknown scalar or axis ${token.text}`, token);
    return found;
  }

  #word(token: Token): Expr {
    const t = this.#tokens;
    const { name } = token;
    if (name === "true" || name === "false") return constant(name === "true" ? 1 : 0, "bool");
    if (nonFinite(token) !== undefined) return this.#constant(token, 1);
    if (name === "load") return this.#load();
    const dtype = name === "bitcast" ? parseDType(t) : dtypeFromShort(name);
    if (dtype !== undefined) return this.#convert(name === "bitcast" ? "bitcast" : "cast", dtype, token);
    if (!isScalarOp(name) || name === "cast") throw t.error(`unknown operation ${name}`, token);
    return this.#apply(name, this.#args(), token);
  }

  #args(): Expr[] {
    this.#tokens.expect("(", "before the operands");
    return parseList(this.#tokens, ")", "after the operands", () => this.infix(0));
  }

  #load(): Expr {
    const t = this.#tokens;
    const wider = t.peek.kind === "word" ? parseDType(t) : undefined;
    const token = t.expectKind("ref", "a buffer, as %x");
    const dtype = this.#scope.buffer(token.name);
    if (wider !== undefined && dtype !== undefined && registerDType(dtype) !== wider)
      throw t.error(`${token.text} holds ${dtype}, which does not widen to ${wider}`, token);
    if (dtype === undefined || token.suffix !== "") throw t.error(`unknown buffer or local ${token.text}`, token);
    t.expect("[", "before an index");
    const index = this.infix(0);
    const guard = t.take("if") ? this.infix(0) : undefined;
    t.expect("]", "after an index");
    return wider === undefined ? load(token.name, dtype, index, guard) : wideningLoad(token.name, wider, index, guard);
  }

  #convert(op: "cast" | "bitcast", dtype: DType, token: Token): Expr {
    const args = this.#args();
    if (args.length !== 1) throw this.#tokens.error(`a ${op} takes one operand`, token);
    const x = at(args, 0);
    if (op === "bitcast" && dtypeInfo(x.dtype).bytes !== dtypeInfo(dtype).bytes)
      throw this.#tokens.error(`bitcast ${x.dtype} to ${dtype}: widths differ`, token);
    return this.#apply(op, args, token, dtype);
  }

  #apply(op: ScalarOp, args: readonly Expr[], token: Token, dtype?: DType): Expr {
    const t = this.#tokens;
    if (args.length !== scalarArity(op)) throw t.error(`${op} takes ${scalarArity(op)} operands, not ${args.length}`, token);
    const selects = op === "select" || op === "rare";
    if (selects && at(args, 0).dtype !== "bool") throw t.error(`the condition of ${op} should be a bool`, token);
    if (selects && at(args, 1).dtype !== at(args, 2).dtype) throw t.error(`${op} mixes ${at(args, 1).dtype} and ${at(args, 2).dtype}`, token);
    try {
      const e = apply(op, args, dtype);
      const { lo, hi } = rangeOf(op, args, e.dtype, at(args, 0).dtype);
      return withRange(e, lo, hi);
    } catch (e) {
      if (e instanceof CompilerBug) throw t.error(e.message, token);
      throw e;
    }
  }

  #constant(token: Token, sign: 1 | -1): Expr {
    const t = this.#tokens;
    const unit = token.kind === "word" ? (nonFinite(token)?.unit ?? "") : token.suffix;
    const dtype = unit === "" ? "int32" : dtypeFromShort(unit);
    if (dtype === undefined) throw t.error(`bad number ${token.text}: unknown dtype ${unit}`, token);
    const digits = token.kind === "word" ? (nonFinite(token)?.name ?? "") : token.name;
    const value = isWide(dtype) && /^\d+$/.test(digits) ? BigInt(sign) * BigInt(digits) : sign * Number(digits);
    try {
      const e = constant(value, dtype);
      if (!isFloat(dtype) && exactValue(e) !== value) throw t.error(`${token.text} is no ${dtype}; a float is written with its dtype, as 1.5f32`, token);
      return e;
    } catch (e) {
      if (e instanceof DTypeError) throw t.error(e.message, token);
      throw e;
    }
  }
}

/** `Infinity_f32` and `NaN_f64` are words to the tokenizer: their name and dtype. */
function nonFinite(token: Token): { readonly name: string; readonly unit: string } | undefined {
  const [name, unit, ...rest] = token.kind === "word" ? token.name.split("_") : [];
  return (name === "NaN" || name === "Infinity") && unit !== undefined && rest.length === 0 ? { name, unit } : undefined;
}
