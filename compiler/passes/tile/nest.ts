/** What schedule steps ask of a kernel that is a grid around one reduction. */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { isScalarOp } from "../../ir/expr.ts";
import { addIndex, dependsOn, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Reduce, Stmt } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsIn, statements } from "../../ir/loop.ts";
import { exprMapper, mapStatement, visitExpressions } from "../../ir/loop-walk.ts";

/** Grid loops from the outside in; lets between them go to the innermost, where copies of the body can have their own. */
export function gridNest(body: readonly Stmt[], lets: readonly Stmt[] = []): For[] {
  const last = body.at(-1);
  const before = body.slice(0, -1);
  if (last?.kind !== "for" || last.axis.kind !== "grid" || before.some((s) => s.kind !== "let")) return [];
  const carried = [...lets, ...before];
  const below = gridNest(last.body, carried);
  return below.length > 0 ? [last, ...below] : [{ ...last, body: inlineIndices([...carried, ...last.body]) }];
}

/** Index arithmetic back in its places: names in front of a loop would keep the copies' loops apart. */
export const inlineIndices = (body: readonly Stmt[]): Stmt[] => inlineLets(body, (e) => e.dtype === "int32");

/** Names of what is wanted so, and neither loads nor is carried, give way to their values. */
export function inlineLets(body: readonly Stmt[], isWanted: (value: Expr) => boolean): Stmt[] {
  const values = new Map<string, Expr>();
  const carried = new Set(statements(body).flatMap((s) => (s.kind === "carry" ? [s.name] : [])));
  const moves = (e: Expr): boolean => exprOrder([e]).every((part) => part.op !== "load" && !(part.op === "var" && carried.has(part.name)));
  const isInlined = (s: Stmt): boolean => s.kind === "let" && isWanted(s.value) && moves(s.value);
  const f = (e: Expr): Expr => (values.size === 0 || !dependsOn(e, values) ? e : exprMapper((x) => (x.op === "var" ? (values.get(x.name) ?? x) : x))(e));
  const visit = (list: readonly Stmt[]): Stmt[] =>
    list.flatMap((s) => {
      const next = mapStatement(s, f, visit);
      if (next.kind !== "let" || !isInlined(next)) return [next];
      values.set(next.name, next.value);
      return [];
    });
  return visit(body);
}

/** Rows shorter than this are added up one element after another. */
export const shortRow: number = 16;

/** From 0 in steps of 1 up to a constant. */
export const isPlain = (a: Axis): boolean => a.lo.op === "const" && a.lo.value === 0 && a.hi.op === "const" && a.step === 1;

/** Whether a statement names or stores a value, and nothing must happen in order. */
export const isStraight = (s: Stmt): boolean => s.kind === "let" || (s.kind === "store" && s.atomic === undefined);

/** Whether a list loads from any of these memories. */
export const readsAny = (list: readonly Stmt[], memory: ReadonlySet<string>): boolean =>
  exprOrder(expressionsIn(list)).some((e) => e.op === "load" && memory.has(e.name));

/** How often a loop over an axis runs at the most. */
export const turnsOf = (a: Axis): number => Math.ceil((a.hi.hi - a.lo.lo) / a.step);

/** How many points some axes have together, at the most. */
export const pointsOf = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * turnsOf(a), 1);

/** Elements that the longest walk of a list passes, at the most. */
export function longestWalk(list: readonly Stmt[]): number {
  const walks = list.map((s) => {
    const inside = Math.max(0, ...bodiesOf(s).map(longestWalk));
    const axes = axesOf(s);
    return axes.length === 0 ? inside : pointsOf(axes) * Math.max(1, inside);
  });
  return Math.max(0, ...walks);
}

/** A loop over each axis, from the outside in, around a body. */
export const loopsOver = (axes: readonly Axis[], body: readonly Stmt[]): readonly Stmt[] =>
  axes.reduceRight<readonly Stmt[]>((below, axis) => [{ kind: "for", axis, body: below }], body);

/** The same loops around another body. */
export const nested = (loops: readonly For[], body: readonly Stmt[]): readonly Stmt[] =>
  loopsOver(
    loops.map((f) => f.axis),
    body,
  );

/** The one loop of a grid point, if that is a reduction and nothing is carried or kept in scratch. */
export function onlyReduce(body: readonly Stmt[]): Reduce | null {
  const simple = body.every((s) => s.kind === "let" || s.kind === "reduce" || s.kind === "store");
  const [only, ...others] = body.filter((s) => s.kind === "reduce");
  return simple && only !== undefined && others.length === 0 ? only : null;
}

/** The same, if what it reduces is expressions. */
export function soleReduce(body: readonly Stmt[]): Reduce | null {
  const only = onlyReduce(body);
  return only !== null && only.body.every((s) => s.kind === "let") ? only : null;
}

/** Operations that compute values; those on indices are not counted. */
export function operationsOf(list: readonly Stmt[]): number {
  let n = 0;
  visitExpressions(list, (e) => {
    if (isScalarOp(e.op) && e.dtype !== "int32") n++;
  });
  return n;
}

/** The indices that a reduction loads. */
export function loadsOf(reduce: Reduce): Expr[] {
  const out: Expr[] = [];
  const see = (e: Expr): void => {
    if (e.op === "load") out.push(addIndex(at(e.args, 0), 0));
  };
  visitExpressions([{ ...reduce, init: [], axes: [] }], see);
  return out;
}

/** The coefficient of an axis in an index that is a sum; NaN where it is not linear. */
export function strideOf(index: Expr, axis: string): number {
  if (index.op === "axis") return index.name === axis ? 1 : 0;
  if (index.op === "add") return strideOf(at(index.args, 0), axis) + strideOf(at(index.args, 1), axis);
  const a = index.args[0];
  const b = index.args[1];
  if (index.op === "mul" && a !== undefined && b?.op === "const") return strideOf(a, axis) * b.value;
  return namesIn(index).includes(axis) ? Number.NaN : 0;
}

/** Shorter axes make small blocks. */
const narrow = 4;

/**
 * Of grid axes that some loads need and others do not, the two along which blocks share most: the last one, and the last before it
 * that no load needs together with it, so that no load is one point's alone; where there is none, the last two. Not narrow ones, where
 * two others are left.
 */
export function blockAxes(shared: readonly Axis[], loads: readonly Expr[]): Axis[] {
  const wide = shared.filter((a) => a.hi.value >= narrow);
  const among = wide.length < 2 ? shared : wide;
  const column = among.at(-1);
  if (column === undefined) return [];
  const rows = among.slice(0, -1);
  const row = rows.findLast((r) => loads.every((l) => !namesIn(l).includes(r.name) || !namesIn(l).includes(column.name))) ?? rows.at(-1);
  return row === undefined ? [column] : [row, column];
}
