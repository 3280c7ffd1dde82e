/**
 * across: rows that are stored down a column, as those of a transposed result are, several of them at once, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { reduce %s …  for %j { store %out[%j * 512 + %i] = load %x[%i * 64 + %j] / %s } }
 *     → for %i in 0..512 step 16 [grid] { local %s_of: f32[16]
 *         for %ir in 0..16 { reduce %s …  store %s_of[%ir] = %s }
 *         for %j { for %in in 0..16 { store %out[%j * 512 + %i + %in] = load %x[(%i + %in) * 64 + %j] / load %s_of[%in] } } }
 *
 * One row by itself brings a line of memory near for each of its elements, and has driven it out again when the next row comes. What a
 * row's results are made of is kept until all of them are there. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, variable } from "../../ir/expr.ts";
import { addIndex, freeNames } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { inlineIndices, isPlain, strideOf } from "./nest.ts";
import { eachRow, withStrips } from "./strip.ts";

/** Elements of a line of memory, about. */
const rows = 16;

/** The kernel with several rows a turn, or the kernel itself where none is stored down a column. */
export function storedAcross(kernel: Kernel, nest: readonly For[], { rowBytes }: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis) || inner.axis.hi.value < rows) return kernel;
  const { axis } = inner;
  const body = inlineIndices(inner.body);
  const cut = body.findIndex((s) => isDown(s, axis));
  const [filling, storing] = [body.slice(0, cut), body.slice(cut)];
  if (cut < 1 || !storing.every((s) => isDown(s, axis))) return kernel;
  const kept = keptOf(filling, storing);
  if (kept === null) return kernel;
  const own = filling.filter((s) => s.kind === "local");
  const locals = [...own.map((l): Local => ({ ...l, size: l.size * rows })), ...kept.map((e): Local => localOf(e))];
  if (localBytes(locals) > rowBytes) return kernel;
  const keeps = kept.map((e): Stmt => ({ kind: "store", buffer: nameOf(e), index: place(axis, "r"), value: e }));
  const found = overRows(axis, own, "r", [...filling.filter((s) => s.kind !== "local"), ...keeps]);
  const stored = storing.flatMap((s) => (s.kind === "for" ? { ...s, body: [overRows(axis, own, "n", [...lets(kept, axis), ...s.body])] } : []));
  return withStrips(kernel, nest, rows, [...locals, found, ...stored]);
}

/** A loop that stores elements far from one another, next to what neighbouring rows store. */
function isDown(s: Stmt, row: Axis): boolean {
  if (s.kind !== "for" || s.axis.kind !== "serial" || !isPlain(s.axis) || !s.body.every((one) => one.kind === "let" || one.kind === "store")) return false;
  const { name } = s.axis;
  const stores = inlineIndices(s.body).filter((one) => one.kind === "store");
  return stores.every(({ index, atomic }) => {
    const whole = addIndex(index, 0);
    return atomic === undefined && strideOf(whole, row.name) === 1 && Math.abs(strideOf(whole, name)) >= rows;
  });
}

/** What rows find out that their results need; null where that is more than numbers. */
export function keptOf(filling: readonly Stmt[], storing: readonly Stmt[]): readonly Expr[] | null {
  const asked = new Set<string>();
  for (const e of expressionsIn(storing)) freeNames(e, asked);
  const found: Expr[] = [];
  for (const s of filling) {
    if (s.kind === "let") found.push(variable(s.name, s.value.dtype));
    if (s.kind === "carry") found.push(variable(s.name, s.init.dtype));
    if (s.kind === "reduce") s.names.forEach((name, i) => found.push(variable(name, at(s.init, i).dtype)));
  }
  const kept = found.filter((e) => asked.has(e.name));
  const isSimple = statements(filling).every((s) => s.kind !== "barrier" && s.kind !== "if") && kept.every((e) => e.dtype !== "bool");
  return isSimple ? kept : null;
}

const nameOf = ({ name }: Expr): string => `${name}_of`;
const localOf = (e: Expr): Local => ({ kind: "local", name: nameOf(e), dtype: e.dtype, size: rows, space: "scratch" });

/** Which of the rows a turn is at. */
const place = ({ name }: Axis, suffix: string): Expr => axisIndex(`${name}${suffix}`, 0, rows - 1);

const lets = (kept: readonly Expr[], axis: Axis): Stmt[] => kept.map((e) => ({ kind: "let", name: e.name, value: load(nameOf(e), e.dtype, place(axis, "n")) }));

/** What is done for each row of a turn; of a last one that is shorter, vectors are as long as of the others. */
function overRows(axis: Axis, own: readonly Local[], name: string, list: readonly Stmt[]): For {
  const f = eachRow(list, { axis, count: rows, scratch: own, name, suffix: `_${name}` });
  return axis.hi.value % rows === 0 ? f : { ...f, axis: { ...f.axis, about: rows } };
}
