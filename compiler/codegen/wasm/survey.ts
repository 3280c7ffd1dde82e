/** What the expressions of a statement are, looked at once for all who ask: which loads they have, and about how long they take. */
import { isFloat } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Stmt } from "../../ir/loop.ts";
import { expressionsOf } from "../../ir/loop.ts";

/** In nanoseconds: an operation, an access, a division or root, a call of the host. */
const operationNs = 0.08;
const accessNs = 0.2;
const divisionNs = 1;
const callNs = 15;

const slow: ReadonlySet<string> = new Set(["div", "sqrt", "idiv", "irem"]);
const plain = "add sub mul neg abs min max floor ceil trunc round copysign eq ne lt le gt ge isnan and or xor not shl shr select rare cast bitcast";
const quick: ReadonlySet<string> = new Set([...plain.split(" "), "pow2", "exponent", "significand", "parity", "head", "nextafter"]);

/** Of a statement without those of its body. */
export interface Survey {
  readonly loads: readonly Expr[];
  readonly ns: number;
}

const surveys = new WeakMap<Stmt, Survey>();

export function surveyOf(s: Stmt): Survey {
  const known = surveys.get(s);
  if (known !== undefined) return known;
  const made = makeSurvey(s);
  surveys.set(s, made);
  return made;
}

function makeSurvey(s: Stmt): Survey {
  const loads: Expr[] = [];
  let ns = s.kind === "store" ? accessNs : 0;
  const order = exprOrder(expressionsOf(s));
  for (let i = 0; i < order.length; i++) {
    const e = order[i];
    if (e === undefined || e.args.length === 0) continue;
    if (e.op === "load") loads.push(e);
    ns += expressionNs(e);
  }
  return { loads, ns };
}

function expressionNs(e: Expr): number {
  if (e.op === "load") return accessNs;
  // most of int32 is indices, added up in front of loops
  if ((e.op === "add" || e.op === "mul") && !isFloat(e.dtype)) return 0;
  if (slow.has(e.op)) return divisionNs;
  return quick.has(e.op) ? operationNs : callNs;
}
