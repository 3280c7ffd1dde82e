/**
 * Reading at indices that are data, and its inverse: writing or combining there. `gather {axis}` takes whole slices at every index
 * of a list of any shape; the `along` forms take one element an index, the other axes running along.
 *
 * Indices are clamped to the axis, in reading and writing alike, so that a scatter is the exact transpose of a gather.
 */
import { at, DTypeError, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { int, make } from "../ir/node.ts";
import type { Differentiation, Primitive, ReadContext, ScatterPrimitive, ViewPrimitive } from "../ir/primitive.ts";
import type { Shape, TensorType } from "../ir/shape.ts";
import { normalizeAxis, sameShape, sizeOf, tensorType, typeText } from "../ir/shape.ts";
import { cast, divide, equal, multiply, subtract, where } from "./arithmetic.ts";
import { fill, onesLike, reshape, zerosLike } from "./layout.ts";
import { iotaValue } from "./source.ts";
import { clampIndex } from "./views.ts";

export { diagonal } from "./windows.ts";

export type ScatterMode = ScatterPrimitive["mode"];
type Maybe = Value | null;

/** How indices address an operand: whole slices, or element by element. */
interface Addressing {
  readonly word: string;
  /** The shape of what is read or written; throws a ShapeError where indices do not fit. */
  readonly shape: (op: string, x: TensorType, indices: TensorType, axis: number) => Shape;
  /** Where in operand 0 position `out` of what is read or written lies. */
  readonly place: (out: readonly Expr[], context: ReadContext) => readonly Expr[];
}

const slices: Addressing = {
  word: "",
  shape: (_, x, indices, axis) => [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)],
  place: (out, context) => {
    const axis = int(context.attrs, "axis");
    const end = axis + context.shape(1).length;
    const read = context.read(1, out.slice(axis, end));
    return [...out.slice(0, axis), clampIndex(read, 0, at(context.shape(0), axis) - 1), ...out.slice(end)];
  },
};

const elements: Addressing = {
  word: " along",
  shape: (op, x, indices, axis) => {
    if (sameShape(indices.shape, x.shape.with(axis, indices.shape[axis] ?? -1))) return indices.shape;
    throw new ShapeError(`${op}: indices ${typeText(indices)} for ${typeText(x)} along axis ${axis}: ranks and all other axes must be equal.`);
  },
  place: (out, context) => {
    const axis = int(context.attrs, "axis");
    return out.with(axis, clampIndex(context.read(1, out), 0, at(context.shape(0), axis) - 1));
  },
};

/** The shape that indices address; throws unless they are int32, the axis exists and is not empty where it is read. */
function addressed(op: string, how: Addressing, args: readonly TensorType[], attrs: Attrs): Shape {
  const [x, indices, axis] = [at(args, 0), at(args, 1), int(attrs, "axis")];
  normalizeAxis(op, axis, x.shape.length);
  if (indices.dtype !== "int32") throw new DTypeError(`${op}: indices are int32, not ${typeText(indices)}. Convert with astype first.`);
  const shape = how.shape(op, x, indices, axis);
  if (x.shape[axis] === 0 && sizeOf(shape) > 0) throw new ShapeError(`${op}: ${typeText(x)} has nothing along axis ${axis} to take or write.`);
  return shape;
}

function gatherRow(how: Addressing, doc: string): ViewPrimitive {
  const name = `gather${how.word}`;
  return {
    kind: "gather",
    name,
    doc,
    arity: 2,
    attrs: { axis: "int" },
    infer: (args, attrs) => [tensorType(at(args, 0).dtype, addressed(name, how, args, attrs))],
    pieces: (out, context) => [{ operand: 0, index: how.place(out, context) }],
    derivative: {
      by: "linear",
      operands: [0],
      transpose: (cotangent, node) => {
        const [x, indices] = [at(node.args, 0), at(node.args, 1)];
        return [make(scatterOp(how, "add"), [zerosLike(x), indices, cotangent], node.attrs), null];
      },
    },
  };
}

export const gatherOp: ViewPrimitive = gatherRow(
  slices,
  "The slices of operand 0 at the int32 indices along `axis`, clamped; the axis becomes the axes of the indices.",
);
export const gatherAlongOp: ViewPrimitive = gatherRow(elements, "One element of operand 0 an int32 index along `axis`, clamped; the other axes run along.");

// ---- scatter

const modeText: Readonly<Record<ScatterMode, string>> = {
  set: "replaced by (the last in row-major order wins)",
  add: "increased by",
  mul: "multiplied by",
  min: "lowered to",
  max: "raised to",
};

function scatterRow(how: Addressing, mode: ScatterMode): ScatterPrimitive {
  const name = `scatter${how.word} ${mode}`;
  return {
    kind: "scatter",
    name,
    doc: `Operand 0 with what the int32 indices along \`axis\` address ${modeText[mode]} the updates.`,
    arity: 3,
    attrs: { axis: "int" },
    updates: 2,
    distinct: false,
    mode,
    infer: (args, attrs) => {
      const [x, updates] = [at(args, 0), at(args, 2)];
      const wanted = tensorType(x.dtype, addressed(name, how, args, attrs));
      if (updates.dtype !== x.dtype) throw new DTypeError(`${name}: updates ${typeText(updates)} into ${typeText(x)}: convert one with astype.`);
      if (x.dtype === "bool" && mode !== "set") throw new DTypeError(`${name}: bool has no arithmetic. Convert with astype first.`);
      if (!sameShape(updates.shape, wanted.shape)) throw new ShapeError(`${name}: updates are ${typeText(updates)}; the indices address ${typeText(wanted)}.`);
      return [x];
    },
    target: (update, context) => how.place(update, context),
    derivative: scatterDerivative(how, mode),
  };
}

function scatterOp(how: Addressing, mode: ScatterMode): ScatterPrimitive {
  const row = scatterRows.get(`${how.word} ${mode}`);
  if (row === undefined) throw new DTypeError(`scatter: there is no mode ${mode}`);
  return row;
}

/** The operations of one scatter node's addressing, for its derivative. */
interface Address {
  readonly x: Value;
  readonly updates: Value;
  readonly read: (from: Value) => Value;
  readonly write: (mode: ScatterMode, into: Value, updates: Value) => Value;
}

function addressOf(how: Addressing, node: Node): Address {
  const [x, indices, updates] = [at(node.args, 0), at(node.args, 1), at(node.args, 2)];
  return {
    x,
    updates,
    read: (from) => make(how === slices ? gatherOp : gatherAlongOp, [from, indices], node.attrs),
    write: (mode, into, values) => make(scatterOp(how, mode), [into, indices, values], node.attrs),
  };
}

function scatterDerivative(how: Addressing, mode: ScatterMode): Differentiation {
  switch (mode) {
    case "set":
      return { by: "linear", operands: [0, 2], transpose: (cotangent, node) => setTranspose(cotangent, addressOf(how, node)) };
    case "add":
      return { by: "linear", operands: [0, 2], transpose: (cotangent, node) => [cotangent, null, addressOf(how, node).read(cotangent)] };
    default:
      return slopeRules(how, mode === "mul" ? productSlopes : extremeSlopes);
  }
}

/** Of updates that go to one place only the last one counts: the one whose number is found there when all numbers are written. */
function setTranspose(cotangent: Value, address: Address): readonly Maybe[] {
  const { x, updates } = address;
  const numbers = reshape(iotaValue([sizeOf(updates.shape)], 0, "int32"), updates.shape);
  const last = equal(address.read(address.write("set", fill(0, tensorType("int32", x.shape)), numbers)), numbers);
  return [address.write("set", cotangent, zerosLike(updates)), null, where(last, address.read(cotangent), 0)];
}

/** d(result)/d(operand) of the shape of the operand, and d(result there)/d(update) of the shape of the updates. */
type Slopes = (address: Address, result: Value) => { readonly ofOperand: Value; readonly ofUpdates: Value };

function slopeRules(how: Addressing, slopes: Slopes): Differentiation {
  return {
    by: "rules",
    vjp: (node, [ct]) => {
      if (ct === undefined || ct === null) return [];
      const address = addressOf(how, node);
      const { ofOperand, ofUpdates } = slopes(address, at(node.results, 0));
      return [multiply(ct, ofOperand), null, multiply(address.read(ct), ofUpdates)];
    },
    jvp: (node, [tx, , tu]) => {
      const address = addressOf(how, node);
      const { ofOperand, ofUpdates } = slopes(address, at(node.results, 0));
      const moved = tx ? multiply(tx, ofOperand) : zerosLike(address.x);
      return [tu ? address.write("add", moved, multiply(tu, ofUpdates)) : moved];
    },
  };
}

/**
 * Of a product: all other factors. Factors that are 0 are kept apart as their sum, which is 0 too but has a derivative: so the
 * product of the rest is exact, and so is its own derivative.
 */
const productSlopes: Slopes = ({ x, updates, read, write }) => {
  const isZero = equal(updates, 0);
  const divisor = where(isZero, 1, updates);
  const others = divide(multiply(read(x), read(write("mul", onesLike(x), divisor))), divisor);
  const count = read(write("add", zerosLike(x), cast(isZero, x.dtype)));
  const zeroSum = read(write("add", zerosLike(x), where(isZero, updates, 0)));
  const ofZero = where(equal(count, 1), 1, where(equal(count, 2), subtract(zeroSum, updates), 0));
  const ofOther = where(equal(count, 0), 1, where(equal(count, 1), zeroSum, 0));
  return { ofOperand: write("mul", onesLike(x), updates), ofUpdates: multiply(others, where(isZero, ofZero, ofOther)) };
};

/** Of an extreme: shared evenly among all that equal it. */
const extremeSlopes: Slopes = ({ x, updates, read, write }, result) => {
  const [mine, theirs] = [cast(equal(x, result), x.dtype), cast(equal(updates, read(result)), x.dtype)];
  const share = divide(1, write("add", mine, theirs));
  return { ofOperand: multiply(mine, share), ofUpdates: multiply(theirs, read(share)) };
};

const modes: readonly ScatterMode[] = ["set", "add", "mul", "min", "max"];
const scatterRows: ReadonlyMap<string, ScatterPrimitive> = new Map(
  [slices, elements].flatMap((how) => modes.map((mode) => [`${how.word} ${mode}`, scatterRow(how, mode)] as const)),
);

/** Those whose updates go to indices along one axis. */
export const indexedScatters: readonly Primitive[] = [...scatterRows.values()];

// ---- builders

/** The slices of `x` at int32 `indices` (any shape) along `axis`: `x.shape[:axis] + indices.shape + x.shape[axis+1:]`. Indices are clamped. */
export const gather = (x: Value, indices: Value, axis: number): Value => make(gatherOp, [x, indices], { axis });

/** One element of `x` an int32 index along `axis`; the other axes of `indices` are those of `x`. Indices are clamped. */
export const gatherAlong = (x: Value, indices: Value, axis: number): Value => make(gatherAlongOp, [x, indices], { axis });

/** `x` with `updates` (the shape of `gather(x, indices, axis)`) written or combined at the indices. */
export const scatter = (x: Value, indices: Value, updates: Value, axis: number, mode: ScatterMode): Value =>
  make(scatterOp(slices, mode), [x, indices, updates], { axis });

/** `x` with `updates` (the shape of `indices`) written or combined at the indices along `axis`. */
export const scatterAlong = (x: Value, indices: Value, updates: Value, axis: number, mode: ScatterMode): Value =>
  make(scatterOp(elements, mode), [x, indices, updates], { axis });

/** The rows of this file. */
export const gatherOps: readonly Primitive[] = [gatherOp, gatherAlongOp, ...indexedScatters];
