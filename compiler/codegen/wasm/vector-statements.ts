/**
 * The statements of a vector loop. What is equal in all iterations is done once, by scalar code; the rest four iterations at a time,
 * for runs of statements without loops: all of them for the first four, then for the next, so that few registers are in use.
 */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Reduce, Stmt, Store } from "../../ir/loop.ts";
import type { KernelCode } from "./kernel-code.ts";
import { surveyOf } from "./survey.ts";
import { combinedTuple } from "./tuple.ts";
import type { Width } from "./types.ts";
import type { VectorCode } from "./vector-code.ts";
import { assignedIn } from "./vectors.ts";

/**
 * Groups whose values are computed side by side. A machine looks some hundred instructions ahead, which long chains fill with what
 * waits: of short bodies it sees four groups at once, and is kept busy. Longer ones would not stay in the registers.
 */
const fewTogether = 2;
const manyTogether = 4;
const mostOperations = 192;

/** What one statement does for a group of four iterations. What it returns is left to do, and may be done after later groups. */
interface GroupStep {
  readonly cuts: readonly Expr[];
  readonly roots: readonly Expr[];
  readonly run: (group: number) => readonly (() => void)[];
}

const nothing: readonly (() => void)[] = [];

export class VectorStatements {
  readonly #kernel: KernelCode;
  readonly #code: VectorCode;

  constructor(kernel: KernelCode, code: VectorCode) {
    this.#kernel = kernel;
    this.#code = code;
  }

  statements(list: readonly Stmt[]): void {
    let run: Stmt[] = [];
    const stored = new Set<string>();
    const flush = (): void => {
      this.#run(run);
      run = [];
      stored.clear();
    };
    for (const s of list) {
      if (!this.#isStep(s)) {
        flush();
        this.#apart(s);
        continue;
      }
      if (this.#isBehindStore(s, stored)) flush();
      run.push(s);
      if (s.kind === "store") stored.add(s.buffer);
    }
    flush();
  }

  /** Whether a statement is part of a run: no loop or branch, and no change of what is equal in all iterations. */
  #isStep(s: Stmt): boolean {
    if (s.kind === "let" || s.kind === "store") return true;
    return (s.kind === "carry" || s.kind === "assign") && this.#isVaryingName(s.name);
  }

  #isVaryingName(name: string): boolean {
    return this.#code.loop.variance.names.has(name);
  }

  /** What is equal in all iterations is loaded before the run: not what the run stores. */
  #isBehindStore(s: Stmt, stored: ReadonlySet<string>): boolean {
    return stored.size > 0 && surveyOf(s).loads.some((e) => stored.has(e.name) && !this.#code.isVarying(at(e.args, 0)));
  }

  #apart(s: Stmt): void {
    switch (s.kind) {
      case "if":
        this.#kernel.scalar.begin();
        return this.#kernel.branch(s.condition, () => this.statements(s.then), s.otherwise.length === 0 ? null : (): void => this.statements(s.otherwise));
      case "for":
        this.#kernel.scalar.begin();
        return this.#kernel.loop(s.axis, assignedIn(s.body), () => this.statements(s.body));
      case "reduce":
        return s.names.some((name) => this.#isVaryingName(name)) ? this.#reduce(s) : this.#kernel.statement(s);
      default:
        return this.#kernel.statement(s);
    }
  }

  #run(run: readonly Stmt[]): void {
    if (run.length === 0) return;
    this.#code.begin();
    const late = lateStores(run);
    this.#groups(run.flatMap((s) => this.#step(s, late) ?? []));
  }

  /** Parts of neighbouring groups take turns, so that none waits for itself. */
  #groups(steps: readonly GroupStep[]): void {
    const count = this.#code.registers(32);
    const together = count > fewTogether && this.#operationsOf(steps) * manyTogether <= mostOperations ? manyTogether : fewTogether;
    for (let first = 0; first < count; first += together) {
      const end = Math.min(first + together, count);
      const open: (() => void)[] = [];
      for (let k = 0; k < steps.length; k++) this.#together(at(steps, k), { first, end }, open);
      for (const write of open) write();
    }
  }

  /** One step of neighbouring groups. What is left to do goes to `open`. */
  #together({ cuts, roots, run }: GroupStep, { first, end }: { readonly first: number; readonly end: number }, open: (() => void)[]): void {
    // not before: a register that holds one is busy until its use
    if (first === 0) this.#code.keepSplats(roots);
    for (let i = 0; i < cuts.length; i++) for (let group = first; group < end; group++) this.#code.keep(at(cuts, i), group);
    for (let group = first; group < end; group++) {
      const left = run(group);
      for (let i = 0; i < left.length; i++) open.push(at(left, i));
    }
  }

  /** Operations of a group; without end where it branches. */
  #operationsOf(steps: readonly GroupStep[]): number {
    const seen = new Set<Expr>();
    const stack = steps.flatMap(({ roots }) => roots);
    for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
      if (e.op === "rare") return Infinity;
      if (seen.has(e) || e.args.length === 0) continue;
      seen.add(e);
      stack.push(...this.#code.operandsOf(e));
    }
    return seen.size;
  }

  /** What is equal in all iterations is done at once; the rest is returned. */
  #step(s: Stmt, late: ReadonlySet<Stmt>): GroupStep | null {
    switch (s.kind) {
      case "let":
        return this.#let(s.name, s.value);
      case "carry":
        return this.#define(s.name, s.init);
      case "assign": {
        const registers = this.#registersOf(s.name);
        return this.#stepOf([s.value], (group) => this.#set(s.value, { name: s.name, registers }, group));
      }
      case "store": {
        const { buffer, index, value, guard } = s;
        const roots = [...this.#code.memory.rootsOf(buffer, index, guard), value];
        return this.#stepOf(roots, (group) => this.#store(s, group, late.has(s) ? "late" : "now"));
      }
      default:
        throw new CompilerBug(`${s.kind} in a run of vectors`);
    }
  }

  #store({ buffer, index, value, guard }: Store, group: number, when: "now" | "late"): (() => void)[] {
    const { memory } = this.#code;
    const registers = this.#code.registersOf(group, this.#code.widthInMemory(buffer));
    if (when === "late") return registers.map((register) => memory.storeLater(buffer, index, value, register));
    for (const register of registers) memory.store(buffer, index, value, { register, guard });
    return [];
  }

  #stepOf(roots: readonly Expr[], run: (group: number) => readonly (() => void)[]): GroupStep {
    return { cuts: this.#code.cuts(roots), roots, run };
  }

  #let(name: string, value: Expr): GroupStep | null {
    const { frame } = this.#code.tools;
    if (!this.#code.isVarying(value)) {
      this.#kernel.statement({ kind: "let", name, value });
      return null;
    }
    if (this.#isIndex(value)) {
      frame.define(name, { kind: "index", value });
      return null;
    }
    return this.#define(name, value);
  }

  /** Whether a value goes up with the axis, from a start that needs no code in the loop, or divides what is known of every lane. */
  #isIndex(value: Expr): boolean {
    if (value.dtype !== "int32") return false;
    const { forms, frame } = this.#code.tools;
    const own = this.#code.loop.axis.name;
    const { terms } = forms.of(value);
    return terms.every(({ atom }) => (atom.op === "axis" && atom.name === own) || frame.isMovable(atom)) || this.#code.memory.isDivided(value);
  }

  #define(name: string, value: Expr): GroupStep {
    // a mask that is carried may become one of narrow lanes
    const width = this.#code.widthOf(value) ?? 32;
    const registers = this.#registers(name, width);
    return this.#stepOf([value], (group) => this.#set(value, { name, registers }, group));
  }

  #registers(name: string, width: Width): readonly number[] {
    const { body, frame } = this.#code.tools;
    const registers = Array.from({ length: this.#code.registers(width) }, (_, i) => body.local(`${name}.${i}`, "v128"));
    frame.define(name, { kind: "vector", registers, width });
    return registers;
  }

  #registersOf(name: string): readonly number[] {
    const meaning = this.#code.tools.frame.meaning(name);
    if (meaning.kind !== "vector") throw new CompilerBug(`%${name} is no vector`);
    return meaning.registers;
  }

  #widthOf(name: string): Width {
    const meaning = this.#code.tools.frame.meaning(name);
    return meaning.kind === "vector" ? meaning.width : 32;
  }

  #set(value: Expr, { name, registers }: { readonly name: string; readonly registers: readonly number[] }, group: number): typeof nothing {
    const width = this.#widthOf(name);
    const own = this.#code.registersOf(group, width);
    for (let i = 0; i < own.length; i++) {
      const r = at(own, i);
      this.#code.operand(value, r, width);
      this.#code.tools.body.set(at(registers, r));
    }
    return nothing;
  }

  #reduce(s: Reduce): void {
    this.#code.begin();
    this.#groups(s.init.map((e, i) => this.#define(at(s.names, i), e)));
    this.#kernel.nest(s, assignedIn([s]), () => {
      this.statements(s.body);
      this.#accumulate(s);
    });
  }

  /** The whole tuple is computed before any part of it changes, unless each part goes its own way: then few registers are busy at a time. */
  #accumulate(s: Reduce): void {
    const { body } = this.#code.tools;
    this.#code.begin();
    const combined = combinedTuple(s);
    if (areApart(combined, s.names)) {
      combined.forEach((e, i) => this.#groups([this.#stepOf([e], (group) => this.#set(e, this.#placeOf(at(s.names, i)), group))]));
      return;
    }
    const step = this.#stepOf(combined, (group) => {
      const targets = combined.flatMap((e, i) => {
        const name = at(s.names, i);
        const width = this.#widthOf(name);
        return this.#code.registersOf(group, width).map((r) => {
          this.#code.operand(e, r, width);
          return at(this.#registersOf(name), r);
        });
      });
      for (const register of targets.toReversed()) body.set(register);
      return nothing;
    });
    this.#groups([step]);
  }

  #placeOf(name: string): { readonly name: string; readonly registers: readonly number[] } {
    return { name, registers: this.#registersOf(name) };
  }
}

/** Whether each of several parts reads of the tuple no more than itself, and they compute nothing in common. */
function areApart(parts: readonly Expr[], names: readonly string[]): boolean {
  const seen = new Set<Expr>();
  return parts.every((part, i) =>
    exprOrder([part]).every((e) => {
      if (e.args.length === 0) return e.op !== "var" || e.name === names[i] || !names.includes(e.name);
      const isNew = !seen.has(e);
      seen.add(e);
      return isNew;
    }),
  );
}

/** Stores of a run that may wait for later groups: nothing in the run loads what they write, or writes it too. */
function lateStores(run: readonly Stmt[]): ReadonlySet<Stmt> {
  const touched = new Set<string>();
  const late = new Set<Stmt>();
  for (const s of run.toReversed()) {
    if (s.kind === "store") {
      if (s.guard === undefined && !touched.has(s.buffer)) late.add(s);
      touched.add(s.buffer);
    }
    for (const e of surveyOf(s).loads) touched.add(e.name);
  }
  return late;
}
