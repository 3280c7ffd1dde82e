/**
 * once: functions of a row, or of no axis at all, are computed once a strip of elements, not once a vector of them.
 *
 *   for %i in 0..400 [grid] { for %j in 0..500 [grid] { store %out[%i * 500 + %j] = load %x[%i * 500 + %j] * exp(load %row[%i]) } }
 *     → for %i in 0..400 [grid] { for %j in 0..500 step 500 [grid] {
 *         let %once0 = exp(load %row[%i])
 *         for %jo in 0..500 { store %out[%i * 500 + %jo] = load %x[%i * 500 + %jo] * %once0 } } }
 *
 * Grid points know nothing of one another: what is the same for all of a row is computed anew in each, unless they are one loop.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsIn, hasConstantBounds, statements } from "../../ir/loop.ts";
import { exprReplacer, mapBodies } from "../../ir/loop-walk.ts";
import { loopInStep } from "./abreast.ts";
import { hasFunction, isMadeOfOthers } from "./cost.ts";
import { namedBy, varyingNames } from "./independent.ts";
import { joinNest } from "./join.ts";
import { keeping, keptLocals, keptOf, namedAgain } from "./kept.ts";
import { isPlain, isStraight, longestWalk, shortRow } from "./nest.ts";
import { inBlocksOf } from "./short-blocks.ts";
import { countOf, eachStrip, letsFor, overStrip, stripLoops, stripOf } from "./strip.ts";
import { crossedAxis } from "./widen.ts";

/** Elements of a strip, at the most: beside so many a function is little work. */
const longest = 4096;
/** Shorter rows go several at a time. */
const shortest = 64;

/** The loop over elements that lie side by side, of which each is computed and stored by itself; null where there is none. */
function elementsOf(nest: readonly For[]): For | null {
  const inner = nest.at(-1);
  return inner !== undefined && isPlain(inner.axis) && inner.body.every(isStraight) && crossedAxis(nest, inner.body) === null ? inner : null;
}

/** The kernel with strips where functions are the same for all of one, or the kernel itself. */
export function onceInStrips(kernel: Kernel, given: readonly For[]): Kernel {
  const nest = joinNest(given);
  const inner = elementsOf(nest);
  if (inner === null || inner.axis.hi.value < shortest) return kernel;
  const { axis, body } = inner;
  const varying = varyingNames(body, axis.name);
  const functions = exprOrder(expressionsIn(body)).filter((e) => isMadeOfOthers(e.op));
  if (functions.every((e) => exprOrder([e]).some((x) => varying.has(x.name)))) return kernel;
  const size = stripOf(axis.hi.value, longest);
  return {
    ...kernel,
    body: stripLoops(
      nest,
      size,
      eachStrip(axis, size, (strip) => [overStrip(strip, "o", () => body)]),
    ),
  };
}

/** Rows of a turn: functions of them fill several registers, or some where threads would have too few turns. */
const [points, whole, fewestTurns] = [64, 16, 16];
/** Beside longer rows one function is little work. */
const longestRow = 1024;

/**
 * The kernel with functions of some rows before these, as one function takes as long as a register of them; or the kernel itself.
 *
 *   for %i { for %j { store %out[…] = load %x[…] * exp(load %row[%i]) } }
 *     → for %i step 64 { for %if in 0..64 { store %once0_of[%if] = exp(load %row[%i + %if]) }
 *         for %iw in 0..64 { for %j { store %out[…] = load %x[…] * load %once0_of[%iw] } } }
 */
export function rowFunctionsFirst(kernel: Kernel, given: readonly For[]): Kernel {
  const nest = joinNest(given);
  const [outer, inner] = [nest.at(-2), elementsOf(nest)];
  if (outer === undefined || inner === null) return kernel;
  const row: For = { ...inner, axis: { ...inner.axis, kind: "serial" } };
  const { lets, loop } = new Once().outOf(row, new Map());
  const kept = keptOf(lets, [loop]);
  if (kept === null || !areOfRows(lets, outer.axis)) return kernel;
  const rows = nest.slice(0, -1);
  // short ones go several at once
  return inBlocksOf(kernel, rows, { filling: lets, kept, rows: [loop] }) ?? inTurns(kernel, rows, { lets, rows: [loop] }, (one) => [one]);
}

/** The same of rows that are added up: `kernel` is their schedule. */
export function pointFunctionsFirst(kernel: Kernel, nest: readonly For[]): Kernel {
  const body = nest.at(-1)?.body ?? [];
  const all = body.filter((s) => s.kind === "let");
  const names = new Set(all.map((l) => l.name));
  const found = new Set(body.flatMap((s) => (s.kind === "let" ? [] : statements([s]).flatMap(changedBy))));
  const isGiven = (l: Let): boolean =>
    [l, ...letsFor([l.value], all)].every((one) => exprOrder([one.value]).every((x) => names.has(x.name) || !found.has(x.name)));
  const functions = all.filter((l) => hasFunction([l.value]) && isGiven(l));
  const rows = body.filter((s) => s.kind !== "let" || !functions.includes(s));
  if (functions.length === 0 || !rows.some((s) => s.kind === "for" || s.kind === "reduce")) return kernel;
  const wanted = new Set([...functions, ...letsFor(expressionsIn(functions), all)]);
  return inTurns(kernel, nest, { lets: all.filter((l) => wanted.has(l)), rows }, (one) => [loopInStep(one)]);
}

/** Whether there are functions among them that differ from row to row. */
function areOfRows(lets: readonly Let[], { name }: Axis): boolean {
  const varying = varyingNames(lets, name);
  return lets.some((l) => hasFunction([l.value]) && varying.has(l.name));
}

/** What is found out for some rows, and the rows. */
interface Turn {
  readonly lets: readonly Let[];
  readonly rows: readonly Stmt[];
}

function inTurns(kernel: Kernel, nest: readonly For[], { lets, rows }: Turn, schedule: (loop: For) => readonly Stmt[]): Kernel {
  const { axis } = at(nest, nest.length - 1);
  const kept = keptOf(lets, rows);
  if (kept === null || !areOfRows(lets, axis) || !isPlain(axis) || axis.hi.value < shortRow || longestWalk(rows) > longestRow) return kernel;
  const count = countOf(axis.hi.value, Math.min(points, whole * Math.ceil(axis.hi.value / fewestTurns / whole)));
  const strips = eachStrip(axis, count, (strip) => [
    overStrip(strip, "f", (index) => [...lets, ...keeping(kept, index)]),
    ...schedule(overStrip(strip, "w", (index) => [...namedAgain(kept, index), ...rows])),
  ]);
  return { ...kernel, body: stripLoops(nest, count, [...keptLocals(kept, count), ...strips]) };
}

/** Functions in front of the loops of a grid point in which they are always the same. */
export function functionsOnce(kernel: Kernel): Kernel {
  if (!hasFunction(expressionsIn(kernel.body))) return kernel;
  return { ...kernel, body: new Once().list(kernel.body) };
}

/** Whether a loop surely runs. */
const runs = ({ axis }: For): boolean => (axis.kind === "serial" || axis.kind === "vector") && hasConstantBounds(axis) && axis.hi.value > axis.lo.value;

/** What stands in front of a loop already, by the text of its value: until that changes. */
type Known = Map<string, { readonly own: Expr; readonly value: Expr }>;

class Once {
  #count = 0;

  list(list: readonly Stmt[]): readonly Stmt[] {
    const known: Known = new Map();
    return list.flatMap((s) => {
      const inner = s.kind === "reduce" ? s : mapBodies(s, (below) => this.list(below));
      const { lets, loop } = inner.kind === "for" && runs(inner) ? this.outOf(inner, known) : { lets: [], loop: inner };
      const changed = new Set(statements([s]).flatMap(changedBy));
      for (const [key, { value }] of known) if (exprOrder([value]).some((x) => changed.has(x.name))) known.delete(key);
      return [...lets, loop];
    });
  }

  /** What is the same in all iterations of a loop, and the loop without it; `known`: what stands in front of it already. */
  outOf(f: For, known: Known): { readonly lets: readonly Let[]; readonly loop: For } {
    const stay = new Set([f.axis.name, ...statements(f.body).flatMap(changedBy)]);
    const moved: Let[] = [];
    const outside = (name: string | null, value: Expr): Expr => {
      const found = known.get(keyOf(value))?.own;
      if (name === null && found !== undefined) return found;
      const own = variable(name ?? `once${this.#count++}`, value.dtype, value.lo, value.hi);
      moved.push({ kind: "let", name: own.name, value: found ?? value });
      if (found === undefined) known.set(keyOf(value), { own, value });
      return own;
    };
    const isSame = (e: Expr): boolean => exprOrder([e]).every((x) => !stay.has(x.name));
    const mapped = withFunctions((e) => (isSame(e) ? outside(null, e) : null));
    const body = f.body.flatMap((s): Stmt[] => {
      if (s.kind !== "let") return s.kind === "store" || s.kind === "assign" ? [{ ...s, value: mapped(s.value) }] : [s];
      // what functions are made of goes with them
      const isMoved = isSame(s.value) && (hasFunction([s.value]) || s.value.op === "load");
      if (!isMoved) return [{ ...s, value: mapped(s.value) }];
      stay.delete(s.name);
      outside(s.name, s.value);
      return [];
    });
    return { lets: moved, loop: { ...f, body } };
  }
}

/** Expressions with others in the place of what takes functions; null where that stays. Parts that are shared many times are looked at once. */
function withFunctions(replace: (e: Expr) => Expr | null): (root: Expr) => Expr {
  const functions = new Map<Expr, boolean>();
  const takesFunction = (e: Expr): boolean => {
    const found = functions.get(e) ?? (isMadeOfOthers(e.op) || e.args.some(takesFunction));
    functions.set(e, found);
    return found;
  };
  return (root) => exprReplacer((e) => (takesFunction(e) ? replace(e) : e))(root);
}

/** What a statement names or changes, and the axes that it walks. */
const changedBy = (s: Stmt): string[] => [...namedBy(s), ...axesOf(s).map((a) => a.name)];
