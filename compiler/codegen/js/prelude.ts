/**
 * Functions that generated code calls where JavaScript has no spelling of its own. A module carries those that it uses. Their
 * meaning is that of `compiler/interpret-scalar.ts`; tests hold them against it bit for bit.
 */
import { lookup } from "../../ir/errors.ts";

interface PreludeFunction {
  readonly needs?: readonly string[];
  readonly source: string;
}

const bits = `const bitsF64 = new Float64Array(1);
const bitsF32 = new Float32Array(bitsF64.buffer);
const bitsI32 = new Int32Array(bitsF64.buffer);
const bitsU32 = new Uint32Array(bitsF64.buffer);`;
const bits64 = `const bitsI64 = new BigInt64Array(bitsF64.buffer);
const bitsU64 = new BigUint64Array(bitsF64.buffer);`;

/** Every function reads the bit views through \`bits\`; arrays of one buffer, so that a store is seen by the other views. */
const functions: ReadonlyMap<string, PreludeFunction> = new Map<string, PreludeFunction>([
  ["bits", { source: bits }],
  ["bits64", { source: bits64 }],
  [
    "roundEven",
    {
      source: `// half to even: adding 2^52 leaves no fraction bits
function roundEven(x) {
  if (!(Math.abs(x) < 4503599627370496)) return x;
  const shift = x < 0 ? -4503599627370496 : 4503599627370496;
  const y = x + shift - shift;
  return y === 0 ? x * 0 : y;
}`,
    },
  ],
  [
    "pow",
    {
      source: `// 1 to any power is 1, also to NaN and infinities
function pow(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}`,
    },
  ],
  ["copysign", { source: `function copysign(x, y) {\n  return y < 0 || (y === 0 && 1 / y < 0) ? -Math.abs(x) : Math.abs(x);\n}` }],
  [
    "nextafter64",
    {
      needs: ["bits"],
      source: `function nextafter64(x, y) {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 5e-324 : -5e-324;
  bitsF64[0] = x;
  const low = bitsU32[0];
  const step = y > x === x > 0 ? 1 : -1;
  bitsU32[0] = low + step;
  if (low === (step === 1 ? 4294967295 : 0)) bitsU32[1] += step;
  return bitsF64[0];
}`,
    },
  ],
  [
    "nextafter32",
    {
      needs: ["bits"],
      source: `function nextafter32(x, y) {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 1.401298464324817e-45 : -1.401298464324817e-45;
  bitsF32[0] = x;
  bitsI32[0] += y > x === x > 0 ? 1 : -1;
  return bitsF32[0];
}`,
    },
  ],
  ["floatToInt", { needs: ["bits"], source: `function floatToInt(x) {\n  bitsF32[0] = x;\n  return bitsI32[0];\n}` }],
  ["floatToUint", { needs: ["bits"], source: `function floatToUint(x) {\n  bitsF32[0] = x;\n  return bitsU32[0];\n}` }],
  ["bitsToFloat", { needs: ["bits"], source: `function bitsToFloat(x) {\n  bitsI32[0] = x;\n  return bitsF32[0];\n}` }],
  [
    "powers",
    {
      source: `// 2^(index - 1024), from a table: a number stored as two words and read as one would wait for memory
const powers = new Float64Array(2049);
powers[0] = 5.562684646268003e-309;
for (let i = 1; i < 2049; i++) powers[i] = 2 * powers[i - 1];`,
    },
  ],
  ["pow2", { needs: ["bits", "powers"], source: `function pow2(x) {\n  bitsF64[0] = x;\n  return powers[(bitsI32[0] & 2047) + 1];\n}` }],
  [
    "exponent",
    {
      needs: ["bits"],
      source: `// the k for which x is 2^k times a number from sqrt(1/2) to sqrt(2), and that number
function exponent(x) {
  bitsF64[0] = x;
  return ((bitsI32[1] + 614242) >>> 20) - 1023;
}`,
    },
  ],
  [
    "significand",
    {
      needs: ["bits", "powers"],
      source: `function significand(x) {
  bitsF64[0] = x;
  return x * powers[2047 - (((bitsI32[1] + 614242) >>> 20) & 2047)];
}`,
    },
  ],
  ["parity", { needs: ["bits"], source: `function parity(x) {\n  bitsF64[0] = x;\n  return 1 - 2 * (bitsI32[0] & 1);\n}` }],
  ["head", { needs: ["bits"], source: `function head(x) {\n  bitsF64[0] = x;\n  bitsI32[0] &= -134217728;\n  return bitsF64[0];\n}` }],
  [
    "toInt32",
    {
      source: `// saturates; NaN gives 0
function toInt32(x) {
  return x <= -2147483648 ? -2147483648 : x >= 2147483647 ? 2147483647 : x | 0;
}`,
    },
  ],
  ["toUint32", { source: `// saturates; NaN gives 0\nfunction toUint32(x) {\n  return x <= 0 ? 0 : x >= 4294967295 ? 4294967295 : x >>> 0;\n}` }],
  ["divideInt", { source: `function divideInt(x, y) {\n  return y === 0 ? 0 : (x / y) | 0;\n}` }],
  ["divideUint", { source: `function divideUint(x, y) {\n  return y === 0 ? 0 : (x / y) >>> 0;\n}` }],
  ["remainderInt", { source: `function remainderInt(x, y) {\n  return y === 0 ? 0 : (x % y) | 0;\n}` }],
  ["remainderUint", { source: `function remainderUint(x, y) {\n  return y === 0 ? 0 : x % y;\n}` }],
  ["shiftLeftInt", { source: `function shiftLeftInt(x, n) {\n  return n >>> 0 > 31 ? 0 : x << n;\n}` }],
  ["shiftLeftUint", { source: `function shiftLeftUint(x, n) {\n  return n > 31 ? 0 : (x << n) >>> 0;\n}` }],
  ["shiftRightInt", { source: `function shiftRightInt(x, n) {\n  return x >> (n >>> 0 > 31 ? 31 : n);\n}` }],
  ["minBig", { source: `function minBig(x, y) {\n  return x < y ? x : y;\n}` }],
  ["maxBig", { source: `function maxBig(x, y) {\n  return x > y ? x : y;\n}` }],
  ["absoluteBig", { source: `function absoluteBig(x) {\n  return x < 0n ? -x : x;\n}` }],
  ["divideBig", { source: `function divideBig(x, y) {\n  return y === 0n ? 0n : x / y;\n}` }],
  ["remainderBig", { source: `function remainderBig(x, y) {\n  return y === 0n ? 0n : x % y;\n}` }],
  ["shiftLeftBig", { source: `function shiftLeftBig(x, n) {\n  return n < 0n || n > 63n ? 0n : x << n;\n}` }],
  ["shiftRightBig", { source: `function shiftRightBig(x, n) {\n  return x >> (n < 0n || n > 63n ? 64n : n);\n}` }],
  [
    "toInt64",
    {
      source: `// saturates; NaN gives 0
function toInt64(x) {
  if (x !== x) return 0n;
  return x <= -9223372036854775808 ? -9223372036854775808n : x >= 9223372036854775808 ? 9223372036854775807n : BigInt(Math.trunc(x));
}`,
    },
  ],
  [
    "toUint64",
    {
      source: `// saturates; NaN gives 0
function toUint64(x) {
  return x > 0 ? (x >= 18446744073709551616 ? 18446744073709551615n : BigInt(Math.trunc(x))) : 0n;
}`,
    },
  ],
  [
    "bigToFloat32",
    {
      source: `// rounds once: beyond 2^53, what float64 cannot hold sticks to its last bit
function bigToFloat32(x) {
  if (BigInt.asIntN(54, x) === x) return Math.fround(Number(x));
  const kept = (x >> 11n) << 11n;
  return Math.fround(Number(kept === x ? kept : kept | 2048n));
}`,
    },
  ],
  ["doubleToInt64", { needs: ["bits", "bits64"], source: `function doubleToInt64(x) {\n  bitsF64[0] = x;\n  return bitsI64[0];\n}` }],
  ["doubleToUint64", { needs: ["bits", "bits64"], source: `function doubleToUint64(x) {\n  bitsF64[0] = x;\n  return bitsU64[0];\n}` }],
  ["bitsToDouble", { needs: ["bits", "bits64"], source: `function bitsToDouble(x) {\n  bitsU64[0] = x;\n  return bitsF64[0];\n}` }],
  [
    "halfNumber",
    {
      needs: ["bits"],
      source: `// the number whose float16 bits these are; the exponents differ by 112
function halfNumber(half) {
  const magnitude = half & 32767;
  bitsU32[0] = magnitude << 13;
  const size = magnitude < 31744 ? bitsF32[0] * 5.192296858534828e33 : magnitude === 31744 ? Infinity : NaN;
  return half < 32768 ? size : -size;
}`,
    },
  ],
  [
    "halfBits",
    {
      needs: ["bits"],
      source: `// the bits of a float32 as a float16, rounded half to even
function halfBits(x) {
  bitsF32[0] = x;
  const sign = (bitsU32[0] >>> 16) & 32768;
  const magnitude = bitsU32[0] & 2147483647;
  if (magnitude >= 1199570944) return magnitude > 2139095040 ? 32256 : sign | 31744;
  if (magnitude >= 947912704) return sign | ((magnitude - 939524096 + 4095 + ((magnitude >>> 13) & 1)) >>> 13);
  bitsF32[0] = Math.abs(x) + 0.5;
  return sign | (bitsU32[0] - 1056964608);
}`,
    },
  ],
  ["shiftRightUint", { source: `function shiftRightUint(x, n) {\n  return n > 31 ? 0 : x >>> n;\n}` }],
]);

/** Names that generated kernels must not use for themselves. */
export const preludeNames: readonly string[] = [...functions.keys(), "bitsF64", "bitsF32", "bitsI32", "bitsU32", "bitsI64", "bitsU64"];

/** The sources of the functions named and of what they need, in the order of the table. */
export function preludeSource(used: ReadonlySet<string>): string[] {
  const wanted = new Set([...used].flatMap((name) => [name, ...(lookup(functions, name, "a prelude function").needs ?? [])]));
  return Array.from(functions, ([name, { source }]) => (wanted.has(name) ? source : "")).filter((source) => source !== "");
}
