/**
 * The array whose rows differ in length. Its value holds the elements one row after another; the host knows where rows begin. No type
 * tells a ragged array from another: `array(data)` gives an NDArray, and its data decide. `isRagged` asks.
 */
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { NDArray } from "../array.ts";
import type { NestedList } from "../handle.ts";
import type { Nesting } from "../print/layout.ts";
import type { Printed } from "../print/format.ts";
import { raggedPrinted } from "../print/ragged.ts";
import type { Rows } from "./rows.ts";
import { raggedText } from "./rows.ts";

export class RaggedArray extends NDArray {
  readonly #rows: Rows;

  constructor(value: Value, rows: Rows) {
    super(value);
    this.#rows = rows;
  }

  override get rows(): Rows {
    return this.#rows;
  }
  override alike(value: Value): this {
    return this.onRows(value, this.#rows);
  }
  override onRows(value: Value, rows: Rows): this {
    return this.adopt(new RaggedArray(value, rows));
  }

  override get typeName(): string {
    return raggedText(this.valueType, this.#rows);
  }
  override get type(): TensorType {
    throw this.#noShape("type");
  }
  /** There is none, as rows differ in length: an UnsupportedError. */
  override get shape(): Shape {
    throw this.#noShape("shape");
  }
  override get ndim(): number {
    return this.#rows.levels + this.valueType.shape.length;
  }
  override get size(): number {
    return sizeOf(this.valueType.shape);
  }
  override get length(): number {
    return this.#rows.length;
  }
  #noShape(what: string): UnsupportedError {
    return new UnsupportedError(`${what}: ${this.typeName} has rows of different lengths. Ask for rowLengths(x), or pad them: toPadded(x, fill).`);
  }

  override printed(): Printed {
    return this.#printed(this.dataSync<HostArray>());
  }
  override tolist(): NestedList {
    const { data, nesting } = this.#printed(this.dataSync<HostArray>());
    return listOf(nesting, data, this.dtype === "bool");
  }
  #printed(data: HostArray): Printed {
    return raggedPrinted(this.face, data, this.dtype, { offsets: this.#rows.offsets, innerShape: this.valueType.shape.slice(1) });
  }
}

/** The elements as lists, nested as they print. */
function listOf({ rank, span }: Nesting, data: ArrayLike<Numeric>, asBoolean: boolean): NestedList {
  const level = (axis: number, item: number): NestedList => {
    if (axis === rank) return asBoolean ? at(data, item) !== 0 : at(data, item);
    const { first, length } = span(axis, item);
    return Array.from({ length }, (_, i) => level(axis + 1, first + i));
  };
  return level(0, 0);
}
