/** Scalar expressions: what is used twice is computed once, what does not change in the loops around is computed in front of them. */
import type { DType, Numeric } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import type { Expr, ScalarOp, Term } from "../../ir/expr.ts";
import { exactValue, substitute, variable } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Body } from "./body.ts";
import { cutsOf } from "./cuts.ts";
import type { Frame } from "./frame.ts";
import { floatToHalf, halfToFloat } from "./half.ts";
import type { Linear, LinearForms } from "./linear.ts";
import { leastOf } from "./linear.ts";
import { spellScalar } from "./scalar.ts";
import { typeRow, valueType } from "./types.ts";

/** Where the elements of a buffer or a local are. */
export type Memory =
  | { readonly kind: "memory"; readonly name: string; readonly dtype: DType; readonly base: number; readonly offset: number }
  /** Scratch that lives in vector registers, or in one local an element. */
  | { readonly kind: "registers"; readonly name: string; readonly dtype: DType; readonly registers: readonly number[] }
  | { readonly kind: "elements"; readonly name: string; readonly dtype: DType; readonly locals: readonly number[] };

export interface ScalarTools {
  readonly body: Body;
  readonly frame: Frame;
  readonly forms: LinearForms;
  readonly memories: ReadonlyMap<string, Memory>;
  readonly host: (name: string, arity: number) => number;
}

/** Offsets beyond this are added by code. */
const largestOffset = 0x7fffffff;

const none: readonly Expr[] = [];

export const isOperation = (e: Expr): boolean => e.args.length > 0 && e.op !== "load";

export class ScalarCode {
  readonly #tools: ScalarTools;
  /** Locals of what the statement in the making uses more than once. */
  readonly #shared = new Map<Expr, number>();
  /** Addresses that are one local and an offset, by the scope where they are. */
  readonly #addresses = new Map<object, Map<Memory, Map<Linear, Address>>>();
  #temporaries = 0;

  constructor(tools: ScalarTools) {
    this.#tools = tools;
  }

  memory(name: string): Memory {
    return lookup(this.#tools.memories, name, "the memory of");
  }

  /** A statement begins: nothing is shared with the last. */
  begin(): void {
    if (this.#shared.size > 0) this.#shared.clear();
  }

  /** What an expression needs on the stack while it is computed: of a load, its guard and what of its index is no address yet. What is rare is apart. */
  operandsOf(e: Expr): readonly Expr[] {
    if (e.op === "rare") return [at(e.args, 0), at(e.args, 2)];
    if (e.op !== "load") return e.args;
    const loose = this.looseAtoms(this.#tools.forms.of(at(e.args, 0)));
    const guard = e.args[1];
    return guard === undefined ? loose : [guard, ...loose];
  }

  /** The parts of an index that cannot be added up beforehand. */
  looseAtoms({ terms }: Linear): readonly Expr[] {
    let loose: Expr[] | null = null;
    for (let i = 0; i < terms.length; i++) {
      const atom = terms[i]?.atom;
      if (atom !== undefined && !this.#tools.frame.isMovable(atom)) (loose ??= []).push(atom);
    }
    return loose ?? none;
  }

  /** Computes what the roots use more than once, and cuts what is deep. */
  prepare(roots: readonly Expr[]): void {
    if (roots.length === 0) return;
    const [only] = roots;
    if (only !== undefined && roots.length === 1) {
      if (this.#shared.has(only)) return;
      // the usual root has nothing below it that could be kept
      const operands = this.operandsOf(only);
      if (!operands.some((e) => e.args.length > 0)) return;
    }
    const { kept } = cutsOf(
      roots,
      (e) => (this.#shared.has(e) ? none : this.operandsOf(e)),
      (e) => !this.#shared.has(e),
    );
    for (const e of kept) this.#keep(e);
  }

  #keep(e: Expr): void {
    if (this.#shared.has(e)) return;
    if (this.#tools.frame.isMovable(e)) return void this.placed(e);
    this.push(e);
    this.#shared.set(e, this.#tools.body.keep(this.temporary(), valueType(e.dtype)));
  }

  /** A name that no kernel has. */
  temporary(): string {
    this.#temporaries++;
    return `#${this.#temporaries}`;
  }

  /** The local of a movable value. */
  placed(e: Expr, name: string = e.op): number {
    const emit = (): void => {
      this.prepare([e]);
      this.push(e, "here");
    };
    return this.#tools.frame.place(keyOf(e), this.#tools.frame.placeOf(e).level, { name, type: valueType(e.dtype), emit });
  }

  /** Leaves a value on the stack. */
  push(e: Expr, where: "here" | "anywhere" = "anywhere"): void {
    const { body, frame } = this.#tools;
    const shared = this.#shared.get(e);
    if (shared !== undefined) return body.get(shared);
    if (e.op === "const") return pushConstant(body, e.dtype, exactValue(e));
    if (e.op === "var" || e.op === "axis") return this.#pushName(e);
    if (where === "anywhere" && isOperation(e)) {
      const isMovable = frame.isMovable(e);
      const known = isMovable && !frame.isOuter(e) ? frame.placed(e) : undefined;
      if (known !== undefined) return body.get(known);
      if (isMovable && frame.isOuter(e)) return body.get(this.placed(e));
    }
    if (e.op === "load") return this.#load(e);
    if (e.op === "rare") return this.#rare(e);
    if (e.op === "arg") throw new CompilerBug(`a kernel holds operand ${e.value} of a template`);
    spellScalar(e, e.op satisfies ScalarOp, { body, push: (a) => this.push(a), host: this.#tools.host });
  }

  #pushName(e: Expr): void {
    const { body, frame } = this.#tools;
    const meaning = frame.meaning(e.name);
    if (meaning.kind === "local") return body.get(meaning.local);
    if (meaning.kind === "free") return meaning.value.op === "const" ? this.push(meaning.value) : body.get(this.placed(meaning.value, e.name));
    throw new CompilerBug(`%${e.name} is no scalar here`);
  }

  #rare(e: Expr): void {
    const { body } = this.#tools;
    this.push(at(e.args, 0));
    body.choose(
      valueType(e.dtype),
      () => this.#apart(at(e.args, 1)),
      () => this.push(at(e.args, 2)),
    );
  }

  /** A value in a branch: what it alone shares is forgotten behind it. */
  #apart(e: Expr): void {
    const before = new Map(this.#shared);
    this.prepare([e]);
    this.push(e);
    this.#shared.clear();
    for (const [known, local] of before) this.#shared.set(known, local);
  }

  #load(e: Expr): void {
    const { body } = this.#tools;
    const guard = e.args[1];
    if (guard === undefined) return this.#element(e);
    this.push(guard);
    body.choose(
      valueType(e.dtype),
      () => this.#element(e),
      () => pushConstant(body, e.dtype, 0),
    );
  }

  #element(e: Expr): void {
    const { body } = this.#tools;
    const memory = this.memory(e.name);
    const index = at(e.args, 0);
    if (memory.kind !== "memory") return this.#fromRegister(memory, this.#constantIndex(index));
    const offset = this.address(memory, this.#tools.forms.of(index));
    body.named(typeRow(memory.dtype).load, offset);
    if (memory.dtype === "float16") this.convert(halfToFloat, "int32");
    if (memory.dtype !== "bool") return;
    body.int(0);
    body.emit("i32.ne");
  }

  /** The template on the value on the stack. */
  convert(template: Expr, from: DType): void {
    const { body, frame } = this.#tools;
    const name = this.temporary();
    frame.define(name, { kind: "local", local: body.keep(name, valueType(from)), level: frame.level, isFree: false });
    const e = substitute(template, [variable(name, from)]);
    this.prepare([e]);
    this.push(e);
  }

  #constantIndex(index: Expr): number {
    const { terms, offset } = this.#tools.forms.of(index);
    if (terms.length > 0) throw new CompilerBug("an element of registers at an index that is no constant");
    return offset;
  }

  #fromRegister(memory: Memory & { readonly kind: "registers" | "elements" }, index: number): void {
    const { body } = this.#tools;
    if (memory.kind === "elements") return body.get(at(memory.locals, index));
    const { vector, width } = typeRow(memory.dtype);
    const lanes = 128 / width;
    body.get(at(memory.registers, Math.floor(index / lanes)));
    body.named(`${vector}.extract_lane`, index % lanes);
    if (memory.dtype !== "bool") return;
    body.int(1);
    body.emit("i32.and");
  }

  #toRegister(memory: Memory & { readonly kind: "registers" | "elements" }, index: number, value: Expr): void {
    const { body } = this.#tools;
    if (memory.kind === "elements") {
      this.push(value);
      return body.set(at(memory.locals, index));
    }
    const { vector, width } = typeRow(memory.dtype);
    const register = at(memory.registers, Math.floor((index * width) / 128));
    body.get(register);
    if (memory.dtype === "bool") body.int(0);
    this.push(value);
    if (memory.dtype === "bool") body.emit("i32.sub");
    body.named(`${vector}.replace_lane`, index % (128 / width));
    body.set(register);
  }

  /** Writes an element. */
  store(name: string, index: Expr, value: Expr): void {
    const { body, forms } = this.#tools;
    const memory = this.memory(name);
    if (memory.kind !== "memory") {
      this.prepare([value]);
      return this.#toRegister(memory, this.#constantIndex(index), value);
    }
    const linear = forms.of(index);
    this.prepare([...this.looseAtoms(linear), value]);
    const offset = this.address(memory, linear);
    this.push(value);
    if (memory.dtype === "float16") this.convert(floatToHalf, "float32");
    body.named(typeRow(memory.dtype).store, offset);
  }

  /**
   * Leaves an address on the stack; the offset that it lacks is returned, to be written into the instruction. Engines add offsets
   * without wrapping, so what is on the stack must not be below zero by itself.
   */
  address(memory: Memory & { readonly kind: "memory" }, index: Linear): number {
    const known = this.#addressesOf(memory).get(index);
    if (known === undefined) return this.#newAddress(memory, index);
    this.#tools.body.get(known.pointer);
    return known.offset;
  }

  /** Whether an address needs nothing that is not there. */
  hasAddress(memory: Memory, index: Linear): boolean {
    return this.#addressesOf(memory).has(index);
  }

  #addressesOf(memory: Memory): Map<Linear, Address> {
    const { scope } = this.#tools.frame;
    const inScope = this.#addresses.get(scope) ?? new Map<Memory, Map<Linear, Address>>();
    this.#addresses.set(scope, inScope);
    const known = inScope.get(memory) ?? new Map<Linear, Address>();
    inScope.set(memory, known);
    return known;
  }

  #newAddress(memory: Memory & { readonly kind: "memory" }, index: Linear): number {
    const { body } = this.#tools;
    const { bytes } = dtypeInfo(memory.dtype);
    const offset = memory.offset + index.offset * bytes;
    const isSplit = offset >= 0 && offset <= largestOffset && leastOf(index.terms) >= 0;
    const stable: PlacedTerm[] = [];
    const loose: Term[] = [];
    for (let i = 0; i < index.terms.length; i++) {
      const t = index.terms[i];
      if (t === undefined) break;
      const level = this.#tools.frame.movesTo(t.atom);
      if (level === null) loose.push(t);
      else insert({ term: t, level }, stable);
    }
    const pointer = this.#pointer({ memory, bytes, offset: isSplit ? 0 : offset }, stable);
    const left = isSplit ? offset : 0;
    if (loose.length === 0) this.#addressesOf(memory).set(index, { pointer, offset: left });
    body.get(pointer);
    for (const t of loose) {
      this.push(t.atom);
      this.#times(t.coefficient * bytes);
      body.emit("i32.add");
    }
    return left;
  }

  /** The local that holds the start of a buffer and these terms, inner ones last. */
  #pointer(start: Start, terms: readonly PlacedTerm[]): number {
    const { body, frame } = this.#tools;
    const { memory, bytes, offset } = start;
    const last = terms.at(-1);
    if (last === undefined && offset === 0) return memory.base;
    const level = last === undefined ? 0 : last.level;
    let key = `at ${memory.base} ${bytes} ${offset} `;
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i]?.term;
      if (term !== undefined) key += `+${term.key}*${term.coefficient}`;
    }
    const known = frame.placedAs(key, level);
    if (known !== undefined) return known;
    const emit = (): void => {
      if (last === undefined) body.get(memory.base);
      else
        body.get(
          this.#pointer(
            start,
            terms.filter((t) => t.level < level),
          ),
        );
      for (const { term: t, level: own } of terms) {
        if (own !== level) continue;
        body.get(this.#scaled(t, t.coefficient * bytes));
        body.emit("i32.add");
      }
      if (last !== undefined) return;
      body.int(offset);
      body.emit("i32.add");
    };
    return frame.place(key, level, { name: `${memory.name}.at`, type: "i32", emit });
  }

  #scaled(t: Term, factor: number): number {
    const { body, frame } = this.#tools;
    const emit = (): void => {
      this.prepare([t.atom]);
      this.push(t.atom);
      this.#times(factor);
    };
    const name = `${t.atom.name === "" ? t.atom.op : t.atom.name}.x${factor}`;
    if (frame.isMovable(t.atom)) return frame.place(`${t.key}*${factor}`, frame.placeOf(t.atom).level, { name, type: "i32", emit });
    emit();
    return body.keep(name, "i32");
  }

  #times(factor: number): void {
    const { body } = this.#tools;
    if (factor === 1) return;
    const shift = Math.log2(factor);
    body.int(Number.isInteger(shift) ? shift : factor);
    body.emit(Number.isInteger(shift) ? "i32.shl" : "i32.mul");
  }
}

/** Outer ones first, then by their texts. */
function insert(t: PlacedTerm, into: PlacedTerm[]): void {
  let i = into.length;
  for (; i > 0; i--) {
    const before = at(into, i - 1);
    if (before.level < t.level || (before.level === t.level && before.term.key < t.term.key)) break;
    into[i] = before;
  }
  into[i] = t;
}

/** A term of an address, and the level of the loop that it depends on. */
interface PlacedTerm {
  readonly term: Term;
  readonly level: number;
}

/** What is left to add goes into the instruction. */
interface Address {
  readonly pointer: number;
  readonly offset: number;
}

interface Start {
  readonly memory: Memory & { readonly kind: "memory" };
  readonly bytes: number;
  readonly offset: number;
}

export function pushConstant(body: Body, dtype: DType, value: Numeric): void {
  const type = valueType(dtype);
  if (type === "i64") body.emit("i64.const", 0, 0, BigInt(value));
  else body.named(`${type}.const`, Number(value));
}
