/**
 * The form of a row of the op table. A row says everything about its op: types, meaning, derivative. Passes ask a row for its
 * kind and its traits, never for its name.
 */
import type { DType } from "./dtype.ts";
import type { Expr } from "./expr.ts";
import type { Attrs, Node, Value } from "./node.ts";
import type { TensorType } from "./shape.ts";

/** How attributes are checked and parsed: a name and the form of its value; `?` marks one that may be absent. */
export type AttrForm = "int" | "number" | "ints" | "intLists" | "text" | "flag" | "dtype";
export type AttrSchema = Readonly<Record<string, AttrForm>>;

/**
 * How an op is differentiated.
 * - `partials`: elementwise; d(result)/d(operand i) as a value of the result's shape, or null where it is zero everywhere.
 * - `linear`: linear in the operands listed; jvp is the op itself on tangents (missing ones zero), `transpose` gives per operand
 *   what the cotangent adds to it (null for operands not listed). `each: true`: linear in each listed operand with the others
 *   held (a product, as dot): jvp is a sum with one operand replaced by its tangent at a time.
 * - `rules`: both spelled out; null tangents and cotangents are zeros.
 * - `zero`: piecewise constant, the derivative is zero. `none`: no derivative, for this reason (an error where one is asked for).
 */
export type Differentiation =
  | { readonly by: "partials"; readonly partials: (args: readonly Value[], result: Value, attrs: Attrs) => readonly (Value | null)[] }
  | {
      readonly by: "linear";
      readonly operands: readonly number[] | "all";
      readonly each?: boolean;
      readonly transpose: (cotangent: Value, node: Node) => readonly (Value | null)[];
    }
  | {
      readonly by: "rules";
      readonly jvp: (node: Node, tangents: readonly (Value | null)[]) => readonly (Value | null)[];
      readonly vjp: (node: Node, cotangents: readonly (Value | null)[]) => readonly (Value | null)[];
    }
  | { readonly by: "zero" }
  | { readonly by: "none"; readonly reason: string };

interface Base {
  /** The name in IR text: lower case words, e.g. `exp`, `reduce sum`. */
  readonly name: string;
  readonly doc: string;
  readonly attrs: AttrSchema;
  /** The number of operands, or "any". */
  readonly arity: number | "any";
  /** Result types; throws a ShapeError or DTypeError that names op, values, rule and fix. */
  readonly infer: (args: readonly TensorType[], attrs: Attrs) => readonly TensorType[];
  readonly derivative: Differentiation;
}

/** An input of a graph. */
export interface ParamPrimitive extends Base {
  readonly kind: "param";
}

/** No operands: every element is a function of its index. */
export interface SourcePrimitive extends Base {
  readonly kind: "source";
  readonly element: (index: readonly Expr[], type: TensorType, attrs: Attrs) => Expr;
}

/** One element from the elements of the operands at the same index. Operands have the result's shape (broadcasting is explicit). */
export interface ElementwisePrimitive extends Base {
  readonly kind: "elementwise";
  /** One expression a result. */
  readonly scalar: (args: readonly Expr[], attrs: Attrs, types: readonly TensorType[]) => readonly Expr[];
  /** Relative cost of one element in units of an addition; transcendentals about 20. */
  readonly cost: number;
}

/** An element of an operand, there where the guard holds. */
export interface Place {
  readonly index: readonly Expr[];
  readonly guard?: Expr;
}

/** Where an element of a view comes from. The first piece whose guard holds counts; a piece without guard always holds. */
export interface Piece extends Place {
  readonly operand: number;
}

/** How views and gathers read: `read(k, index)` is an element of operand k (a start, an index), `shape(k)` its shape. */
export interface ReadContext {
  readonly attrs: Attrs;
  /** The number of operands. */
  readonly operands: number;
  readonly shape: (operand: number) => readonly number[];
  readonly read: (operand: number, index: readonly Expr[]) => Expr;
  /** Which row of the offsets in this operand a position lies in, of `size` positions; undefined where it must be searched for. */
  readonly row?: (operand: number, position: Expr, size: number) => Expr | undefined;
}

/**
 * Moves elements without computing: every element of the result is an element of an operand (pieces may read `fill`, a scalar
 * operand, through index []). Views have indices that are arithmetic of the result's index; gathers read theirs.
 * Index arithmetic must use `ir/indexing.ts` so that it simplifies.
 */
export interface ViewPrimitive extends Base {
  readonly kind: "view" | "gather";
  readonly pieces: (out: readonly Expr[], context: ReadContext) => readonly Piece[];
  /** True where result and operand have the same elements in the same row-major order (reshape): a contiguous buffer is shared. */
  readonly alias?: boolean;
  /** The row with the same operands and the same result that stores only what differs from operand 0: for memory that may be written over. */
  readonly written?: ScatterPrimitive;
  /** Where the boxes start that the operands are, if kernels store these straight into the memory of the result: no kernel joins them. */
  readonly parts?: (attrs: Attrs) => readonly (readonly number[])[];
}

/** An associative combination with a neutral element, over tuples. */
export interface Monoid {
  /** dtypes of the accumulators. */
  readonly dtypes: readonly DType[];
  readonly init: readonly Expr[];
  /**
   * The tuple that is contributed by one element, or one of each operand where an op has several; `position` is its int32 position along
   * the reduced axis (row-major over several).
   */
  readonly seed: (elements: readonly Expr[], position: Expr) => readonly Expr[];
  readonly combine: (a: readonly Expr[], b: readonly Expr[]) => readonly Expr[];
  /** The results, from the final tuple. */
  readonly finish: (tuple: readonly Expr[]) => readonly Expr[];
  /** Whether regrouping changes bits (a float sum does, max does not): decides what `tile` may do and what tests demand. */
  readonly exact: boolean;
}

/** Combines all elements along `attrs.axes` (sorted, kept out of the result). */
export interface ReductionPrimitive extends Base {
  readonly kind: "reduction";
  readonly monoid: (operand: TensorType, attrs: Attrs) => Monoid;
  /** The reduction of the last two axes of an operand, the last one first, where that is not the same reduction twice. */
  readonly inTwo?: (x: Value) => Value;
}

/**
 * Combines the elements of each row of a ragged value: operand 0 holds the rows one after the other in axis 0, operand 1 the int32
 * offsets at which they start and the last one ends. Axis 0 of the result is the rows; positions count from the start of the row.
 */
export interface SegmentPrimitive extends Base {
  readonly kind: "segment";
  readonly monoid: (operand: TensorType, attrs: Attrs) => Monoid;
}

/** Running combination of the operands, all of one type, along `attrs.axis`, first element included; `attrs.reverse` runs from the end. */
export interface PrefixPrimitive extends Base {
  readonly kind: "prefix";
  readonly monoid: (operand: TensorType, attrs: Attrs) => Monoid;
}

/**
 * Sums products of two factors over the axes of `depth`, in row-major order: a matmul, a convolution. `factors` says which elements of
 * operands 0 and 1 an element of the result multiplies at a place of the depth; where a guard fails the factor is 0.
 */
export interface ContractionPrimitive extends Base {
  readonly kind: "contraction";
  /** Lengths of the axes that are summed over. */
  readonly depth: (args: readonly TensorType[], attrs: Attrs) => readonly number[];
  readonly factors: (out: readonly Expr[], depth: readonly Expr[], context: Pick<ReadContext, "attrs" | "shape">) => readonly [Place, Place];
  /** What operand 0 lacks around it for its guards to go; null where they stay, or where there are none. */
  readonly border?: (args: readonly TensorType[], attrs: Attrs) => Border | null;
}

/** Zeros in front of and behind each axis of an operand, and the attributes of the same contraction with them. */
export interface Border {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly attrs: Attrs;
}

/** Operand 0 with updates written or combined. `target(update index, read)` gives the element of the result that an update goes to. */
export interface ScatterPrimitive extends Base {
  readonly kind: "scatter";
  /** Which operand the updates are. */
  readonly updates: number;
  /** Whether no two updates go to one element. */
  readonly distinct: boolean;
  readonly target: (update: readonly Expr[], context: ReadContext) => readonly Expr[];
  /** How an update meets what is there; "set" lets the last one in row-major order win. */
  readonly mode: "set" | "add" | "mul" | "min" | "max";
}

/** Lowered by its own emitter in `compiler/routines`, found by this name. */
export interface RoutinePrimitive extends Base {
  readonly kind: "routine";
  readonly routine: string;
}

/**
 * The identity of operand 0, with an effect on passes: `copy` is materialised here, `opaque` stops CSE and motion (further
 * operands only order it), `detach` ends differentiation, `transfer` is computed on another device (`attrs.device`) than its operand;
 * both are erased before compilation.
 */
export interface BarrierPrimitive extends Base {
  readonly kind: "barrier";
  readonly effect: "materialise" | "opaque" | "detach" | "transfer";
}

export type Primitive =
  | ParamPrimitive
  | SourcePrimitive
  | ElementwisePrimitive
  | ViewPrimitive
  | ReductionPrimitive
  | SegmentPrimitive
  | PrefixPrimitive
  | ContractionPrimitive
  | ScatterPrimitive
  | RoutinePrimitive
  | BarrierPrimitive;
