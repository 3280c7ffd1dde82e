/**
 * Scalar expressions made ready to run on blocks of elements. Each expression of the DAG becomes one step over columns of up to
 * `width` numbers, so shared parts are computed once, depth costs no stack and the price of a call is paid once a block.
 */
import type { DType, Numeric } from "./ir/dtype.ts";
import { isWide } from "./ir/dtype.ts";
import { at, CompilerBug, lookup } from "./ir/errors.ts";
import { exprOrder } from "./ir/expr-order.ts";
import type { Expr, ScalarOp } from "./ir/expr.ts";
import { exactValue } from "./ir/expr.ts";
import type { HostArray, HostData } from "./ir/host.ts";
import { isBig, setElement } from "./ir/host.ts";
import { numericFunction } from "./interpret-wide.ts";
import type { ScalarFunction } from "./interpret-scalar.ts";
import { scalarFunction } from "./interpret-scalar.ts";

/** Numbers of one expression over a block: indices, and all dtypes that fit a float64. */
export type Column = Float64Array<ArrayBuffer>;
/** Elements of any dtype: 64-bit integers are bigints. */
export type AnyColumn = Column | BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

/** A column for elements of `dtype`. */
export function columnFor(dtype: DType, width: number): AnyColumn {
  if (!isWide(dtype)) return new Float64Array(width);
  return dtype === "int64" ? new BigInt64Array(width) : new BigUint64Array(width);
}

/** Copies elements to a column of the same dtype. */
export function copyColumn(into: AnyColumn, from: HostArray): void {
  if (isBig(into) && isBig(from)) into.set(from);
  else if (!isBig(into) && !isBig(from)) into.set(from);
  else throw new CompilerBug("a column is given elements of another dtype");
}

/** A copy of host data as a column. */
export function columnOf({ type, data }: HostData): AnyColumn {
  const column = columnFor(type.dtype, data.length);
  copyColumn(column, data);
  return column;
}

const isNumbers = (column: AnyColumn): column is Column => column instanceof Float64Array;
/** A column of indices or tests. */
export function numbers(column: AnyColumn): Column {
  if (isNumbers(column)) return column;
  throw new CompilerBug("a column of 64-bit integers stands where positions or bools are wanted");
}

/** What the leaves of the expressions stand for. */
export interface Bindings {
  /** The column of an `arg`, `axis` or `var`, filled by the caller before each run. */
  readonly leaf: (leaf: Expr) => AnyColumn;
  /** The elements of the buffer that a `load` names. */
  readonly buffer: (name: string) => AnyColumn;
}

export interface Program {
  /** Computes the first `count` numbers of every result. */
  readonly run: (count: number) => void;
  /** One column a root, none of them shared with a leaf. */
  readonly results: readonly AnyColumn[];
}

type Step = (count: number) => void;

/** `column[i]`, which must be there, of a column of any dtype. */
export function elementAt(column: AnyColumn, i: number): Numeric {
  const x = column[i];
  if (x === undefined) throw new CompilerBug(`element ${i} of a column of ${column.length}`);
  return x;
}

function fillColumn(column: AnyColumn, x: Numeric): void {
  if (isNumbers(column)) column.fill(Number(x));
  else column.fill(BigInt(x));
}

/** `column[i]`, which must be there. */
export function numberAt(column: Column, i: number): number {
  const x = column[i];
  if (x === undefined) throw new CompilerBug(`element ${i} of a column of ${column.length}`);
  return x;
}

/** Compiles the roots for blocks of up to `width` elements. */
export function compileProgram(roots: readonly Expr[], width: number, bindings: Bindings): Program {
  const columns = new Map<Expr, AnyColumn>();
  const steps: Step[] = [];
  const made = (e: Expr): AnyColumn => lookup(columns, e, `the column of expression ${e.op}`);
  for (const e of exprOrder(roots)) {
    if (e.op === "arg" || e.op === "axis" || e.op === "var") {
      columns.set(e, bindings.leaf(e));
      continue;
    }
    const out = columnFor(e.dtype, width);
    columns.set(e, out);
    if (e.op === "const") fillColumn(out, exactValue(e));
    else if (e.op === "load") steps.push(loadStep(out, bindings.buffer(e.name), e.args.map(made).map(numbers)));
    else steps.push(stepOf(out, e, e.op, e.args.map(made)));
  }
  const results = roots.map((root) => {
    const column = made(root);
    if (root.args.length > 0) return column;
    const out = columnFor(root.dtype, width);
    steps.push(() => copyColumn(out, column));
    return out;
  });
  return { results, run: (count) => steps.forEach((step) => step(count)) };
}

/**
 * Elements out of range read as 0: a block evaluates all pieces of a view everywhere, also where another piece is taken. Whether
 * the piece that was taken lies in its operand is checked by who takes it.
 */
function loadStep(out: AnyColumn, source: AnyColumn, [index, guard]: readonly Column[]): Step {
  if (index === undefined) throw new CompilerBug("a load without an index");
  if (!isNumbers(out) || !isNumbers(source)) return wideLoadStep(out, source, index, guard);
  return (count) => {
    for (let i = 0; i < count; i++) {
      const where = numberAt(index, i);
      const skip = where < 0 || where >= source.length || (guard !== undefined && numberAt(guard, i) === 0);
      out[i] = skip ? 0 : numberAt(source, where);
    }
  };
}

function wideLoadStep(out: AnyColumn, source: AnyColumn, index: Column, guard: Column | undefined): Step {
  return (count) => {
    for (let i = 0; i < count; i++) {
      const where = numberAt(index, i);
      const skip = where < 0 || where >= source.length || (guard !== undefined && numberAt(guard, i) === 0);
      setElement(out, i, skip ? 0 : elementAt(source, where));
    }
  };
}

function stepOf(out: AnyColumn, e: Expr, op: ScalarOp, args: readonly AnyColumn[]): Step {
  const from = at(e.args, 0).dtype;
  if (isNumbers(out) && args.every(isNumbers)) return operationStep(out, scalarFunction(op, e.dtype, from), args);
  const f = numericFunction(op, e.dtype, from);
  const [a, b = a, c = a] = args;
  if (a === undefined || b === undefined || c === undefined) throw new CompilerBug("an operation without operands");
  return (count) => {
    for (let i = 0; i < count; i++) setElement(out, i, f(elementAt(a, i), elementAt(b, i), elementAt(c, i)));
  };
}

function operationStep(out: Column, f: ScalarFunction, [a, b, c]: readonly Column[]): Step {
  if (a === undefined) throw new CompilerBug("an operation without operands");
  if (b === undefined) {
    return (count) => {
      for (let i = 0; i < count; i++) out[i] = f(numberAt(a, i), 0, 0);
    };
  }
  if (c === undefined) {
    return (count) => {
      for (let i = 0; i < count; i++) out[i] = f(numberAt(a, i), numberAt(b, i), 0);
    };
  }
  return (count) => {
    for (let i = 0; i < count; i++) out[i] = f(numberAt(a, i), numberAt(b, i), numberAt(c, i));
  };
}
