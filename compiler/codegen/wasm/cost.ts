/** About how long a piece of a kernel takes, in nanoseconds: whether threads pay. Rates are those of the machine in bench/RESULTS.md. */
import { isFloat } from "../../ir/dtype.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Stmt } from "../../ir/loop.ts";
import { bodiesOf, expressionsOf } from "../../ir/loop.ts";
import type { VectorLoop } from "./vectors.ts";

/** An operation, an access, a division or root, a call of the host. */
const operationNs = 0.08;
const accessNs = 0.2;
const divisionNs = 1;
const callNs = 15;
/** Iterations of loops whose length is not known. */
const guessedLength = 16;

const slow: ReadonlySet<string> = new Set(["div", "sqrt", "idiv", "irem"]);
const plain = "add sub mul neg abs min max floor ceil trunc round copysign eq ne lt le gt ge isnan and or xor not shl shr select rare cast bitcast";
const quick: ReadonlySet<string> = new Set([...plain.split(" "), "pow2", "exponent", "significand", "parity", "head", "nextafter"]);

function expressionNs(e: Expr): number {
  if (e.args.length === 0) return 0;
  if (e.op === "load") return accessNs;
  // most of int32 is indices, added up in front of loops
  if (!isFloat(e.dtype) && (e.op === "add" || e.op === "mul")) return 0;
  if (slow.has(e.op)) return divisionNs;
  return quick.has(e.op) ? operationNs : callNs;
}

function lengthOf(axis: Axis): number {
  if (axis.about !== undefined) return axis.about;
  const length = subIndex(axis.hi, axis.lo);
  return length.op === "const" ? Math.max(0, Math.ceil(length.value / axis.step)) : guessedLength;
}

/** Of a list, once. Vector loops do four iterations at a time. */
export function listNs(list: readonly Stmt[], vectors: ReadonlyMap<For, VectorLoop>): number {
  let sum = 0;
  for (const s of list) {
    const inner = bodiesOf(s).reduce((n, body) => n + listNs(body, vectors), 0);
    let own = s.kind === "store" ? accessNs : 0;
    for (const e of exprOrder(expressionsOf(s))) own += expressionNs(e);
    if (s.kind === "for") sum += vectors.has(s) ? (inner * lengthOf(s.axis)) / 4 : inner * lengthOf(s.axis);
    else if (s.kind === "reduce") sum += s.axes.reduce((n, a) => n * lengthOf(a), inner + own);
    else sum += inner + own;
  }
  return sum;
}
