/** About how long a piece of a kernel takes, in nanoseconds: whether threads pay. Rates are those of the machine in bench/RESULTS.md. */
import { subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Stmt } from "../../ir/loop.ts";
import { bodiesOf } from "../../ir/loop.ts";
import { surveyOf } from "./survey.ts";
import type { VectorLoop } from "./vectors.ts";

/** Iterations of loops whose length is not known. */
const guessedLength = 16;

function lengthOf(axis: Axis): number {
  if (axis.about !== undefined) return axis.about;
  const length = subIndex(axis.hi, axis.lo);
  return length.op === "const" ? Math.max(0, Math.ceil(length.value / axis.step)) : guessedLength;
}

/** Of a list, once. Vector loops do four iterations at a time. */
export function listNs(list: readonly Stmt[], vectors: ReadonlyMap<For, VectorLoop>): number {
  let sum = 0;
  for (let i = 0; i < list.length; i++) {
    const s = list[i];
    if (s !== undefined) sum += statementNs(s, vectors);
  }
  return sum;
}

function statementNs(s: Stmt, vectors: ReadonlyMap<For, VectorLoop>): number {
  if (s.kind === "for") {
    const inner = listNs(s.body, vectors) * lengthOf(s.axis);
    return vectors.has(s) ? inner / 4 : inner;
  }
  let ns = 0;
  for (const body of bodiesOf(s)) ns += listNs(body, vectors);
  ns += surveyOf(s).ns;
  if (s.kind === "reduce") for (const axis of s.axes) ns *= lengthOf(axis);
  return ns;
}
