/**
 * column rows: sums down few columns of what takes functions, several rows at once, on CPUs with vectors.
 *
 *   for %j in 0..3 [grid] { reduce %s = 0 by $0 + $1 over %k in 0..256 { yield exp(load %x[%k * 3 + %j]) }  store %y[%j] = %s }
 *     → local %s_columns: f32[3]  local %s_rows: f32[192]  for %jv in 0..3 [vector] { store %s_columns[%jv] = 0 }
 *       for %kc in 0..4 {
 *         for %kr in 0..16 { for %jv in 0..12 [vector] { store %s_rows[%kr * 12 + %jv] = exp(load %x[%kc * 192 + %kr * 12 + %jv]) } }
 *         for %ka in 0..64 { for %jv in 0..3 [vector] { store %s_columns[%jv] = load %s_columns[%jv] + load %s_rows[%ka * 3 + %jv] } } }
 *       for %jv in 0..3 [vector] { store %y[%jv] = load %s_columns[%jv] }
 *
 * A function takes as long for three numbers as for four. Sums keep their order, so this changes no bit.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, flatten, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatements } from "../../ir/loop-walk.ts";
import { tidy } from "../lower/tidy.ts";
import { block } from "./accumulate.ts";
import { isWalk } from "./column-strips.ts";
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

/** Rows from one on, and what the names end in that are made for them. */
interface Rows {
  readonly from: Expr;
  readonly count: number;
  readonly suffix: string;
}

class FewColumns {
  readonly #r: Reduce;
  readonly #column: Axis;
  readonly #after: readonly Stmt[];
  readonly #width: number;
  /** Rows at once. */
  readonly #rows: number;
  /** Where rows are added up at first: blocks of many have sums of their own. */
  readonly #into: "columns" | "block";

  constructor(r: Reduce, column: Axis, after: readonly Stmt[]) {
    this.#r = r;
    this.#column = { ...column, kind: "serial" };
    this.#after = after;
    this.#width = column.hi.value;
    const most = Math.min(mostRows, this.#walk.hi.value);
    this.#rows = 2 ** Math.floor(Math.log2(Math.min(most, Math.max(1, wanted / this.#width))));
    this.#into = !r.exact && this.#walk.hi.value > block ? "block" : "columns";
  }

  get goSeveral(): boolean {
    const { body, axes } = this.#elements({ from: ix(0), count: this.#rows, suffix: "" });
    return goSeveral(body, axes);
  }

  statements(): readonly Stmt[] {
    const n = this.#walk.hi.value;
    if (this.#into === "columns") return [...this.#locals(), this.#cleared("columns"), ...this.#added({ from: ix(0), count: n, suffix: "" }), this.#last()];
    const blocks = Math.floor(n / block);
    const b = axisIndex(`${this.#walk.name}b`, 0, blocks - 1);
    const whole = loop("serial", { name: b.name, lo: ix(0), hi: ix(blocks) }, 1, this.#block({ from: mulIndex(b, block), count: block, suffix: "" }));
    const left = n % block === 0 ? [] : this.#block({ from: ix(blocks * block), count: n % block, suffix: "_t" });
    return [...this.#locals(), this.#cleared("columns"), whole, ...left, this.#last()];
  }

  get #walk(): Axis {
    return at(this.#r.axes, 0);
  }

  #locals(): Local[] {
    const { names, init } = this.#r;
    const sizes = new Map([
      ["columns", this.#width],
      [this.#into, this.#width],
      ["rows", this.#rows * this.#width],
    ]);
    return [...sizes].flatMap(([label, size]) =>
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

  /** Rows that have sums of their own. */
  #block(rows: Rows): readonly Stmt[] {
    const joined = this.#across((lane) => bringInto(this.#r, this.#keeping("columns", lane), this.#kept("block", lane), `_b${rows.suffix}`));
    return [this.#cleared("block"), ...this.#added(rows), joined];
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
    const row = axisIndex(`${this.#walk.name}a`, 0, rows.count - 1);
    const sums = this.#across((lane) =>
      bringInto(this.#r, this.#keeping(this.#into, lane), this.#kept("rows", addIndex(mulIndex(row, this.#width), lane)), `_e${rows.suffix}`),
    );
    return [...turnsInLoop(body, axes), loop("serial", { name: row.name, lo: ix(0), hi: ix(rows.count) }, 1, [sums])];
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
