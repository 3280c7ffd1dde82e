/**
 * phases: contractions of one grid point, each of which a tile does by itself.
 *
 *   for %i { for %j { reduce %a over %k { … } reduce %b over %l { … } store f(%a + %b) } }
 *     → in a block: tiles of { reduce %a over %k { … } store %phase0[…] = %a }
 *       then tiles of { let %a = load %phase0[…] reduce %b over %l { … } store f(%a + %b) }
 *
 * All registers of a tile are one contraction's, whose operands are packed for it; what the others gave waits in scratch.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { argument, load, substitute, variable } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { freeNames, keyOf } from "../../ir/indexing.ts";
import type { Local, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsOf } from "../../ir/loop.ts";
import { copied } from "./copy.ts";
import { costOf, valuesIn } from "./cost.ts";
import { inlined, loadsIn } from "./sides.ts";

/** The loops of a grid point, if they are reductions of expressions that do not need one another, and nothing is carried or kept in scratch. */
export function reducesIn(body: readonly Stmt[]): readonly Reduce[] | null {
  const found: Reduce[] = [];
  const made = new Set<string>();
  for (const s of body) {
    if (s.kind === "let") {
      if (readsAny([s.value], made)) made.add(s.name);
    } else if (s.kind === "reduce") {
      if (!s.body.every((b) => b.kind === "let") || readsAny([...expressionsOf(s), ...s.body.flatMap(expressionsOf)], made)) return null;
      found.push(s);
      for (const name of s.names) made.add(name);
    } else if (s.kind !== "store") return null;
  }
  return found.length === 0 ? null : found;
}

function readsAny(list: readonly Expr[], names: ReadonlySet<string>): boolean {
  const read = new Set<string>();
  for (const e of list) freeNames(e, read);
  return [...names].some((name) => read.has(name));
}

/** The body with sums apart that load other things, though one loop adds them up. */
export const withSumsApart = (body: readonly Stmt[]): readonly Stmt[] => body.flatMap((s) => (s.kind === "reduce" ? sumsApart(s) : [s]));

function sumsApart(r: Reduce): Stmt[] {
  const n = r.names.length;
  // what a step stores it stores once, beside all of them
  if (n === 1 || r.body.some((s) => s.kind !== "let")) return [r];
  const loads = r.names.map((_, i) =>
    loadsIn({ ...r, values: [at(r.values, i)] })
      .map(keyOf)
      .sort()
      .join(),
  );
  const isApart = (e: Expr, i: number): boolean => exprOrder([e]).every((x) => x.op !== "arg" || x.value === i || x.value === n + i);
  if (new Set(loads).size < n || !r.combine.every(isApart)) return [r];
  // what only one of them loads needs no name
  const { values } = inlined(r);
  return r.names.map((name, i): Stmt => {
    const { dtype } = at(r.init, i);
    const own = Array.from({ length: 2 * n }, (_, k) => argument(k < n ? 0 : 1, dtype));
    return { ...r, names: [name], init: [at(r.init, i)], body: [], values: [at(values, i)], combine: [substitute(at(r.combine, i), own)] };
  });
}

/** Where the results of a phase wait: `index` is that of a result in its block, which has `size`. */
export interface Waiting {
  readonly index: Expr;
  readonly size: number;
  /** What names of their memory begin with. */
  readonly prefix?: string;
}

export interface Phases {
  /** What a grid point does in each of them. */
  readonly bodies: readonly (readonly Stmt[])[];
  readonly locals: readonly Local[];
}

/** Those lets that need no reduction. */
function independent(lets: readonly Stmt[], reduces: readonly Reduce[]): Stmt[] {
  const made = new Set(reduces.flatMap((r) => r.names));
  return lets.filter((s) => {
    if (s.kind !== "let" || !readsAny([s.value], made)) return true;
    made.add(s.name);
    return false;
  });
}

/** The body of a grid point in phases, one for each of its reductions; what follows them is part of the last. */
export const phasesOf = (body: readonly Stmt[], reduces: readonly Reduce[], waiting: Waiting): Phases => phasesBefore(body, reduces.slice(0, -1), waiting);

/** What follows the sums of a grid point, apart from them: these wait. */
export interface Behind {
  readonly sums: readonly (readonly Stmt[])[];
  readonly rest: readonly Stmt[];
  readonly locals: readonly Local[];
}

/** The same where it costs more than so much for all points that are copied together; null elsewhere. */
export function behindSums(body: readonly Stmt[], { points, most }: { readonly points: number; readonly most: number }, waiting: Waiting): Behind | null {
  if (points * costOf(valuesIn(body.filter((s) => s.kind !== "reduce"))) <= most) return null;
  const { bodies, locals } = phasesBefore(body, reducesIn(body) ?? [], waiting);
  return { sums: bodies.slice(0, -1), rest: at(bodies, bodies.length - 1), locals };
}

/** A phase for each of these reductions, and a last one for all other statements. */
function phasesBefore(body: readonly Stmt[], reduces: readonly Reduce[], { index, size, prefix = "phase" }: Waiting): Phases {
  const locals: Local[] = [];
  const bodies: Stmt[][] = [];
  let rest = [...body];
  for (const r of reduces) {
    const places = r.names.map((_, i) => load(`${prefix}${locals.length + i}`, at(r.init, i).dtype, index));
    for (const p of places) locals.push({ kind: "local", name: p.name, dtype: p.dtype, size, space: "scratch" });
    const before = body.slice(0, body.indexOf(r)).filter((s) => s.kind === "let");
    const stores = r.names.map((name, i): Stmt => ({ kind: "store", buffer: at(places, i).name, index, value: variable(name, at(r.init, i).dtype) }));
    // names of its own: the last phase has these too
    bodies.push([...copied({ body: [...independent(before, reduces), r, ...stores], values: [] }, { suffix: `_f${bodies.length}`, axes: new Map() }).body]);
    rest = rest.flatMap((s): Stmt[] => (s === r ? r.names.map((name, i) => ({ kind: "let", name, value: at(places, i) })) : [s]));
  }
  return { bodies: [...bodies, rest], locals };
}
