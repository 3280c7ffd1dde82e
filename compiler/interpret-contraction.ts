/** Evaluates contractions: sums of products in row-major order, rounded at every step. */
import type { Numeric } from "./ir/dtype.ts";
import { at } from "./ir/errors.ts";
import { load, s } from "./ir/expr.ts";
import type { Expr } from "./ir/expr.ts";
import type { HostData } from "./ir/host.ts";
import { hostArray, setElement } from "./ir/host.ts";
import { flatten } from "./ir/indexing.ts";
import type { Node } from "./ir/node.ts";
import type { ContractionPrimitive, Place } from "./ir/primitive.ts";
import type { Shape } from "./ir/shape.ts";
import { sizeOf } from "./ir/shape.ts";
import { blockWidth, eachBlock, indexColumns, stored } from "./interpret-elementwise.ts";
import { columnOf, compileProgram, elementAt } from "./interpret-program.ts";
import { numericFunction } from "./interpret-wide.ts";

/** One walk over the elements of the result and, below each, the depth. On bool, products are "and" and sums "or". */
export function contract(op: ContractionPrimitive, node: Node, args: readonly HostData[]): HostData {
  const { type } = at(node.results, 0);
  const depth = op.depth(
    args.map((a) => a.type),
    node.attrs,
  );
  const [results, length] = [sizeOf(type.shape), sizeOf(depth)];
  const data = hostArray(type.dtype, results);
  if (results * length === 0) return { type, data };
  const index = indexColumns([...type.shape, ...depth]);
  const shape = (operand: number): Shape => at(args, operand).type.shape;
  const places = op.factors(index.axes.slice(0, type.shape.length), index.axes.slice(type.shape.length), { attrs: node.attrs, shape });
  const [a, b] = places.map((p, k) => factor(p, k, at(args, k)));
  const isLogic = type.dtype === "bool";
  const product = isLogic ? s.and : s.mul;
  const operands = args.map(columnOf);
  const program = compileProgram(a === undefined || b === undefined ? [] : [product(a, b)], blockWidth(results * length), {
    leaf: index.leaf,
    buffer: (name) => at(operands, Number(name)),
  });
  const add = numericFunction(isLogic ? "or" : "add", type.dtype);
  let sum: Numeric = 0;
  let left = length;
  let next = 0;
  eachBlock(results * length, (start, count) => {
    index.fill(start, count);
    program.run(count);
    for (let i = 0; i < count; i++) {
      sum = add(sum, elementAt(at(program.results, 0), i), 0);
      if (--left > 0) continue;
      setElement(data, next++, stored(type.dtype, sum));
      [sum, left] = [0, length];
    }
  });
  return { type, data };
}

const factor = ({ index, guard }: Place, operand: number, { type }: HostData): Expr => load(String(operand), type.dtype, flatten(index, type.shape), guard);
