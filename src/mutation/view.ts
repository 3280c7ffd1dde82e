/** What a handle of an array stands for: all of a cell, or the part of it that a layout tells. */
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { isGone } from "../liveness.ts";
import type { Cell } from "./cell.ts";
import type { Layout } from "./layout.ts";
import { isAll } from "./layout.ts";
import type { Place } from "./place.ts";
import { placeOf } from "./place.ts";
import { leavesAsIs } from "./unchanged.ts";

/** Views of views of views are read from the base, not one from another, beyond this depth. */
const mostDepth = 32;

/** How a view was made from another: what reads best while the cell is as it was. */
interface Making {
  readonly parent: View;
  readonly read: (value: Value) => Value;
  readonly version: number;
}

/**
 * A view holds no value. Nothing is recorded until it is read: what is only written would else leave nodes behind that read the
 * memory, and keep it from being written in place.
 */
export class View {
  readonly cell: Cell;
  readonly layout: Layout;
  readonly #depth: number;
  /** Whether it is the whole cell, in its own shape or another. */
  readonly #isAll: boolean;
  readonly #making: Making | null;
  /** What was read last, and the version of the cell that it was read from. */
  #seen: { readonly value: Value; readonly version: number } | null = null;
  #place: Place | null = null;

  private constructor(cell: Cell, layout: Layout, making: Making | null) {
    this.cell = cell;
    this.layout = layout;
    this.#isAll = isAll(layout, sizeOf(cell.whole.shape));
    this.#depth = making === null ? 0 : making.parent.#depth + 1;
    this.#making = this.#depth > mostDepth ? null : making;
  }

  /** All of a cell. */
  static whole(cell: Cell): View {
    return new View(cell, cell.whole, null);
  }

  /** What `read` makes of this, at `layout` in the same cell. */
  derive(layout: Layout, read: (value: Value) => Value): View {
    return new View(this.cell, layout, { parent: this, read, version: this.cell.version });
  }

  get type(): TensorType {
    return tensorType(this.cell.value.dtype, this.layout.shape);
  }

  read(): Value {
    // what was read may have been dropped with the evaluation that read it
    const { version } = this.cell;
    if (this.#isAll) return this.cell.reshaped(this.layout.shape);
    if (this.#seen?.version === version && !isGone(this.#seen.value)) return this.#seen.value;
    const whole = this.cell.readPart(this.layout);
    const value = this.#making?.version === version ? this.#made(whole) : this.#placed().read(whole);
    this.#seen = { value, version };
    return value;
  }

  /** From all of the cell, as it was made. */
  #made(whole: Value): Value {
    return this.#making === null ? whole : this.#making.read(this.#making.parent.#made(whole));
  }

  /** As a write addresses it, so that what is written to the place it was read from is seen to be that. */
  readInPlace(): Value {
    return this.#placed().read(this.cell.value);
  }

  /** `part` has the view's shape and the cell's dtype. */
  write(part: Value): void {
    if (this.#isAll && leavesAsIs(part, this.read())) return;
    this.cell.write(this.#placed().replace(this.cell.value, part), this.layout);
    this.#seen = null;
  }

  #placed(): Place {
    this.#place ??= placeOf(this.cell.value.shape, this.layout);
    return this.#place;
  }
}
