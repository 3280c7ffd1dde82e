/**
 * Scalar expressions made ready to run on blocks of elements. Each expression of the DAG becomes one step over columns of up to
 * `width` numbers, so shared parts are computed once, depth costs no stack and the price of a call is paid once a block.
 */
import { at, CompilerBug } from "./ir/errors.ts";
import { exprOrder } from "./ir/expr-order.ts";
import type { Expr } from "./ir/expr.ts";
import type { ScalarFunction } from "./interpret-scalar.ts";
import { scalarFunction } from "./interpret-scalar.ts";

/** Numbers of one expression over a block; every computing dtype fits a float64. */
export type Column = Float64Array<ArrayBuffer>;

/** What the leaves of the expressions stand for. */
export interface Bindings {
  /** The column of an `arg`, `axis` or `var`, filled by the caller before each run. */
  readonly leaf: (leaf: Expr) => Column;
  /** The elements of the buffer that a `load` names. */
  readonly buffer: (name: string) => Column;
}

export interface Program {
  /** Computes the first `count` numbers of every result. */
  readonly run: (count: number) => void;
  /** One column a root, none of them shared with a leaf. */
  readonly results: readonly Column[];
}

type Step = (count: number) => void;

/** `column[i]`, which must be there. */
export function numberAt(column: Column, i: number): number {
  const x = column[i];
  if (x === undefined) throw new CompilerBug(`element ${i} of a column of ${column.length}`);
  return x;
}

/** Compiles the roots for blocks of up to `width` elements. */
export function compileProgram(roots: readonly Expr[], width: number, bindings: Bindings): Program {
  const columns = new Map<Expr, Column>();
  const steps: Step[] = [];
  const columnOf = (e: Expr): Column => {
    const known = columns.get(e);
    if (known === undefined) throw new CompilerBug(`expression ${e.op} has no column`);
    return known;
  };
  for (const e of exprOrder(roots)) {
    if (e.op === "arg" || e.op === "axis" || e.op === "var") {
      columns.set(e, bindings.leaf(e));
      continue;
    }
    const out = new Float64Array(width);
    columns.set(e, out);
    if (e.op === "const") out.fill(e.value);
    else if (e.op === "load") steps.push(loadStep(out, bindings.buffer(e.name), e.args.map(columnOf)));
    else steps.push(operationStep(out, scalarFunction(e.op, e.dtype, at(e.args, 0).dtype), e.args.map(columnOf)));
  }
  const results = roots.map((root) => {
    const column = columnOf(root);
    if (root.args.length > 0) return column;
    const out = new Float64Array(width);
    steps.push(() => out.set(column));
    return out;
  });
  return { results, run: (count) => steps.forEach((step) => step(count)) };
}

/**
 * Elements out of range read as 0: a block evaluates all pieces of a view everywhere, also where another piece is taken. Whether
 * the piece that was taken lies in its operand is checked by who takes it.
 */
function loadStep(out: Column, source: Column, [index, guard]: readonly Column[]): Step {
  if (index === undefined) throw new CompilerBug("a load without an index");
  return (count) => {
    for (let i = 0; i < count; i++) {
      const where = numberAt(index, i);
      const skip = where < 0 || where >= source.length || (guard !== undefined && numberAt(guard, i) === 0);
      out[i] = skip ? 0 : numberAt(source, where);
    }
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
