/** Values on the host: what users pass in, what they read back, what the interpreter computes with. */
import type { DType } from "./dtype.ts";
import { UnsupportedError } from "./errors.ts";
import type { TensorType } from "./shape.ts";

/** The typed arrays that hold elements on the host; bool is a Uint8Array of 0 and 1. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A dense value in row-major order. Its data is never written after it was made. */
export interface HostData {
  readonly type: TensorType;
  readonly data: HostArray;
}

/** A zero-filled array for `size` elements; throws an UnsupportedError for a dtype that does not compute yet. */
export function hostArray(dtype: DType, size: number): HostArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "int32":
      return new Int32Array(size);
    case "uint32":
      return new Uint32Array(size);
    case "bool":
      return new Uint8Array(size);
    default:
      throw new UnsupportedError(`dtype ${dtype} has no host array yet`);
  }
}
