/** What four elements at once would gain: whether a body can be done so at all, and how many of its accesses are whole vectors. */
import { at } from "../../ir/errors.ts";
import { isScalarOp } from "../../ir/expr.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Kernel, Stmt, Store } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, hasConstantBounds, statements } from "../../ir/loop.ts";
import { visitExpressions } from "../../ir/loop-walk.ts";
import type { Steps } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";

/** Four times the registers of a body with more operations than this do not fit. */
const maxOperations = 256;
/** What an operation counts that the target spells with others. */
const spelledOut = 16;

/** Whether four iterations of the body can be computed side by side: no branches, no scratch, loops of the same length for all. */
export function fits(body: readonly Stmt[], target: Target): boolean {
  for (const s of statements(body)) {
    if (s.kind === "if" || s.kind === "local" || s.kind === "barrier") return false;
    if (s.kind === "store" && s.atomic !== undefined) return false;
    if (axesOf(s).some((a) => a.kind !== "serial" || !hasConstantBounds(a))) return false;
  }
  return operationsOf(body, target) <= maxOperations;
}

function operationsOf(body: readonly Stmt[], target: Target): number {
  let n = 0;
  visitExpressions(body, (e) => {
    if (isScalarOp(e.op) && e.dtype !== "int32") n += target.lacks.has(e.op) ? spelledOut : 1;
  });
  return n;
}

/** What an access in a loop counts. */
const repeated = 8;

/** Accesses that differ among the four elements; what is equal in all of them is none. */
export interface Tally {
  /** Those of one vector in memory, and those of four elements here and there. */
  whole: number;
  single: number;
  /** Whole stores, and whole loads inside of loops. */
  lead: number;
}

const changing = { stride: undefined, rest: undefined } as const;

type Depth = "top" | "loop";

class Tallying {
  readonly tally: Tally = { whole: 0, single: 0, lead: 0 };
  readonly #buffers: ReadonlySet<string>;

  constructor(buffers: ReadonlySet<string>) {
    this.#buffers = buffers;
  }

  /** Scratch is read either way, and counts nothing. */
  #access(name: string, index: Expr, { steps, depth }: { readonly steps: Steps; readonly depth: Depth }): "whole" | "single" | "none" {
    if (!this.#buffers.has(name) || steps.of(index).stride === 0) return "none";
    const kind = steps.isWhole(index) ? "whole" : "single";
    this.tally[kind] += depth === "loop" ? repeated : 1;
    return kind;
  }

  loads(list: readonly Expr[], steps: Steps, depth: Depth): void {
    for (const e of exprOrder(list))
      if (e.op === "load" && this.#access(e.name, at(e.args, 0), { steps, depth }) === "whole" && depth === "loop") this.tally.lead++;
  }

  #store(s: Store, steps: Steps, depth: Depth): void {
    if (this.#access(s.buffer, s.index, { steps, depth }) === "whole") this.tally.lead++;
  }

  /** What the names mean after the list. */
  list(list: readonly Stmt[], given: Steps, depth: Depth): Steps {
    let steps = given;
    for (const s of list) {
      const axes = axesOf(s);
      let within = axes.reduce((known, a) => known.within(a), steps);
      for (const body of bodiesOf(s)) within = this.list(body, within, "loop");
      this.loads(expressionsOf(s), within, axes.length > 0 ? "loop" : depth);
      if (s.kind === "store") this.#store(s, steps, depth);
      if (s.kind === "let") steps = steps.with(s.name, steps.of(s.value));
      if (s.kind === "carry") steps = steps.with(s.name, changing);
      if (s.kind === "reduce") for (const name of s.names) steps = steps.with(name, changing);
    }
    return steps;
  }
}

/** The accesses of a body, and of the values that a reduction makes of it. */
export function tallyOf(
  body: readonly Stmt[],
  values: readonly Expr[],
  { kernel, steps, depth }: { readonly kernel: Kernel; readonly steps: Steps; readonly depth: Depth },
): Tally {
  const tallying = new Tallying(new Set(kernel.buffers.map((b) => b.name)));
  tallying.loads(values, tallying.list(body, steps, depth), "loop");
  return tallying.tally;
}
