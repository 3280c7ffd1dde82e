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

/** Every function reads the bit views through \`bits\`; arrays of one buffer, so that a store is seen by the other views. */
const functions: ReadonlyMap<string, PreludeFunction> = new Map<string, PreludeFunction>([
  ["bits", { source: bits }],
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
  ["pow2", { needs: ["bits"], source: `function pow2(x) {\n  bitsF64[0] = x;\n  bitsI32[1] = bitsI32[0] << 20;\n  bitsI32[0] = 0;\n  return bitsF64[0];\n}` }],
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
      needs: ["bits"],
      source: `function significand(x) {
  bitsF64[0] = x;
  bitsI32[1] = ((bitsI32[1] + 614242) & 1048575) + 1072079006;
  return bitsF64[0];
}`,
    },
  ],
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
  ["shiftRightUint", { source: `function shiftRightUint(x, n) {\n  return n > 31 ? 0 : x >>> n;\n}` }],
]);

/** Names that generated kernels must not use for themselves. */
export const preludeNames: readonly string[] = [...functions.keys(), "bitsF64", "bitsF32", "bitsI32", "bitsU32"];

/** The sources of the functions named and of what they need, in the order of the table. */
export function preludeSource(used: ReadonlySet<string>): string[] {
  const wanted = new Set([...used].flatMap((name) => [name, ...(lookup(functions, name, "a prelude function").needs ?? [])]));
  return Array.from(functions, ([name, { source }]) => (wanted.has(name) ? source : "")).filter((source) => source !== "");
}
