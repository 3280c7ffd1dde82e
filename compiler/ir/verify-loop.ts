/**
 * The invariants of the Loop IR: names defined before they are used and once in a scope, dtypes that fit, every load and store in
 * bounds or guarded, stores into writable buffers, locals stored before they are loaded, a barrier between, barriers in uniform
 * control flow, grid axes on top only, no element stored twice by plain stores. A CompilerBug names the kernel and the statement.
 */
import type { DType } from "./dtype.ts";
import { isFloat, registerDType } from "./dtype.ts";
import { at, CompilerBug } from "./errors.ts";
import { exprOrder } from "./expr-order.ts";
import type { Expr, ScalarOp } from "./expr.ts";
import { apply, isScalarOp } from "./expr.ts";
import type { Axis, Kernel, KernelBuffer, Reduce, Stmt, Store } from "./loop.ts";
import { statements } from "./loop.ts";
import { exprText } from "./print-expr.ts";
import type { Range } from "./ranges.ts";
import { unbounded } from "./ranges.ts";
import { verifyBarriers } from "./verify-barriers.ts";
import type { Fact, IndexNames } from "./verify-bounds.ts";
import { axisRange, boundFacts, boundsProblem, rangeIn } from "./verify-bounds.ts";
import { verifyGrid, verifySingleStores } from "./verify-grid.ts";

/** Throws a CompilerBug where the kernel breaks an invariant. */
export function verifyKernel(kernel: Kernel): void {
  const bug: Bug = (message) => new CompilerBug(`verify kernel @${kernel.name}: ${message}`);
  verifyGrid(kernel.body, bug);
  new KernelVerifier(kernel, bug).run();
  verifyBarriers(kernel.body, bug);
  verifySingleStores(kernel, bug);
}

export type Bug = (message: string) => CompilerBug;

/** What a name stands for. `uniform`: the same in all lanes of a workgroup. */
interface Scalar {
  readonly kind: "scalar" | "axis" | "carry";
  readonly dtype: DType;
  readonly range: Range;
  readonly axis?: Axis;
  readonly value?: Expr;
  readonly uniform: boolean;
}
interface Memory {
  readonly kind: "buffer" | "local";
  readonly dtype: DType;
  readonly size: number;
  readonly access: KernelBuffer["access"];
}
type Meaning = Scalar | Memory;
const isMemory = (m: Meaning | undefined): m is Memory => m !== undefined && "size" in m;

const floatOnly: ReadonlySet<ScalarOp> = new Set<ScalarOp>([
  "div",
  "floor",
  "ceil",
  "trunc",
  "round",
  "sqrt",
  "exp",
  "expm1",
  "log",
  "log1p",
  "log2",
  "log10",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "cbrt",
  "pow",
  "fmod",
  "copysign",
  "nextafter",
  "isnan",
  "exp2",
]);
const doubleOnly: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["pow2", "exponent", "significand", "parity", "head"]);
const bitsOnly: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["idiv", "irem", "and", "or", "xor", "not", "shl", "shr"]);

class KernelVerifier {
  readonly #kernel: Kernel;
  readonly #bug: Bug;
  readonly #frames: Map<string, Meaning>[] = [new Map()];
  readonly #checked: Set<Expr>[] = [new Set()];
  readonly #facts: Fact[] = [];
  readonly #stored = new Set<string>();
  /** How many of the loops and conditions around differ between lanes. */
  #divergent = 0;
  /** How many of the loops around never run. */
  #idle = 0;

  constructor(kernel: Kernel, bug: Bug) {
    this.#kernel = kernel;
    this.#bug = bug;
  }

  run(): void {
    for (const { name, dtype, size, access } of this.#kernel.buffers) this.#define(name, { kind: "buffer", dtype, size, access });
    for (const { name, dtype } of this.#kernel.scalars) this.#define(name, { kind: "scalar", dtype, range: unbounded, uniform: true });
    this.#body(this.#kernel.body);
  }

  #define(name: string, meaning: Meaning): void {
    if (this.#meaning(name) !== undefined) throw this.#bug(`%${name} is defined twice`);
    this.#frames.at(-1)?.set(name, meaning);
  }

  #meaning(name: string): Meaning | undefined {
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const found = this.#frames[i]?.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  readonly #names: IndexNames = (name) => {
    const m = this.#meaning(name);
    return isMemory(m) ? undefined : m;
  };

  #scoped(run: () => void): void {
    this.#frames.push(new Map());
    this.#checked.push(new Set());
    run();
    this.#frames.pop();
    this.#checked.pop();
  }

  #body(body: readonly Stmt[]): void {
    for (const s of body) this.#statement(s);
  }

  #statement(s: Stmt): void {
    switch (s.kind) {
      case "for":
        return this.#scoped(() => this.#loop([s.axis], () => this.#body(s.body)));
      case "let":
        this.#check(s.value);
        return this.#define(s.name, { kind: "scalar", dtype: s.value.dtype, range: unbounded, value: s.value, uniform: this.#isUniform(s.value) });
      case "carry":
        this.#check(s.init);
        return this.#define(s.name, { kind: "carry", dtype: s.init.dtype, range: this.#carryRange(s.name, s.init), uniform: false });
      case "assign":
        return this.#assign(s.name, s.value);
      case "reduce":
        return this.#reduce(s);
      case "store":
        return this.#store(s);
      case "if":
        return this.#if(s.condition, s.then, s.otherwise);
      case "local":
        if (!Number.isSafeInteger(s.size) || s.size < 0) throw this.#bug(`local %${s.name} has ${s.size} elements`);
        return this.#define(s.name, { kind: "local", dtype: s.dtype, size: s.size, access: "update" });
      case "barrier":
        if (this.#divergent > 0) throw this.#bug("a barrier stands where lanes may diverge");
    }
  }

  /** A carry that only ever grows stays above its first value. */
  #carryRange(name: string, init: Expr): Range {
    const grows = (value: Expr): boolean => {
      const [old, step] = value.args;
      return value.op === "add" && old?.op === "var" && old.name === name && step !== undefined && rangeIn(step, this.#names).lo >= 0;
    };
    const assigned = [...statements(this.#kernel.body)].filter((s) => s.kind === "assign").filter((s) => s.name === name);
    return init.dtype === "int32" && assigned.every((s) => grows(s.value)) ? { lo: rangeIn(init, this.#names).lo, hi: Infinity } : unbounded;
  }

  #loop(axes: readonly Axis[], run: () => void): void {
    const [divergent, idle, facts] = [this.#divergent, this.#idle, this.#facts.length];
    for (const a of axes) this.#axis(a);
    run();
    [this.#divergent, this.#idle] = [divergent, idle];
    this.#facts.length = facts;
  }

  #axis(a: Axis): void {
    for (const bound of [a.lo, a.hi]) {
      this.#check(bound);
      this.#requireType(bound, "int32", `a bound of axis %${a.name}`);
    }
    if (!Number.isSafeInteger(a.step) || a.step < 1) throw this.#bug(`axis %${a.name} has step ${a.step}`);
    const range = axisRange(a, this.#names);
    const uniform = this.#isUniform(a.lo) && this.#isUniform(a.hi);
    if (!uniform) this.#divergent++;
    if (range.lo > range.hi) this.#idle++;
    this.#define(a.name, { kind: "axis", dtype: "int32", range, axis: a, uniform: uniform && a.kind !== "lane" && a.kind !== "vector" });
    this.#facts.push(...boundFacts(a));
  }

  #assign(name: string, value: Expr): void {
    this.#check(value);
    const m = this.#meaning(name);
    if (m?.kind !== "carry") throw this.#bug(`%${name} is assigned and is no carry`);
    this.#requireType(value, m.dtype, `the new value of %${name}`);
  }

  #reduce(s: Reduce): void {
    const n = s.names.length;
    for (const list of [s.init, s.values, s.combine])
      if (list.length !== n) throw this.#bug(`reduce %${s.names.join(", %")}: ${list.length} expressions for ${n} results`);
    const types = s.init.map((e) => e.dtype);
    s.init.forEach((e) => this.#check(e));
    s.combine.forEach((e, i) => {
      this.#check(e, [...types, ...types]);
      this.#requireType(e, at(types, i), `the combination for %${at(s.names, i)}`);
    });
    this.#scoped(() =>
      this.#loop(s.axes, () => {
        this.#body(s.body);
        s.values.forEach((e, i) => {
          this.#check(e);
          this.#requireType(e, at(types, i), `the value for %${at(s.names, i)}`);
        });
      }),
    );
    s.names.forEach((name, i) => this.#define(name, { kind: "scalar", dtype: at(types, i), range: unbounded, uniform: false }));
  }

  #store(s: Store): void {
    const what = `the store to %${s.buffer}`;
    const m = this.#meaning(s.buffer);
    if (!isMemory(m)) throw this.#bug(`${what}: there is no such buffer here`);
    if (m.access === "read") throw this.#bug(`${what}, which is only read`);
    if (s.atomic !== undefined && m.access !== "update") throw this.#bug(`${what} is atomic: its buffer should be declared update`);
    for (const e of [s.index, s.value, ...(s.guard ? [s.guard] : [])]) this.#check(e);
    if (s.value.dtype !== registerDType(m.dtype)) this.#requireType(s.value, m.dtype, `${what}: its value`);
    this.#access(what, s.index, s.guard, m);
    this.#stored.add(s.buffer);
  }

  /** An index is an int32 inside the buffer, a guard a bool. */
  #access(what: string, index: Expr, guard: Expr | undefined, m: Memory): void {
    this.#requireType(index, "int32", `${what}: its index`);
    if (guard) this.#requireType(guard, "bool", `${what}: its guard`);
    if (this.#idle > 0) return;
    const facts: readonly Fact[] = guard ? [...this.#facts, { from: "guard", condition: guard, holds: true }] : this.#facts;
    const problem = boundsProblem(index, m.size, facts, this.#names);
    if (problem !== undefined) throw this.#bug(`${what}: index ${exprText(index)} ${problem}`);
  }

  #if(condition: Expr, then: readonly Stmt[], otherwise: readonly Stmt[]): void {
    this.#check(condition);
    this.#requireType(condition, "bool", "a condition");
    const divergent = this.#isUniform(condition) ? 0 : 1;
    this.#divergent += divergent;
    for (const [holds, body] of [
      [true, then],
      [false, otherwise],
    ] as const) {
      this.#facts.push({ from: "guard", condition, holds });
      this.#scoped(() => this.#body(body));
      this.#facts.pop();
    }
    this.#divergent -= divergent;
  }

  #requireType(e: Expr, dtype: DType, what: string): void {
    if (e.dtype !== dtype) throw this.#bug(`${what} should be ${dtype}: ${exprText(e)} is ${e.dtype}`);
  }

  /** Names, dtypes and loads of an expression. What was checked in a scope around stays right in it. */
  #check(root: Expr, args: readonly DType[] = []): void {
    for (const e of exprOrder([root])) {
      if (args.length === 0 && this.#checked.some((set) => set.has(e))) continue;
      if (e.op === "arg" && args[e.value] !== e.dtype) throw this.#bug(`argument $${e.value} of ${e.dtype} stands where there is none`);
      if (e.op === "axis" || e.op === "var") this.#checkName(e);
      if (e.op === "load") this.#checkLoad(e);
      if (isScalarOp(e.op)) this.#checkOperation(e, e.op);
      this.#checked.at(-1)?.add(e);
    }
  }

  #checkName(e: Expr): void {
    const m = this.#meaning(e.name);
    if (m === undefined || isMemory(m)) throw this.#bug(`%${e.name} is used and not defined here`);
    if ((m.kind === "axis") !== (e.op === "axis")) throw this.#bug(`%${e.name} is ${m.kind === "axis" ? "an axis" : "no axis"} and used as ${e.op}`);
    if (m.dtype !== e.dtype) throw this.#bug(`%${e.name} is ${m.dtype} and used as ${e.dtype}`);
  }

  #checkLoad(e: Expr): void {
    const what = `the load of %${e.name}`;
    const m = this.#meaning(e.name);
    if (!isMemory(m)) throw this.#bug(`${what}: there is no such buffer here`);
    if (m.access === "write") throw this.#bug(`${what}, which is only written`);
    if ((e.value === 1 ? registerDType(m.dtype) : m.dtype) !== e.dtype) throw this.#bug(`${what}, which holds ${m.dtype}, gives ${e.dtype}`);
    if ((m.kind === "local" || m.access === "scratch") && !this.#stored.has(e.name)) throw this.#bug(`${what} stands before any store to it`);
    this.#access(what, at(e.args, 0), e.args[1], m);
  }

  #checkOperation(e: Expr, op: ScalarOp): void {
    const first = at(e.args, 0);
    if (op === "select" || op === "rare") {
      this.#requireType(first, "bool", `the condition of a ${op}`);
      this.#requireType(at(e.args, 2), at(e.args, 1).dtype, `the other branch of a ${op}`);
    }
    if (doubleOnly.has(op) && first.dtype !== "float64") throw this.#bug(`${op} takes float64: ${exprText(e)} has ${first.dtype}`);
    if (floatOnly.has(op) && !isFloat(first.dtype)) throw this.#bug(`${op} takes floats: ${exprText(e)} has ${first.dtype}`);
    if (bitsOnly.has(op) && isFloat(first.dtype)) throw this.#bug(`${op} takes integers or bools: ${exprText(e)} has ${first.dtype}`);
    const dtype = expectedType(op, e, this.#bug);
    if (dtype !== e.dtype) throw this.#bug(`${exprText(e)} is ${e.dtype} and should be ${dtype}`);
  }

  /** Whether all lanes of a workgroup have one value. */
  #isUniform(root: Expr): boolean {
    return exprOrder([root]).every((e) => {
      const m = e.op === "axis" || e.op === "var" || e.op === "load" ? this.#meaning(e.name) : undefined;
      if (m === undefined) return true;
      return isMemory(m) ? m.access === "read" : m.uniform;
    });
  }
}

/** The dtype that the operation's rule gives. */
function expectedType(op: ScalarOp, e: Expr, bug: Bug): DType {
  try {
    return apply(op, e.args, e.dtype).dtype;
  } catch (error) {
    throw bug(error instanceof Error ? error.message : String(error));
  }
}
