/** float16 as bits in memory: how data of users becomes them, and is read back. */
import { roundTo } from "./dtype.ts";
import { at } from "./errors.ts";

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The bits of a number rounded to float16. */
export function halfBits(x: number): number {
  const half = roundTo("float16", x);
  const sign = half < 0 || Object.is(half, -0) ? 0x8000 : 0;
  if (Number.isNaN(half)) return 0x7e00;
  // 112 is what the biases of float32 and float16 differ by: subnormals become subnormals
  floats[0] = Math.abs(half) * 2 ** -112;
  return sign | (Math.abs(half) === Infinity ? 0x7c00 : at(bits, 0) >>> 13);
}

/** The number that these bits are. */
export function halfNumber(half: number): number {
  const magnitude = half & 0x7fff;
  bits[0] = magnitude << 13;
  const beyond = magnitude === 0x7c00 ? Infinity : NaN;
  const size = magnitude < 0x7c00 ? at(floats, 0) * 2 ** 112 : beyond;
  return (half & 0x8000) === 0 ? size : -size;
}

/** Float16 memory for these numbers. */
export const toHalves = (numbers: ArrayLike<number>): Uint16Array<ArrayBuffer> => Uint16Array.from(numbers, halfBits);
/** The numbers of float16 memory. */
export const fromHalves = (halves: ArrayLike<number>): Float32Array<ArrayBuffer> => Float32Array.from(halves, halfNumber);
