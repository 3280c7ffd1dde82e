/**
 * A kernel as a function `(lo, hi, scratch, buffers, scalars)` that runs the turns lo … hi - 1. Statements become code one after the
 * other; where values are computed is decided by the frame, how by the scalar and the vector expressions.
 */
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, load, variable } from "../../ir/expr.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { Body } from "./body.ts";
import type { FunctionCode } from "./code.ts";
import type { ConstantPool } from "./constants.ts";
import { listNs } from "./cost.ts";
import { withDistinctNames } from "../../ir/distinct.ts";
import { Frame } from "./frame.ts";
import type { Grid } from "./grid.ts";
import { gridsOf, lengthOf } from "./grid.ts";
import { LinearForms } from "./linear.ts";
import { planRegisters } from "./registers.ts";
import { combinedTuple } from "./tuple.ts";
import type { Memory } from "./scalar-code.ts";
import { ScalarCode } from "./scalar-code.ts";
import { typeRow, valueType } from "./types.ts";
import { VectorCode } from "./vector-code.ts";
import { VectorStatements } from "./vector-statements.ts";
import type { VectorLoop } from "./vectors.ts";
import { assignedIn, planVectors, withShortVectors } from "./vectors.ts";

export interface ModuleTools {
  readonly pool: ConstantPool;
  readonly host: (name: string, arity: number) => number;
  readonly relaxed: boolean;
}

export interface MadeKernel {
  readonly code: FunctionCode;
  readonly turns: number;
  readonly turnNs: number;
  readonly scratchBytes: number;
}

const parameters = 3;
const [firstTurn, lastTurn, scratchBase] = [0, 1, 2];

export class KernelCode {
  readonly body: Body = new Body();
  readonly frame: Frame = new Frame(this.body);
  readonly scalar: ScalarCode;
  readonly #kernel: Kernel;
  readonly #tools: ModuleTools;
  readonly #vectors: ReadonlyMap<For, VectorLoop>;
  readonly #memories = new Map<string, Memory>();
  readonly #forms: LinearForms;
  #scratchBytes = 0;

  constructor(given: Kernel, tools: ModuleTools) {
    this.#kernel = withDistinctNames(withShortVectors(given));
    this.#tools = tools;
    this.#vectors = planVectors(this.#kernel);
    this.#forms = new LinearForms((name) => {
      const meaning = this.frame.known(name);
      return meaning?.kind === "free" || meaning?.kind === "index" ? meaning.value : undefined;
    });
    this.scalar = new ScalarCode({ body: this.body, frame: this.frame, forms: this.#forms, memories: this.#memories, host: tools.host });
  }

  make(name: string): MadeKernel {
    const { buffers, scalars, body } = this.#kernel;
    for (const p of ["lo", "hi", "scratch"]) this.body.local(p, "i32");
    for (const b of buffers) this.#memories.set(b.name, { kind: "memory", name: b.name, dtype: b.dtype, base: this.body.local(b.name, "i32"), offset: 0 });
    for (const s of scalars) this.frame.define(s.name, { kind: "local", local: this.body.local(s.name, valueType(s.dtype)), level: 0, isFree: true });
    this.#locals();
    this.#leaveWithoutTurns();
    const grids = gridsOf(this.#kernel);
    const own = this.body.apart(() => (grids.length === 0 ? this.statements(body) : this.#grids(grids)));
    this.body.append(this.frame.prologue);
    this.body.append(own);
    const code = {
      name,
      comment: commentOf(this.#kernel),
      parameters: parameters + buffers.length + scalars.length,
      locals: this.body.locals,
      code: this.body.code,
    };
    const turns = grids.reduce((n, g) => n + g.turns, 0);
    const ns = grids.reduce((n, g) => n + g.turns * listNs(g.body, this.#vectors), 0);
    return { code, turns: Math.max(1, turns), turnNs: turns === 0 ? listNs(body, this.#vectors) : ns / turns, scratchBytes: this.#scratchBytes };
  }

  #leaveWithoutTurns(): void {
    this.body.get(firstTurn);
    this.body.get(lastTurn);
    this.body.emit("i32.ge_s");
    this.body.block("if", null, () => this.body.emit("return"));
  }

  /** Scratch in registers, or one after the other in the memory of the thread. */
  #locals(): void {
    const keepings = planRegisters(this.#kernel, this.#vectors);
    if (keepings.size === 0) return;
    for (const s of statements(this.#kernel.body)) if (s.kind === "local") this.#memories.set(s.name, this.#local(s, keepings.get(s.name) ?? "memory"));
  }

  #local({ name, dtype, size }: Local, keeping: "registers" | "elements" | "memory"): Memory {
    const many = (count: number, make: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => make(i));
    if (keeping === "elements") return { kind: "elements", name, dtype, locals: many(size, (i) => this.body.local(`${name}.${i}`, valueType(dtype))) };
    if (keeping === "registers") {
      // a group of four lanes has two registers of 64 bits
      const count = Math.ceil(size / 4) * (typeRow(dtype).width / 32);
      return { kind: "registers", name, dtype, registers: many(count, (i) => this.body.local(`${name}.${i}`, "v128")) };
    }
    const offset = this.#scratchBytes;
    this.#scratchBytes = Math.ceil((offset + size * dtypeInfo(dtype).bytes) / 16) * 16;
    return { kind: "memory", name, dtype, base: scratchBase, offset };
  }

  statements(list: readonly Stmt[]): void {
    for (const s of list) this.statement(s);
  }

  statement(s: Stmt): void {
    this.scalar.begin();
    switch (s.kind) {
      case "for":
        return this.#for(s);
      case "let":
        return this.#let(s.name, s.value);
      case "carry":
        this.#value(s.init);
        return this.#variable(s.name, s.init.dtype);
      case "assign":
        this.#value(s.value);
        return this.body.set(this.#localOf(s.name));
      case "reduce":
        return this.#reduce(s);
      case "store":
        return this.#store(s);
      case "if":
        return this.branch(s.condition, () => this.statements(s.then), s.otherwise.length === 0 ? null : (): void => this.statements(s.otherwise));
      case "local":
        return;
      case "barrier":
        throw new CompilerBug(`kernel ${this.#kernel.name}: a barrier between lanes, which the CPU runs one after the other`);
    }
  }

  #value(e: Expr): void {
    this.scalar.prepare([e]);
    this.scalar.push(e);
  }

  #let(name: string, value: Expr): void {
    const { isFree, level } = this.frame.placeOf(value);
    if (isFree) return this.frame.define(name, { kind: "free", value, level });
    this.#value(value);
    this.#variable(name, value.dtype);
  }

  /** The value on the stack under a name. */
  #variable(name: string, dtype: DType): void {
    this.frame.define(name, { kind: "local", local: this.body.keep(name, valueType(dtype)), level: this.frame.level, isFree: false });
  }

  #localOf(name: string): number {
    const meaning = this.frame.meaning(name);
    if (meaning.kind !== "local") throw new CompilerBug(`%${name} is no variable`);
    return meaning.local;
  }

  /** Where the condition holds, and where it does not. */
  branch(condition: Expr, then: () => void, otherwise: (() => void) | null): void {
    this.#value(condition);
    if (otherwise === null) this.body.block("if", null, then);
    else this.body.choose(null, then, otherwise);
  }

  #for(s: For): void {
    const vector = this.#vectors.get(s);
    if (vector === undefined) return this.loop(s.axis, assignedIn(s.body), () => this.statements(s.body));
    const tools = { body: this.body, frame: this.frame, forms: this.#forms, memories: this.#memories, scalar: this.scalar, ...this.#tools };
    new VectorStatements(this, new VectorCode(tools, vector)).statements(s.body);
  }

  /** A loop over an axis. It is entered only where it runs at least once. */
  loop(axis: Axis, assigned: ReadonlySet<string>, inside: () => void): void {
    const { body } = this;
    this.#value(axis.lo);
    const index = body.keep(axis.name, "i32");
    const end = this.#endOf(axis);
    const isSure = axis.lo.op === "const" && axis.hi.op === "const" && axis.lo.value < axis.hi.value;
    const run = (): void => this.#loop({ axis, index, end, assigned }, inside);
    if (isSure) return run();
    body.get(index);
    end();
    body.emit("i32.lt_s");
    body.block("if", null, run);
  }

  /** The end of an axis is computed once. */
  #endOf(axis: Axis): () => void {
    const { body } = this;
    if (axis.hi.op === "const") return () => body.int(axis.hi.value);
    this.#value(axis.hi);
    const local = body.keep(`${axis.name}.end`, "i32");
    return () => body.get(local);
  }

  #loop({ axis, index, end, assigned }: RunningLoop, inside: () => void): void {
    const { body, frame } = this;
    frame.within(assigned, ({ before, head }) => {
      frame.define(axis.name, { kind: "local", local: index, level: frame.level, isFree: true });
      const own = body.apart(inside);
      body.append(before);
      body.block("loop", null, () => {
        body.append(head);
        body.append(own);
        body.get(index);
        body.int(axis.step);
        body.emit("i32.add");
        body.emit("local.tee", index);
        end();
        body.emit("i32.lt_s");
        body.emit("br_if", 0);
      });
    });
  }

  #reduce(s: Reduce): void {
    s.init.forEach((e, i) => {
      this.#value(e);
      this.#variable(at(s.names, i), e.dtype);
    });
    this.nest(s, assignedIn([s]), () => {
      this.statements(s.body);
      this.#accumulate(s);
    });
  }

  /** The loops of a reduction. */
  nest(s: Reduce, assigned: ReadonlySet<string>, inside: () => void, k: number = 0): void {
    const axis = s.axes[k];
    if (axis === undefined) return inside();
    this.scalar.begin();
    this.loop(axis, assigned, () => this.nest(s, assigned, inside, k + 1));
  }

  /** The whole tuple is computed before any part of it changes. */
  #accumulate(s: Reduce): void {
    this.scalar.begin();
    const combined = combinedTuple(s);
    this.scalar.prepare(combined);
    for (const e of combined) this.scalar.push(e);
    for (const name of s.names.toReversed()) this.body.set(this.#localOf(name));
  }

  #store(s: Store): void {
    const write = (): void => {
      if (s.atomic === undefined) return this.scalar.store(s.buffer, s.index, s.value);
      // one thread: reading, combining and writing is atomic. On bool, adding is "or" and multiplying is "and".
      const { dtype } = s.value;
      const logic = { add: "or", mul: "and", min: "min", max: "max" } as const;
      const index = this.#bound(s.index);
      this.scalar.store(s.buffer, index, apply(dtype === "bool" ? logic[s.atomic] : s.atomic, [load(s.buffer, dtype, index), s.value]));
    };
    if (s.guard === undefined) return write();
    this.branch(s.guard, write, null);
  }

  /** An index under a name of its own. */
  #bound(index: Expr): Expr {
    const name = this.scalar.temporary();
    this.#value(index);
    this.#variable(name, "int32");
    return variable(name, "int32", index.lo, index.hi);
  }

  /** Grids side by side: each runs those of its own turns that are among the ones asked for. */
  #grids(grids: readonly Grid[]): void {
    const [only] = grids;
    if (grids.length === 1 && only !== undefined) return this.#grid(only, { lo: firstTurn, hi: lastTurn });
    const { body } = this;
    let before = 0;
    for (const grid of grids) {
      const [lo, hi] = [body.local("from", "i32"), body.local("to", "i32")];
      this.#clamped(firstTurn, { before, turns: grid.turns }, lo);
      this.#clamped(lastTurn, { before, turns: grid.turns }, hi);
      before += grid.turns;
      body.get(lo);
      body.get(hi);
      body.emit("i32.lt_s");
      body.block("if", null, () => this.#grid(grid, { lo, hi }));
    }
  }

  /** min(max(turn - before, 0), turns) */
  #clamped(turn: number, { before, turns }: { readonly before: number; readonly turns: number }, into: number): void {
    const { body } = this;
    body.get(turn);
    body.int(before);
    body.emit("i32.sub");
    body.set(into);
    const choose = (bound: number, op: "i32.gt_s" | "i32.lt_s"): void => {
      body.get(into);
      body.int(bound);
      body.get(into);
      body.int(bound);
      body.emit(op);
      body.emit("select");
      body.set(into);
    };
    choose(0, "i32.gt_s");
    choose(turns, "i32.lt_s");
  }

  /** Turns: one axis is counted by its own steps, several are found from the number of the turn. */
  #grid(grid: Grid, range: { readonly lo: number; readonly hi: number }): void {
    const { body } = this;
    const only = grid.axes.length === 1 ? grid.axes[0] : undefined;
    const index = only === undefined ? body.local("turn", "i32") : body.local(only.name, "i32");
    const [step, offset] = only === undefined ? [1, 0] : [only.step, only.lo.value];
    const scaled = (turn: number): void => {
      body.get(turn);
      if (step !== 1) {
        body.int(step);
        body.emit("i32.mul");
      }
      if (offset === 0) return;
      body.int(offset);
      body.emit("i32.add");
    };
    scaled(range.lo);
    body.set(index);
    scaled(range.hi);
    const end = body.keep("end", "i32");
    const axis: Axis = { ...at(grid.axes, 0), name: only?.name ?? "turn", step };
    this.#loop({ axis, index, end: () => body.get(end), assigned: assignedIn(grid.body) }, () => {
      if (only === undefined) this.#axesOf(index, grid.axes);
      this.statements([...grid.lets, ...grid.body]);
    });
  }

  /** The indices of several axes in a turn, the last of which goes on first. They are there before anything else in the turn. */
  #axesOf(turn: number, axes: readonly Axis[]): void {
    const { body, frame } = this;
    let rest = turn;
    axes.toReversed().forEach((axis, i) => {
      const isFirst = i === axes.length - 1;
      const place = (name: string, op: "i32.div_u" | "i32.rem_u" | null, emitMore: () => void): number => {
        const from = rest;
        return frame.place(`axis ${name}`, frame.level, {
          name,
          type: "i32",
          emit: () => {
            body.get(from);
            if (op !== null) {
              body.int(lengthOf(axis));
              body.emit(op);
            }
            emitMore();
          },
        });
      };
      const own = place(axis.name, isFirst ? null : "i32.rem_u", () => {
        body.int(axis.step);
        body.emit("i32.mul");
        body.int(axis.lo.value);
        body.emit("i32.add");
      });
      frame.define(axis.name, { kind: "local", local: own, level: frame.level, isFree: true });
      if (!isFirst) rest = place(`${axis.name}.rest`, "i32.div_u", () => undefined);
    });
  }
}

const commentOf =
  ({ name, buffers, scalars }: Kernel): (() => string) =>
  () =>
    `${name}: ${[...buffers.map((b) => `${b.name} ${b.dtype}[${b.size}]`), ...scalars.map((s) => `${s.name} ${s.dtype}`)].join(", ")}`;

interface RunningLoop {
  readonly axis: Axis;
  readonly index: number;
  /** Leaves the end of the index on the stack. */
  readonly end: () => void;
  readonly assigned: ReadonlySet<string>;
}
