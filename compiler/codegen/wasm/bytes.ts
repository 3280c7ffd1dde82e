/** Numbers as bytes, at the end of a list: https://webassembly.github.io/spec/core/binary/values.html. */
import { CompilerBug } from "../../ir/errors.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** LEB128 of 0 … 2^32 - 1. */
export function unsigned(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

/** Signed LEB128 of an int32. */
export function signed(out: number[], value: number): void {
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return void out.push(low);
    out.push(low | 128);
  }
}

/** Signed LEB128 of an int64. */
export function signedBig(out: number[], value: bigint): void {
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)) return void out.push(low);
    out.push(low | 128);
  }
}

export function float32(out: number[], value: number): void {
  scratch.setFloat32(0, value, true);
  for (let i = 0; i < 4; i++) out.push(scratch.getUint8(i));
}

export function float64(out: number[], value: number): void {
  scratch.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) out.push(scratch.getUint8(i));
}

/** A name: its length, then its characters. */
export function ascii(out: number[], text: string): void {
  unsigned(out, text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 126) throw new CompilerBug(`a name in a module is not ASCII: ${text}`);
    out.push(c);
  }
}

/** The same backwards: numbers from a list of bytes, one after the other. */
export class Reader {
  readonly #bytes: readonly number[];
  #position = 0;

  constructor(bytes: readonly number[]) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#position++];
    if (value === undefined) throw new CompilerBug("code that ends within an instruction");
    return value;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** A signed number of up to 64 bits. */
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }

  float32(): number {
    for (let i = 0; i < 4; i++) scratch.setUint8(i, this.byte());
    return scratch.getFloat32(0, true);
  }

  float64(): number {
    for (let i = 0; i < 8; i++) scratch.setUint8(i, this.byte());
    return scratch.getFloat64(0, true);
  }

  take(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.byte());
  }
}
