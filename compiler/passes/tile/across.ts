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
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { keeping, keptLocals, keptOf, namedAgain } from "./kept.ts";
import { inlineIndices, isPlain, isStraight, strideOf } from "./nest.ts";
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
  const locals = [...own.map((l): Local => ({ ...l, size: l.size * rows })), ...keptLocals(kept, rows)];
  if (localBytes(locals) > rowBytes) return kernel;
  const found = overRows(axis, own, "r", [...filling.filter((s) => s.kind !== "local"), ...keeping(kept, place(axis, "r"))]);
  const stored = storing.flatMap((s) =>
    s.kind === "for" ? { ...s, body: [overRows(axis, own, "n", [...namedAgain(kept, place(axis, "n")), ...s.body])] } : [],
  );
  return withStrips(kernel, nest, rows, [...locals, found, ...stored]);
}

/** A loop that stores elements far from one another, next to what neighbouring rows store. */
function isDown(s: Stmt, row: Axis): boolean {
  if (s.kind !== "for" || s.axis.kind !== "serial" || !isPlain(s.axis) || !s.body.every(isStraight)) return false;
  const { name } = s.axis;
  const stores = inlineIndices(s.body).filter((one) => one.kind === "store");
  return stores.every(({ index }) => {
    const whole = addIndex(index, 0);
    return strideOf(whole, row.name) === 1 && Math.abs(strideOf(whole, name)) >= rows;
  });
}

/** Which of the rows a turn is at. */
const place = ({ name }: Axis, suffix: string): Expr => axisIndex(`${name}${suffix}`, 0, rows - 1);

/** What is done for each row of a turn; of a last one that is shorter, vectors are as long as of the others. */
function overRows(axis: Axis, own: readonly Local[], name: string, list: readonly Stmt[]): For {
  const f = eachRow(list, { axis, count: rows, scratch: own, name, suffix: `_${name}` });
  return axis.hi.value % rows === 0 ? f : { ...f, axis: { ...f.axis, about: rows } };
}
