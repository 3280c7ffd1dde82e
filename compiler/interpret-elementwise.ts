/** Evaluates ops whose elements stand alone: sources and elementwise maps. */
import { at, CompilerBug } from "./ir/errors.ts";
import type { Expr } from "./ir/expr.ts";
import { argument, axisIndex } from "./ir/expr.ts";
import type { DType, Numeric } from "./ir/dtype.ts";
import { roundTo } from "./ir/dtype.ts";
import type { HostData } from "./ir/host.ts";
import { copyElements, hostArray, isBig } from "./ir/host.ts";
import type { Node } from "./ir/node.ts";
import type { ElementwisePrimitive, SourcePrimitive } from "./ir/primitive.ts";
import { sizeOf, stridesOf } from "./ir/shape.ts";
import type { Shape, TensorType } from "./ir/shape.ts";
import type { AnyColumn, Column } from "./interpret-program.ts";
import { columnFor, compileProgram, copyColumn } from "./interpret-program.ts";

const blockSize = 1024;

/** Calls `visit(start, count)` for consecutive blocks that cover 0 … size-1. */
export function eachBlock(size: number, visit: (start: number, count: number) => void): void {
  for (let start = 0; start < size; start += blockSize) visit(start, Math.min(blockSize, size - start));
}

/** The length that columns need for blocks over `size` elements. */
export const blockWidth = (size: number): number => Math.min(blockSize, size);

/** One column an axis of a shape, with the index of every element of a block. */
export interface IndexColumns {
  readonly axes: readonly Expr[];
  readonly leaf: (e: Expr) => Column;
  readonly fill: (start: number, count: number) => void;
}

export function indexColumns(shape: Shape): IndexColumns {
  const width = blockWidth(sizeOf(shape));
  const axes = shape.map((n, i) => axisIndex(`i${i}`, 0, n - 1));
  const columns = new Map(axes.map((a) => [a.name, new Float64Array(width)]));
  const strides = stridesOf(shape);
  const leaf = (e: Expr): Column => {
    const column = columns.get(e.name);
    if (e.op !== "axis" || column === undefined) throw new CompilerBug(`an element's expression uses ${e.op} ${e.name}`);
    return column;
  };
  const fill = (start: number, count: number): void => {
    axes.forEach((axis, k) => {
      const [column, stride, length] = [leaf(axis), at(strides, k), at(shape, k)];
      let value = Math.floor(start / stride) % length;
      let left = stride - (start % stride);
      for (let i = 0; i < count; i++) {
        column[i] = value;
        if (--left > 0) continue;
        value = value + 1 === length ? 0 : value + 1;
        left = stride;
      }
    });
  };
  return { axes, leaf, fill };
}

/** For expressions that must not load. */
export const noBuffer = (name: string): Column => {
  throw new CompilerBug(`an expression of elements loads ${name}`);
};

/** A source: every element from its index. */
export function generate(op: SourcePrimitive, node: Node): HostData {
  const { type } = at(node.results, 0);
  const data = hostArray(type.dtype, sizeOf(type.shape));
  if (data.length === 0) return { type, data };
  const index = indexColumns(type.shape);
  const program = compileProgram([op.element(index.axes, type, node.attrs)], blockWidth(data.length), { leaf: index.leaf, buffer: noBuffer });
  eachBlock(data.length, (start, count) => {
    index.fill(start, count);
    program.run(count);
    put({ type, data }, start, at(program.results, 0), count);
  });
  return { type, data };
}

/** An elementwise map: the row's expressions over the operands, block by block. */
export function mapElements(op: ElementwisePrimitive, node: Node, args: readonly HostData[]): HostData[] {
  const size = sizeOf(at(node.results, 0).shape);
  const types: TensorType[] = args.map((a) => a.type);
  const outputs = node.results.map((r): HostData => ({ type: r.type, data: hostArray(r.dtype, size) }));
  if (size === 0) return outputs;
  const columns = args.map((a) => columnFor(a.type.dtype, blockWidth(size)));
  const roots = op.scalar(
    types.map((t, i) => argument(i, t.dtype)),
    node.attrs,
    types,
  );
  const program = compileProgram(roots, blockWidth(size), { leaf: (e) => at(columns, e.value), buffer: noBuffer });
  eachBlock(size, (start, count) => {
    columns.forEach((c, i) => copyColumn(c, at(args, i).data.subarray(start, start + count)));
    program.run(count);
    outputs.forEach((o, i) => put(o, start, at(program.results, i), count));
  });
  return outputs;
}

/** What memory of a dtype holds of a computed element: float16 is rounded here. */
export const stored = (dtype: DType, x: Numeric): Numeric => (dtype === "float16" ? roundTo(dtype, Number(x)) : x);

/** Stores the first `count` elements of a column as memory of their dtype. */
export function put({ type, data }: HostData, start: number, column: AnyColumn, count: number): void {
  const part = count === column.length ? column : column.subarray(0, count);
  copyElements(data, type.dtype === "float16" && !isBig(part) ? part.map((x) => roundTo("float16", x)) : part, start);
}
