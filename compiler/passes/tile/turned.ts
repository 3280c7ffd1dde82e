/**
 * turned: rows of which an operand lies across, as that of a transposed matrix does, several of them at once, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { reduce %s over %k in 0..64 { load %x[%i * 64 + %k] + load %y[%k * 512 + %i] }  … }
 *     → for %i in 0..512 step 16 [grid] { local %turned0: f32[1024]
 *         for %k in 0..64 { for %it in 0..16 { store %turned0[%it * 64 + %k] = load %y[%k * 512 + %i + %it] } }
 *         for %in in 0..16 { reduce %s over %k in 0..64 { load %x[(%i + %in) * 64 + %k] + load %turned0[%in * 64 + %k] }  … } }
 *
 * One row by itself brings a line of memory near for each element that it needs of such an operand, and has driven it out again when the
 * next row comes, which needs what lies beside. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, withOperands } from "../../ir/expr.ts";
import { addIndex, ix, keyOf, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Stmt, Store } from "../../ir/loop.ts";
import { axesOf, statements } from "../../ir/loop.ts";
import { exprMapper, localBytes, mapStatement } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { loop } from "./copy.ts";
import { inlineIndices, isPlain, shortRow, strideOf } from "./nest.ts";
import { eachRow, rowsOfTurn, withStrips } from "./strip.ts";

/** Elements of a line of memory, about; and with fewer rows a turn little of one is used. */
const mostRows = 16;
const fewestRows = 4;

/** The kernel with several rows a turn, or the kernel itself where nothing that they need lies across. */
export function turnedRows(kernel: Kernel, nest: readonly For[], { rowBytes }: Target): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis)) return kernel;
  const { axis } = inner;
  const count = rowsOfTurn(axis.hi.value, mostRows);
  if (count < fewestRows) return kernel;
  const turned = new Turned(axis, kernel);
  const list = turned.list(
    inlineIndices(inner.body),
    nest.slice(0, -1).map((f) => f.axis),
    [],
  );
  if (turned.copies.length === 0) return kernel;
  const own = [...list.filter((s) => s.kind === "local"), ...turned.locals];
  const locals = own.map((l): Local => ({ ...l, size: l.size * count }));
  if (localBytes(locals) > rowBytes) return kernel;
  const rows = { axis, count, scratch: own };
  const copies = turned.copies.map(({ along, store }) =>
    loop("serial", { name: along.name, lo: ix(0), hi: along.hi }, 1, [eachRow([store], { ...rows, name: "t", suffix: "_t" })]),
  );
  const body = eachRow(
    list.filter((s) => s.kind !== "local"),
    { ...rows, name: "n", suffix: "_n" },
  );
  return withStrips(kernel, nest, count, [...locals, ...copies, body]);
}

/** What lies across, which each row has in scratch. */
interface Copy {
  readonly along: Axis;
  readonly store: Store;
}

class Turned {
  readonly copies: Copy[] = [];
  readonly locals: Local[] = [];
  readonly #axis: Axis;
  readonly #written: ReadonlySet<string>;
  readonly #known = new Map<string, string>();

  constructor(axis: Axis, kernel: Kernel) {
    this.#axis = axis;
    this.#written = new Set(statements(kernel.body).flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  }

  /** Statements with loads of scratch in the place of such loads. `around`: axes of the grid; `loops`: those inside of a row. */
  list(list: readonly Stmt[], around: readonly Axis[], loops: readonly Axis[]): readonly Stmt[] {
    return list.map((s) => {
      const inside = [...loops, ...axesOf(s)];
      const f = exprMapper((e) => (e.op === "load" && e.args.length === 1 ? (this.#scratchFor(e, around, inside) ?? e) : e));
      return mapStatement(s, f, (inner) => this.list(inner, around, inside));
    });
  }

  #scratchFor(e: Expr, around: readonly Axis[], loops: readonly Axis[]): Expr | null {
    if (this.#written.has(e.name) || loops.length === 0) return null;
    const index = addIndex(at(e.args, 0), 0);
    const along = loops.find((a) => Math.abs(strideOf(index, a.name)) >= mostRows);
    if (along === undefined || !isPlain(along) || along.hi.value < shortRow || strideOf(index, this.#axis.name) !== 1) return null;
    const outside = new Set([this.#axis.name, along.name, ...around.map((a) => a.name)]);
    if (!namesIn(index).every((name) => outside.has(name))) return null;
    const length = along.hi.value;
    const place = axisIndex(`${this.#axis.name}k`, 0, length - 1);
    const source = exprMapper((x) => (x.op === "axis" && x.name === along.name ? place : x))(withOperands(e, [index]));
    const key = `${keyOf(source)} ${length}`;
    const name = this.#known.get(key) ?? `turned${this.locals.length}`;
    if (!this.#known.has(key)) {
      this.#known.set(key, name);
      this.locals.push({ kind: "local", name, dtype: e.dtype, size: length, space: "scratch" });
      this.copies.push({ along: { ...along, name: place.name }, store: { kind: "store", buffer: name, index: place, value: source } });
    }
    return load(name, e.dtype, axisIndex(along.name, 0, length - 1));
  }
}
