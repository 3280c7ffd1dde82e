/** Evaluates ops that move elements: views, gathers, scatters. */
import type { Numeric } from "./ir/dtype.ts";
import { at, CompilerBug } from "./ir/errors.ts";
import type { Expr } from "./ir/expr.ts";
import { load } from "./ir/expr.ts";
import type { HostData } from "./ir/host.ts";
import { copyElements, hostArray, setElement } from "./ir/host.ts";
import { flatten } from "./ir/indexing.ts";
import type { Node } from "./ir/node.ts";
import type { Piece, ReadContext, ScatterPrimitive, ViewPrimitive } from "./ir/primitive.ts";
import type { Shape } from "./ir/shape.ts";
import { sizeOf, stridesOf } from "./ir/shape.ts";
import { blockWidth, eachBlock, indexColumns, stored } from "./interpret-elementwise.ts";
import type { AnyColumn, Column } from "./interpret-program.ts";
import { columnOf, compileProgram, elementAt, numberAt, numbers } from "./interpret-program.ts";
import { numericFunction } from "./interpret-wide.ts";

/** Operands as columns, converted when first read. */
function operandColumns(args: readonly HostData[]): (operand: number) => AnyColumn {
  const columns = new Map<number, AnyColumn>();
  return (operand) => {
    const known = columns.get(operand) ?? columnOf(at(args, operand));
    columns.set(operand, known);
    return known;
  };
}

function readContext(node: Node, args: readonly HostData[]): ReadContext {
  const shape = (operand: number): Shape => at(args, operand).type.shape;
  const read = (operand: number, index: readonly Expr[]): Expr => load(String(operand), at(args, operand).type.dtype, flatten(index, shape(operand)));
  return { attrs: node.attrs, operands: args.length, shape, read };
}

/** A piece with the columns of its index and its guard. */
interface Source {
  readonly elements: AnyColumn;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly index: readonly Column[];
  readonly guard: Column | undefined;
}

/** A view or a gather: every element of the result is the element that the first holding piece names. */
export function moveElements(op: ViewPrimitive, node: Node, args: readonly HostData[]): HostData {
  const { type } = at(node.results, 0);
  const size = sizeOf(type.shape);
  if (op.alias === true) return { type, data: at(args, 0).data };
  const data = hostArray(type.dtype, size);
  if (size === 0) return { type, data };
  const index = indexColumns(type.shape);
  const operands = operandColumns(args);
  const pieces = op.pieces(index.axes, readContext(node, args));
  const roots = pieces.flatMap((p) => (p.guard === undefined ? p.index : [...p.index, p.guard]));
  const program = compileProgram(roots, blockWidth(size), { leaf: index.leaf, buffer: (name) => operands(Number(name)) });
  const sources = sourcesOf(pieces, program.results.map(numbers), args, operands);
  eachBlock(size, (start, count) => {
    index.fill(start, count);
    program.run(count);
    for (let i = 0; i < count; i++) setElement(data, start + i, elementFrom(sources, i, op.name));
  });
  return { type, data };
}

function sourcesOf(pieces: readonly Piece[], results: readonly Column[], args: readonly HostData[], operands: (k: number) => AnyColumn): Source[] {
  let next = 0;
  return pieces.map((piece) => {
    const { shape } = at(args, piece.operand).type;
    const index = piece.index.map(() => at(results, next++));
    const guard = piece.guard === undefined ? undefined : at(results, next++);
    return { elements: operands(piece.operand), shape, strides: stridesOf(shape), index, guard };
  });
}

function elementFrom(sources: readonly Source[], i: number, op: string): Numeric {
  for (const source of sources) {
    if (source.guard !== undefined && numberAt(source.guard, i) === 0) continue;
    const flat = flatAt(source.index, source.shape, source.strides, i);
    if (flat < 0) throw new CompilerBug(`${op}: reads outside an operand of shape [${source.shape.join(",")}] at [${source.index.map((c) => c[i]).join(",")}]`);
    return elementAt(source.elements, flat);
  }
  throw new CompilerBug(`${op}: no piece holds an element of the result`);
}

/** The flat position of the index in line `i` of the columns, or -1 outside the shape. */
function flatAt(index: readonly Column[], shape: Shape, strides: readonly number[], i: number): number {
  let flat = 0;
  for (let k = 0; k < index.length; k++) {
    const where = numberAt(at(index, k), i);
    if (where < 0 || where >= at(shape, k)) return -1;
    flat += where * at(strides, k);
  }
  return flat;
}

/** Operand 0 with the updates written or combined, in row-major order. Updates that fall outside are dropped. */
export function scatterElements(op: ScatterPrimitive, node: Node, args: readonly HostData[]): HostData {
  const [base, updates] = [at(args, 0), at(args, op.updates)];
  const { type } = at(node.results, 0);
  const out = columnOf(base);
  if (updates.data.length > 0) {
    const index = indexColumns(updates.type.shape);
    const operands = operandColumns(args);
    const target = op.target(index.axes, readContext(node, args));
    const program = compileProgram(target, blockWidth(updates.data.length), { leaf: index.leaf, buffer: (name) => operands(Number(name)) });
    const combine = combination(op.mode, node);
    const where = program.results.map(numbers);
    const strides = stridesOf(type.shape);
    eachBlock(updates.data.length, (start, count) => {
      index.fill(start, count);
      program.run(count);
      for (let i = 0; i < count; i++) {
        const flat = flatAt(where, type.shape, strides, i);
        if (flat >= 0) setElement(out, flat, stored(type.dtype, combine(elementAt(out, flat), elementAt(operands(op.updates), start + i), 0)));
      }
    });
  }
  const data = hostArray(type.dtype, out.length);
  copyElements(data, out);
  return { type, data };
}

/** On bool, adding is "or" and multiplying is "and". */
function combination(mode: ScatterPrimitive["mode"], node: Node): (old: Numeric, update: Numeric, _: Numeric) => Numeric {
  const { dtype } = at(node.results, 0);
  if (mode === "set") return (_, update) => update;
  if (dtype === "bool" && mode === "add") return numericFunction("or", dtype);
  if (dtype === "bool" && mode === "mul") return numericFunction("and", dtype);
  return numericFunction(mode, dtype);
}
