/** The array face: NumPy's habits. */
import type { Value } from "../compiler/ir/node.ts";
import type { Lazy } from "./handle.ts";
import { ShapeMethods } from "./methods/shape.ts";

/** An array as NumPy has them: float64 by default, on the CPU. Make one with `array(data)`. */
export class NDArray extends ShapeMethods {
  readonly face = "array";
  readonly floatDType = "float64";
  protected readonly ownDevice = "cpu";

  protected override make(value: Value): Lazy {
    return new NDArray(value);
  }
  /** Arrays keep no gradient of their own; differentiate a function of them with `grad`. */
  get requiresGrad(): boolean {
    return false;
  }
}
