/** The smaller and the larger of two floats: NaN passes, and -0 is less than 0. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Body } from "./body.ts";
import { typeRow } from "./types.ts";

/** Where the result is spelled. */
export interface ExtremeContext {
  readonly body: Body;
  /** Leaves an operand on the stack. */
  readonly push: (e: Expr) => void;
}

/**
 * The instructions min and max take engines six of the machine's, one after the other. pmin(a, b) is b < a ? b : a and takes one. It
 * is all there is to do where b is a number; where b is a zero that may meet the other zero, one more.
 */
export function spellExtreme(e: Expr, op: "min" | "max", context: ExtremeContext): void {
  const { body, push } = context;
  const { vector } = typeRow(e.dtype);
  const [a, b] = [at(e.args, 0), at(e.args, 1)];
  const [x, limit] = a.op === "const" ? [b, a] : [a, b];
  if (limit.op !== "const" || Number.isNaN(limit.value)) return spellPairs(e, op, context);
  push(x);
  push(limit);
  if (op === "min" && Object.is(limit.value, -0)) return body.named(`${vector}.min`);
  body.named(`${vector}.p${op}`);
  if (op === "min" || !Object.is(limit.value, 0)) return;
  // -0 + 0 is 0
  push(limit);
  body.named(`${vector}.add`);
}

/**
 * Both ways round: where neither is less, each gives its first operand. So the two differ where the operands are zeros of both signs
 * or one is NaN, and all bits of both are a NaN then. Of zeros they are -0, which is the minimum; for the maximum, the bits that
 * differ are taken away as a number: -0 less -0 is 0, a number less 0 itself, and NaN stays NaN.
 */
function spellPairs(e: Expr, op: "min" | "max", { body, push }: ExtremeContext): void {
  const { vector } = typeRow(e.dtype);
  const [a, b] = e.args.map((operand) => {
    push(operand);
    return body.keep(op, "v128");
  });
  if (a === undefined || b === undefined) return;
  const pair = (first: number, second: number): void => {
    body.get(first);
    body.get(second);
    body.named(`${vector}.p${op}`);
  };
  pair(a, b);
  if (op === "min") {
    pair(b, a);
    body.emit("v128.or");
    return;
  }
  const one = body.local(op, "v128");
  body.emit("local.tee", one);
  pair(b, a);
  body.get(one);
  body.emit("v128.xor");
  const differing = body.local("differing", "v128");
  body.emit("local.tee", differing);
  body.emit("v128.or");
  body.get(differing);
  body.named(`${vector}.sub`);
}

/**
 * Those of one number each, by registers of which one lane counts: for the instructions of two numbers engines branch, and nobody knows
 * which way computed ones go.
 */
export function spellExtremeOfOne(e: Expr, op: "min" | "max", { body, push }: ExtremeContext): void {
  const { vector } = typeRow(e.dtype);
  const pushSplat = (operand: Expr): void => {
    push(operand);
    body.named(`${vector}.splat`);
  };
  spellExtreme(e, op, { body, push: pushSplat });
  body.emit(`${vector}.extract_lane`, 0);
}
