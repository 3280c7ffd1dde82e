/** How statements that are no loops are spelled: for one iteration, or (vector-spelling.ts) for four neighbouring ones at once. */
import type { DType } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable } from "../../ir/expr.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Assign, Carry, Let, Reduce, Store } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import { atomicLines } from "./atomics.ts";
import { bare, spell, spellOne, variableText } from "./expression.ts";
import { block } from "./loops.ts";
import { offsetText, placeText, storeText } from "./memory.ts";
import type { Names } from "./names.ts";
import { wgslType } from "./scalar.ts";
import type { Shader } from "./shader.ts";

export interface Spelling {
  readonly width: 1 | 4;
  readonly type: (dtype: DType) => string;
  readonly let: (s: Let) => string[];
  readonly carry: (s: Carry) => string[];
  readonly assign: (s: Assign) => string[];
  readonly store: (s: Store) => string[];
  /** What decides a branch for all of them. */
  readonly condition: (e: Expr, lines: string[]) => string;
  /** Variables that hold a reduction's neutral elements. */
  readonly accumulators: (names: readonly string[], init: readonly Expr[]) => string[];
  /** Combines what an iteration of a reduction contributes into the accumulators. */
  readonly combined: (s: Reduce, accumulators: readonly string[]) => string[];
  /** The texts of the combination of two tuples, given by names. */
  readonly combination: (s: Reduce, a: readonly string[], b: readonly string[], lines: string[]) => string[];
}

/** `places[k] = texts[k]`, all of them from the old values. */
export function assignAll(places: readonly string[], texts: readonly string[], names: Names): string[] {
  if (texts.length === 1) return [`${at(places, 0)} = ${bare(at(texts, 0))};`];
  const next = texts.map(() => names.fresh("next"));
  return [...next.map((word, k) => `let ${word} = ${bare(at(texts, k))};`), ...next.map((word, k) => `${at(places, k)} = ${word};`)];
}

/** Variables of the dtypes of a reduction's results. */
export const tupleOf = (s: Reduce, names: readonly string[]): Expr[] => names.map((name, k) => variable(name, at(s.init, k).dtype));

/** A reduction's combination of two tuples; what several of its parts need is one object in all of them. */
export const combine = (s: Reduce, operands: readonly Expr[]): Expr[] => s.combine.map(exprMapper((e) => (e.op === "arg" ? at(operands, e.value) : e)));

function wideStore(offset: string): never {
  throw new CompilerBug(`an element at ${offset} is stored alone, in memory of vectors`);
}

export class OneAtATime implements Spelling {
  readonly width = 1;
  readonly type: (dtype: DType) => string = wgslType;
  readonly #shader: Shader;

  constructor(shader: Shader) {
    this.#shader = shader;
  }

  let(s: Let): string[] {
    const lines: string[] = [];
    const value = spellOne(s.value, this.#shader, lines);
    return [...lines, `let ${this.#shader.names.of(s.name)} = ${value};`];
  }

  carry(s: Carry): string[] {
    return this.accumulators([s.name], [s.init]);
  }

  assign(s: Assign): string[] {
    const lines: string[] = [];
    const value = spellOne(s.value, this.#shader, lines);
    return [...lines, `${this.#shader.names.of(s.name)} = ${value};`];
  }

  store(s: Store): string[] {
    const shader = this.#shader;
    const m = shader.memory(s.buffer);
    const lines: string[] = [];
    const [index = "", value = "", guard] = spell(s.guard ? [s.index, s.value, s.guard] : [s.index, s.value], shader, lines).map(bare);
    const offset = offsetText(m, index);
    const body: string[] = [];
    if (s.atomic === undefined) body.push(storeText(m, placeText(m, offset, wideStore), value));
    else {
      const position = shader.names.fresh("position");
      body.push(`let ${position} = ${offset};`, ...atomicLines(m, `${m.ident}[${position}]`, s.atomic, value, shader));
    }
    const scoped = s.atomic === undefined || guard !== undefined ? body : block("", body);
    return [...lines, ...(guard === undefined ? scoped : block(`if (${guard})`, body))];
  }

  condition(e: Expr, lines: string[]): string {
    return spellOne(e, this.#shader, lines);
  }

  accumulators(names: readonly string[], init: readonly Expr[]): string[] {
    const lines: string[] = [];
    const texts = spell(init, this.#shader, lines);
    return [...lines, ...names.map((name, k) => variableText(this.#shader.names.of(name), at(init, k), at(texts, k)))];
  }

  combined(s: Reduce, accumulators: readonly string[]): string[] {
    const lines: string[] = [];
    const texts = spell(combine(s, [...tupleOf(s, accumulators), ...s.values]), this.#shader, lines);
    const { names } = this.#shader;
    const places = accumulators.map((name) => names.of(name));
    return [...lines, ...assignAll(places, texts, names)];
  }

  combination(s: Reduce, a: readonly string[], b: readonly string[], lines: string[]): string[] {
    return spell(combine(s, [...tupleOf(s, a), ...tupleOf(s, b)]), this.#shader, lines);
  }
}
