/**
 * column strips: sums down columns, or over windows, of what several functions are needed for, a strip of a line at a time, on CPUs with vectors.
 *
 *   for %j in 0..1024 [grid] { reduce %s = 0 by $0 + $1 over %k in 0..64 { exp(load %x[%k * 1024 + %j]) * tanh(load %x[%k * 1024 + %j]) } … }
 *     → for %j in 0..1024 step 256 [grid] { local %s_columns: f32[256]  local %chain_0: f32[256]
 *         for %ji in 0..256 { store %s_columns[%ji] = 0 }
 *         for %k in 0..64 { for %jc1 in 0..256 { store %chain_0[%jc1] = exp(…) }
 *           for %jc2 in 0..256 { store %s_columns[%jc2] = load %s_columns[%jc2] + load %chain_0[%jc2] * tanh(…) } } … }
 *
 * Each function is in a loop of its own (`chains.ts`). Sums keep their order, so this changes no bit.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex } from "../../ir/indexing.ts";
import type { For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatements } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { block, group } from "./accumulate.ts";
import type { Chains } from "./chains.ts";
import { chainsAlong, withValues } from "./chains.ts";
import type { Keeping } from "./combine.ts";
import { bringInto } from "./combine.ts";
import { copied, loop, minOf } from "./copy.ts";
import { isPlain, loopsOver, onlyReduce, pointsOf } from "./nest.ts";
import type { Strip } from "./strip.ts";
import { eachStrip, overStrip, stripLoops, stripOf } from "./strip.ts";

/** With fewer strips than this for threads to share they are shorter: so long. */
const manyStrips = 8;
const shorter = 64;

/** The kernel by strips of its columns, or the kernel itself where no two functions are needed for what it adds up. */
export function columnStrips(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const inner = nest.at(-1);
  const reduce = inner === undefined ? null : onlyReduce(inner.body);
  if (inner === undefined || reduce === null || !isPlain(inner.axis) || !isWalk(reduce)) return kernel;
  const { axis, body } = inner;
  const points = nest.reduce((n, f) => n * f.axis.hi.value, 1);
  const size = stripOf(axis.hi.value, points < manyStrips * stripOf(axis.hi.value) ? shorter : undefined);
  const position = body.indexOf(reduce);
  const before = body.slice(0, position).filter((s) => s.kind === "let");
  if (size === 0) return kernel;
  const chains = chainsAlong({ axis: axis.name, target }, [...before, ...reduce.body], reduce.values);
  if (chains === null) return kernel;
  const columns = new Columns(reduce, chains, { before, after: body.filter((s) => s !== reduce), size });
  return { ...kernel, body: stripLoops(nest, size, [...columns.locals, ...eachStrip(axis, size, (strip) => columns.over(strip))]) };
}

/** Whether a reduction adds up one axis, over no more blocks than are in a group, or several within one block: a window. */
function isWalk({ axes, exact }: Reduce): boolean {
  const length = pointsOf(axes);
  return axes.every((a) => a.kind === "serial" && isPlain(a)) && (exact || length <= (axes.length > 1 ? block : block * group));
}

interface Around {
  readonly before: readonly Stmt[];
  readonly after: readonly Stmt[];
  readonly size: number;
}

class Columns {
  readonly #r: Reduce;
  readonly #chains: Chains;
  readonly #around: Around;
  readonly #functions: readonly Local[];
  /** Sums of blocks, which are brought into those of all. */
  readonly #isBlocked: boolean;

  constructor(r: Reduce, chains: Chains, around: Around) {
    this.#r = r;
    this.#chains = chains;
    this.#around = around;
    this.#functions = chains.locals(around.size, "chain_");
    this.#isBlocked = !r.exact && r.axes.length === 1 && at(r.axes, 0).hi.value > block;
  }

  get locals(): readonly Local[] {
    const sums = (label: string): Local[] =>
      this.#r.names.map((_, i) => ({
        kind: "local",
        name: this.#memory(i, label),
        dtype: at(this.#r.init, i).dtype,
        size: this.#around.size,
        space: "scratch",
      }));
    return [...this.#functions, ...sums("columns"), ...(this.#isBlocked ? sums("block") : [])];
  }

  /** Everything that is done for a strip. */
  over(strip: Strip): readonly Stmt[] {
    const last = this.#after(strip);
    if (!this.#isBlocked) return [this.#cleared(strip, "columns"), ...loopsOver(this.#r.axes, this.#turn(strip, "columns")), last];
    const axis = at(this.#r.axes, 0);
    const n = axis.hi.value;
    const start = mulIndex(axisIndex(`${axis.name}b`, 0, Math.ceil(n / block) - 1), block);
    const end = n % block === 0 ? addIndex(start, block) : minOf(addIndex(start, block), ix(n));
    const turns = loop("serial", { name: axis.name, lo: start, hi: end }, 1, this.#turn(strip, "block"));
    const blocks = [this.#cleared(strip, "block"), turns, this.#joined(strip)];
    return [this.#cleared(strip, "columns"), loop("serial", { name: `${axis.name}b`, lo: ix(0), hi: ix(Math.ceil(n / block)) }, 1, blocks), last];
  }

  #memory(i: number, label: string): string {
    return `${at(this.#r.names, i)}_${label}`;
  }

  #sums(label: string, index: Expr): Expr[] {
    return this.#r.init.map((e, i) => load(this.#memory(i, label), e.dtype, index));
  }

  #keeping(label: string, index: Expr): Keeping {
    const set = (i: number, value: Expr): Stmt => ({ kind: "store", buffer: this.#memory(i, label), index, value });
    return { parts: this.#sums(label, index), set, name: (i) => this.#memory(i, label) };
  }

  #cleared(strip: Strip, label: string): For {
    const { init } = this.#r;
    return overStrip(strip, `i${label[0] ?? ""}`, (index) => init.map((value, i): Stmt => ({ kind: "store", buffer: this.#memory(i, label), index, value })));
  }

  /** One line of the strip: functions one after another, then what they are needed for. */
  #turn(strip: Strip, label: string): readonly Stmt[] {
    const last = overStrip(strip, `c${this.#chains.length}`, (index) => {
      const f = this.#chains.reading(this.#functions, { stage: this.#chains.length, index });
      const body = withValues([...this.#around.before, ...this.#r.body], f);
      return [...body, ...bringInto(this.#r, this.#keeping(label, index), this.#r.values.map(f), "_e")];
    });
    return [...this.#chains.loops(strip, this.#functions), last];
  }

  #joined(strip: Strip): For {
    return overStrip(strip, "j", (index) => bringInto(this.#r, this.#keeping("columns", index), this.#sums("block", index), "_b"));
  }

  /** What follows the sums. */
  #after(strip: Strip): For {
    return overStrip(strip, "a", (index) => {
      const sums = this.#sums("columns", index);
      const f = exprMapper((e) => (e.op === "var" ? (sums[this.#r.names.indexOf(e.name)] ?? e) : e));
      return mapStatements(copied({ body: this.#around.after, values: [] }, { suffix: "_a", axes: new Map() }).body, f);
    });
  }
}
