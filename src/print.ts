/**
 * Values as text, in NumPy's layout for arrays and PyTorch's for tensors, with two habits of JavaScript: floats that are all whole
 * print as `1`, not `1.`, and the dtype is shown unless it is the face's own default or bool.
 */
import type { DType } from "../compiler/ir/dtype.ts";
import { isFloat } from "../compiler/ir/dtype.ts";
import { at } from "../compiler/ir/errors.ts";
import type { HostArray } from "../compiler/ir/host.ts";
import type { Shape, TensorType } from "../compiler/ir/shape.ts";
import { sizeOf, stridesOf } from "../compiler/ir/shape.ts";
import type { Face } from "./handle.ts";

interface Style {
  /** Digits after the point. */
  readonly precision: number;
  /** NumPy drops the zeros that no element needs, PyTorch keeps them. */
  readonly keepZeros: boolean;
  readonly ellipsis: string;
  readonly defaultDType: DType;
}

const styles: Readonly<Record<Face, Style>> = {
  array: { precision: 8, keepZeros: false, ellipsis: "...", defaultDType: "float64" },
  tensor: { precision: 4, keepZeros: true, ellipsis: " ...", defaultDType: "float32" },
};

/** More elements than this are summarised, to `edge` at either end of an axis. */
const threshold = 1000;
const edge = 3;
const lineWidth: Readonly<Record<Face, number>> = { array: 75, tensor: 80 };

/** `array([[1, 2],\n       [3, 4]])`: the elements with brackets, dtype and alignment. */
export function formatValues(face: Face, data: HostArray, type: TensorType): string {
  const style = styles[face];
  const suffix = type.dtype === style.defaultDType || type.dtype === "bool" ? "" : `dtype=${type.dtype}`;
  const closing = suffix === "" ? ")" : `, ${suffix})`;
  if (sizeOf(type.shape) === 0) return `${face}([]${type.shape.length > 1 ? `, ${shapeNote(face, type.shape)}` : ""}${closing}`;
  const shown = visible(type.shape);
  const format = formatter(
    shown.map((i) => at(data, i)),
    type.dtype,
    style,
  );
  const prefix = `${face}(`;
  const body = layout(type.shape, (i) => format(at(data, i)), { indent: prefix.length, width: lineWidth[face], ellipsis: style.ellipsis });
  return prefix + body + closing;
}

const shapeNote = (face: Face, shape: Shape): string => (face === "array" ? `shape=(${shape.join(", ")})` : `size=(${shape.join(", ")})`);

/** The positions along an axis that are printed; -1 stands for the gap. */
function positions(length: number, summarise: boolean): number[] {
  if (!summarise || length <= 2 * edge) return Array.from({ length }, (_, i) => i);
  const head = Array.from({ length: edge }, (_, i) => i);
  return [...head, -1, ...head.map((i) => length - edge + i)];
}

/** Flat positions of the elements that are printed. */
function visible(shape: Shape): number[] {
  const summarise = sizeOf(shape) > threshold;
  const strides = stridesOf(shape);
  let flat = [0];
  shape.forEach((length, axis) => {
    const steps = positions(length, summarise).filter((i) => i >= 0);
    flat = flat.flatMap((base) => steps.map((i) => base + i * at(strides, axis)));
  });
  return flat;
}

/** How one element prints, so that all of them align. */
function formatter(values: readonly number[], dtype: DType, style: Style): (x: number) => string {
  const text = dtype === "bool" ? boolText : numberText(values, dtype, style);
  const width = Math.max(...values.map((x) => text(x).length));
  return (x) => text(x).padStart(width);
}

const boolText = (x: number): string => (x === 0 ? "False" : "True");

function numberText(values: readonly number[], dtype: DType, style: Style): (x: number) => string {
  if (!isFloat(dtype)) return String;
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  const [small, large] = [Math.min(...sizes), Math.max(...sizes)];
  const whole = finite.every(Number.isInteger);
  if (whole) return special((x) => (Object.is(x, -0) ? "-0" : String(x)));
  const exponent = sizes.length > 0 && (large >= 1e8 || small < 1e-4 || large / small > 1000);
  if (exponent) {
    const digits = significant(finite, dtype, style);
    return special((x) => exponentText(x, digits));
  }
  const digits = decimals(finite, dtype, style);
  if (style.keepZeros) return special((x) => fixed(x, digits));
  return special((x) => trimZeros(fixed(x, digits)).padEnd(fixed(x, digits).length));
}

const fixed = (x: number, digits: number): string => (Object.is(x, -0) ? "-" : "") + x.toFixed(digits);
/** `1.500` to `1.5`, `1.000` to `1.` */
const trimZeros = (s: string): string => (s.includes(".") ? s.replace(/0+$/, "") : s);

const special =
  (finite: (x: number) => string) =>
  (x: number): string => {
    if (Number.isFinite(x)) return finite(x);
    return Number.isNaN(x) ? "nan" : String(x).replace("Infinity", "inf");
  };

/** The digits after the point that the longest of these needs, within the style's precision. */
function decimals(values: readonly number[], dtype: DType, style: Style): number {
  if (style.keepZeros) return style.precision;
  return Math.max(0, ...values.map((x) => (trimZeros(shortest(x, dtype, style.precision)).split(".")[1] ?? "").length));
}

/** The shortest fixed text that reads back as this element, cut to the precision. */
function shortest(x: number, dtype: DType, precision: number): string {
  for (let digits = 0; digits < precision; digits++) {
    const text = x.toFixed(digits);
    if (sameAs(Number(text), x, dtype)) return text;
  }
  return x.toFixed(precision);
}

const sameAs = (a: number, b: number, dtype: DType): boolean => (dtype === "float64" ? a === b : Math.fround(a) === Math.fround(b));

function significant(values: readonly number[], dtype: DType, style: Style): number {
  if (style.keepZeros) return style.precision;
  const needed = values.map((x) => {
    for (let digits = 0; digits < style.precision; digits++) if (sameAs(Number(x.toExponential(digits)), x, dtype)) return digits;
    return style.precision;
  });
  return Math.max(0, ...needed);
}

/** `1.5e-10`, with two digits in the exponent at least. */
function exponentText(x: number, digits: number): string {
  const [mantissa = "", power = "+0"] = x.toExponential(digits).split("e");
  const sign = power.startsWith("-") ? "-" : "+";
  return `${Object.is(x, -0) ? "-" : ""}${mantissa}e${sign}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
}

interface Layout {
  readonly indent: number;
  readonly width: number;
  readonly ellipsis: string;
}

/** Nested brackets: one row a line, one more blank line between blocks for each further axis. */
function layout(shape: Shape, element: (flat: number) => string, { indent, width, ellipsis }: Layout): string {
  const summarise = sizeOf(shape) > threshold;
  const strides = stridesOf(shape);
  const level = (axis: number, base: number): string => {
    const length = shape[axis];
    if (length === undefined) return element(base);
    const items = positions(length, summarise).map((i) => (i < 0 ? ellipsis : level(axis + 1, base + i * at(strides, axis))));
    const column = " ".repeat(indent + axis + 1);
    const inner = shape.length - axis - 1;
    if (inner === 0) return `[${wrapLine(items, column, width)}]`;
    return `[${items.map((s) => (s === ellipsis ? "..." : s)).join(`,${"\n".repeat(inner)}${column}`)}]`;
  };
  return level(0, 0);
}

function wrapLine(items: readonly string[], column: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  items.forEach((item, i) => {
    const next = line === "" ? item : `${line} ${item}`;
    const room = width - column.length - (i === items.length - 1 ? 1 : 0);
    if (line !== "" && next.length + 1 > room) {
      lines.push(line);
      line = item;
    } else line = next;
    if (i < items.length - 1) line += ",";
  });
  return [...lines, line].join(`\n${column}`);
}
