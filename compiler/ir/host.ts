/** Values on the host: what users pass in, what they read back, what the interpreter computes with. */
import type { DType, Numeric } from "./dtype.ts";
import { isWide, rounded } from "./dtype.ts";
import { UnsupportedError } from "./errors.ts";
import type { TensorType } from "./shape.ts";

/** Typed arrays of JavaScript numbers. float16 is a Float32Array of exact values on every engine, bool a Uint8Array of 0 and 1. */
export type NumberArray = Float32Array | Float64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** The typed arrays that hold elements on the host: bigints for int64 and uint64. */
export type HostArray = NumberArray | BigInt64Array | BigUint64Array;

/** A dense value in row-major order. Its data is never written after it was made. */
export interface HostData {
  readonly type: TensorType;
  readonly data: HostArray;
}

/** Whether the elements are bigints. */
export const isBig = (data: HostArray): data is BigInt64Array | BigUint64Array => data instanceof BigInt64Array || data instanceof BigUint64Array;

/** The elements of a dtype that JavaScript numbers hold. */
export function asNumbers(data: HostArray): NumberArray {
  if (isBig(data)) throw new UnsupportedError("64-bit integers are bigints, where numbers are expected");
  return data;
}

/** A zero-filled array for `size` elements of a dtype that JavaScript numbers hold. */
export function numberArray(dtype: DType, size: number): NumberArray {
  switch (dtype) {
    case "float16":
    case "float32":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "int32":
      return new Int32Array(size);
    case "uint32":
      return new Uint32Array(size);
    case "int16":
      return new Int16Array(size);
    case "uint16":
      return new Uint16Array(size);
    case "int8":
      return new Int8Array(size);
    case "uint8":
    case "bool":
      return new Uint8Array(size);
    default:
      throw new UnsupportedError(`dtype ${dtype} has no host array of numbers`);
  }
}

/** A zero-filled array for `size` elements; throws an UnsupportedError for a dtype that does not compute yet. */
export function hostArray(dtype: DType, size: number): HostArray {
  if (!isWide(dtype)) return numberArray(dtype, size);
  return dtype === "int64" ? new BigInt64Array(size) : new BigUint64Array(size);
}

/** Stores an element that `dtype` can hold already. */
export function setElement(data: HostArray, i: number, x: Numeric): void {
  if (isBig(data)) data[i] = BigInt(x);
  else data[i] = Number(x);
}

/** Elements as a host array, each rounded or saturated as its dtype stores it. */
export function hostArrayOf(dtype: DType, elements: readonly Numeric[]): HostArray {
  const data = hostArray(dtype, elements.length);
  elements.forEach((x, i) => setElement(data, i, rounded(dtype, x)));
  return data;
}

/** Copies elements of the same dtype to where they begin in `into`. */
export function copyElements(into: HostArray, from: HostArray, start: number = 0): void {
  if (isBig(into) && isBig(from)) into.set(from, start);
  else if (!isBig(into) && !isBig(from)) into.set(from, start);
  else throw new UnsupportedError("64-bit integers are bigints: a copy to or from numbers needs a conversion");
}
