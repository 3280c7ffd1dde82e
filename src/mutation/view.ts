/** What a handle of an array stands for: all of a cell, or the part of it that a layout tells. */
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import type { Cell } from "./cell.ts";
import type { Layout } from "./layout.ts";
import type { Place } from "./place.ts";
import { placeOf } from "./place.ts";

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
  readonly #making: Making | null;
  /** What was read last, and the version of the cell that it was read from. */
  #seen: { readonly value: Value; readonly version: number } | null = null;
  #place: Place | null = null;

  private constructor(cell: Cell, layout: Layout, making: Making | null) {
    this.cell = cell;
    this.layout = layout;
    this.#depth = making === null ? 0 : making.parent.#depth + 1;
    this.#making = this.#depth > mostDepth ? null : making;
  }

  /** All of a cell. */
  static whole(cell: Cell, layout: Layout): View {
    return new View(cell, layout, null);
  }

  /** What `read` makes of this, at `layout` in the same cell. */
  derive(layout: Layout, read: (value: Value) => Value): View {
    return new View(this.cell, layout, { parent: this, read, version: this.cell.version });
  }

  get type(): TensorType {
    return tensorType(this.cell.value.dtype, this.layout.shape);
  }

  read(): Value {
    const { version } = this.cell;
    if (this.#seen?.version === version && !isGone(this.#seen.value)) return this.#seen.value;
    const value = this.#making?.version === version ? this.#making.read(this.#making.parent.read()) : this.#placed().read(this.cell.value);
    this.#seen = { value, version };
    return value;
  }

  /** `part` has the view's shape and the cell's dtype. */
  write(part: Value): void {
    this.cell.write(this.#placed().replace(this.cell.value, part));
    this.#seen = null;
  }

  #placed(): Place {
    this.#place ??= placeOf(this.cell.value.shape, this.layout);
    return this.#place;
  }
}

/** What was read may have been dropped with the evaluation that read it. */
const isGone = ({ slot, node }: Value): boolean => slot === null && node.definition === null;
