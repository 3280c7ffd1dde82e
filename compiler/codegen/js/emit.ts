/**
 * JavaScript for kernels: readable loops over the typed arrays of the heap. The module is the body of a function that returns the
 * kernels; each is called as `(h, positions of the buffers in elements, scalars)`. Equal kernels give equal text.
 *
 *   function scale(h, x, y, s) {
 *     const F32 = h.f32;
 *     for (let i = 0; i < 1024; i++) {
 *       F32[y + i] = Math.fround(F32[x + i] * s);
 *     }
 *   }
 *   return [scale];
 */
import type { DType } from "../../ir/dtype.ts";
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, load, substitute, variable } from "../../ir/expr.ts";
import type { Axis, Kernel, KernelBuffer, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { positionText, spell, storedSpelling } from "./expression.ts";
import { Names } from "./names.ts";
import { preludeSource } from "./prelude.ts";
import type { Spelling } from "./spelling.ts";
import { primary } from "./spelling.ts";

interface ArrayRow {
  readonly view: string;
  readonly field: string;
  readonly constructorName: string;
}
/** float16 lies in memory as its bits. */
const arrays: ReadonlyMap<DType, ArrayRow> = new Map<DType, ArrayRow>([
  ["float32", { view: "F32", field: "f32", constructorName: "Float32Array" }],
  ["float64", { view: "F64", field: "f64", constructorName: "Float64Array" }],
  ["int32", { view: "I32", field: "i32", constructorName: "Int32Array" }],
  ["uint32", { view: "U32", field: "u32", constructorName: "Uint32Array" }],
  ["bool", { view: "U8", field: "u8", constructorName: "Uint8Array" }],
  ["int8", { view: "I8", field: "i8", constructorName: "Int8Array" }],
  ["uint8", { view: "U8", field: "u8", constructorName: "Uint8Array" }],
  ["int16", { view: "I16", field: "i16", constructorName: "Int16Array" }],
  ["uint16", { view: "U16", field: "u16", constructorName: "Uint16Array" }],
  ["float16", { view: "U16", field: "u16", constructorName: "Uint16Array" }],
  ["int64", { view: "I64", field: "i64", constructorName: "BigInt64Array" }],
  ["uint64", { view: "U64", field: "u64", constructorName: "BigUint64Array" }],
]);
const arrayOf = (dtype: DType): ArrayRow => lookup(arrays, dtype, "a typed array");

/** The module of a plan's kernels, in their order. */
export function emitJs(kernels: readonly Kernel[]): string {
  const used = new Set<string>();
  const names = new Names();
  const emitted = kernels.map((kernel) => {
    const name = names.fresh(kernel.name);
    return { name, text: new KernelEmitter(kernel, name, used).text() };
  });
  const parts = ['"use strict";', ...preludeSource(used), ...emitted.map((k) => k.text), `return [${emitted.map((k) => k.name).join(", ")}];`];
  return `${parts.join("\n")}\n`;
}

/** Expressions nested deeper or longer than this are cut into consts, which keeps lines short and parsers happy. */
const longestText = 120;
const deepestText = 24;

/** Where the elements of a buffer or a local are: a typed array, and for a buffer its position in it. */
interface Place {
  readonly array: string;
  readonly base: string | null;
  readonly isHalf: boolean;
}

class KernelEmitter {
  readonly #kernel: Kernel;
  readonly #name: string;
  readonly #used: Set<string>;
  readonly #names = new Names();
  readonly #places = new Map<string, Place>();
  readonly #lines: string[] = [];
  /** The scratch array of each local statement; two may share a name in different scopes. */
  readonly #scratch = new Map<Stmt, string>();
  /** Names that are assigned to. */
  readonly #mutable = new Set<string>();
  #indent = 1;
  #laneLoops = 0;
  #temporaries = 0;

  constructor(kernel: Kernel, name: string, used: Set<string>) {
    this.#kernel = kernel;
    this.#name = name;
    this.#used = used;
  }

  text(): string {
    const { buffers, scalars, body } = this.#kernel;
    const parameters = [...buffers.map((b) => this.#buffer(b)), ...scalars.map((s) => this.#scalar(s.name, s.dtype))];
    const views = Array.from(arrays).filter(([dtype]) => buffers.some((b) => b.dtype === dtype));
    for (const line of new Set(views.map(([, { view, field }]) => `const ${view} = h.${field};`))) this.#line(line);
    for (const s of scalars) if (s.dtype === "bool") this.#line(`const ${this.#names.declare(s.name)} = ${this.#names.of(flagOf(s.name))} !== 0;`);
    this.#locals();
    this.#statements(body);
    return [`function ${this.#name}(${["h", ...parameters].join(", ")}) {`, ...this.#lines, "}"].join("\n");
  }

  /** A buffer's parameter is its position. */
  #buffer(buffer: KernelBuffer): string {
    const base = this.#names.fresh(buffer.name);
    this.#places.set(buffer.name, { array: arrayOf(buffer.dtype).view, base, isHalf: buffer.dtype === "float16" });
    return base;
  }

  /** A bool comes as 0 or 1 and is made a boolean at the top. */
  #scalar(name: string, dtype: DType): string {
    return this.#names.declare(dtype === "bool" ? flagOf(name) : name);
  }

  /** Scratch is made once a call, however deep in loops it is declared. */
  #locals(): void {
    for (const s of statements(this.#kernel.body)) {
      if (s.kind !== "local") continue;
      const array = this.#names.fresh(s.name);
      this.#scratch.set(s, array);
      this.#line(`const ${array} = new ${arrayOf(s.dtype).constructorName}(${s.size});`);
    }
  }

  #line(text: string): void {
    this.#lines.push("  ".repeat(this.#indent) + text);
  }

  #block(head: string, body: () => void): void {
    this.#line(`${head} {`);
    this.#inBlock(body);
    this.#line("}");
  }

  #inBlock(body: () => void): void {
    this.#indent++;
    this.#names.within(body);
    this.#indent--;
  }

  #statements(list: readonly Stmt[]): void {
    for (const s of list) this.#statement(s);
  }

  #statement(s: Stmt): void {
    switch (s.kind) {
      case "for":
        return this.#loop(s.axis, () => this.#statements(s.body));
      case "let":
        return this.#declare("const", s.name, s.value);
      case "carry":
        this.#mutable.add(s.name);
        return this.#declare("let", s.name, s.init);
      case "assign":
        return this.#line(`${this.#names.of(s.name)} = ${this.#expression(s.value).text};`);
      case "reduce":
        return this.#reduce(s);
      case "store":
        return this.#store(s);
      case "if":
        return this.#branch(s.condition, s.then, s.otherwise);
      case "local":
        this.#places.set(s.name, { array: lookup(this.#scratch, s, "scratch"), base: null, isHalf: s.dtype === "float16" });
        return;
      case "barrier":
        if (this.#laneLoops > 0) throw new CompilerBug(`kernel ${this.#kernel.name}: a barrier between lanes, which JavaScript runs one after the other`);
    }
  }

  #declare(keyword: "const" | "let", name: string, value: Expr): void {
    const { text } = this.#expression(value);
    this.#line(`${keyword} ${this.#names.declare(name)} = ${text};`);
  }

  #loop(axis: Axis, body: () => void): void {
    const [lo, hi] = this.#expressions([axis.lo, axis.hi]);
    if (lo === undefined || hi === undefined) throw new CompilerBug(`axis ${axis.name} has no bounds`);
    const isFixed = axis.hi.args.length === 0 && !this.#mutable.has(axis.hi.name);
    const end = isFixed ? hi.text : this.#temporary(hi).text;
    const isLane = axis.kind === "lane";
    this.#laneLoops += isLane ? 1 : 0;
    this.#names.within(() => {
      const index = this.#names.declare(axis.name);
      const advance = axis.step === 1 ? `${index}++` : `${index} += ${axis.step}`;
      this.#block(`for (let ${index} = ${lo.text}; ${index} < ${end}; ${advance})`, body);
    });
    this.#laneLoops -= isLane ? 1 : 0;
  }

  #branch(condition: Expr, then: readonly Stmt[], otherwise: readonly Stmt[]): void {
    this.#line(`if (${this.#expression(condition).text}) {`);
    this.#inBlock(() => this.#statements(then));
    if (otherwise.length > 0) {
      this.#line("} else {");
      this.#inBlock(() => this.#statements(otherwise));
    }
    this.#line("}");
  }

  #reduce(s: Reduce): void {
    const inits = this.#expressions(s.init);
    for (const name of s.names) this.#mutable.add(name);
    inits.forEach(({ text }, i) => this.#line(`let ${this.#names.declare(at(s.names, i))} = ${text};`));
    const nest = (k: number): void => {
      const axis = s.axes[k];
      if (axis !== undefined) return this.#loop(axis, () => nest(k + 1));
      this.#statements(s.body);
      this.#accumulate(s);
    };
    nest(0);
  }

  /** A part of the tuple that a later part still reads is assigned last. */
  #accumulate(s: Reduce): void {
    const running = s.names.map((name, i) => variable(name, at(s.init, i).dtype));
    const combined = s.combine.map((template) => substitute(template, [...running, ...s.values]));
    const reads = combined.map((e) => new Set(exprOrder([e]).map((part) => part.name)));
    const next = this.#expressions(combined);
    const postponed: string[] = [];
    next.forEach((spelling, i) => {
      const target = this.#names.of(at(s.names, i));
      const isReadLater = reads.slice(i + 1).some((later) => later.has(at(s.names, i)));
      if (isReadLater) postponed.push(`${target} = ${this.#temporary(spelling).text};`);
      else this.#line(`${target} = ${spelling.text};`);
    });
    for (const line of postponed) this.#line(line);
  }

  #store(s: Store): void {
    if (s.guard !== undefined) return this.#branch(s.guard, [withoutGuard(s)], []);
    if (s.atomic !== undefined) return this.#combine(s, s.atomic);
    const [index, value] = this.#expressions([s.index, s.value]);
    if (index === undefined || value === undefined) throw new CompilerBug(`a store to ${s.buffer} without index or value`);
    const { text } = storedSpelling(value, s.value.dtype);
    this.#line(`${this.#element(s.buffer, index)} = ${this.#place(s.buffer).isHalf ? `${this.#use("halfBits")}(${text})` : text};`);
  }

  /** One thread: reading, combining and writing is atomic. On bool, adding is "or" and multiplying is "and". */
  #combine(s: Store, atomic: NonNullable<Store["atomic"]>): void {
    const index = this.#bind(s.index);
    const { dtype } = s.value;
    const logic = { add: "or", mul: "and", min: "min", max: "max" } as const;
    const value = apply(dtype === "bool" ? logic[atomic] : atomic, [load(s.buffer, dtype, index), s.value]);
    this.#store({ kind: "store", buffer: s.buffer, index, value });
  }

  /** The value of an expression under a name of its own. */
  #bind(e: Expr): Expr {
    // no kernel can have a name with a space
    const name = `at ${this.#temporaryName()}`;
    this.#declare("const", name, e);
    return variable(name, e.dtype);
  }

  #place(buffer: string): Place {
    return lookup(this.#places, buffer, `kernel ${this.#kernel.name}: a buffer`);
  }

  /** Notes that the module needs a function of the prelude. */
  #use(name: string): string {
    this.#used.add(name);
    return name;
  }

  /** An element as it is read: float16 from its bits. */
  #read(buffer: string, index: Spelling): Spelling {
    const element = this.#element(buffer, index);
    return primary(this.#place(buffer).isHalf ? `${this.#use("halfNumber")}(${element})` : element);
  }

  #element(buffer: string, index: Spelling): string {
    const { array, base } = this.#place(buffer);
    return `${array}[${base === null ? index.text : positionText(base, index)}]`;
  }

  /** A const in front of the statement. */
  #temporary(spelling: Spelling): Spelling {
    const name = this.#names.fresh(this.#temporaryName());
    this.#line(`const ${name} = ${spelling.text};`);
    return primary(name);
  }

  #temporaryName(): string {
    this.#temporaries++;
    return `t${this.#temporaries}`;
  }

  #expression(e: Expr): Spelling {
    return at(this.#expressions([e]), 0);
  }

  /**
   * The spellings of the expressions of one statement. What they use more than once, and what would get too long, becomes a const
   * in front of it; loads are total, so moving one out of a condition is safe.
   */
  #expressions(roots: readonly Expr[]): Spelling[] {
    const uses = countUses(exprOrder(roots), roots);
    return this.#spellAll(roots, { uses, spellings: new Map(), depths: new Map() });
  }

  #spellAll(roots: readonly Expr[], known: Spelled): Spelling[] {
    const { uses, spellings, depths } = known;
    const of = (e: Expr): Spelling => lookup(spellings, e, "an operand's spelling");
    const context = {
      of,
      name: (e: Expr): string => this.#names.of(e.name),
      element: (buffer: string, index: Spelling): Spelling => this.#read(buffer, index),
      use: (name: string): string => this.#use(name),
    };
    const isRoot = new Set(roots);
    for (const e of exprOrder(roots, usualOperands)) {
      if (spellings.has(e)) continue;
      const spelling = e.op === "rare" ? this.#rare(e, known) : spell(e, context);
      const depth = 1 + Math.max(0, ...e.args.map((a) => depths.get(a) ?? 0));
      const isShared = e.args.length > 0 && (uses.get(e) ?? 0) > 1;
      const isLong = !isRoot.has(e) && (spelling.text.length > longestText || depth > deepestText);
      const isNamed = e.op !== "rare" && (isShared || isLong);
      spellings.set(e, isNamed ? this.#temporary(spelling) : spelling);
      depths.set(e, isNamed ? 0 : depth);
    }
    return roots.map(of);
  }

  /** What is seldom wanted is computed in a branch; what is named there is not known behind it. */
  #rare(e: Expr, { uses, spellings, depths }: Spelled): Spelling {
    const [condition, seldom, usual] = [at(e.args, 0), at(e.args, 1), at(e.args, 2)];
    const name = this.#names.fresh(this.#temporaryName());
    this.#line(`let ${name} = ${lookup(spellings, usual, "an operand's spelling").text};`);
    this.#block(`if (${lookup(spellings, condition, "a condition's spelling").text})`, () => {
      const value = at(this.#spellAll([seldom], { uses, spellings: new Map(spellings), depths: new Map(depths) }), 0);
      this.#line(`${name} = ${value.text};`);
    });
    return primary(name);
  }
}

/** What is spelled of the expressions of a statement. */
interface Spelled {
  readonly uses: ReadonlyMap<Expr, number>;
  readonly spellings: Map<Expr, Spelling>;
  readonly depths: Map<Expr, number>;
}

const usualOperands = (e: Expr): readonly Expr[] => (e.op === "rare" ? [at(e.args, 0), at(e.args, 2)] : e.args);

const flagOf = (name: string): string => `${name} flag`;

function withoutGuard(s: Store): Store {
  const { guard, ...rest } = s;
  void guard;
  return rest;
}

/** A test for NaN compares its operand with itself, which counts as two uses. */
function countUses(order: readonly Expr[], roots: readonly Expr[]): Map<Expr, number> {
  const uses = new Map<Expr, number>();
  const count = (e: Expr, times: number): void => void uses.set(e, (uses.get(e) ?? 0) + times);
  for (const e of order) for (const a of e.args) count(a, e.op === "isnan" ? 2 : 1);
  for (const root of roots) count(root, 1);
  return uses;
}
