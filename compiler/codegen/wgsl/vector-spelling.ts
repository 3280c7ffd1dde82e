/**
 * Statements of four neighbouring iterations at once.
 *
 *   for %iv in %i..%i + 4 [vector] { store %y[%iv] = load %x[%iv] * %s }     →     y[(u.y_base + u32(i)) / 4u] = x[(u.x_base + u32(i)) / 4u] * u.s;
 *
 * What is equal in all four stays a single value, and an index that goes up steadily is its first. Elements that are no vector in
 * memory are loaded and stored one by one.
 */
import type { DType } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { at } from "../../ir/errors.ts";
import type { Assign, Axis, Carry, Let, Reduce, Store } from "../../ir/loop.ts";
import type { Steps } from "../../ir/steps.ts";
import type { Scope } from "./expression.ts";
import { bare, spell, spellElements, spellFour, spellOne } from "./expression.ts";
import { block } from "./loops.ts";
import { offsetText, storeText, toCells, vectorPlaceText } from "./memory.ts";
import { vectorType } from "./scalar.ts";
import type { Shader } from "./shader.ts";
import type { Spelling } from "./spelling.ts";
import { assignAll, combine, OneAtATime, tupleOf } from "./spelling.ts";
import type { VectorLoop } from "./vectors.ts";
import { isWholeStore } from "./vectors.ts";

const components: readonly string[] = ["x", "y", "z", "w"];
const four = { stride: undefined, rest: undefined } as const;

export class FourAtOnce implements Spelling {
  readonly width = 4;
  readonly type: (dtype: DType) => string = vectorType;
  readonly #shader: Shader;
  readonly #loop: VectorLoop;
  readonly #axis: Axis;
  readonly #first: string;

  /** `axis`: that of the loop as it stands here; `first`: the text of its first index. */
  constructor(shader: Shader, loop: VectorLoop, { axis, first }: { readonly axis: Axis; readonly first: string }) {
    this.#shader = shader;
    this.#loop = loop;
    this.#axis = axis;
    this.#first = first;
  }

  /** The scope of these iterations, in which the names given hold four values too. */
  #scope(names: readonly string[] = []): Scope {
    const shader = this.#shader;
    const steps = names.reduce<Steps>((known, name) => known.with(name, four), this.#loop.steps);
    return {
      names: shader.names,
      helper: (name) => shader.helper(name),
      special: (name) => shader.special(name),
      memory: (name) => shader.memory(name),
      parameter: (name) => shader.parameter(name),
      vector: { axis: this.#axis, first: this.#first, steps },
    };
  }

  let({ name, value }: Let): string[] {
    const lines: string[] = [];
    const { stride } = this.#loop.steps.of(value);
    const isVector = stride === undefined || (stride !== 0 && value.dtype !== "int32");
    const [text = ""] = (isVector ? spellFour : spell)([value], this.#scope(), lines);
    return [...lines, `let ${this.#shader.names.of(name)} = ${bare(text)};`];
  }

  carry(s: Carry): string[] {
    return this.accumulators([s.name], [s.init]);
  }

  assign(s: Assign): string[] {
    const lines: string[] = [];
    const [value = ""] = spellFour([s.value], this.#scope(), lines);
    return [...lines, `${this.#shader.names.of(s.name)} = ${bare(value)};`];
  }

  store(s: Store): string[] {
    const m = this.#shader.memory(s.buffer);
    const lines: string[] = [];
    const [value = ""] = spellFour([s.value], this.#scope(), lines);
    if (!m.wide || !isWholeStore(s, this.#loop, this.#shader.sizes)) return [...lines, ...this.#storeEach(s, bare(value))];
    const index = spellOne(s.index, this.#scope(), lines);
    return [...lines, `${vectorPlaceText(m, offsetText(m, index))} = ${bare(toCells(m, value))};`];
  }

  condition(e: Expr, lines: string[]): string {
    return spellOne(e, this.#scope(), lines);
  }

  /** Four stores, each where its guard holds and its index is not past the end. */
  #storeEach(s: Store, value: string): string[] {
    const m = this.#shader.memory(s.buffer);
    const { names } = this.#shader;
    const { end } = this.#loop;
    const word = names.fresh("value");
    const lines = [`let ${word} = ${value};`];
    const indices = spellElements(s.index, this.#scope(), lines);
    const [guard] = s.guard === undefined ? [] : spellFour([s.guard], this.#scope(), lines);
    const condition = guard === undefined ? null : names.fresh("guard");
    if (guard !== undefined) lines.push(`let ${condition} = ${bare(guard)};`);
    const stores = components.map((c, k) => {
      const store = storeText(m, `${m.ident}[${offsetText(m, at(indices, k))}]`, `${word}.${c}`);
      const tests = [condition === null ? [] : [`${condition}.${c}`], end === null || k === 0 ? [] : [`${this.#first} + ${k}i < ${end}i`]].flat();
      return tests.length === 0 ? [store] : block(`if (${tests.join(" && ")})`, [store]);
    });
    return block("", [...lines, ...stores.flat()]);
  }

  accumulators(names: readonly string[], init: readonly Expr[]): string[] {
    const lines: string[] = [];
    const texts = spellFour(init, this.#scope(), lines);
    const declared = names.map((name, k) => `var ${this.#shader.names.of(name)}: ${vectorType(at(init, k).dtype)} = ${bare(at(texts, k))};`);
    return [...lines, ...declared];
  }

  combined(s: Reduce, accumulators: readonly string[]): string[] {
    return this.#combine(s, accumulators, s.values, []);
  }

  /** `combined` where the vector is the reduction's own axis: an iteration past the end changes nothing. */
  contributed(s: Reduce, accumulators: readonly string[]): string[] {
    const { end } = this.#loop;
    if (end === null) return this.combined(s, accumulators);
    const lines: string[] = [];
    const values = spellFour(s.values, this.#scope(), lines);
    const neutral = spellFour(s.init, this.#scope(), lines);
    const isInside = `(${this.#first} + ${this.#shader.helper("steps")}) < vec4i(${end}i)`;
    const words = values.map((text, k) => {
      const word = this.#shader.names.fresh("value");
      lines.push(`let ${word} = select(${bare(at(neutral, k))}, ${bare(text)}, ${isInside});`);
      return word;
    });
    return [...lines, ...this.#combine(s, accumulators, tupleOf(s, words), words)];
  }

  /** `fresh`: names among the values that hold four values. */
  #combine(s: Reduce, accumulators: readonly string[], values: readonly Expr[], fresh: readonly string[]): string[] {
    const lines: string[] = [];
    const texts = spellFour(combine(s, [...tupleOf(s, accumulators), ...values]), this.#scope([...accumulators, ...fresh]), lines);
    const { names } = this.#shader;
    const places = accumulators.map((name) => names.of(name));
    return [...lines, ...assignAll(places, texts, names)];
  }

  combination(s: Reduce, a: readonly string[], b: readonly string[], lines: string[]): string[] {
    return spellFour(combine(s, [...tupleOf(s, a), ...tupleOf(s, b)]), this.#scope([...a, ...b]), lines);
  }

  /** Lets that name what the components of the accumulators combine to. */
  folded(s: Reduce, accumulators: readonly string[], results: readonly string[]): string[] {
    const { names } = this.#shader;
    const lines: string[] = [];
    const single = new OneAtATime(this.#shader);
    const part = (c: string): string[] => accumulators.map((name) => names.alias(`${names.of(name)}.${c}`));
    const both = (a: readonly string[], b: readonly string[], into: readonly string[]): readonly string[] => {
      const texts = single.combination(s, a, b, lines);
      lines.push(...into.map((name, k) => `let ${names.of(name)} = ${bare(at(texts, k))};`));
      return into;
    };
    const fresh = (): string[] => accumulators.map(() => names.fresh("part"));
    both(both(part("x"), part("y"), fresh()), both(part("z"), part("w"), fresh()), results);
    return lines;
  }
}
