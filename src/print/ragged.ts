/** Rows of different lengths as text: NumPy's brackets, each row as long as it is, all elements as wide as the widest. */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Face } from "../handle.ts";
import type { Printed } from "./format.ts";
import { formatPrinted } from "./format.ts";
import type { Nesting } from "./layout.ts";
import { denseNesting } from "./layout.ts";
import type { PrintOptions } from "./options.ts";
import { printOptions } from "./options.ts";

/** Where rows begin and end, and what an item of the innermost rows is. */
export interface RaggedShape {
  /** One list a ragged axis, outermost first: row `i` holds the items from `offsets[i]` up to `offsets[i + 1]` of the next axis. */
  readonly offsets: readonly ArrayLike<number>[];
  /** The shape of what the innermost rows hold; `[]` is an element. */
  readonly innerShape: Shape;
}

/** `array([[1, 2, 3],\n       [4, 5]])`: ragged rows with brackets, dtype and alignment. */
export function formatRagged(face: Face, data: ArrayLike<Numeric>, dtype: DType, shape: RaggedShape, options: PrintOptions = printOptions(face)): string {
  return formatPrinted(raggedPrinted(face, data, dtype, shape), options);
}

/** What prints of ragged rows. Where there are none, the shape says so, with `~` for the lengths of rows. */
export function raggedPrinted(face: Face, data: ArrayLike<Numeric>, dtype: DType, shape: RaggedShape): Printed {
  const nesting = raggedNesting(shape);
  const rows = nesting.span(0, 0).length;
  const hollow = rows === 0 ? ["0", ...shape.offsets.map(() => "~"), ...shape.innerShape.map(String)] : null;
  return { face, data, dtype, nesting, hollow };
}

function raggedNesting({ offsets, innerShape }: RaggedShape): Nesting {
  const inner = denseNesting(innerShape);
  const rows = at(offsets, 0).length - 1;
  const last = at(offsets, offsets.length - 1);
  const depth = offsets.length + 1;
  return {
    rank: depth + inner.rank,
    size: at(last, last.length - 1) * sizeOf(innerShape),
    span: (axis, parent) => {
      if (axis === 0) return { first: 0, length: rows };
      if (axis >= depth) return inner.span(axis - depth, parent);
      const starts = at(offsets, axis - 1);
      return { first: at(starts, parent), length: at(starts, parent + 1) - at(starts, parent) };
    },
  };
}
