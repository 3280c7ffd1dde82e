/**
 * masks: blocks of a row that are computed only to be masked away, as those of keys behind a causal query are, are not visited.
 *
 *   store %row[%j] = select(%j <= %i, %s, -inf)     →     if %b * 128 <= %i { … the block … }
 *
 * That holds where nothing of such a block changes a result: -inf is no maximum, exp(-inf) is 0. What 0 is multiplied with is not asked:
 * an infinite value of a key that nobody looks at does no harm then.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { constant } from "../../ir/expr.ts";
import { namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, Stmt } from "../../ir/loop.ts";
import { strideOf } from "../tile/nest.ts";
import { withLets } from "../tile/sides.ts";
import { atCorner, choiceOf } from "../tile/skip.ts";

/** The test by which an element of a row is needed. */
interface Test {
  readonly condition: Expr;
  readonly axis: Axis;
}

interface Filling {
  readonly value: Expr;
  readonly axis: Axis;
  /** Statements of which the value is made, and what they name: it differs from element to element. */
  readonly by: readonly Stmt[];
  readonly own: ReadonlySet<string>;
}

/** Whether a comparison of indices is decided for a block by its first or its last element. */
function goesEvenly({ args }: Expr, axis: Axis, own: ReadonlySet<string>): boolean {
  const names = args.flatMap((a) => namesIn(a));
  const isOthers = names.every((name) => name === axis.name || !own.has(name));
  return isOthers && !Number.isNaN(strideOf(subIndex(at(args, 1), at(args, 0)), axis.name));
}

export class Masks {
  /** Null where elements may always be needed. */
  #test: Test | null | undefined = undefined;
  /** What rows hold where nothing is needed. */
  readonly #idle = new Map<string, Expr>();

  /** A row is filled. */
  fill(row: string, { value, axis, by, own }: Filling): void {
    const whole = withLets(by)(value);
    const idle = this.#idleOf(whole);
    const found = idle === null && this.#test === undefined ? choiceOf(whole) : null;
    const choice = found !== null && goesEvenly(found.condition, axis, own) ? found : null;
    if (choice !== null) this.#test = { condition: choice.condition, axis };
    else if (idle === null) this.#test = null;
    this.#idle.set(row, idle ?? choice?.idle ?? value);
  }

  /** A reduction takes these values of each element; `neutral` are those that change nothing. */
  take(values: readonly Expr[], neutral: readonly Expr[], by: readonly Stmt[]): void {
    const isIdle = values.map(withLets(by)).every((e, i) => {
      const idle = this.#idleOf(e);
      const none = at(neutral, i);
      return idle?.op === "const" && none.op === "const" && idle.value === none.value;
    });
    if (!isIdle) this.#test = null;
  }

  /** Something else happens for each element. */
  always(): void {
    this.#test = null;
  }

  /** When some of `length` elements from `base` on are needed; null where they may always be. */
  needed(base: Expr, length: number): Expr | null {
    return this.#test ? atCorner(this.#test.condition, { axis: this.#test.axis, count: length }, base) : null;
  }

  /** The constant that an expression is where nothing is needed. */
  #idleOf(root: Expr): Expr | null {
    const done = new Map<Expr, Expr | null>();
    for (const e of exprOrder([root])) {
      const held = e.op === "load" ? this.#idle.get(e.name) : undefined;
      const args = e.args.map((a) => done.get(a) ?? null);
      done.set(e, held?.op === "const" ? held : folded(e, args));
    }
    return done.get(root) ?? null;
  }
}

const isInfinite = (e: Expr | null | undefined): e is Expr => e?.op === "const" && Math.abs(e.value) === Infinity;

/** An operation of which some operands are known; what is not known is taken to be finite. */
function folded(e: Expr, [a = null, b = null, c = null]: readonly (Expr | null)[]): Expr | null {
  const number = (value: number): Expr => constant(value, e.dtype);
  switch (e.op) {
    case "const":
      return e;
    case "neg":
      return a === null ? null : number(-a.value);
    case "exp":
    case "exp2":
      return isInfinite(a) && a.value < 0 ? number(0) : null;
    case "add":
      return [a, b].find(isInfinite) ?? null;
    case "sub":
      if (isInfinite(a)) return a;
      return isInfinite(b) ? number(-b.value) : null;
    case "mul":
      if (a?.value === 0 || b?.value === 0) return number(0);
      return a !== null && b !== null ? number(a.value * b.value) : null;
    case "div":
      if (a?.value === 0) return a;
      return a !== null && b !== null ? number(a.value / b.value) : null;
    case "select":
      return b !== null && c !== null && b.value === c.value ? b : null;
    default:
      return null;
  }
}
