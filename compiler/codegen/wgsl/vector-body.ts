/**
 * Statements of four neighbouring iterations at once.
 *
 *   for %iv in %i..%i + 4 [vector] { store %y[%iv] = load %x[%iv] * %s }     →     y[(u.y_base + u32(i)) / 4u] = x[(u.x_base + u32(i)) / 4u] * u.s;
 *
 * What is equal in all four stays a single value. Elements that are no vector in memory are loaded and stored one by one.
 */
import type { Expr } from "../../ir/expr.ts";
import { substitute, variable } from "../../ir/expr.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Axis, Reduce, Stmt, Store } from "../../ir/loop.ts";
import type { Steps } from "../../ir/steps.ts";
import type { Scope } from "./expression.ts";
import { bare, spell, spellElements, spellFour, spellOne } from "./expression.ts";
import { block, serialLoop } from "./loops.ts";
import { offsetText, storeText, toCells, vectorPlaceText } from "./memory.ts";
import type { Shader } from "./shader.ts";
import { vectorType } from "./scalar.ts";
import type { VectorLoop } from "./vectors.ts";
import { isWholeStore } from "./vectors.ts";

const components: readonly string[] = ["x", "y", "z", "w"];
const four = { stride: undefined, rest: undefined } as const;

export class VectorWriter {
  readonly #shader: Shader;
  readonly #loop: VectorLoop;
  readonly #scope: Scope;
  readonly #first: string;
  readonly #sizes: ReadonlyMap<string, number>;

  /** `first`: the text of the first index. */
  constructor(shader: Shader, loop: VectorLoop, first: string) {
    this.#shader = shader;
    this.#loop = loop;
    this.#first = first;
    this.#scope = this.#scopeWith(loop.steps);
    this.#sizes = shader.sizes;
  }

  #scopeWith(steps: Steps): Scope {
    const shader = this.#shader;
    return {
      names: shader.names,
      helper: (name) => shader.helper(name),
      special: (name) => shader.special(name),
      memory: (name) => shader.memory(name),
      parameter: (name) => shader.parameter(name),
      vector: { axis: this.#loop.axis.name, first: this.#first, steps },
    };
  }

  list(list: readonly Stmt[]): string[] {
    return list.flatMap((s) => this.#statement(s));
  }

  #statement(s: Stmt): string[] {
    switch (s.kind) {
      case "let":
        return this.#let(s.name, s.value);
      case "carry":
        return this.accumulators([s.name], [s.init]);
      case "assign": {
        const lines: string[] = [];
        const [value = ""] = spellFour([s.value], this.#scope, lines);
        return [...lines, `${this.#shader.names.of(s.name)} = ${bare(value)};`];
      }
      case "store":
        return this.#store(s);
      case "for":
        return this.#loops([s.axis], this.list(s.body));
      case "reduce":
        return [...this.accumulators(s.names, s.init), ...this.#loops(s.axes, [...this.list(s.body), ...this.combined(s, s.names)])];
      default:
        throw new CompilerBug(`kernel ${this.#shader.kernel.name}: a ${s.kind} in a vector loop`);
    }
  }

  /** An index that goes up steadily is kept as its first value. */
  #let(name: string, value: Expr): string[] {
    const lines: string[] = [];
    const { stride } = this.#loop.steps.of(value);
    const isVector = stride === undefined || (stride !== 0 && value.dtype !== "int32");
    const [text = ""] = isVector ? spellFour([value], this.#scope, lines) : spell([value], this.#scope, lines);
    return [...lines, `let ${this.#shader.names.of(name)} = ${bare(text)};`];
  }

  #loops(axes: readonly Axis[], body: readonly string[]): string[] {
    return axes.reduceRight<readonly string[]>((inner, axis) => this.#serial(axis, inner), body).slice();
  }

  #serial(axis: Axis, body: readonly string[]): string[] {
    const [lo = "", hi = ""] = spell([axis.lo, axis.hi], this.#shader, []);
    return serialLoop({ axis, ident: this.#shader.names.of(axis.name), lo, hi }, body);
  }

  /** `var name: vec4f = vec4f(init);` */
  accumulators(names: readonly string[], init: readonly Expr[]): string[] {
    const lines: string[] = [];
    const texts = spellFour(init, this.#scope, lines);
    const declared = names.map((name, k) => `var ${this.#shader.names.of(name)}: ${vectorType(at(init, k).dtype)} = ${bare(at(texts, k))};`);
    return [...lines, ...declared];
  }

  /** `accumulators[k] = combine[k](accumulators, values)`; an iteration past the end of a last turn that is shorter changes nothing. */
  combined(s: Reduce, accumulators: readonly string[], turn: "whole" | "cut" = "whole"): string[] {
    const { names } = this.#shader;
    const lines: string[] = [];
    const tuple = accumulators.map((name, k) => variable(name, at(s.init, k).dtype));
    let steps = this.#loop.steps;
    for (const name of accumulators) steps = steps.with(name, four);
    const values = turn === "cut" ? this.#cut(s, lines) : s.values;
    for (const v of values) if (v.op === "var" && !s.values.includes(v)) steps = steps.with(v.name, four);
    const texts = spellFour(
      s.combine.map((c) => substitute(c, [...tuple, ...values])),
      this.#scopeWith(steps),
      lines,
    );
    const places = accumulators.map((name) => names.of(name));
    if (texts.length === 1) return [...lines, `${at(places, 0)} = ${bare(at(texts, 0))};`];
    const next = texts.map(() => names.fresh("next"));
    return [...lines, ...next.map((word, k) => `let ${word} = ${bare(at(texts, k))};`), ...next.map((word, k) => `${at(places, k)} = ${word};`)];
  }

  /** The values of a reduction, neutral where the index is past the end; as names. */
  #cut(s: Reduce, lines: string[]): Expr[] {
    const { end } = this.#loop;
    if (end === null) return [...s.values];
    const values = spellFour(s.values, this.#scope, lines);
    const neutral = spellFour(s.init, this.#scope, lines);
    const isInside = `(${this.#first} + ${this.#shader.helper("steps")}) < vec4i(${end}i)`;
    return values.map((text, k) => {
      const word = this.#shader.names.fresh("value");
      lines.push(`let ${word} = select(${bare(at(neutral, k))}, ${bare(text)}, ${isInside});`);
      return variable(word, at(s.values, k).dtype);
    });
  }

  #store(s: Store): string[] {
    const m = this.#shader.memory(s.buffer);
    const lines: string[] = [];
    const [value = ""] = spellFour([s.value], this.#scope, lines);
    if (m.wide && isWholeStore(s, this.#loop, this.#sizes)) {
      const index = spellOne(s.index, this.#scope, lines);
      return [...lines, `${vectorPlaceText(m, offsetText(m, s.index, index))} = ${bare(toCells(m, value))};`];
    }
    return [...lines, ...this.#storeEach(s, bare(value))];
  }

  /** Four stores, each where its guard holds and its index is not past the end. */
  #storeEach(s: Store, value: string): string[] {
    const m = this.#shader.memory(s.buffer);
    const { names } = this.#shader;
    const word = names.fresh("value");
    const out = [`let ${word} = ${value};`];
    const indices = spellElements(s.index, this.#scope, out);
    const [guard] = s.guard === undefined ? [] : spellFour([s.guard], this.#scope, out);
    const condition = guard === undefined ? "" : names.fresh("guard");
    if (guard !== undefined) out.push(`let ${condition} = ${bare(guard)};`);
    components.forEach((c, k) => {
      const store = storeText(m, `${m.ident}[${offsetText(m, s.index, at(indices, k))}]`, `${word}.${c}`);
      const { end } = this.#loop;
      const tests = [...(condition === "" ? [] : [`${condition}.${c}`]), ...(end === null || k === 0 ? [] : [`${this.#first} + ${k}i < ${end}i`])];
      out.push(...(tests.length === 0 ? [store] : block(`if (${tests.join(" && ")})`, [store])));
    });
    return out;
  }

  /** Lets that name the combination of the four tuples of `accumulators`. */
  folded(s: Reduce, accumulators: readonly string[], results: readonly string[]): string[] {
    const { names } = this.#shader;
    const lines: string[] = [];
    const part = (c: string): Expr[] => accumulators.map((name, k) => variable(names.alias(`${names.of(name)}.${c}`), at(s.init, k).dtype));
    const both = (a: readonly Expr[], b: readonly Expr[], into: readonly string[]): Expr[] => {
      const texts = spell(
        s.combine.map((c) => substitute(c, [...a, ...b])),
        this.#shader,
        lines,
      );
      lines.push(...into.map((name, k) => `let ${names.of(name)} = ${bare(at(texts, k))};`));
      return into.map((name, k) => variable(name, at(s.init, k).dtype));
    };
    const fresh = (): string[] => accumulators.map(() => names.fresh("part"));
    const [low, high] = [both(part("x"), part("y"), fresh()), both(part("z"), part("w"), fresh())];
    both(low, high, results);
    return lines;
  }
}
