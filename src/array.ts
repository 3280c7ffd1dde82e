/** The array face: NumPy's habits. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import { deviceOf } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";
import { paramValue } from "../compiler/ops/source.ts";
import { flatValues, rowLengths, rowOffsets, toPadded } from "./functions/rows.ts";
import type { Lazy } from "./handle.ts";
import { PlaceMethods } from "./methods/places.ts";
import { Cell } from "./mutation/cell.ts";
import type { Layout, Relayout } from "./mutation/layout.ts";
import { View } from "./mutation/view.ts";
import type { AxisOption } from "./options.ts";
import type { Rows } from "./ragged/rows.ts";

/**
 * An array as NumPy has them: float64 by default, on the CPU, mutable. Make one with `array(data)`. Basic slices, reshapes,
 * transposes and the like are views: they share its memory, and what is written to one is seen by all.
 */
export class NDArray extends PlaceMethods {
  readonly face = "array";
  readonly floatDType = "float64";
  protected readonly ownDevice = "cpu";
  protected readonly isMutable = true;
  /** What it stands for once it has views, is one, or was written; before that it holds a value as any handle. */
  #view: View | null = null;

  protected override make(value: Value): Lazy {
    return new NDArray(value);
  }
  /** How many elements each row has: `rowLengths(x)`. */
  rowLengths(options: AxisOption = {}): this {
    return rowLengths(this, options);
  }
  /** Where rows begin, and the end: `rowOffsets(x)`. */
  rowOffsets(options: AxisOption = {}): this {
    return rowOffsets(this, options);
  }
  /** The elements of all rows, one row after another: `flatValues(x)`. */
  flatValues(): this {
    return flatValues(this);
  }
  /** Rows filled up to the length of the longest: `toPadded(x, fillValue)`. */
  toPadded(fillValue: number | boolean = 0): this {
    return toPadded(this, fillValue);
  }
  /** Arrays keep no gradient of their own; differentiate a function of them with `grad`. */
  get requiresGrad(): boolean {
    return false;
  }

  override get valueType(): TensorType {
    return this.#view === null ? super.valueType : this.#view.type;
  }
  override get device(): string {
    return this.#view === null ? super.device : (deviceOf(this.#view.cell.value) ?? this.ownDevice);
  }

  protected override current(): Value | null {
    return this.#view === null ? super.current() : this.#view.read();
  }

  /** From here on it stands for a cell. */
  #shared(): View {
    if (this.#view !== null) return this.#view;
    const { value } = this;
    this.#become(View.whole(new Cell(value)));
    return this.#shared();
  }

  #become(view: View): void {
    view.cell.join();
    this.surrender();
    this.#view = view;
  }

  override alias(read: (value: Value) => Value, relayout: Relayout, rows: Rows | null = null): this {
    const view = this.#shared();
    // wrong shapes throw now, though nothing is recorded yet
    read(paramValue("view", view.type, "buffer"));
    const layout = relayout(view.layout);
    if (layout === null) return super.alias(read, relayout, rows);
    const made = rows === null ? this.wrap(view.cell.value) : this.onRows(view.cell.value, rows);
    made.#become(view.derive(layout, read));
    return made;
  }

  protected override get inPlace(): Value {
    return this.#view === null ? this.value : this.#view.readInPlace();
  }

  protected override store(op: string, value: Value): this {
    const view = this.#shared();
    const { readOnly } = view.layout;
    if (readOnly !== null) throw new UnsupportedError(`${op}: this array cannot be written: ${readOnly}. Write to a copy: x.copy().`);
    view.write(value);
    return this;
  }

  protected override isPartOf(whole: this): boolean {
    return this.memory !== null && this.memory.cell === whole.memory?.cell;
  }

  /** Where its elements lie, and in what; null where nothing else can share them. */
  get memory(): { readonly cell: Cell; readonly layout: Layout } | null {
    return this.#view;
  }

  override dispose(): void {
    const view = this.#view;
    this.#view = null;
    if (view === null) super.dispose();
    else view.cell.leave();
  }
}
