/**
 * What an index does over the iterations of a vector axis: by how much it grows an iteration, and where it stands among groups of
 * four. An index that grows by 1 and starts at a multiple of 4 is one access of four words.
 */
import type { Expr } from "./expr.ts";
import { at } from "./errors.ts";
import type { Axis } from "./loop.ts";

/** Elements that one vector holds. */
export const vectorWidth = 4;
/** Iterations that one vector axis has on CPUs; those of longer ones go in pieces. */
export const mostLanes = 32;

/** How an expression goes on from iteration to iteration. */
export interface Step {
  /** 0 where it stays the same; undefined where it changes and is no sum. */
  readonly stride: number | undefined;
  /** The first value modulo the width of a vector, where it is known. */
  readonly rest: number | undefined;
}

const same: Step = { stride: 0, rest: undefined };
const modulo = (n: number): number => ((n % vectorWidth) + vectorWidth) % vectorWidth;

/** What names do; a name that is not known here stays the same. */
export class Steps {
  readonly #names: ReadonlyMap<string, Step>;
  readonly #done = new Map<Expr, Step>();

  constructor(names: ReadonlyMap<string, Step> = new Map()) {
    this.#names = names;
  }

  with(name: string, step: Step): Steps {
    const known = this.#names.get(name) ?? same;
    if (known.stride === step.stride && known.rest === step.rest) return this;
    return new Steps(new Map([...this.#names, [name, step]]));
  }

  /** Inside of a loop over an axis that is no vector. */
  within(axis: Axis): Steps {
    const rest = axis.step % vectorWidth === 0 ? this.of(axis.lo).rest : undefined;
    return this.with(axis.name, { stride: this.of(axis.lo).stride === 0 ? 0 : undefined, rest });
  }

  /** Inside of the vector: its axis goes up by one. */
  along(axis: Axis): Steps {
    return this.with(axis.name, { stride: 1, rest: this.of(axis.lo).rest });
  }

  of(e: Expr): Step {
    const known = this.#done.get(e);
    if (known !== undefined) return known;
    const step = this.#compute(e);
    this.#done.set(e, step);
    return step;
  }

  #compute(e: Expr): Step {
    if (e.op === "const") return { stride: 0, rest: modulo(e.value) };
    if (e.op === "axis" || e.op === "var") return this.#names.get(e.name) ?? same;
    const args = e.args.map((a) => this.of(a));
    const constant = args.every((a) => a.stride === 0);
    if (e.dtype === "int32" && (e.op === "add" || e.op === "sub")) return added(at(args, 0), at(args, 1), e.op === "add" ? 1 : -1);
    const factor = e.args[1];
    if (e.dtype === "int32" && e.op === "mul" && factor?.op === "const") return scaled(at(args, 0), factor.value);
    return constant ? same : { stride: undefined, rest: undefined };
  }

  /** Whether four elements from this index on are one vector in memory. */
  isWhole(index: Expr): boolean {
    const { stride, rest } = this.of(index);
    return stride === 1 && rest === 0;
  }
}

function added(a: Step, b: Step, sign: 1 | -1): Step {
  const stride = a.stride === undefined || b.stride === undefined ? undefined : a.stride + sign * b.stride;
  return { stride, rest: a.rest === undefined || b.rest === undefined ? undefined : modulo(a.rest + sign * b.rest) };
}

function scaled(a: Step, factor: number): Step {
  const rest = factor % vectorWidth === 0 ? 0 : a.rest;
  return { stride: a.stride === undefined ? undefined : a.stride * factor, rest: rest === undefined ? undefined : modulo(rest * factor) };
}
