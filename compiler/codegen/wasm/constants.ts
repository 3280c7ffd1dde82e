/** The pool of 16-byte vectors that code loads: newer engines do not move `v128.const` out of loops, and a load may be part of an operation. */
import type { Numeric } from "../../ir/dtype.ts";
import type { DTypeRow } from "./types.ts";

export class ConstantPool {
  readonly #offsets = new Map<string, number>();
  readonly #known = new Map<Uint8Array, number>();
  readonly #splats = new Map<string, Uint8Array>();
  readonly #vectors: Uint8Array[] = [];

  /** A vector of equal lanes; the same one for the same number. */
  splat(type: DTypeRow["vector"], value: Numeric): Uint8Array {
    const key = `${type} ${Object.is(value, -0) ? "-0" : String(value)}`;
    const known = this.#splats.get(key);
    if (known !== undefined) return known;
    const made = vectorBytes(type, type.endsWith("4") ? [value, value, value, value] : [value, value]);
    this.#splats.set(key, made);
    return made;
  }

  /** Where the vector lies, in bytes from the start of the pool. */
  offsetOf(vector: Uint8Array): number {
    const known = this.#known.get(vector);
    if (known !== undefined) return known;
    const key = vector.join();
    const offset = this.#offsets.get(key) ?? 16 * this.#vectors.length;
    this.#known.set(vector, offset);
    if (this.#offsets.has(key)) return offset;
    this.#offsets.set(key, offset);
    this.#vectors.push(vector);
    return offset;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(16 * this.#vectors.length);
    this.#vectors.forEach((v, i) => bytes.set(v, 16 * i));
    return bytes;
  }
}

const view = new DataView(new ArrayBuffer(16));

/** The lanes of a vector as bytes: four numbers, or two of 64 bits. */
export function vectorBytes(type: DTypeRow["vector"], lanes: readonly Numeric[]): Uint8Array {
  lanes.forEach((lane, i) => {
    switch (type) {
      case "f32x4":
        return view.setFloat32(4 * i, Number(lane), true);
      case "f64x2":
        return view.setFloat64(8 * i, Number(lane), true);
      case "i32x4":
        return view.setInt32(4 * i, Number(lane), true);
      case "i64x2":
        return view.setBigInt64(8 * i, BigInt.asIntN(64, BigInt(lane)), true);
    }
  });
  return new Uint8Array(view.buffer.slice(0));
}

/** Vectors of equal bits that engines make without memory. */
export function isPlain(vector: Uint8Array): boolean {
  const first = vector[0];
  if (first !== 0 && first !== 255) return false;
  for (let i = 1; i < vector.length; i++) if (vector[i] !== first) return false;
  return true;
}
