/**
 * Arithmetic, comparisons, logic, selection and casts. On bool, `add` and `maximum` are "or", `multiply` and `minimum` are "and",
 * as in NumPy.
 */
import type { DType } from "../ir/dtype.ts";
import { dtypeInfo, isBool, isFloat, requireComputes } from "../ir/dtype.ts";
import { at, DTypeError } from "../ir/errors.ts";
import type { Expr, ScalarOp } from "../ir/expr.ts";
import { apply, s } from "../ir/expr.ts";
import type { Node, Value } from "../ir/node.ts";
import { make } from "../ir/node.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { tensorType } from "../ir/shape.ts";
import { elementwise, sameTypes } from "./define.ts";
import { fill } from "./layout.ts";
import type { Binary, Operand, Unary } from "./operands.ts";
import { asValues, binary, scalar1, scalar2, slope, slopes, unary } from "./operands.ts";
import { dtypeOf } from "./source.ts";

/** The operation on numbers, `logic` on bool. */
const orLogic = (op: ScalarOp, logic: "and" | "or"): ((args: readonly Expr[]) => Expr) => scalar2((a, b) => apply(isBool(a.dtype) ? logic : op, [a, b]));

type MaybeValue = Value | null | undefined;
const opposite = (x: MaybeValue): Value | null => (x ? negative(x) : null);
/** The sum of those tangents that are there. */
function total(a: MaybeValue, b: MaybeValue): Value | null {
  return a && b ? add(a, b) : (a ?? b ?? null);
}

export const addOp: ElementwisePrimitive = elementwise({
  name: "add",
  doc: "x + y.",
  arity: 2,
  takes: "any",
  scalar: orLogic("add", "or"),
  partials: { by: "rules", jvp: (_, [a, b]) => [total(a, b)], vjp: (_, [ct]) => [ct ?? null, ct ?? null] },
});
export const add: Binary = binary(addOp);

export const subtractOp: ElementwisePrimitive = elementwise({
  name: "subtract",
  doc: "x - y.",
  arity: 2,
  takes: "numeric",
  scalar: scalar2(s.sub),
  partials: {
    by: "rules",
    jvp: (_, [a, b]) => [a && b ? subtract(a, b) : (a ?? opposite(b))],
    vjp: (_, [ct]) => [ct ?? null, opposite(ct)],
  },
});
export const subtract: Binary = binary(subtractOp);

export const multiplyOp: ElementwisePrimitive = elementwise({
  name: "multiply",
  doc: "x · y.",
  arity: 2,
  takes: "any",
  scalar: orLogic("mul", "and"),
  partials: slopes((a, b) => [b, a]),
});
export const multiply: Binary = binary(multiplyOp);

export const divideOp: ElementwisePrimitive = elementwise({
  name: "divide",
  doc: "x / y of floats; see quotient for integers.",
  arity: 2,
  takes: "float",
  cost: 4,
  scalar: scalar2(s.div),
  partials: slopes((_, b, y) => [divide(1, b), negative(divide(y, b))]),
});
export const divide: Binary = binary(divideOp);

export const negativeOp: ElementwisePrimitive = elementwise({
  name: "negative",
  doc: "-x.",
  takes: "numeric",
  scalar: scalar1(s.neg),
  partials: { by: "linear", operands: [0], transpose: (ct) => [negative(ct)] },
});
export const negative: Unary = unary(negativeOp);

export const absoluteOp: ElementwisePrimitive = elementwise({
  name: "absolute",
  doc: "|x|; the derivative at 0 is 0.",
  takes: "numeric",
  scalar: scalar1(s.abs),
  partials: slope((x) => sign(x)),
});
export const absolute: Unary = unary(absoluteOp);

export const signOp: ElementwisePrimitive = elementwise({
  name: "sign",
  doc: "1, -1 or 0 as x is positive, negative or zero; NaN stays NaN.",
  takes: "numeric",
  scalar: scalar1((x) => s.select(s.gt(x, 0), s.like(1, x), s.select(s.lt(x, 0), s.like(-1, x), x))),
  partials: "zero",
});
export const sign: Unary = unary(signOp);

/** 1 where `a` wins over `b`, 0 where it loses, half at a tie. */
function share(a: Value, b: Value, loses: Value): Value {
  return where(equal(a, b), fill(0.5, a.type), where(loses, 0, fill(1, a.type)));
}

export const maximumOp: ElementwisePrimitive = elementwise({
  name: "maximum",
  doc: "The larger operand, NaN if either is; at a tie each gets half of the derivative.",
  arity: 2,
  takes: "any",
  scalar: orLogic("max", "or"),
  partials: slopes((a, b) => [share(a, b, less(a, b)), share(a, b, less(b, a))]),
});
export const maximum: Binary = binary(maximumOp);

export const minimumOp: ElementwisePrimitive = elementwise({
  name: "minimum",
  doc: "The smaller operand, NaN if either is; at a tie each gets half of the derivative.",
  arity: 2,
  takes: "any",
  scalar: orLogic("min", "and"),
  partials: slopes((a, b) => [share(a, b, less(b, a)), share(a, b, less(a, b))]),
});
export const minimum: Binary = binary(minimumOp);

export const quotientOp: ElementwisePrimitive = elementwise({
  name: "quotient",
  doc: "x / y of integers, towards zero; x / 0 is 0.",
  arity: 2,
  takes: "integer",
  cost: 8,
  scalar: scalar2(s.idiv),
  partials: "zero",
});
export const quotient: Binary = binary(quotientOp);

export const remainderTruncOp: ElementwisePrimitive = elementwise({
  name: "remainder trunc",
  doc: "The remainder of `quotient`, with the sign of x; 0 where y is 0.",
  arity: 2,
  takes: "integer",
  cost: 8,
  scalar: scalar2(s.irem),
  partials: "zero",
});
export const remainderTrunc: Binary = binary(remainderTruncOp);

const comparison = (name: string, doc: string, scalar: (a: Expr, b: Expr) => Expr): ElementwisePrimitive =>
  elementwise({ name, doc, arity: 2, takes: "any", gives: "bool", scalar: scalar2(scalar), partials: "zero" });

/** false < true: orders bool by logic, since not every target compares bool. */
const isLess = (a: Expr, b: Expr): Expr => (isBool(a.dtype) ? s.and(s.not(a), b) : s.lt(a, b));
const isLessEqual = (a: Expr, b: Expr): Expr => (isBool(a.dtype) ? s.or(s.not(a), b) : s.le(a, b));

export const equalOp: ElementwisePrimitive = comparison("equal", "x = y; false where either is NaN.", (a, b) =>
  isBool(a.dtype) ? s.not(s.xor(a, b)) : s.eq(a, b),
);
export const equal: Binary = binary(equalOp);
export const notEqualOp: ElementwisePrimitive = comparison("not equal", "x ≠ y; true where either is NaN.", (a, b) =>
  isBool(a.dtype) ? s.xor(a, b) : s.ne(a, b),
);
export const notEqual: Binary = binary(notEqualOp);
export const lessOp: ElementwisePrimitive = comparison("less", "x < y; false where either is NaN.", isLess);
export const less: Binary = binary(lessOp);
export const lessEqualOp: ElementwisePrimitive = comparison("less equal", "x ≤ y; false where either is NaN.", isLessEqual);
export const lessEqual: Binary = binary(lessEqualOp);
export const greaterOp: ElementwisePrimitive = comparison("greater", "x > y; false where either is NaN.", (a, b) =>
  isBool(a.dtype) ? isLess(b, a) : s.gt(a, b),
);
export const greater: Binary = binary(greaterOp);
export const greaterEqualOp: ElementwisePrimitive = comparison("greater equal", "x ≥ y; false where either is NaN.", (a, b) =>
  isBool(a.dtype) ? isLessEqual(b, a) : s.ge(a, b),
);
export const greaterEqual: Binary = binary(greaterEqualOp);

export const isNaNOp: ElementwisePrimitive = elementwise({
  name: "is nan",
  doc: "Whether x is NaN.",
  takes: "float",
  gives: "bool",
  scalar: scalar1(s.isnan),
  partials: "zero",
});
/** Whether x is NaN; integers and bool never are. */
export const isNaN = (x: Value): Value => (isFloat(x.dtype) ? make(isNaNOp, [x]) : fill(0, tensorType("bool", x.shape)));

const logic = (name: string, doc: string, scalar: (a: Expr, b: Expr) => Expr): ElementwisePrimitive =>
  elementwise({ name, doc, arity: 2, takes: "bool", scalar: scalar2(scalar), partials: "zero" });

/** x ≠ 0, as NumPy's logic reads numbers: NaN is true. */
export const truth = (x: Value): Value => (isBool(x.dtype) ? x : notEqual(x, 0));
function onTruth(row: ElementwisePrimitive): Binary {
  return (a: Operand, b: Operand) => make(row, asValues(row.name, a, b).map(truth));
}

export const logicalAndOp: ElementwisePrimitive = logic("logical and", "Whether both are true.", s.and);
export const logicalAnd: Binary = onTruth(logicalAndOp);
export const logicalOrOp: ElementwisePrimitive = logic("logical or", "Whether one or both are true.", s.or);
export const logicalOr: Binary = onTruth(logicalOrOp);
export const logicalXorOp: ElementwisePrimitive = logic("logical xor", "Whether just one is true.", s.xor);
export const logicalXor: Binary = onTruth(logicalXorOp);
export const logicalNotOp: ElementwisePrimitive = elementwise({
  name: "logical not",
  doc: "Whether x is false.",
  takes: "bool",
  scalar: scalar1(s.not),
  partials: "zero",
});
export const logicalNot: Unary = (x) => make(logicalNotOp, [truth(x)]);

/** Linear in both branches rather than by a mask: a mask would turn an infinite cotangent of the branch not taken into NaN. */
function whereTranspose(ct: Value, node: Node): readonly (Value | null)[] {
  const condition = at(node.args, 0);
  return [null, where(condition, ct, 0), where(condition, 0, ct)];
}

export const whereOp: ElementwisePrimitive = {
  ...elementwise({
    name: "where",
    doc: "The second operand where the first (bool) is true, else the third.",
    arity: 3,
    takes: "any",
    scalar: (args) => s.select(at(args, 0), at(args, 1), at(args, 2)),
    partials: { by: "linear", operands: [1, 2], transpose: whereTranspose },
  }),
  infer: (args) => {
    const [condition, yes] = [at(args, 0), at(args, 1)];
    if (!isBool(condition.dtype))
      throw new DTypeError(`where: the condition is ${dtypeInfo(condition.dtype).short}, not bool. Compare it with something first.`);
    sameTypes("where", [tensorType(yes.dtype, condition.shape), yes, at(args, 2)]);
    return [yes];
  },
};

/** The builder of `where`: one branch at least is a value. */
export interface Where {
  (condition: Value, yes: Value, no: Operand): Value;
  (condition: Value, yes: number, no: Value): Value;
}
export const where: Where = (condition: Value, yes: Operand, no: Operand) => make(whereOp, [condition, ...asValues("where", yes, no)]);

/** A cast between floats is linear; through an integer or bool no derivative passes. */
const castBack = (x: MaybeValue, from: DType, to: DType): Value | null => (x && isFloat(from) && isFloat(to) ? cast(x, to) : null);

export const castOp: ElementwisePrimitive = {
  ...elementwise({
    name: "cast",
    doc: "x in another dtype: floats are truncated and saturated to integers (NaN gives 0), integers wrap, all but 0 is true.",
    takes: "any",
    attrs: { dtype: "dtype" },
    scalar: (args, attrs) => s.cast(at(args, 0), dtypeOf(attrs)),
    partials: {
      by: "rules",
      jvp: (node, [t]) => [castBack(t, at(node.args, 0).dtype, dtypeOf(node.attrs))],
      vjp: (node, [ct]) => [castBack(ct, dtypeOf(node.attrs), at(node.args, 0).dtype)],
    },
  }),
  infer: (args, attrs) => {
    requireComputes("cast", dtypeOf(attrs));
    return [tensorType(dtypeOf(attrs), at(args, 0).shape)];
  },
};
/** `x` in another dtype; `x` itself where it has it already. */
export const cast = (x: Value, dtype: DType): Value => (x.dtype === dtype ? x : make(castOp, [x], { dtype }));

export const bitcastOp: ElementwisePrimitive = {
  ...elementwise({
    name: "bitcast",
    doc: "The bits of x read as another dtype of the same width.",
    takes: "any",
    attrs: { dtype: "dtype" },
    scalar: (args, attrs) => s.bitcast(at(args, 0), dtypeOf(attrs)),
    partials: { none: "the bits of a number are no continuous function of it" },
  }),
  infer: (args, attrs) => {
    const [x, dtype] = [at(args, 0), dtypeOf(attrs)];
    requireComputes("bitcast", dtype);
    const [from, to] = [dtypeInfo(x.dtype), dtypeInfo(dtype)];
    if (from.bits !== to.bits)
      throw new DTypeError(`bitcast: ${from.short} has ${from.bits} bits and ${to.short} ${to.bits}. Choose a dtype of the same width.`);
    return [tensorType(dtype, x.shape)];
  },
};
/** The bits of `x` read as another dtype of the same width. */
export const bitcast = (x: Value, dtype: DType): Value => (x.dtype === dtype ? x : make(bitcastOp, [x], { dtype }));

/** x². */
export const square: Unary = (x) => multiply(x, x);
/** 1 / x. */
export const reciprocal: Unary = (x) => divide(1, x);

export const arithmeticOps: readonly ElementwisePrimitive[] = [
  addOp,
  subtractOp,
  multiplyOp,
  divideOp,
  negativeOp,
  absoluteOp,
  signOp,
  maximumOp,
  minimumOp,
  quotientOp,
  remainderTruncOp,
  equalOp,
  notEqualOp,
  lessOp,
  lessEqualOp,
  greaterOp,
  greaterEqualOp,
  isNaNOp,
  logicalAndOp,
  logicalOrOp,
  logicalXorOp,
  logicalNotOp,
  whereOp,
  castOp,
  bitcastOp,
];
