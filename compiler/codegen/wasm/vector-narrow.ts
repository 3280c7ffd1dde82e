/**
 * Elements of one and two bytes, sixteen bytes at a time: they lie in memory four or two times as close as the 32-bit lanes that they are
 * computed in.
 *
 *   masks of 16 bools    v128.load  i8x16.ne  →  two registers of 16-bit lanes  →  four of 32-bit lanes
 *   16 elements          four registers  →  i16x8.narrow_i32x4, twice  →  i8x16.narrow_i16x8  →  v128.store
 *
 * What is loaded or computed for one register waits in locals for the others.
 */
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { VectorCode } from "./vector-code.ts";

/** Elements of 1 and 2 bytes brought together from 32-bit lanes. */
const packedBytes = new Uint8Array([0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const packedHalves = new Uint8Array([0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0]);
const ones = new Uint8Array(16).fill(1);
/** The bits of an element in a 32-bit lane. */
const lowBits = (bytes: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (i % 4 < bytes ? 255 : 0));

/** Registers that one store writes, in the making. */
interface Batch {
  readonly buffer: string;
  readonly index: Expr;
  readonly dtype: DType;
  readonly parts: { readonly register: number; readonly bits: number }[];
  /** Leaves the address of the first lane of a register on the stack, and returns the offset that it lacks. */
  readonly address: (register: number) => number;
}

export class VectorNarrow {
  readonly #code: VectorCode;
  /** By load: locals of masks in 16-bit lanes, two for each sixteen bytes. */
  readonly #masks = new Map<Expr, (number | undefined)[]>();
  #batch: Batch | null = null;

  constructor(code: VectorCode) {
    this.#code = code;
  }

  /** A run of statements begins. */
  begin(): void {
    if (this.#masks.size > 0) this.#masks.clear();
  }

  /** What was loaded of a buffer is not what it holds any more. */
  forget(buffer: string): void {
    for (const load of this.#masks.keys()) if (load.name === buffer) this.#masks.delete(load);
  }

  /** Whether the sixteen bytes around a register of a load are at hand. */
  hasMask(load: Expr, register: number): boolean {
    return this.#masks.get(load)?.[register >> 1] !== undefined;
  }

  /** Leaves a register of the mask of bools on the stack; `bytes` leaves the sixteen bytes there in which they lie. */
  mask(load: Expr, register: number, bytes: () => void): void {
    const { body } = this.#code.tools;
    body.get(this.#masks.get(load)?.[register >> 1] ?? this.#halves(load, register >> 1, bytes));
    body.named(`i32x4.extend_${register % 2 === 0 ? "low" : "high"}_i16x8_s`);
  }

  /** Makes both halves of sixteen bytes; the one asked for is returned. */
  #halves(load: Expr, half: number, bytes: () => void): number {
    const { body } = this.#code.tools;
    bytes();
    body.emit("v128.const", 0, 0, new Uint8Array(16));
    body.emit("i8x16.ne");
    const all = body.keep("bools", "v128");
    const [low, high] = (["low", "high"] as const).map((part) => {
      body.get(all);
      body.named(`i16x8.extend_${part}_i8x16_s`);
      return body.keep("bools", "v128");
    });
    if (low === undefined || high === undefined) throw new CompilerBug("sixteen bytes have two halves");
    const known = this.#masks.get(load) ?? [];
    this.#masks.set(load, known);
    known[half & ~1] = low;
    known[half | 1] = high;
    return half % 2 === 0 ? low : high;
  }

  /** Takes a register of elements in 32-bit lanes off the stack; what is returned writes all that came one after the other for one store. */
  storeLater(place: Omit<Batch, "parts">, register: number): () => void {
    const bits = this.#code.tools.body.keep("value", "v128");
    const last = this.#batch;
    const goesOn = last !== null && last.buffer === place.buffer && last.index === place.index && last.parts.at(-1)?.register === register - 1;
    const batch = goesOn ? last : { ...place, parts: [] };
    batch.parts.push({ register, bits });
    this.#batch = batch;
    return () => this.#write(batch);
  }

  /** The largest pieces first. */
  #write(batch: Batch): void {
    const { body } = this.#code.tools;
    const { bytes } = dtypeInfo(batch.dtype);
    const { parts } = batch;
    this.#batch = null;
    while (parts.length > 0) {
      const count = [4, 2].find((n) => n * bytes <= 4 && n <= parts.length) ?? 1;
      const taken = parts.splice(0, count);
      const offset = batch.address(at(taken, 0).register);
      this.#narrowed(
        taken.map(({ bits }) => bits),
        batch.dtype,
      );
      if (count * bytes === 4) body.emit("v128.store", offset);
      else body.named(`v128.store${32 * count * bytes}_lane`, offset, 0);
    }
  }

  /** Leaves the elements of some registers on the stack as they will lie in memory. */
  #narrowed(registers: readonly number[], dtype: DType): void {
    const { body } = this.#code.tools;
    const { bytes } = dtypeInfo(dtype);
    if (registers.length === 1) {
      body.get(at(registers, 0));
      return this.packed(dtype);
    }
    const sign = dtype === "bool" ? "s" : "u";
    for (let i = 0; i < registers.length; i += 2) {
      for (const r of registers.slice(i, i + 2)) {
        body.get(r);
        if (dtype === "bool") continue;
        this.#code.vector(lowBits(bytes));
        body.emit("v128.and");
      }
      body.named(`i16x8.narrow_i32x4_${sign}`);
    }
    if (bytes === 2) return;
    if (registers.length === 2) this.#again();
    body.named(`i8x16.narrow_i16x8_${sign}`);
    if (dtype === "bool") this.#asNumbers();
  }

  /** From 32-bit lanes to elements side by side at the start of the register. */
  packed(dtype: DType): void {
    if (dtype === "bool") this.#asNumbers();
    this.#again();
    this.#code.tools.body.emit("i8x16.shuffle", 0, 0, dtypeInfo(dtype).bytes === 1 ? packedBytes : packedHalves);
  }

  #asNumbers(): void {
    this.#code.vector(ones);
    this.#code.tools.body.emit("v128.and");
  }

  /** The vector on the stack, twice. */
  #again(): void {
    const { body } = this.#code.tools;
    const lanes = body.local("lanes", "v128");
    body.emit("local.tee", lanes);
    body.get(lanes);
  }
}
