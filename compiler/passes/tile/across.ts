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
import { addIndex, freeNames, ix, mulIndex, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop, minOf, moved } from "./copy.ts";
import { inlineIndices, isPlain, strideOf } from "./nest.ts";

/** Elements of a line of memory, about. */
const rows = 16;

/** The kernel with several rows a turn, or the kernel itself where none is stored down a column. */
export function storedAcross(kernel: Kernel, nest: readonly For[], { rowBytes }: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis) || inner.axis.hi.op !== "const" || inner.axis.hi.value < rows) return kernel;
  const axis = { ...inner.axis, hi: inner.axis.hi };
  const body = inlineIndices(inner.body);
  const cut = body.findIndex((s) => isDown(s, axis));
  const [filling, storing] = [body.slice(0, cut), body.slice(cut)];
  if (cut < 1 || !storing.every((s) => isDown(s, axis))) return kernel;
  const kept = keptOf(filling, storing);
  if (kept === null) return kernel;
  const own = filling.filter((s) => s.kind === "local");
  const locals = [...own.map((l): Local => ({ ...l, size: l.size * rows })), ...kept.map((e): Local => localOf(e))];
  if (localBytes(locals) > rowBytes) return kernel;
  const turn = { axis, own };
  const turns = [
    overRows(turn, "r", [
      ...filling.filter((s) => s.kind !== "local"),
      ...kept.map((e): Stmt => ({ kind: "store", buffer: nameOf(e), index: place(axis, "r"), value: e })),
    ]),
    ...storing.flatMap((s) => (s.kind === "for" ? { ...s, body: [overRows(turn, "n", [...lets(kept, axis), ...s.body])] } : [])),
  ];
  const loops = nest.map((f) => (f === inner ? { ...f, axis: { ...f.axis, step: rows } } : f));
  return { ...kernel, body: tidy(loops.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: below }], [...locals, ...turns])) };
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
function keptOf(filling: readonly Stmt[], storing: readonly Stmt[]): readonly Expr[] | null {
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

interface Turn {
  readonly axis: Axis & { readonly hi: { readonly value: number } };
  readonly own: readonly Local[];
}

/** What is done for each row of a turn, whose scratch lies beside that of the others. */
function overRows({ axis, own }: Turn, suffix: string, list: readonly Stmt[]): For {
  const n = axis.hi.value;
  const first = axisIndex(axis.name, 0, n - (n % rows === 0 ? rows : n % rows));
  const row = place(axis, suffix);
  const { body } = copied({ body: list, values: [] }, { suffix: `_${suffix}`, axes: new Map([[axis.name, addIndex(first, row)]]) });
  const sizes = new Map(own.map((l) => [l.name, l.size]));
  const ofRow = moved(body, new Set(sizes.keys()), (name, index) => addIndex(mulIndex(row, sizes.get(name) ?? 0), index));
  if (n % rows === 0) return loop("serial", { name: row.name, lo: ix(0), hi: ix(rows) }, 1, ofRow);
  const f = loop("serial", { name: row.name, lo: ix(0), hi: minOf(ix(rows), subIndex(ix(n), first)) }, 1, ofRow);
  return { ...f, axis: { ...f.axis, about: rows } };
}
