/**
 * Operands to check a row with. Rows of elementwise ops, reductions and prefixes get theirs from what they accept, so that a new one
 * is checked on arrival; rows whose attributes say where elements go are listed by name.
 */
import { isFloat } from "../../compiler/ir/dtype.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { asNumbers, hostArrayOf } from "../../compiler/ir/host.ts";
import { CompilerBug } from "../../compiler/ir/errors.ts";
import type { Attrs } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";

export interface Sample {
  readonly title: string;
  readonly operands: readonly HostData[];
  readonly attrs: Attrs;
}

/** Numbers of a fixed sequence in 0 … 1. */
export function sequence(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** Numbers in lo … hi that keep away from multiples of 0.5, where rounding ops jump. */
export function numbers(type: TensorType, seed: number, lo: number, hi: number): HostData {
  const next = sequence(seed);
  const data = Array.from({ length: sizeOf(type.shape) }, () => {
    let x = lo + (hi - lo) * next();
    while (isFloat(type.dtype) && Math.abs(x * 2 - Math.round(x * 2)) < 0.05) x = lo + (hi - lo) * next();
    return type.dtype === "bool" ? Math.round(next()) : x;
  });
  return { type, data: hostArrayOf(type.dtype, data) };
}

const floats = (shape: Shape, seed: number, lo: number = -2, hi: number = 2): HostData => numbers(tensorType("float64", shape), seed, lo, hi);
const given = (dtype: DType, shape: Shape, list: readonly number[]): HostData => ({
  type: tensorType(dtype, shape),
  data: hostArrayOf(dtype, list),
});
const index = (shape: Shape, list: readonly number[]): HostData => given("int32", shape, list);
const start = (n: number): HostData => index([], [n]);
const sample = (title: string, operands: readonly HostData[], attrs: Attrs = {}): Sample => ({ title, operands, attrs });

const modes = ["set", "add", "mul", "min", "max"];
const scatterSamples: readonly (readonly [string, readonly Sample[]])[] = modes.flatMap((mode) => [
  [`scatter ${mode}`, [sample("repeated and clamped", [floats([3, 4], 2), index([2, 2], [3, 0, 9, 1]), floats([3, 2, 2], 3)], { axis: 1 })]] as const,
  [`scatter along ${mode}`, [sample("repeated", [floats([3, 4], 2), index([3, 3], [0, 1, 1, 3, 3, 0, 2, 1, 2]), floats([3, 3], 3)], { axis: 1 })]] as const,
]);

const conv = (
  strides: readonly number[],
  low: readonly number[],
  high: readonly number[],
  inputDilation: readonly number[] = strides.map(() => 1),
  windowDilation: readonly number[] = strides.map(() => 1),
): Attrs => ({ strides, low, high, inputDilation, windowDilation });

const exactly = (shape: Shape, list: readonly number[]): HostData => given("float64", shape, list);
const x234 = floats([2, 3, 4], 1);

/** Samples of rows that cannot be given just any operands of one type. */
const listed: ReadonlyMap<string, readonly Sample[]> = new Map<string, readonly Sample[]>([
  ["param", [sample("buffer", [], { name: "x", dtype: "float64", shape: [2], space: "buffer" })]],
  ["const", [sample("number", [], { value: 0.5, dtype: "float64" })]],
  ["iota", [sample("second axis", [], { shape: [2, 3], axis: 1, dtype: "int32" }), sample("floats", [], { shape: [3], axis: 0, dtype: "float64" })]],
  ["copy", [sample("matrix", [floats([2, 3], 1)])]],
  ["detach", [sample("matrix", [floats([2, 3], 1)])]],
  ["transfer", [sample("matrix", [floats([2, 3], 1)], { device: "cpu" })]],
  ["opaque", [sample("one", [floats([2, 3], 1)]), sample("ordered", [floats([2], 1), floats([3], 2)])]],
  ["where", [sample("mixed", [given("bool", [4], [1, 0, 0, 1]), floats([4], 1), floats([4], 2)])]],
  [
    "cast",
    [
      sample("float to int", [floats([2], 1)], { dtype: "int32" }),
      sample("int to float", [index([2], [3, -4])], { dtype: "float64" }),
      sample("float to float", [floats([2], 1)], { dtype: "float64" }),
    ],
  ],
  ["bitcast", [sample("int to uint", [index([2], [3, -4])], { dtype: "uint32" })]],
  ["polygamma", [sample("first", [floats([4], 1, 0.6, 3)], { n: 1 }), sample("third", [floats([4], 1, 0.6, 3)], { n: 3 })]],
  ["reshape", [sample("merge and split", [x234], { shape: [4, 6] }), sample("nothing", [floats([2, 0], 1)], { shape: [0] })]],
  ["permute", [sample("cycle", [x234], { axes: [2, 0, 1] })]],
  ["broadcast", [sample("two new axes", [floats([3], 1)], { shape: [2, 3, 2], axes: [1] }), sample("scalar", [floats([], 1)], { shape: [3], axes: [] })]],
  ["pad", [sample("all kinds", [floats([3, 2], 1), floats([], 2)], { low: [1, 0], high: [0, 2], interior: [2, 1] })]],
  [
    "slice",
    [
      sample("steps", [floats([7, 4], 1)], { start: [1, 0], size: [3, 2], step: [2, 3] }),
      sample("nothing", [floats([3], 1)], { start: [3], size: [0], step: [1] }),
    ],
  ],
  ["flip", [sample("one axis", [floats([3, 2], 1)], { axes: [0] }), sample("both", [floats([3, 2], 1)], { axes: [0, 1] })]],
  ["concat", [sample("three, one empty", [floats([2, 2], 1), floats([2, 0], 2), floats([2, 3], 3)], { axis: 1 })]],
  [
    "join",
    [
      sample("four boxes", [floats([2, 2], 1), floats([2, 1], 2), floats([1, 2], 3), floats([1, 1], 4)], {
        shape: [3, 3],
        starts: [
          [0, 0],
          [0, 2],
          [2, 0],
          [2, 2],
        ],
      }),
    ],
  ],
  ["dynamic slice", [sample("clamped", [floats([5, 4], 1), start(9), start(-2)], { axes: [0, 1], sizes: [2, 2], steps: [2, 1] })]],
  ["dynamic update", [sample("clamped", [floats([5, 4], 1), floats([2, 4], 2), start(9)], { axes: [0], steps: [2] })]],
  ["write", [sample("clamped", [floats([5, 4], 1), floats([2, 4], 2), start(9)], { axes: [0], steps: [2] })]],
  [
    "window",
    [
      sample("two axes", [floats([5, 6], 1)], { axes: [0, 1], sizes: [3, 2], steps: [1, 2] }),
      sample("gaps", [floats([6], 1)], { axes: [0], sizes: [2], steps: [3] }),
    ],
  ],
  ["unwindow", [sample("two axes", [floats([3, 3, 3, 2], 1), floats([], 2)], { axes: [0, 1], steps: [1, 2], lengths: [5, 6] })]],
  [
    "diagonal",
    [-1, 0, 2]
      .map((offset) => sample(`offset ${offset}`, [floats([3, 2, 4], 1)], { axis1: 0, axis2: 2, offset }))
      .concat(sample("swapped", [floats([3, 4], 1)], { axis1: 1, axis2: 0, offset: 1 })),
  ],
  [
    "dot",
    [
      sample("matmul", [floats([2, 3], 1), floats([3, 4], 2)], { contract: [[1], [0]], batch: [[], []] }),
      sample("batch, two contracted in other orders", [floats([2, 3, 2, 4], 1), floats([3, 4, 2, 2], 2)], {
        contract: [
          [3, 0],
          [1, 2],
        ],
        batch: [[1], [0]],
      }),
      sample("outer", [floats([2], 1), floats([3], 2)], { contract: [[], []], batch: [[], []] }),
    ],
  ],
  [
    "conv",
    [
      sample("one axis, padded", [floats([2, 1, 2, 5], 1), floats([1, 3, 2, 3], 2)], conv([1], [1], [1])),
      sample("two axes, groups, strides", [floats([2, 2, 1, 5, 4], 1), floats([2, 2, 1, 2, 3], 2)], conv([2, 1], [1, 0], [0, 2], [1, 1], [1, 2])),
      sample("input dilated, cropped", [floats([1, 1, 2, 4], 1), floats([1, 2, 2, 3], 2)], conv([1], [2], [-1], [2])),
      sample("input and window dilated, common factor", [floats([1, 1, 1, 4, 3], 1), floats([1, 2, 1, 3, 2], 2)], conv([1, 3], [2, 1], [1, 4], [4, 3], [2, 2])),
      sample("no window fits", [floats([1, 1, 1, 2], 1), floats([1, 1, 1, 3], 2)], conv([1], [0], [0])),
    ],
  ],
  [
    "gather",
    [
      sample("matrix of indices", [floats([3, 4], 1), index([2, 2], [3, 0, 3, 9])], { axis: 1 }),
      sample("scalar index", [floats([3, 2], 1), start(1)], { axis: 0 }),
    ],
  ],
  ["gather along", [sample("rows", [floats([3, 4], 1), index([3, 2], [0, 0, 3, 1, -5, 2])], { axis: 1 })]],
  ...scatterSamples,
  [
    "segment broadcast",
    [
      sample("an empty row", [floats([4, 2], 1), index([5], [0, 3, 3, 4, 6])], { size: 6 }),
      sample("one row", [floats([1], 1), index([2], [0, 3])], { size: 3 }),
      sample("no elements", [floats([2], 1), index([3], [0, 0, 0])], { size: 0 }),
      sample("no rows", [floats([0, 2], 1), index([1], [0])], { size: 0 }),
    ],
  ],
  ["sort", [false, true].map((descending) => sample(descending ? "descending" : "ascending", [floats([4, 3], 1)], { axis: 0, descending }))],
]);

/** Beside what their class gives: places where a derivative is easily wrong. */
const special: ReadonlyMap<string, readonly Sample[]> = new Map<string, readonly Sample[]>([
  ["reduce prod", [sample("zeros", [exactly([3, 3], [2, 0, 3, 0, 0, 5, 4, 2, 3])], { axes: [1] })]],
  [
    "prefix prod",
    [false, true].map((reverse) => sample(reverse ? "zeros, reverse" : "zeros", [exactly([3, 4], [2, 0, 3, 4, 1, 0, 0, 5, 0, 0, 0, 2])], { axis: 1, reverse })),
  ],
  ["segment reduce prod", [sample("zeros", [exactly([8], [2, 0, 3, 0, 0, 5, 4, 2]), index([5], [0, 3, 3, 6, 8])])]],
  ["scatter mul", [sample("zeros", [floats([3], 1), index([7], [0, 0, 1, 2, 1, 2, 2]), exactly([7], [0, 2, 0, 3, 0, 4, 5])], { axis: 0 })]],
]);

const takes = (op: Primitive, types: readonly TensorType[], attrs: Attrs): boolean => {
  try {
    op.infer(types, attrs);
    return true;
  } catch (error) {
    if (error instanceof CompilerBug) throw error;
    return false;
  }
};

const ranges: Readonly<Partial<Record<DType, readonly (readonly [number, number])[]>>> = {
  float64: [
    [-2, 2],
    [0.1, 0.95],
    [1.1, 3],
  ],
  float32: [[0.1, 0.95]],
  int32: [[-9, 9]],
  uint32: [[0, 40]],
  bool: [[0, 1]],
  int8: [[-9, 9]],
  uint8: [[0, 40]],
  int16: [[-200, 200]],
  uint16: [[0, 400]],
  int64: [[-9, 9]],
  uint64: [[0, 40]],
  float16: [
    [-2, 2],
    [0.1, 0.95],
    [1.1, 3],
  ],
};
const usualTypes: readonly DType[] = ["float64", "float32", "int32", "uint32", "bool"];
/** The dtypes that the CPU converts on load and store, or computes in 64-bit integers. */
export const rareTypes: readonly DType[] = ["int8", "uint8", "int16", "uint16", "int64", "uint64", "float16"];

interface Wanted {
  readonly title: string;
  readonly dtypes: readonly DType[];
}

/** Operands of one type and of every dtype that the row takes; floats from several ranges, as few rows take all numbers. */
function byType(op: Primitive, count: number, shape: Shape, attrs: Attrs, { title, dtypes }: Wanted): Sample[] {
  return dtypes.flatMap((dtype) => {
    const type = tensorType(dtype, shape);
    const operands = Array.from({ length: count }, () => type);
    if (!takes(op, operands, attrs)) return [];
    return (ranges[dtype] ?? []).map(([lo, hi]) =>
      sample(
        `${title}${dtype} in ${lo} to ${hi}`,
        operands.map((t, k) => numbers(t, 7 * k + 3, lo, hi)),
        attrs,
      ),
    );
  });
}

/** Rows of lengths 2, 1 and 4, with and without an empty one; elements alone or with axes of their own. */
function segmentSamples(op: Primitive, inner: Shape, dtypes: readonly DType[]): Sample[] {
  return [index([4], [0, 2, 3, 7]), index([5], [0, 2, 2, 6, 7])].flatMap((offsets) => {
    const ofValues: Primitive = { ...op, infer: (args, attrs) => op.infer([...args, offsets.type], attrs) };
    const title = `${offsets.data.length - 1} rows of [${inner.join(",")}], `;
    return byType(ofValues, 1, [7, ...inner], {}, { title, dtypes }).map((each) => ({ ...each, operands: [...each.operands, offsets] }));
  });
}

/** All samples of a row; none where nothing is known of it. */
export function samplesOf(op: Primitive): readonly Sample[] {
  const own = [...(listed.get(op.name) ?? []), ...(special.get(op.name) ?? [])];
  return listed.has(op.name) ? own : [...own, ...typedSamples(op, usualTypes)];
}

/** Samples of what a row takes in these dtypes. */
function typedSamples(op: Primitive, dtypes: readonly DType[]): readonly Sample[] {
  switch (op.kind) {
    case "elementwise":
      return byType(op, op.arity === "any" ? 2 : op.arity, [3, 2], {}, { title: "", dtypes });
    case "reduction":
      return [[0], [0, 2], [0, 1, 2]].flatMap((axes) => byType(op, 1, [2, 3, 2], { axes }, { title: `axes ${axes.join(" ")}, `, dtypes }));
    case "segment":
      return [[], [3]].flatMap((inner) => segmentSamples(op, inner, dtypes));
    case "prefix":
      return [false, true].flatMap((reverse) => byType(op, Number(op.arity), [2, 5], { axis: 1, reverse }, { title: reverse ? "reverse, " : "", dtypes }));
    default:
      return [];
  }
}

/** Samples of a row in the rare dtypes: where its own have float64, the same with whole numbers. */
export function rareSamplesOf(op: Primitive): readonly Sample[] {
  if (!listed.has(op.name)) return typedSamples(op, rareTypes);
  return (listed.get(op.name) ?? []).flatMap((own) => rareTypes.flatMap((dtype) => inDType(op, own, dtype)));
}

function inDType(op: Primitive, { title, operands, attrs }: Sample, dtype: DType): Sample[] {
  const changed = operands.map((d) => (d.type.dtype === "float64" ? inWhole(d, dtype) : d));
  const given = attrs["dtype"] === undefined ? attrs : { ...attrs, dtype };
  const isSame = given === attrs && changed.every((d, i) => d === operands[i]);
  const types = changed.map((d) => d.type);
  return isSame || !takes(op, types, given) ? [] : [sample(`${title}, ${dtype}`, changed, given)];
}

const inWhole = ({ type, data }: HostData, dtype: DType): HostData => {
  const elements = Array.from(asNumbers(data), (x) => (dtype === "float16" ? x : Math.round(x * 3)));
  return { type: tensorType(dtype, type.shape), data: hostArrayOf(dtype, elements) };
};

function single(data: HostData): HostData {
  if (data.type.dtype !== "float64") return data;
  return { type: tensorType("float32", data.type.shape), data: Float32Array.from(asNumbers(data.data)) };
}

/** The same with float32 in place of float64, for targets that lack it. */
export function narrowed({ title, operands, attrs }: Sample): Sample {
  return { title, operands: operands.map(single), attrs: attrs["dtype"] === "float64" ? { ...attrs, dtype: "float32" } : attrs };
}
