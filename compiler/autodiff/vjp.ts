/**
 * Reverse mode as a transform of the graph: walks the definitions from the outputs back, each node once, and adds up cotangents.
 * Rules emit Graph ops only, so that the result can be differentiated again.
 */
import { isFloat } from "../ir/dtype.ts";
import { at, CompilerBug, DTypeError, ShapeError, UnsupportedError } from "../ir/errors.ts";
import type { Node, Value } from "../ir/node.ts";
import { nodesCreated } from "../ir/node.ts";
import { sameType, typeText } from "../ir/shape.ts";
import { add, multiply } from "../ops/arithmetic.ts";
import { zerosLike } from "../ops/layout.ts";
import type { InputRelation } from "./reach.ts";
import { reach } from "./reach.ts";

export type { InputRelation } from "./reach.ts";

type Maybe = Value | null;

/**
 * The cotangents of `inputs` for cotangents of `outputs` (null is zero): for each input its value, or null where no output depends
 * on it. Inputs are independent unless they are `connected`. Throws a DTypeError where an input is no float, a ShapeError where a
 * cotangent has not its output's type, an UnsupportedError that names the op where one on the path has no derivative.
 */
export function vjp(outputs: readonly Value[], inputs: readonly Value[], cotangents: readonly Maybe[], relation: InputRelation = "independent"): Maybe[] {
  const { nodes, stopsAt, reaches, carries } = reach("vjp", outputs, inputs, relation);
  const sums = new Map<Value, Value>();
  const first = nodesCreated();
  const unused: Value[] = [];
  const give = (to: Value, ct: Maybe): void => {
    if (ct === null) return;
    if (!carries(to)) return void unused.push(ct);
    const old = sums.get(to);
    sums.set(to, old === undefined ? ct : add(old, ct));
  };
  outputs.forEach((y, i) => give(y, checkedCotangent(y, cotangents[i] ?? null)));
  for (const node of nodes.toReversed()) {
    const own = node.results.map((r) => (stopsAt(r) ? null : (sums.get(r) ?? null)));
    if (own.every((ct) => ct === null)) continue;
    const back = pullBack(node, own, carries, unused);
    node.args.forEach((arg, i) => give(arg, checkedRule(node, arg, back[i] ?? null)));
  }
  const reached = new Set(outputs.flatMap((y) => (reaches(y) ? [y] : [])));
  for (const node of nodes) node.args.forEach((arg) => reached.add(arg));
  const found = inputs.map((x) => sums.get(x) ?? (reached.has(x) ? zerosLike(x) : null));
  forgetUnread(unused, { first, kept: new Set([...found, ...cotangents]) });
  return found;
}

/** What rules made for operands that no input is behind, from the node numbered `first` on: else it would seem to need what it reads. */
function forgetUnread(values: readonly Value[], { first, kept }: { readonly first: number; readonly kept: ReadonlySet<Maybe> }): void {
  const open = [...values];
  const isUnread = (v: Value): boolean => v.readers === 0 && v.holders === 0 && !kept.has(v);
  for (let v = open.pop(); v !== undefined; v = open.pop()) {
    const { node } = v;
    if (node.id < first || node.definition === null || !node.results.every(isUnread)) continue;
    const { args } = node;
    node.drop();
    open.push(...args);
  }
}

function checkedCotangent(output: Value, ct: Maybe): Maybe {
  if (ct === null) return null;
  if (!isFloat(output.dtype)) throw new DTypeError(`vjp: the output ${typeText(output.type)} has no derivative: only floats are differentiated.`);
  if (!sameType(output.type, ct.type))
    throw new ShapeError(`vjp: the cotangent ${typeText(ct.type)} of an output ${typeText(output.type)} must have its type.`);
  return ct;
}

/** A rule that returns a wrong type is found here, by name, and not far away. */
function checkedRule(node: Node, arg: Value, ct: Maybe): Maybe {
  if (ct === null || !isFloat(arg.dtype) || sameType(ct.type, arg.type)) return ct;
  throw new CompilerBug(`the derivative of ${node.op.name} gives a cotangent ${typeText(ct.type)} for an operand ${typeText(arg.type)}`);
}

/** What the node's cotangents add to its operands. */
function pullBack(node: Node, own: readonly Maybe[], carries: (v: Value) => boolean, unused: Value[]): readonly Maybe[] {
  const rule = node.op.derivative;
  const first = own[0] ?? null;
  switch (rule.by) {
    case "zero":
      return [];
    case "none":
      if (!node.args.some(carries)) return [];
      throw new UnsupportedError(`vjp: ${node.op.name} has no derivative: ${rule.reason}. Detach its operands to treat it as a constant.`);
    case "rules":
      return rule.vjp(node, own);
    case "linear":
      return first === null ? [] : rule.transpose(first, node);
    case "partials": {
      if (first === null) return [];
      const partials = rule.partials(node.args, at(node.results, 0), node.attrs);
      return node.args.map((arg, i) => {
        const partial = partials[i] ?? null;
        if (partial !== null && !carries(arg)) unused.push(partial);
        return scaled(first, carries(arg) ? partial : null);
      });
    }
  }
}

const scaled = (ct: Value, partial: Maybe): Maybe => (partial === null ? null : multiply(ct, partial));
