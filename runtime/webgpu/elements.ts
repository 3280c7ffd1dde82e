/** Host arrays as the words that storage buffers hold, and back. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { DeviceError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import { asNumbers } from "../../compiler/ir/host.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";

const arrayNames: Readonly<Partial<Record<DType, string>>> = { float32: "Float32Array", int32: "Int32Array", uint32: "Uint32Array", bool: "Uint8Array" };

/** The elements as words: a copy of a bool's, else the array itself. Throws a DeviceError where data and type do not fit. */
export function toWords(data: HostArray, type: TensorType): HostArray {
  const name = arrayNames[type.dtype];
  if (name === undefined) throw new DeviceError(`webgpu: ${type.dtype} does not exist in WGSL. Cast to float32 first, or stay on the cpu.`);
  if (data.length !== sizeOf(type.shape) || data.constructor.name !== name)
    throw new DeviceError(`webgpu: ${data.constructor.name} of ${data.length} elements is no ${typeText(type)}`);
  return type.dtype === "bool" ? Uint32Array.from(asNumbers(data)) : data;
}

/** The elements of words that belong to no one else. */
export function fromWords(type: TensorType, words: ArrayBuffer): HostArray {
  const size = sizeOf(type.shape);
  switch (type.dtype) {
    case "float32":
      return new Float32Array(words, 0, size);
    case "int32":
      return new Int32Array(words, 0, size);
    case "uint32":
      return new Uint32Array(words, 0, size);
    case "bool":
      return Uint8Array.from(new Uint32Array(words, 0, size));
    default:
      throw new UnsupportedError(`webgpu: dtype ${type.dtype} has no buffers`);
  }
}

/** The word that stands for a number of this dtype. */
export function wordOf(dtype: DType, value: number): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (dtype !== "float32") return value >>> 0;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}
