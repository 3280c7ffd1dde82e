/**
 * Vector expressions: one register of a value after the other. A value has as many lanes as its loop has iterations, in registers
 * of four lanes, or two of 64 bits; the last may be filled in part, and what its other lanes hold is nothing to anybody.
 */
import type { DType, Numeric } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exactValue, isScalarOp } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { ConstantPool } from "./constants.ts";
import { isPlain, vectorBytes } from "./constants.ts";
import type { ScalarCode, ScalarTools } from "./scalar-code.ts";
import { cutsOf } from "./cuts.ts";
import { isOperation } from "./scalar-code.ts";
import type { Width } from "./types.ts";
import { typeRow } from "./types.ts";
import { spellCast } from "./vector-casts.ts";
import { spellLanes } from "./vector-lanes.ts";
import { VectorMemory } from "./vector-memory.ts";
import type { VectorContext } from "./vector-ops.ts";
import { spellVector } from "./vector-ops.ts";
import type { VectorLoop } from "./vectors.ts";

export interface VectorTools extends ScalarTools {
  readonly scalar: ScalarCode;
  readonly pool: ConstantPool;
  readonly relaxed: boolean;
}

/** Constants that are kept in registers around a loop; the others are loaded where they are used. */
const mostKept = 12;

const none: readonly Expr[] = [];
const noBits = new Uint8Array(16);
const allBits = new Uint8Array(16).fill(255);

export class VectorCode {
  readonly tools: VectorTools;
  readonly loop: VectorLoop;
  readonly memory: VectorMemory;
  /** Locals of what a statement uses more than once, by register. */
  readonly #shared = new Map<Expr, (number | undefined)[]>();
  /** Locals of values that are equal in all lanes and change from statement to statement. */
  readonly #splats = new Map<Expr, number>();
  readonly #widths = new Map<Expr, Width | null>();
  readonly #varying = new Map<Expr, boolean>();
  /** By group or register, for lanes of 32 and of 64 bits. */
  readonly #groups: Readonly<Record<Width, (readonly number[])[]>> = { 32: [], 64: [] };
  readonly #contexts: Readonly<Record<Width, VectorContext[]>> = { 32: [], 64: [] };
  #kept = 0;
  #rare = 0;

  constructor(tools: VectorTools, loop: VectorLoop) {
    this.tools = tools;
    this.loop = loop;
    this.memory = new VectorMemory(this);
  }

  /** A run of statements begins: nothing is shared with what was before. */
  begin(): void {
    if (this.#shared.size > 0) this.#shared.clear();
    if (this.#splats.size > 0) this.#splats.clear();
    this.memory.begin();
    this.tools.scalar.begin();
  }

  /** Whether what is computed now is in a branch: locals that are set there are nothing outside of it. */
  get isRare(): boolean {
    return this.#rare > 0;
  }

  isVarying(e: Expr): boolean {
    if (e.args.length === 0) return e.op !== "const" && this.loop.variance.names.has(e.name);
    const known = this.#varying.get(e);
    if (known !== undefined) return known;
    const varying = this.loop.variance.of(e);
    this.#varying.set(e, varying);
    return varying;
  }

  /** Registers of a value with lanes of this width. */
  registers(width: Width): number {
    return Math.ceil(this.loop.lanes / (128 / width));
  }

  /** Those that hold the lanes of a group of four. */
  registersOf(group: number, width: Width): readonly number[] {
    return (this.#groups[width][group] ??= width === 32 ? [group] : [2 * group, 2 * group + 1].filter((r) => r < this.registers(64)));
  }

  /** Lanes of a register that are iterations. */
  lanesIn(register: number, width: Width): number {
    const lanes = 128 / width;
    return Math.min(lanes, this.loop.lanes - register * lanes);
  }

  /** The width of the lanes that a buffer's elements are computed in. */
  widthInMemory(buffer: string): Width {
    return typeRow(this.tools.scalar.memory(buffer).dtype).width;
  }

  /** The width of the lanes that a value is computed in; null for a mask of equal lanes, which fits any. */
  widthOf(e: Expr): Width | null {
    if (e.dtype !== "bool") return typeRow(e.dtype).width;
    const known = this.#widths.get(e);
    if (known !== undefined) return known;
    const width = this.#maskWidth(e);
    this.#widths.set(e, width);
    return width;
  }

  #maskWidth(e: Expr): Width | null {
    if (!this.isVarying(e)) return null;
    if (e.op === "var") {
      const meaning = this.tools.frame.meaning(e.name);
      return meaning.kind === "vector" ? meaning.width : 32;
    }
    if (e.op === "load") return 32;
    const widths = e.args.map((a) => this.widthOf(a)).filter((w) => w !== null);
    return widths.length > 0 && widths.every((w) => w === 64) ? 64 : 32;
  }

  /** What of a value is computed on the stack: of a load its guard and its index, where that is data. What is rare is apart. */
  operandsOf(e: Expr): readonly Expr[] {
    if (!this.isVarying(e)) return [];
    if (e.op === "rare") return [at(e.args, 0), at(e.args, 2)];
    return e.op === "load" ? this.memory.operandsOf(e) : e.args;
  }

  /** The parts of the roots that are kept, operands first: those used more than once, and those that would get too deep. */
  cuts(roots: readonly Expr[]): readonly Expr[] {
    const [only] = roots;
    // the usual root has nothing below it that could be kept
    if (only !== undefined && roots.length === 1 && !this.operandsOf(only).some((e) => e.args.length > 0)) return none;
    const { order, kept } = cutsOf(
      roots,
      (e) => this.operandsOf(e),
      (e) => this.isVarying(e),
    );
    // those of masks follow from what is below them: asked for in this order they go no deeper
    for (const e of order) if (e.dtype === "bool") this.widthOf(e);
    return kept;
  }

  /** Computes the registers of a group of what was cut. */
  keep(e: Expr, group: number): void {
    for (const r of this.registersOf(group, this.widthOf(e) ?? 32)) this.#keepRegister(e, r);
  }

  /** Computes what was cut in the lanes of one register of 32-bit lanes. */
  keepRegisters(cuts: readonly Expr[], register: number): void {
    for (const e of cuts) this.#keepRegister(e, register);
  }

  #keepRegister(e: Expr, register: number): void {
    const locals = this.#shared.get(e) ?? [];
    if (locals[register] !== undefined) return;
    this.push(e, register);
    locals[register] = this.tools.body.keep(this.tools.scalar.temporary(), "v128");
    this.#shared.set(e, locals);
  }

  /** Leaves a register of a value on the stack, in lanes of its own width. */
  push(e: Expr, register: number): void {
    const { body } = this.tools;
    if (e.op === "const") return this.constant(e.dtype, exactValue(e));
    const isName = e.args.length === 0;
    const shared = isName ? undefined : this.#shared.get(e)?.[register];
    if (shared !== undefined) return body.get(shared);
    if (!this.isVarying(e)) return this.#uniform(e);
    if (isName) return this.#name(e, register);
    if (e.op === "load") return this.memory.load(e, register);
    if (e.op === "rare") return this.#rarely(e, register);
    if (isOperation(e)) return this.#operation(e, register);
    throw new CompilerBug(`${e.op} in a vector`);
  }

  /** Leaves a register of a mask on the stack, in lanes of the width given. */
  mask(e: Expr, register: number, width: Width): void {
    const { body } = this.tools;
    const own = this.widthOf(e);
    if (own === null || own === width) return this.push(e, register);
    if (width === 64) {
      this.push(e, register >> 1);
      return body.named(`i64x2.extend_${register % 2 === 0 ? "low" : "high"}_i32x4_s`);
    }
    this.push(e, 2 * register);
    const second = 2 * register + 1;
    if (second < this.registers(64)) this.push(e, second);
    else body.emit("v128.const", 0, 0, new Uint8Array(16));
    body.emit("i8x16.shuffle", 0, 0, new Uint8Array([0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]));
  }

  /** A register of an operand in lanes of the width given: masks are widened and narrowed. */
  operand(e: Expr, register: number, width: Width): void {
    if (e.dtype === "bool") this.mask(e, register, width);
    else this.push(e, register);
  }

  #name(e: Expr, register: number): void {
    const { body, frame } = this.tools;
    if (e.name === this.loop.axis.name) return this.#iterations(register);
    const meaning = frame.meaning(e.name);
    if (meaning.kind === "vector") return body.get(at(meaning.registers, register));
    if (meaning.kind === "index") return this.push(meaning.value, register);
    throw new CompilerBug(`%${e.name} is no vector`);
  }

  /** The numbers of the iterations. */
  #iterations(register: number): void {
    const { lo } = this.loop.axis;
    const first = 4 * register + (lo.op === "const" ? lo.value : 0);
    this.vector(vectorBytes("i32x4", [first, first + 1, first + 2, first + 3]));
    if (lo.op === "const") return;
    this.#uniform(lo);
    this.tools.body.emit("i32x4.add");
  }

  /** A value that is equal in all lanes. */
  #uniform(e: Expr): void {
    const { body, frame } = this.tools;
    const known = this.#splats.get(e);
    if (known !== undefined) return body.get(known);
    if (!frame.isMovable(e)) return this.#splat(e);
    const place = { name: `${e.name === "" ? e.op : e.name}.v`, type: "v128", emit: () => this.#splat(e) } as const;
    body.get(frame.place(`splat ${keyOf(e)}`, frame.placeOf(e).level, place));
  }

  #splat(e: Expr): void {
    const { body, scalar } = this.tools;
    if (this.memory.loadSplat(e)) return;
    scalar.prepare([e]);
    if (e.dtype === "bool") body.int(0);
    scalar.push(e);
    if (e.dtype === "bool") body.emit("i32.sub");
    body.named(`${typeRow(e.dtype).vector}.splat`);
  }

  /** Computes what the roots have that is equal in all lanes, and that no place before the loops can hold. */
  keepSplats(roots: readonly Expr[]): void {
    const { body, frame, scalar } = this.tools;
    const seen = new Set<Expr>();
    const stack = [...roots];
    for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
      if (seen.has(e)) continue;
      seen.add(e);
      if (this.isVarying(e)) stack.push(...this.operandsOf(e));
      else if (e.op !== "const" && !this.#splats.has(e)) {
        scalar.prepare([e]);
        if (frame.isMovable(e)) continue;
        this.#splat(e);
        this.#splats.set(e, body.keep(`${e.name === "" ? e.op : e.name}.v`, "v128"));
      }
    }
  }

  constant(dtype: DType, value: Numeric): void {
    if (dtype === "bool") return this.tools.body.emit("v128.const", 0, 0, value === 0 ? noBits : allBits);
    this.vector(this.tools.pool.splat(typeRow(dtype).vector, value));
  }

  /** A constant vector: plain ones are made, others are loaded, in front of the loop while there are registers for them. */
  vector(bytes: Uint8Array): void {
    const { body, frame, pool } = this.tools;
    if (isPlain(bytes)) return body.emit("v128.const", 0, 0, bytes);
    const base = frame.place("constants", 0, { name: "constants", type: "i32", emit: () => body.emit("global.get", 0) });
    const offset = pool.offsetOf(bytes);
    const load = (): void => {
      body.get(base);
      body.emit("v128.load", offset);
    };
    const level = Math.max(0, frame.level - 1);
    const key = `constant ${offset}`;
    const isKept = frame.placedAs(key, level) !== undefined;
    if (!isKept && (this.#kept >= mostKept || this.#rare > 0 || frame.level === 0)) return load();
    if (!isKept) this.#kept++;
    body.get(frame.place(key, level, { name: `c${offset / 16}`, type: "v128", emit: load }));
  }

  #rarely(e: Expr, register: number): void {
    const { body } = this.tools;
    const width = this.widthOf(e) ?? 32;
    const [condition, seldom, usual] = [at(e.args, 0), at(e.args, 1), at(e.args, 2)];
    this.mask(condition, register, width);
    const mask = body.keep("rare", "v128");
    this.operand(usual, register, width);
    const value = body.keep("usual", "v128");
    body.get(mask);
    body.emit("v128.any_true");
    this.#rare++;
    body.choose(
      "v128",
      () => {
        this.#apart(seldom, register, width);
        body.get(value);
        body.get(mask);
        body.emit("v128.bitselect");
      },
      () => body.get(value),
    );
    this.#rare--;
  }

  /** A value in a branch: what it alone shares is forgotten behind it. */
  #apart(e: Expr, register: number, width: Width): void {
    const before = new Map([...this.#shared].map(([shared, locals]) => [shared, [...locals]]));
    for (const cut of this.cuts([e])) {
      const own = this.widthOf(cut) ?? 32;
      for (const r of sameLanes(register, width, own)) if (r < this.registers(own)) this.#keepRegister(cut, r);
    }
    this.operand(e, register, width);
    this.#shared.clear();
    for (const [shared, locals] of before) this.#shared.set(shared, locals);
  }

  #contextOf(register: number, width: Width): VectorContext {
    return {
      body: this.tools.body,
      push: (a) => this.operand(a, register, width),
      constant: (dtype, value) => this.constant(dtype, value),
    };
  }

  #operation(e: Expr, register: number): void {
    if (this.tools.relaxed && this.#contracted(e, register)) return;
    const width = this.widthOf(e) ?? 32;
    if (e.op === "select") return this.#select(e, register, width);
    if (e.op === "cast" && spellCast(at(e.args, 0), e.dtype, register, this)) return;
    if (e.op === "bitcast" && typeRow(at(e.args, 0).dtype).width === width) return this.push(at(e.args, 0), register);
    const context = (this.#contexts[width][register] ??= this.#contextOf(register, width));
    const isSpelled = isScalarOp(e.op) && e.op !== "cast" && e.op !== "bitcast" && spellVector(e, e.op, context);
    if (!isSpelled) spellLanes(e, register, this);
  }

  #select(e: Expr, register: number, width: Width): void {
    const { body } = this.tools;
    const [condition, yes, no] = [at(e.args, 0), at(e.args, 1), at(e.args, 2)];
    const extreme = extremeOf(condition, yes, no);
    if (extreme !== null) {
      for (const a of extreme.operands) this.operand(a, register, width);
      return body.named(`${typeRow(e.dtype).vector}.${extreme.op}`);
    }
    // where one of both has no bits, the mask takes those of the other away
    for (const a of [yes, no]) if (!hasNoBits(a)) this.operand(a, register, width);
    if (hasNoBits(yes) && hasNoBits(no)) return this.operand(no, register, width);
    this.mask(condition, register, width);
    if (hasNoBits(no)) return body.emit("v128.and");
    body.emit(hasNoBits(yes) ? "v128.andnot" : "v128.bitselect");
  }

  /** a * b + c by one instruction, where the product is used nowhere else. */
  #contracted(e: Expr, register: number): boolean {
    if ((e.op !== "add" && e.op !== "sub") || !isFloat(e.dtype)) return false;
    const isProduct = (a: Expr): boolean => a.op === "mul" && this.isVarying(a) && this.#shared.get(a)?.[register] === undefined;
    const [a, b] = [at(e.args, 0), at(e.args, 1)];
    const product = isProduct(b) ? b : a;
    if (!isProduct(product) || (e.op === "sub" && product === a)) return false;
    for (const factor of product.args) this.push(factor, register);
    this.push(product === a ? b : a, register);
    this.tools.body.named(`${typeRow(e.dtype).vector}.relaxed_${e.op === "add" ? "madd" : "nmadd"}`);
    return true;
  }
}

const hasNoBits = (e: Expr): boolean => e.op === "const" && Object.is(Number(exactValue(e)), 0);

/** The select that pmin and pmax are: pmin(a, b) is b < a ? b : a, pmax(a, b) is a < b ? b : a. */
function extremeOf(condition: Expr, yes: Expr, no: Expr): { readonly op: "pmin" | "pmax"; readonly operands: readonly [Expr, Expr] } | null {
  const [first, second] = condition.args;
  if ((condition.op !== "lt" && condition.op !== "gt") || first === undefined || second === undefined || !isFloat(first.dtype)) return null;
  const [less, more] = condition.op === "lt" ? [first, second] : [second, first];
  if (sameValue(yes, less) && sameValue(no, more)) return { op: "pmin", operands: [no, yes] };
  return sameValue(yes, more) && sameValue(no, less) ? { op: "pmax", operands: [no, yes] } : null;
}

const sameValue = (a: Expr, b: Expr): boolean => a === b || (a.op === "const" && b.op === "const" && a.dtype === b.dtype && Object.is(a.value, b.value));

/** The registers of one width that hold the lanes of a register of another. */
function sameLanes(register: number, width: Width, other: Width): readonly number[] {
  if (width === other) return [register];
  return width === 64 ? [register >> 1] : [2 * register, 2 * register + 1];
}
