/** Evaluates general contractions: sums of products in row-major order, rounded at every step. */
import { at } from "./ir/errors.ts";
import type { HostData } from "./ir/host.ts";
import { hostArray } from "./ir/host.ts";
import type { Node } from "./ir/node.ts";
import { intLists } from "./ir/node.ts";
import type { Shape } from "./ir/shape.ts";
import type { Column } from "./interpret-program.ts";
import { numberAt } from "./interpret-program.ts";
import { offsetsOver } from "./interpret-reduction.ts";
import { scalarFunction } from "./interpret-scalar.ts";

/** Where the elements of one operand lie. */
interface Side {
  readonly elements: Column;
  readonly batch: Column;
  readonly free: Column;
  readonly contract: Column;
}

function sideOf(operand: HostData, batch: readonly number[], contract: readonly number[]): Side {
  const shape: Shape = operand.type.shape;
  const free = shape.map((_, i) => i).filter((i) => !batch.includes(i) && !contract.includes(i));
  return { elements: new Float64Array(operand.data), batch: offsetsOver(shape, batch), free: offsetsOver(shape, free), contract: offsetsOver(shape, contract) };
}

/** Result axes: batch, free of the left, free of the right. On bool, products are "and" and sums "or". */
export function contract(node: Node, args: readonly HostData[]): HostData {
  const { type } = at(node.results, 0);
  const [contracted, batch] = [intLists(node.attrs, "contract"), intLists(node.attrs, "batch")];
  const [left, right] = [0, 1].map((k) => sideOf(at(args, k), at(batch, k), at(contracted, k)));
  if (left === undefined || right === undefined) return { type, data: hostArray(type.dtype, 0) };
  const data = hostArray(type.dtype, left.batch.length * left.free.length * right.free.length);
  const dot = dotProduct(node, left, right);
  let next = 0;
  for (let b = 0; b < left.batch.length; b++) {
    for (const i of left.free) {
      const l = numberAt(left.batch, b) + i;
      const r = numberAt(right.batch, b);
      for (const j of right.free) data[next++] = dot(l, r + j);
    }
  }
  return { type, data };
}

function dotProduct(node: Node, left: Side, right: Side): (l: number, r: number) => number {
  const { dtype } = at(node.results, 0);
  const isLogic = dtype === "bool";
  const multiply = scalarFunction(isLogic ? "and" : "mul", dtype);
  const add = scalarFunction(isLogic ? "or" : "add", dtype);
  return (l, r) => {
    let sum = 0;
    for (let k = 0; k < left.contract.length; k++) {
      const product = multiply(numberAt(left.elements, l + numberAt(left.contract, k)), numberAt(right.elements, r + numberAt(right.contract, k)), 0);
      sum = add(sum, product, 0);
    }
    return sum;
  };
}
