/** What rows share: how they are declared and how their types follow. */
import type { DType } from "../ir/dtype.ts";
import { dtypeInfo, isFloat, isInteger } from "../ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import type { Attrs, Value } from "../ir/node.ts";
import type { AttrSchema, Differentiation, ElementwisePrimitive } from "../ir/primitive.ts";
import { sameShape, tensorType, typeText } from "../ir/shape.ts";
import type { TensorType } from "../ir/shape.ts";

/** Which dtypes a row takes. */
export type DTypeClass = "float" | "numeric" | "integer" | "bits" | "bool" | "any";

const members: Readonly<Record<DTypeClass, (d: DType) => boolean>> = {
  float: isFloat,
  numeric: (d) => isFloat(d) || isInteger(d),
  integer: isInteger,
  bits: (d) => isInteger(d) || d === "bool",
  bool: (d) => d === "bool",
  any: () => true,
};

const nouns: Readonly<Record<DTypeClass, string>> = {
  float: "float",
  numeric: "numbers",
  integer: "integer",
  bits: "integers or bool",
  bool: "bool",
  any: "any",
};

/** Throws a DTypeError unless `dtype` belongs to the class. */
export function requireClass(op: string, dtype: DType, wanted: DTypeClass): void {
  if (members[wanted](dtype)) return;
  throw new DTypeError(`${op}: takes ${nouns[wanted]}, not ${dtypeInfo(dtype).short}. Convert with astype first.`);
}

export interface ElementwiseRow {
  readonly name: string;
  readonly doc: string;
  readonly arity?: number;
  readonly takes: DTypeClass;
  /** The result's dtype where it is not the operands' own. */
  readonly gives?: DType;
  readonly attrs?: AttrSchema;
  readonly cost?: number;
  readonly scalar: (args: readonly Expr[], attrs: Attrs) => Expr;
  /** Derivatives by operand, null where zero; or the word zero, or the reason why there is none; or any other rule. */
  readonly partials:
    | ((args: readonly Value[], result: Value, attrs: Attrs) => readonly (Value | null)[])
    | "zero"
    | { readonly none: string }
    | Differentiation;
}

function differentiation(partials: ElementwiseRow["partials"]): Differentiation {
  if (partials === "zero") return { by: "zero" };
  if (typeof partials === "function") return { by: "partials", partials };
  return "none" in partials ? { by: "none", reason: partials.none } : partials;
}

/** Declares an elementwise row with one result, whose operands share one type. */
export function elementwise(row: ElementwiseRow): ElementwisePrimitive {
  const arity = row.arity ?? 1;
  return {
    kind: "elementwise",
    name: row.name,
    doc: row.doc,
    arity,
    attrs: row.attrs ?? {},
    cost: row.cost ?? 1,
    infer: (args) => {
      const first = sameTypes(row.name, args);
      requireClass(row.name, first.dtype, row.takes);
      return [row.gives === undefined ? first : tensorType(row.gives, first.shape)];
    },
    scalar: (args, attrs) => [row.scalar(args, attrs)],
    derivative: differentiation(row.partials),
  };
}

/** The type that all operands have; rows take broadcast and promoted operands only. */
export function sameTypes(op: string, args: readonly TensorType[]): TensorType {
  const first = at(args, 0);
  for (const t of args) {
    if (t === first) continue;
    if (t.dtype !== first.dtype) throw new DTypeError(`${op}: operands differ in dtype: ${args.map(typeText).join(", ")}. Convert one with astype.`);
    if (!sameShape(t.shape, first.shape))
      throw new ShapeError(`${op}: operands differ in shape: ${args.map(typeText).join(", ")}. Broadcast one to the other.`);
  }
  return first;
}
