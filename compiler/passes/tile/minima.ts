/**
 * minima: the largest of floats as the least of their opposites, on CPUs with vectors.
 *
 *   reduce %m = -inf by max($0, $1) over %k { yield load %x[%k] }
 *     → reduce %m_least = inf by min($0, $1) over %k { yield -(load %x[%k]) }   let %m = -%m_least
 *
 * It changes no bit. A minimum that lets NaN pass and knows the zeros apart is three instructions, of which an accumulator waits for
 * two; a maximum of the same kind is seven (`codegen/wasm/vector-ops.ts`).
 */
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { constant, s, variable } from "../../ir/expr.ts";
import type { Reduce, Stmt } from "../../ir/loop.ts";
import { mapBodies, replaceEach } from "../../ir/loop-walk.ts";

/** The same statements, if there is no such maximum. */
export function asMinima(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (one) => {
    const mapped = mapBodies(one, asMinima);
    if (mapped.kind !== "reduce") return mapped;
    const found = mapped.combine.map(isMaximum);
    return found.includes(true) ? opposite(mapped, found) : mapped;
  });
}

/** Whether part `i` of a tuple is the maximum of that part of both. */
function isMaximum(combine: Expr, i: number, { length }: readonly Expr[]): boolean {
  if (combine.op !== "max" || !isFloat(combine.dtype)) return false;
  const a = combine.args[0];
  const b = combine.args[1];
  return a?.op === "arg" && b?.op === "arg" && Math.min(a.value, b.value) === i && Math.max(a.value, b.value) === i + length;
}

function opposite(r: Reduce, found: readonly boolean[]): Stmt[] {
  const each = (list: readonly Expr[], change: (e: Expr) => Expr): Expr[] => list.map((e, i) => (at(found, i) ? change(e) : e));
  const least = (name: string, i: number): string => (at(found, i) ? `${name}_least` : name);
  const reduce: Reduce = {
    ...r,
    names: r.names.map(least),
    init: each(r.init, negative),
    values: each(r.values, negative),
    combine: each(r.combine, (e) => s.min(at(e.args, 0), at(e.args, 1))),
  };
  const given = r.names.flatMap((name, i): Stmt[] =>
    at(found, i) ? [{ kind: "let", name, value: s.neg(variable(least(name, i), at(r.init, i).dtype)) }] : [],
  );
  return [reduce, ...given];
}

const negative = (e: Expr): Expr => (e.op === "const" ? constant(-e.value, e.dtype) : s.neg(e));
