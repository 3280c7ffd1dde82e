/**
 * Values as text, in NumPy's layout for arrays and PyTorch's for tensors, with two habits of JavaScript: floats that are all whole
 * print as `1`, not `1.`, and the dtype is shown unless it is the face's own default or bool.
 *
 * Only the elements that are shown are read: a summary costs the same however large the array is.
 */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { isWide } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import type { Face } from "../handle.ts";
import type { Nesting } from "./layout.ts";
import { denseNesting, numpyLayout, pytorchLayout, visibleElements } from "./layout.ts";
import { numpyWords } from "./numpy.ts";
import type { PrintOptions } from "./options.ts";
import { printOptions } from "./options.ts";
import { pytorchWords } from "./pytorch.ts";
import type { Shown, Words } from "./words.ts";
import { bigWords } from "./words.ts";

/** What prints: elements in row-major order, how they are nested, and what their type and shape are called. */
export interface Printed {
  readonly face: Face;
  readonly data: ArrayLike<Numeric>;
  readonly dtype: DType;
  readonly nesting: Nesting;
  /** The shape, where there are no brackets to show it; else null. */
  readonly hollow: Shape | readonly string[] | null;
}

const defaultDType: Readonly<Record<Face, DType>> = { array: "float64", tensor: "float32" };

/** `array([[1, 2],\n       [3, 4]])`: the elements with brackets, dtype and alignment. */
export function formatValues(face: Face, data: ArrayLike<Numeric>, type: TensorType, options: PrintOptions = printOptions(face)): string {
  return formatPrinted(densePrinted(face, data, type), options);
}

export function densePrinted(face: Face, data: ArrayLike<Numeric>, { dtype, shape }: TensorType): Printed {
  const nesting = denseNesting(shape);
  return { face, data, dtype, nesting, hollow: nesting.size === 0 ? shape : null };
}

/** As Python's `repr`: the face's name, the elements, and what they do not tell. */
export function formatPrinted(printed: Printed, options: PrintOptions): string {
  const { face, dtype, nesting, hollow } = printed;
  const prefix = `${face}(`;
  const body = prefix + formatElements(printed, options, { separator: ", ", indent: prefix.length, closing: 1 });
  const shape = hollow !== null && nesting.rank !== 1 ? `(${hollow.join(", ")})` : null;
  const noted = dtype === defaultDType[face] || dtype === "bool" ? null : `dtype=${dtype}`;
  const notes = face === "array" ? withNumpyNotes : withPytorchNotes;
  return `${notes(body, { shape, dtype: noted }, options.linewidth)})`;
}

interface Notes {
  readonly shape: string | null;
  readonly dtype: string | null;
}

/** The dtype goes to a line of its own where it would pass the last column; the shape stays with the brackets. */
function withNumpyNotes(elements: string, { shape, dtype }: Notes, linewidth: number): string {
  const body = shape === null ? elements : `${elements}, shape=${shape}`;
  if (dtype === null) return body;
  const column = body.length - (body.lastIndexOf("\n") + 1);
  const fits = column + `, ${dtype})`.length <= linewidth;
  return `${body},${fits ? " " : `\n${" ".repeat("array(".length)}`}${dtype}`;
}

/** Each note goes to a new line where it would pass the last column. */
function withPytorchNotes(body: string, { shape, dtype }: Notes, linewidth: number): string {
  const indent = "tensor(".length;
  let column = body.length - body.lastIndexOf("\n") + 1;
  let text = body;
  for (const note of [shape === null ? null : `size=${shape}`, dtype]) {
    if (note === null) continue;
    const fits = column + note.length + 2 <= linewidth;
    text += fits ? `, ${note}` : `,\n${" ".repeat(indent)}${note}`;
    column = (fits ? column + 2 : indent) + note.length;
  }
  return text;
}

export interface ElementsLayout {
  readonly separator: string;
  /** Columns before the first bracket, on every line. */
  readonly indent: number;
  /** Columns that what follows the last bracket takes. */
  readonly closing: number;
}

/** How the elements at these positions print, among each other. */
function wordsOf({ face, data, dtype, nesting }: Printed, visible: readonly number[], options: PrintOptions): Words<Numeric> {
  const values = visible.map((i) => at(data, i));
  if (isWide(dtype)) return bigWords(values.map(BigInt), options);
  const shown: Shown = { values: values.map(Number), dtype, options };
  const { of, width } = face === "array" ? numpyWords(shown, nesting.rank) : pytorchWords(shown);
  return { of: (x) => of(Number(x)), width };
}

/** The elements and their brackets. */
export function formatElements(printed: Printed, options: PrintOptions, { separator, indent, closing }: ElementsLayout): string {
  const { face, data, nesting } = printed;
  if (printed.hollow !== null) return "[]";
  const edge = nesting.size > options.threshold ? options.edgeitems : null;
  const words = wordsOf(printed, visibleElements(nesting, edge), options);
  const layout = { word: (i: number) => words.of(at(data, i)), separator, indent, edge, linewidth: options.linewidth };
  if (face === "tensor") return pytorchLayout(nesting, { ...layout, wordWidth: words.width });
  return numpyLayout(nesting, { ...layout, linewidth: options.linewidth - closing });
}
