/** Arrays of positions: ranges, grids, triangles. Arrays, or tensors where `{ face: "tensor" }` says so. */
import type { DType } from "../compiler/ir/dtype.ts";
import { isFloat } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import { add, cast, equal, lessEqual, multiply, where } from "../compiler/ops/arithmetic.ts";
import { pow } from "../compiler/ops/exponential.ts";
import { constantValue, iotaValue } from "../compiler/ops/source.ts";
import { broadcast, broadcastTo, concat, reshape } from "../compiler/ops/views.ts";
import type { NDArray } from "./array.ts";
import type { ArrayMaking, Making, TensorMaking } from "./create.ts";
import { made, makingDType } from "./create.ts";
import { columnLessRow } from "./functions/place.ts";
import type { Lazy } from "./handle.ts";
import { requireShape } from "./literal.ts";
import { faceOf, requireRepresents, userNumber, valueOf } from "./operands.ts";
import type { Tensor } from "./tensor.ts";

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export interface MatrixOptions {
  /** The number of columns; that of the rows where none is given. */
  readonly nCols?: number | null;
  readonly k?: number;
}
type ArrayMatrix = MatrixOptions & ArrayMaking;
type TensorMatrix = MatrixOptions & TensorMaking;
type Matrix = ArrayMatrix | TensorMatrix;

const withColumns = (columns: number | null | undefined | Matrix, options: Matrix): Matrix =>
  typeof columns === "object" && columns !== null ? columns : { ...options, nCols: columns ?? options.nCols ?? null };

function matrix(op: string, nRows: number, options: Matrix, choose: (gap: Value, k: number) => Value): NDArray | Tensor {
  const shape = requireShape(op, [nRows, options.nCols ?? nRows]);
  return made(options, cast(choose(columnLessRow(shape), options.k ?? 0), makingDType(op, options)));
}

/**
 * Ones on the k-th diagonal of an (nRows, nCols) matrix, else zeros.
 *
 * @example
 * eye(2); // → array([[1, 0], [0, 1]])
 */
export function eye(nRows: number, nCols: number | null, options: TensorMatrix): Tensor;
export function eye(nRows: number, options: TensorMatrix): Tensor;
export function eye(nRows: number, nCols?: number | null | ArrayMatrix, options?: ArrayMatrix): NDArray;
export function eye(nRows: number, nCols?: number | null | Matrix, options: Matrix = {}): NDArray | Tensor {
  return matrix("eye", nRows, withColumns(nCols, options), equal);
}

/**
 * Ones up to the k-th diagonal of an (n, m) matrix, else zeros.
 *
 * @example
 * tri(3); // → array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
 */
export function tri(n: number, m: number | null, options: TensorMatrix): Tensor;
export function tri(n: number, options: TensorMatrix): Tensor;
export function tri(n: number, m?: number | null | ArrayMatrix, options?: ArrayMatrix): NDArray;
export function tri(n: number, m?: number | null | Matrix, options: Matrix = {}): NDArray | Tensor {
  return matrix("tri", n, withColumns(m, options), lessEqual);
}

interface RangeOptions {
  readonly stop?: number | null;
  readonly step?: number;
}
type ArrayRange = RangeOptions & ArrayMaking;
type TensorRange = RangeOptions & TensorMaking;
type Range = ArrayRange | TensorRange;

/**
 * Numbers from `start` to before `stop`, `step` apart; `arange(stop)` counts from 0.
 *
 * @example
 * arange(0, 6, 2); // → array([0, 2, 4])
 */
export function arange(startOrStop: number, stop: number | null, step: number, options: TensorRange): Tensor;
export function arange(startOrStop: number, stop: number | null, options: TensorRange): Tensor;
export function arange(startOrStop: number, options: TensorRange): Tensor;
export function arange(startOrStop: number, stop?: number | null | ArrayRange, step?: number | ArrayRange, options?: ArrayRange): NDArray;
export function arange(startOrStop: number, ...rest: readonly (number | null | undefined | Range)[]): NDArray | Tensor {
  const numbers = rest.filter((r) => typeof r === "number" || r === null);
  const options = rest.find((r) => typeof r === "object" && r !== null) ?? {};
  const [end, by] = [numbers[0] ?? options.stop ?? null, numbers[1] ?? options.step ?? 1];
  const [start, stop] = end === null ? [0, startOrStop] : [startOrStop, end];
  const length = Math.max(0, Math.ceil((stop - start) / by));
  if (!Number.isSafeInteger(length))
    throw new ShapeError(`arange: from ${start} to ${stop} in steps of ${by} takes ${length} elements. Give finite bounds and a step that is not 0.`);
  return made(options, progression("arange", start, by, length, makingDType("arange", options)));
}

/** start + i · step, whose numbers are the user's: a moving start is no new plan. */
function progression(op: string, start: number, step: number, length: number, dtype: DType): Value {
  const index = iotaValue([length], 0, isFloat(dtype) ? dtype : "int32");
  [start, step].forEach((n) => requireRepresents(op, dtype, n));
  const wide = (n: number): Value => broadcastTo(userNumber(op, n, index.dtype), [length]);
  const scaled = step === 1 ? index : multiply(index, wide(step));
  return cast(start === 0 ? scaled : add(scaled, wide(start)), dtype);
}

interface LineOptions {
  /** Whether `stop` is the last number; true where it is not given. */
  readonly endpoint?: boolean;
}

/**
 * `num` numbers from `start` to `stop`, evenly apart; floats.
 *
 * @example
 * linspace(0, 1, 5); // → array([0.  , 0.25, 0.5 , 0.75, 1.  ])
 */
export function linspace(start: number, stop: number, num: number, options: LineOptions & TensorMaking): Tensor;
export function linspace(start: number, stop: number, num?: number, options?: LineOptions & ArrayMaking): NDArray;
export function linspace(start: number, stop: number, num: number = 50, options: LineOptions & Making = {}): NDArray | Tensor {
  return made(options, line("linspace", start, stop, num, options));
}

interface PowerOptions extends LineOptions {
  readonly base?: number;
}

/**
 * base to the powers of `linspace`.
 *
 * @example
 * logspace(0, 2, 3); // → array([  1,  10, 100])
 */
export function logspace(start: number, stop: number, num: number, options: PowerOptions & TensorMaking): Tensor;
export function logspace(start: number, stop: number, num?: number, options?: PowerOptions & ArrayMaking): NDArray;
export function logspace(start: number, stop: number, num: number = 50, options: PowerOptions & Making = {}): NDArray | Tensor {
  const exponents = line("logspace", start, stop, num, options);
  return made(options, pow(broadcastTo(userNumber("logspace", options.base ?? 10, exponents.dtype), exponents.shape), exponents));
}

/** The last number is `stop` itself, whatever the steps round to. */
function line(op: string, start: number, stop: number, num: number, options: LineOptions & Making): Value {
  const dtype = makingDType(op, options);
  if (!isFloat(dtype)) throw new DTypeError(`${op}: its numbers are floats, not ${dtype}. Convert with astype("${dtype}").`);
  const [length = 0] = requireShape(op, num);
  const endpoint = options.endpoint ?? true;
  const gaps = endpoint ? length - 1 : length;
  const numbers = progression(op, start, gaps > 0 ? (stop - start) / gaps : 0, length, dtype);
  if (!endpoint || length < 2) return numbers;
  const last = equal(iotaValue([length], 0, "int32"), length - 1);
  return where(last, broadcastTo(userNumber(op, stop, dtype), [length]), numbers);
}

export interface MeshgridOptions {
  /** "xy": the first two axes exchanged, as NumPy draws; "ij": in the order of the arrays. */
  readonly indexing?: "xy" | "ij";
}

/**
 * Rank-1 arrays as coordinates of a grid: each broadcast along the axes of the others.
 *
 * @example
 * meshgrid(array([1, 2]), array([3, 4]))[0]; // → array([[1, 2], [1, 2]])
 */
export function meshgrid<T extends Lazy>(...xs: readonly (T | MeshgridOptions)[]): T[] {
  const handles = xs.filter((x) => "value" in x);
  const options = xs.find((x) => !("value" in x)) ?? {};
  if (handles.length === 0) return [];
  faceOf("meshgrid", handles);
  const exchanged = ("indexing" in options ? options.indexing : "xy") !== "ij" && handles.length > 1;
  const axisOf = (i: number): number => (exchanged && i < 2 ? 1 - i : i);
  const values = handles.map((x) => reshape(valueOf("meshgrid", x), [x.size]));
  const shape = seq(handles.length).map((axis) => at(at(values, axisOf(axis)).shape, 0));
  return handles.map((x, i) => x.wrap(broadcast(at(values, i), shape, [axisOf(i)])));
}

/**
 * The coordinates of every place of a grid of this shape, one block an axis; int32 where no dtype is given.
 *
 * @example
 * indices([2, 2]); // → array([[[0, 0], [1, 1]], [[0, 1], [0, 1]]], dtype=int32)
 */
export function indices(dimensions: readonly number[], options: TensorMaking): Tensor;
export function indices(dimensions: readonly number[], options?: ArrayMaking): NDArray;
export function indices(dimensions: readonly number[], options: Making = {}): NDArray | Tensor {
  const shape = requireShape("indices", dimensions);
  const dtype = options.dtype === undefined ? "int32" : makingDType("indices", options);
  const blocks = shape.map((_, axis) => cast(iotaValue([1, ...shape], axis + 1, "int32"), dtype));
  return made(options, blocks.length === 0 ? broadcastTo(constantValue(0, dtype), [0]) : concat(blocks, 0));
}
