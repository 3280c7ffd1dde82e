/**
 * column rows: sums down few columns of what takes functions, several rows at once, on CPUs with vectors.
 *
 *   for %j in 0..5 [grid] { reduce %s = 0 by $0 + $1 over %k in 0..256 { yield exp(load %x[%k * 5 + %j]) }  store %y[%j] = %s }
 *     → local %s_columns: f32[5]  local %s_rows: f32[160]  for %jv in 0..5 [vector] { store %s_columns[%jv] = 0 }
 *       for %kc in 0..8 {
 *         for %kr in 0..8 { for %jv in 0..20 [vector] { store %s_rows[%kr * 20 + %jv] = exp(load %x[%kc * 160 + %kr * 20 + %jv]) } }
 *         for %jv in 0..5 [vector] { carry %s_a = load %s_columns[%jv]
 *           for %ka in 0..32 { %s_a = %s_a + load %s_rows[%ka * 5 + %jv] }  store %s_columns[%jv] = %s_a } }
 *       for %jv in 0..5 [vector] { store %y[%jv] = load %s_columns[%jv] }
 *
 * A function takes as long for five numbers as for eight. Sums keep their order, so this changes no bit.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, variable } from "../../ir/expr.ts";
import { addIndex, flatten, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatements } from "../../ir/loop-walk.ts";
import { tidy } from "../lower/tidy.ts";
import { block, group } from "./accumulate.ts";
import type { Keeping } from "./combine.ts";
import { bringInto } from "./combine.ts";
import { copied, loop, vector } from "./copy.ts";
import { costOf, costOfFunction, valuesIn } from "./cost.ts";
import { inlineIndices, isPlain, loopsOver, soleReduce } from "./nest.ts";
import type { RowAxes } from "./short-grid.ts";
import { goSeveral, turnsInLoop } from "./short-grid.ts";

/** Elements that wait, about. */
const wanted = 256;
/** Rows at the most. */
const mostRows = 64;

/** The kernel with rows of its columns several at once, or the kernel itself where columns are many, or little is computed. */
export function columnRows(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const reduce = inner === undefined ? null : soleReduce(inner.body);
  if (inner === undefined || reduce === null || inner.body[0] !== reduce || !isPlain(inner.axis) || !isWalk(reduce)) return kernel;
  if (costOf([...valuesIn(reduce.body), ...reduce.values]) < costOfFunction) return kernel;
  const columns = new FewColumns(reduce, inner.axis, inner.body.slice(1));
  if (!columns.goSeveral) return kernel;
  const outer = nest.slice(0, -1).map((f) => f.axis);
  return { ...kernel, body: tidy(loopsOver(outer, columns.statements())) };
}

/** Whether a reduction walks one axis, and finds numbers. */
const isWalk = ({ axes, init }: Reduce): boolean =>
  axes.length === 1 && axes.every((a) => a.kind === "serial" && isPlain(a)) && init.every((e) => e.dtype !== "bool");

/** Rows from one on, and what the names end in that are made for them. */
interface Rows {
  readonly from: Expr;
  readonly count: number;
  readonly suffix: string;
}

/** Sums of so many rows each. */
interface Level {
  readonly label: string;
  readonly rows: number;
}

class FewColumns {
  readonly #r: Reduce;
  readonly #column: Axis;
  readonly #after: readonly Stmt[];
  readonly #width: number;
  /** Rows at once. */
  readonly #rows: number;
  /** Where rows are added up: of many, blocks have sums of their own, and groups of blocks (`accumulate.ts`). */
  readonly #levels: readonly Level[];

  constructor(r: Reduce, column: Axis, after: readonly Stmt[]) {
    this.#r = r;
    this.#column = { ...column, kind: "serial" };
    this.#after = after;
    this.#width = column.hi.value;
    const most = Math.min(mostRows, this.#walk.hi.value);
    this.#rows = 2 ** Math.floor(Math.log2(Math.min(most, Math.max(1, wanted / this.#width))));
    const n = this.#walk.hi.value;
    const levels: readonly Level[] = [
      { label: "columns", rows: Infinity },
      { label: "group", rows: block * group },
      { label: "block", rows: block },
    ];
    this.#levels = levels.filter(({ rows }) => rows === Infinity || (!r.exact && rows < n));
  }

  get goSeveral(): boolean {
    const { body, axes } = this.#elements({ from: ix(0), count: this.#rows, suffix: "" });
    return goSeveral(body, axes);
  }

  statements(): readonly Stmt[] {
    const rows = this.#rowsInto(0, { from: ix(0), count: this.#walk.hi.value, suffix: "" });
    return [...this.#locals(), this.#cleared("columns"), ...rows, this.#last()];
  }

  /** Rows brought into the sums of a level, those of the next one after another. */
  #rowsInto(level: number, rows: Rows): readonly Stmt[] {
    const inner = this.#levels[level + 1];
    if (inner === undefined) return this.#added(rows);
    const { from, count, suffix } = rows;
    const part = (own: Rows): readonly Stmt[] => [this.#cleared(inner.label), ...this.#rowsInto(level + 1, own), this.#joined(level, own.suffix)];
    const whole = Math.floor(count / inner.rows);
    const turn = axisIndex(`${this.#walk.name}${inner.label[0] ?? ""}${suffix}`, 0, Math.max(0, whole - 1));
    const turns = part({ from: addIndex(from, mulIndex(turn, inner.rows)), count: inner.rows, suffix });
    const left = count - whole * inner.rows;
    return [
      ...(whole === 0 ? [] : [loop("serial", { name: turn.name, lo: ix(0), hi: ix(whole) }, 1, turns)]),
      ...(left === 0 ? [] : part({ from: addIndex(from, whole * inner.rows), count: left, suffix: `${suffix}_t` })),
    ];
  }

  /** The sums of the next level brought into those of a level. */
  #joined(level: number, suffix: string): For {
    const [into, from] = [at(this.#levels, level).label, at(this.#levels, level + 1).label];
    return this.#across((lane) => bringInto(this.#r, this.#keeping(into, lane), this.#kept(from, lane), `_${from}${suffix}`));
  }

  get #walk(): Axis {
    return at(this.#r.axes, 0);
  }

  #locals(): Local[] {
    const { names, init } = this.#r;
    const sizes = [...this.#levels.map(({ label }) => ({ label, size: this.#width })), { label: "rows", size: this.#rows * this.#width }];
    return sizes.flatMap(({ label, size }) =>
      names.map((name, i): Local => ({ kind: "local", name: `${name}_${label}`, dtype: at(init, i).dtype, size, space: "scratch" })),
    );
  }

  #kept(label: string, index: Expr): Expr[] {
    return this.#r.names.map((name, i) => load(`${name}_${label}`, at(this.#r.init, i).dtype, index));
  }

  #keeping(label: string, index: Expr): Keeping {
    const name = (i: number): string => `${at(this.#r.names, i)}_${label}`;
    return { parts: this.#kept(label, index), set: (i, value) => ({ kind: "store", buffer: name(i), index, value }), name };
  }

  /** What is done for all columns side by side. */
  #across(make: (lane: Expr) => readonly Stmt[]): For {
    return vector(`${this.#column.name}v`, this.#width, make);
  }

  #cleared(label: string): For {
    return this.#across((lane) => this.#r.init.map((value, i) => this.#keeping(label, lane).set(i, value)));
  }

  /** Rows added up, as many at once as wait together. */
  #added({ from, count, suffix }: Rows): readonly Stmt[] {
    const turns = Math.floor(count / this.#rows);
    const turn = axisIndex(`${this.#walk.name}c${suffix}`, 0, Math.max(0, turns - 1));
    const first = addIndex(from, mulIndex(turn, this.#rows));
    const whole = loop("serial", { name: turn.name, lo: ix(0), hi: ix(turns) }, 1, this.#together({ from: first, count: this.#rows, suffix }));
    const left = count - turns * this.#rows;
    const rest = left === 0 ? [] : this.#together({ from: addIndex(from, turns * this.#rows), count: left, suffix: `${suffix}_l` });
    return turns === 0 ? rest : [whole, ...rest];
  }

  /** The elements of some rows, then their sums. */
  #together(rows: Rows): readonly Stmt[] {
    const { body, axes } = this.#elements(rows);
    return [...turnsInLoop(body, axes), this.#across((lane) => this.#sums(rows, lane))];
  }

  /** The rows of a column added up, in registers meanwhile. */
  #sums({ count, suffix }: Rows, lane: Expr): readonly Stmt[] {
    const into = at(this.#levels, this.#levels.length - 1).label;
    const row = axisIndex(`${this.#walk.name}a`, 0, count - 1);
    const name = (i: number): string => `${at(this.#r.names, i)}_a${suffix}`;
    const parts = this.#r.init.map((e, i) => variable(name(i), e.dtype));
    const keeping: Keeping = { parts, set: (i, value) => ({ kind: "assign", name: name(i), value }), name };
    const added = bringInto(this.#r, keeping, this.#kept("rows", addIndex(mulIndex(row, this.#width), lane)), "_e");
    return [
      ...this.#kept(into, lane).map((init, i): Stmt => ({ kind: "carry", name: name(i), init })),
      loop("serial", { name: row.name, lo: ix(0), hi: ix(count) }, 1, added),
      ...parts.map((value, i) => this.#keeping(into, lane).set(i, value)),
    ];
  }

  #elements({ from, count, suffix }: Rows): { readonly body: readonly Stmt[]; readonly axes: RowAxes } {
    const { names, values, body } = this.#r;
    const outer: Axis = { name: `${this.#walk.name}r${suffix}`, kind: "serial", lo: ix(0), hi: ix(count), step: 1 };
    const row = axisIndex(outer.name, 0, count - 1);
    const place = flatten([row, axisIndex(this.#column.name, 0, this.#width - 1)], [count, this.#width]);
    const stores = values.map((value, i): Stmt => ({ kind: "store", buffer: `${at(names, i)}_rows`, index: place, value }));
    const axes = new Map([[this.#walk.name, addIndex(from, row)]]);
    return {
      body: inlineIndices(copied({ body: [...body, ...stores], values: [] }, { suffix: `_r${suffix}`, axes }).body),
      axes: { outer, inner: this.#column },
    };
  }

  /** What follows the sums. */
  #last(): For {
    return this.#across((lane) => {
      const sums = this.#kept("columns", lane);
      const f = exprMapper((e) => (e.op === "var" ? (sums[this.#r.names.indexOf(e.name)] ?? e) : e));
      return mapStatements(copied({ body: this.#after, values: [] }, { suffix: "", axes: new Map([[this.#column.name, lane]]) }).body, f);
    });
  }
}
