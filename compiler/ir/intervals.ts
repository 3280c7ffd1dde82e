/** What integer expressions of a kernel can be, where the ranges of some loop indices are known. Bounds are inclusive. */
import { at } from "./errors.ts";
import type { Expr } from "./expr.ts";
import { isScalarOp } from "./expr.ts";
import { subIndex } from "./indexing.ts";
import type { Range } from "./ranges.ts";
import { point, rangeOf } from "./ranges.ts";

/** A truth value: 1 is true, 0 is false, 0 … 1 is not known. */
const truth = (yes: boolean, no: boolean): Range => ({ lo: yes ? 1 : 0, hi: no ? 0 : 1 });

function compared(op: Expr["op"], a: Range, b: Range): Range | null {
  switch (op) {
    case "lt":
      return truth(a.hi < b.lo, a.lo >= b.hi);
    case "le":
      return truth(a.hi <= b.lo, a.lo > b.hi);
    case "gt":
      return truth(a.lo > b.hi, a.hi <= b.lo);
    case "ge":
      return truth(a.lo >= b.hi, a.hi < b.lo);
    case "eq":
      return truth(a.lo === a.hi && b.lo === b.hi && a.lo === b.lo, a.hi < b.lo || a.lo > b.hi);
    case "ne":
      return truth(a.hi < b.lo || a.lo > b.hi, a.lo === a.hi && b.lo === b.hi && a.lo === b.lo);
    default:
      return null;
  }
}

function logic(op: Expr["op"], a: Range, b: Range): Range | null {
  if (op === "not") return { lo: 1 - a.hi, hi: 1 - a.lo };
  if (op === "and") return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
  return op === "or" ? { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) } : null;
}

export class Intervals {
  readonly #ranges: Map<string, Range>;
  readonly #definitions: Map<string, Expr>;
  /** What has been found since the last definition: the parts of an expression may be shared, again and again. */
  readonly #found = new Map<Expr, Range>();

  constructor(ranges: ReadonlyMap<string, Range> = new Map(), definitions: ReadonlyMap<string, Expr> = new Map()) {
    this.#ranges = new Map(ranges);
    this.#definitions = new Map(definitions);
  }

  /** The same knowledge, with one range more. */
  with(name: string, range: Range): Intervals {
    const next = new Intervals(this.#ranges, this.#definitions);
    next.#ranges.set(name, range);
    next.#definitions.delete(name);
    return next;
  }

  /** From here on the name stands for this expression. */
  define(name: string, value: Expr): void {
    if (value.dtype !== "int32" && value.dtype !== "bool") return;
    this.#ranges.set(name, this.of(value));
    this.#found.clear();
    this.#definitions.set(name, value);
  }

  of(e: Expr): Range {
    if (e.op === "const") return point(e.value);
    if (e.op === "axis" || e.op === "var") return this.#ranges.get(e.name) ?? { lo: e.lo, hi: e.hi };
    const known = this.#found.get(e);
    if (known !== undefined) return known;
    const range = this.#rangeOf(e);
    this.#found.set(e, range);
    return range;
  }

  #rangeOf(e: Expr): Range {
    if (e.op === "load" || !isScalarOp(e.op)) return unknown(e);
    const args = e.args.map((a) => this.of(a));
    const [a, b = point(0)] = args;
    if (a === undefined) return unknown(e);
    if (e.dtype === "bool") return compared(e.op, a, b) ?? logic(e.op, a, b) ?? unknown(e);
    return rangeOf(e.op, args, e.dtype, at(e.args, 0).dtype);
  }

  /** `hi - lo`, in which what the two share cancels. */
  span(lo: Expr, hi: Expr): Range {
    const end = this.#resolved(hi);
    if (end.op === "min") {
      const [a, b] = [this.span(lo, at(end.args, 0)), this.span(lo, at(end.args, 1))];
      return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
    }
    return this.of(subIndex(end, this.#resolved(lo)));
  }

  #resolved(e: Expr): Expr {
    return e.op === "var" ? (this.#definitions.get(e.name) ?? e) : e;
  }
}

const unknown = (e: Expr): Range => (e.dtype === "bool" ? { lo: 0, hi: 1 } : { lo: e.lo, hi: e.hi });
