/**
 * Loads and stores of vectors. Neighbouring elements are one access, or a few where a register is not full; those that lie near
 * one another, in any order, a register or two and a shuffle; others are brought together lane by lane.
 */
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr, Term } from "../../ir/expr.ts";
import { substitute, variable } from "../../ir/expr.ts";
import { addIndex, addSums, dividedAgain, ix, scaleSum } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import { floatToHalf, halfToFloat } from "./half.ts";
import type { Linear } from "./linear.ts";
import type { Memory } from "./scalar-code.ts";
import type { Width } from "./types.ts";
import { typeRow } from "./types.ts";
import type { VectorCode } from "./vector-code.ts";
import { VectorNarrow } from "./vector-narrow.ts";
import type { Shuffle } from "./vector-shuffles.ts";
import { shuffleFor, shuffleOf } from "./vector-shuffles.ts";

/** How an index goes on from lane to lane. */
type Access =
  /** What goes down is addressed from its last lane, so that offsets go up: `start` is where the lane `from` is. */
  | { readonly kind: "even"; readonly start: Linear; readonly stride: number; readonly from: number }
  /** Made of loop indices, but no sum: computed for each lane. */
  | { readonly kind: "each" }
  /** Data. */
  | { readonly kind: "data" };

type Buffer = Memory & { readonly kind: "memory" };
/** Leaves the address of a lane of the loop on the stack, and returns the offset that it lacks. */
type AddressOf = (lane: number) => number;

/** Lanes further apart than this are addressed one by one. */
const farthest = 1 << 24;

const none: readonly Expr[] = [];

export class VectorMemory {
  readonly #code: VectorCode;
  readonly #accesses = new Map<Expr, Access>();
  readonly #resolved = new Map<Expr, Expr[]>();

  readonly #narrow: VectorNarrow;
  #branches = 0;

  constructor(code: VectorCode) {
    this.#code = code;
    this.#narrow = new VectorNarrow(code);
  }

  /** A run of statements begins. */
  begin(): void {
    this.#narrow.begin();
  }

  #access(index: Expr): Access {
    const known = this.#accesses.get(index);
    if (known !== undefined) return known;
    const access = this.#accessOf(index);
    this.#accesses.set(index, access);
    return access;
  }

  #accessOf(index: Expr): Access {
    const { forms } = this.#code.tools;
    const { axis } = this.#code.loop;
    const { terms, offset } = forms.of(index);
    const stride = terms.find((t) => t.atom.op === "axis" && t.atom.name === axis.name)?.coefficient ?? 0;
    const rest = terms.filter((t) => t.atom.op !== "axis" || t.atom.name !== axis.name);
    if (!rest.some((t) => this.#code.isVarying(t.atom)) && Math.abs(stride) <= farthest) {
      const from = stride < 0 ? this.#code.loop.lanes - 1 : 0;
      const lane = { terms: rest, offset: offset + from * stride };
      return { kind: "even", stride, from, start: addSums(lane, scaleSum(forms.of(axis.lo), stride)) };
    }
    return exprOrder([this.#inLane(index, 0)]).every((e) => this.#isPure(e)) ? { kind: "each" } : { kind: "data" };
  }

  #isPure(e: Expr): boolean {
    if (e.op === "load") return false;
    return e.op !== "var" || this.#code.tools.frame.known(e.name)?.kind !== "vector";
  }

  /** The index in one iteration, with the lets that vary written out. */
  #inLane(index: Expr, lane: number): Expr {
    const lanes = this.#resolved.get(index) ?? [];
    this.#resolved.set(index, lanes);
    const known = lanes[lane];
    if (known !== undefined) return known;
    const { axis } = this.#code.loop;
    const iteration = addIndex(axis.lo, lane);
    const map = exprMapper((e) => {
      if (e.op === "axis" && e.name === axis.name) return iteration;
      const meaning = e.op === "var" ? this.#code.tools.frame.known(e.name) : undefined;
      return meaning?.kind === "index" ? map(meaning.value) : dividedAgain(e);
    });
    const resolved = addIndex(map(index), ix(0));
    lanes[lane] = resolved;
    return resolved;
  }

  /** Whether divisions in an index are done once the lane is known, and leave nothing that needs code in the loop. */
  isDivided(index: Expr): boolean {
    const { forms, frame } = this.#code.tools;
    return forms.of(this.#inLane(index, 0)).terms.every(({ atom }) => atom.args.length === 0 && frame.isMovable(atom));
  }

  /** What a load computes on the stack: its guard, and its index where that is data. */
  operandsOf(e: Expr): readonly Expr[] {
    const [index, guard] = e.args;
    if (index === undefined) return none;
    const isData = this.#buffer(e.name) !== null && this.#access(index).kind === "data";
    if (guard !== undefined && this.#code.isVarying(guard)) return isData ? [guard, index] : [guard];
    return isData ? [index] : none;
  }

  #buffer(name: string): Buffer | null {
    const memory = this.#code.tools.scalar.memory(name);
    return memory.kind === "memory" ? memory : null;
  }

  /** A load of what is equal in all lanes, as one instruction where there is one. */
  loadSplat(e: Expr): boolean {
    if (e.op !== "load" || e.args.length !== 1) return false;
    const buffer = this.#buffer(e.name);
    const { body, scalar, forms } = this.#code.tools;
    if (buffer === null || dtypeInfo(buffer.dtype).bytes < 4) return false;
    const index = forms.of(at(e.args, 0));
    scalar.prepare(scalar.looseAtoms(index));
    const offset = scalar.address(buffer, index);
    body.named(`v128.load${dtypeInfo(buffer.dtype).bytes * 8}_splat`, offset);
    return true;
  }

  /** Leaves a register of the loaded value on the stack. */
  load(e: Expr, register: number): void {
    const [index, guard] = e.args;
    const memory = this.#code.tools.scalar.memory(e.name);
    if (index === undefined || memory.kind === "elements") throw new CompilerBug(`a vector of ${e.name}`);
    if (memory.kind === "registers") return this.#code.tools.body.get(this.#registerOf(memory, index, register));
    if (guard === undefined)
      return this.#isMask(memory, e, register) ? this.#loadMask(memory, e, register) : this.#loadLanes(memory, this.#site(memory, index, register));
    const { body, scalar } = this.#code.tools;
    if (this.#code.isVarying(guard)) return this.#loadGuarded(memory, this.#site(memory, index, register), guard);
    scalar.prepare([guard]);
    scalar.push(guard);
    this.#branches++;
    body.choose(
      "v128",
      () => this.#loadLanes(memory, this.#site(memory, index, register)),
      () => body.emit("v128.const", 0, 0, new Uint8Array(16)),
    );
    this.#branches--;
  }

  /** Whether a load of bools has sixteen neighbours to load at once. */
  #isMask(memory: Buffer, e: Expr, register: number): boolean {
    if (memory.dtype !== "bool") return false;
    if (this.#narrow.hasMask(e, register)) return true;
    const access = this.#access(at(e.args, 0));
    const isWhole = this.#code.loop.lanes >= 16 * ((register >> 2) + 1);
    return access.kind === "even" && access.stride === 1 && isWhole && this.#branches === 0 && !this.#code.isRare;
  }

  #loadMask(memory: Buffer, e: Expr, register: number): void {
    this.#narrow.mask(e, register, () => {
      const offset = this.#site(memory, at(e.args, 0), register & ~3).address(0);
      this.#code.tools.body.emit("v128.load", offset);
    });
  }

  #registerOf(memory: Memory & { readonly kind: "registers" }, index: Expr, register: number): number {
    return at(memory.registers, this.#firstLane(index) / (128 / typeRow(memory.dtype).width) + register);
  }

  #firstLane(index: Expr): number {
    const access = this.#access(index);
    if (access.kind !== "even" || access.stride !== 1 || access.start.terms.length > 0) throw new CompilerBug("registers at an index that is no vector");
    return access.start.offset;
  }

  /** The lanes of one register of an access. */
  #site(memory: Buffer, index: Expr, register: number): Site {
    const { width } = typeRow(memory.dtype);
    const first = (register * 128) / width;
    const lanes = this.#code.lanesIn(register, width);
    const access = this.#access(index);
    const isContiguous = access.kind === "even" && access.stride === 1;
    const isFull = lanes === 128 / width;
    const shuffle = isFull && dtypeInfo(memory.dtype).bytes === 4 ? this.#shuffle(index, first) : null;
    return { register, width, lanes, isContiguous, isFull, shuffle, address: this.#addresses(memory, index, { register, first }) };
  }

  /** How four lanes from one on are loaded at once where they are no neighbours, as those of rows that several lanes share. */
  #shuffle(index: Expr, first: number): Shuffle | null {
    const access = this.#access(index);
    if (access.kind === "even") return shuffleFor(access.stride);
    if (access.kind === "data") return null;
    const [own, ...others] = [0, 1, 2, 3].map((lane) => this.#code.tools.forms.of(this.#inLane(index, first + lane)));
    if (own === undefined || !others.every(({ terms }) => sameTerms(terms, own.terms))) return null;
    return shuffleOf([0, ...others.map(({ offset }) => offset - own.offset)]);
  }

  #addresses(memory: Buffer, index: Expr, { register, first }: { readonly register: number; readonly first: number }): AddressOf {
    const { body, scalar, forms } = this.#code.tools;
    const { bytes } = dtypeInfo(memory.dtype);
    const access = this.#access(index);
    if (access.kind === "even") {
      const { stride, from, start } = access;
      if (!scalar.hasAddress(memory, start)) scalar.prepare(scalar.looseAtoms(start));
      return (lane) => scalar.address(memory, start) + (first + lane - from) * stride * bytes;
    }
    if (access.kind === "each") return (lane) => scalar.address(memory, forms.of(this.#inLane(index, first + lane)));
    const isWide = typeRow(memory.dtype).width === 64;
    const skipped = isWide && register % 2 === 1 ? 2 : 0;
    this.#code.push(index, isWide ? register >> 1 : register);
    const indices = body.keep("index", "v128");
    return (lane) => {
      body.get(memory.base);
      body.get(indices);
      body.emit("i32x4.extract_lane", skipped + lane);
      body.int(bytes);
      body.emit("i32.mul");
      body.emit("i32.add");
      return memory.offset;
    };
  }

  #loadLanes(memory: Buffer, site: Site): void {
    this.#loadWide(memory, site);
    this.#decode(memory.dtype, site.register);
  }

  /** The elements in lanes of the width that they are computed in. */
  #loadWide(memory: Buffer, site: Site): void {
    if (site.isContiguous && site.isFull && dtypeInfo(memory.dtype).bytes === 2) {
      const offset = site.address(0);
      return this.#code.tools.body.named(`v128.load16x4_${signOf(memory.dtype)}`, offset);
    }
    this.#loadBits(memory, site);
    this.#extend(memory.dtype);
  }

  /** The elements as they lie in memory, side by side at the start of a register. */
  #loadBits(memory: Buffer, site: Site): void {
    const { body } = this.#code.tools;
    const bits = 8 * dtypeInfo(memory.dtype).bytes;
    if (site.isContiguous && site.isFull) {
      const offset = site.address(0);
      return body.named(bits === 8 ? "v128.load32_zero" : "v128.load", offset);
    }
    if (site.shuffle !== null) return this.#loadShuffled(site.shuffle, site.address);
    const isPair = bits === 32 && site.isContiguous && site.lanes > 1;
    const first = isPair ? 2 : 1;
    const offsets: number[] = [];
    for (let lane = site.lanes - 1; lane >= first; lane--) offsets[lane] = site.address(lane);
    if (bits < 32) {
      offsets[0] = site.address(0);
      body.emit("v128.const", 0, 0, new Uint8Array(16));
    } else body.named(`v128.load${isPair ? 64 : bits}_zero`, site.address(0));
    for (let lane = bits < 32 ? 0 : first; lane < site.lanes; lane++) body.named(`v128.load${bits}_lane`, at(offsets, lane), lane);
  }

  #loadShuffled({ first, load, starts, bytes }: Shuffle, address: AddressOf): void {
    const { body } = this.#code.tools;
    for (const start of starts) body.named(load, address(first) + start);
    if (bytes === null) return;
    if (starts.length === 1) {
      const bits = body.keep("turned", "v128");
      body.get(bits);
      body.get(bits);
    }
    body.emit("i8x16.shuffle", 0, 0, bytes);
  }

  /** Narrow elements into lanes of 32 bits. */
  #extend(dtype: DType): void {
    const { body } = this.#code.tools;
    const { bytes } = dtypeInfo(dtype);
    const sign = signOf(dtype);
    if (bytes === 1) body.named(`i16x8.extend_low_i8x16_${sign}`);
    if (bytes < 4) body.named(`i32x4.extend_low_i16x8_${sign}`);
  }

  /** From what lies in memory to what is computed with. */
  #decode(dtype: DType, register: number): void {
    const { body } = this.#code.tools;
    if (dtype === "bool") {
      body.emit("v128.const", 0, 0, new Uint8Array(16));
      body.emit("i32x4.ne");
    }
    if (dtype === "float16") this.#convert(halfToFloat, "int32", register);
  }

  /** The template on the vector on the stack. */
  #convert(template: Expr, from: DType, register: number): void {
    const { body, scalar, frame } = this.#code.tools;
    const name = scalar.temporary();
    const registers = Array.from({ length: register + 1 }, () => 0);
    registers[register] = body.keep(name, "v128");
    frame.define(name, { kind: "vector", registers, width: 32 });
    this.#code.loop.variance.names.add(name);
    const e = substitute(template, [variable(name, from)]);
    this.#code.keepRegisters(this.#code.cuts([e]), register);
    this.#code.push(e, register);
  }

  /** One access where the guard holds for all lanes, none where it holds for no lane; else lanes without it load from the start of the buffer, and become 0. */
  #loadGuarded(memory: Buffer, site: Site, guard: Expr): void {
    const { body } = this.#code.tools;
    this.#code.mask(guard, site.register, site.width);
    const mask = body.keep("guard", "v128");
    const lanes = (): void => {
      const address: AddressOf = (lane) => {
        const offset = site.address(lane);
        body.int(offset);
        body.emit("i32.add");
        body.get(memory.base);
        if (memory.offset > 0) {
          body.int(memory.offset);
          body.emit("i32.add");
        }
        this.#condition(mask, lane, site.width);
        body.emit("select");
        return 0;
      };
      this.#loadBits(memory, { ...site, isContiguous: false, shuffle: null, address });
      this.#extend(memory.dtype);
      body.get(mask);
      body.emit("v128.and");
    };
    const some = (): void => {
      body.get(mask);
      body.emit("v128.any_true");
      // of no lane the mask is 0
      body.choose("v128", lanes, () => body.get(mask));
    };
    const whole = (): void => this.#loadWide(memory, site);
    if (site.shuffle !== null || (site.isContiguous && site.isFull)) this.#whereAll(mask, site.width, { type: "v128", all: whole, some });
    else some();
    this.#decode(memory.dtype, site.register);
  }

  #whereAll(mask: number, width: Width, { type, all, some }: { readonly type: "v128" | null; readonly all: () => void; readonly some: () => void }): void {
    const { body } = this.#code.tools;
    body.get(mask);
    body.named(`${width === 32 ? "i32x4" : "i64x2"}.all_true`);
    body.choose(type, all, some);
  }

  /** Leaves 0 or -1 on the stack, which is the mask in one lane. */
  #condition(mask: number, lane: number, width: Width): void {
    const { body } = this.#code.tools;
    body.get(mask);
    body.emit("i32x4.extract_lane", (lane * width) / 32);
  }

  /** What a store computes: the value, and where they vary its guard and index. */
  rootsOf(buffer: string, index: Expr, guard: Expr | undefined): readonly Expr[] {
    const varying = guard !== undefined && this.#code.isVarying(guard) ? [guard] : [];
    return this.#buffer(buffer) !== null && this.#access(index).kind === "data" ? [...varying, index] : varying;
  }

  /** Computes a register of the value; what is returned writes it. */
  storeLater(buffer: string, index: Expr, value: Expr, register: number): () => void {
    const { body, scalar } = this.#code.tools;
    const memory = scalar.memory(buffer);
    if (memory.kind !== "memory" || !this.#isWhole(memory, index, register)) {
      this.store(buffer, index, value, { register, guard: undefined });
      return () => undefined;
    }
    const address = (r: number): number => this.#site(memory, index, r).address(0);
    this.#inLanes(memory.dtype, value, register);
    if (dtypeInfo(memory.dtype).bytes < 4) {
      const write = this.#narrow.storeLater({ buffer, index, dtype: memory.dtype, address }, register);
      return () => {
        write();
        this.#narrow.forget(buffer);
      };
    }
    const bits = body.keep("value", "v128");
    return () => {
      const offset = address(register);
      body.get(bits);
      body.emit("v128.store", offset);
    };
  }

  #isWhole(memory: Buffer, index: Expr, register: number): boolean {
    const { width } = typeRow(memory.dtype);
    const access = this.#access(index);
    return access.kind === "even" && access.stride === 1 && this.#code.lanesIn(register, width) === 128 / width;
  }

  /** Writes a register of the value. */
  store(buffer: string, index: Expr, value: Expr, { register, guard }: { readonly register: number; readonly guard: Expr | undefined }): void {
    const { body, scalar } = this.#code.tools;
    const memory = scalar.memory(buffer);
    if (memory.kind === "elements") throw new CompilerBug(`a vector into ${buffer}`);
    if (memory.kind === "registers") return this.#storeRegister(memory, index, value, register);
    const site = this.#site(memory, index, register);
    this.#narrow.forget(buffer);
    if (guard === undefined && site.isContiguous && site.isFull && dtypeInfo(memory.dtype).bytes >= 4) {
      const offset = site.address(0);
      this.#code.push(value, register);
      return body.emit("v128.store", offset);
    }
    this.#encoded(memory.dtype, value, register);
    const bits = body.keep("bits", "v128");
    if (guard === undefined) return this.#storeLanes(memory, site, bits);
    if (!this.#code.isVarying(guard)) {
      scalar.prepare([guard]);
      scalar.push(guard);
      return body.block("if", null, () => this.#storeLanes(memory, site, bits));
    }
    this.#code.mask(guard, register, site.width);
    const mask = body.keep("guard", "v128");
    const some = (): void => this.#storeSome(memory, site, { bits, mask });
    if (site.isContiguous && site.isFull) this.#whereAll(mask, site.width, { type: null, all: () => this.#storeLanes(memory, site, bits), some });
    else some();
  }

  #storeRegister(memory: Memory & { readonly kind: "registers" }, index: Expr, value: Expr, register: number): void {
    const { body } = this.#code.tools;
    const { width } = typeRow(memory.dtype);
    const local = this.#registerOf(memory, index, register);
    const lanes = this.#code.lanesIn(register, width);
    this.#code.operand(value, register, width);
    if (lanes < 128 / width) {
      body.get(local);
      this.#code.vector(new Uint8Array(16).fill(255, 0, (lanes * width) / 8));
      body.emit("v128.bitselect");
    }
    body.set(local);
  }

  /** Leaves the elements on the stack as they will lie in memory, at the start of a register. */
  #encoded(dtype: DType, value: Expr, register: number): void {
    this.#inLanes(dtype, value, register);
    if (dtypeInfo(dtype).bytes < 4) this.#narrow.packed(dtype);
  }

  /** Leaves the elements on the stack in lanes of the width that they are computed in. */
  #inLanes(dtype: DType, value: Expr, register: number): void {
    this.#code.operand(value, register, typeRow(dtype).width);
    if (dtype === "float16") this.#convert(floatToHalf, "float32", register);
  }

  #storeLanes(memory: Buffer, site: Site, bits: number): void {
    const { body } = this.#code.tools;
    const size = 8 * dtypeInfo(memory.dtype).bytes;
    const put = (lane: number, width: number): void => {
      const offset = site.address(lane);
      body.get(bits);
      if (width === 128) body.emit("v128.store", offset);
      else body.named(`v128.store${width}_lane`, offset, (lane * size) / width);
    };
    if (!site.isContiguous) {
      for (let lane = 0; lane < site.lanes; lane++) put(lane, size);
      return;
    }
    // the largest pieces first
    for (let lane = 0; lane < site.lanes;) {
      const width = [128, 64, 32, 16].find((w) => w > size && lane * size + w <= site.lanes * size && (lane * size) % w === 0) ?? size;
      put(lane, width);
      lane += width / size;
    }
  }

  #storeSome(memory: Buffer, site: Site, { bits, mask }: { readonly bits: number; readonly mask: number }): void {
    const { body } = this.#code.tools;
    for (let lane = 0; lane < site.lanes; lane++) {
      this.#condition(mask, lane, site.width);
      body.block("if", null, () => {
        const offset = site.address(lane);
        body.get(bits);
        body.named(`v128.store${8 * dtypeInfo(memory.dtype).bytes}_lane`, offset, lane);
      });
    }
  }
}

const sameTerms = (a: readonly Term[], b: readonly Term[]): boolean =>
  a.length === b.length && a.every((t, i) => t.key === b[i]?.key && t.coefficient === b[i].coefficient);

const signOf = (dtype: DType): "s" | "u" => (typeRow(dtype).signed && dtype !== "float16" ? "s" : "u");

interface Site {
  readonly register: number;
  readonly width: Width;
  readonly lanes: number;
  readonly isContiguous: boolean;
  /** Whether all lanes of the register are iterations. */
  readonly isFull: boolean;
  /** How all lanes are loaded at once where they are no neighbours. */
  readonly shuffle: Shuffle | null;
  readonly address: AddressOf;
}
