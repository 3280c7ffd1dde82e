/** Forward mode as a transform of the graph: pushes tangents through the definitions, each node once. */
import { isFloat } from "../ir/dtype.ts";
import { at, CompilerBug, ShapeError, UnsupportedError } from "../ir/errors.ts";
import type { Node, Value } from "../ir/node.ts";
import { makeNode } from "../ir/node.ts";
import type { Differentiation } from "../ir/primitive.ts";
import { sameType, typeText } from "../ir/shape.ts";
import { add, multiply } from "../ops/arithmetic.ts";
import { zerosLike } from "../ops/layout.ts";
import { reach } from "./reach.ts";

type Maybe = Value | null;

/**
 * The tangents of `outputs` for tangents of `inputs` (null is zero): for each output its value, or null where it is zero. Inputs
 * are independent: the walk stops at them. Throws as `vjp` does.
 */
export function jvp(outputs: readonly Value[], inputs: readonly Value[], tangents: readonly Maybe[]): Maybe[] {
  const { nodes, stopsAt } = reach("jvp", outputs, inputs, "independent");
  const known = new Map<Value, Value>();
  inputs.forEach((x, i) => {
    const t = tangents[i] ?? null;
    if (t === null) return;
    if (!sameType(x.type, t.type)) throw new ShapeError(`jvp: the tangent ${typeText(t.type)} of an input ${typeText(x.type)} must have its type.`);
    known.set(x, t);
  });
  for (const node of nodes) {
    const own = node.args.map((a) => known.get(a) ?? null);
    if (own.every((t) => t === null)) continue;
    const pushed = pushForward(node, own);
    node.results.forEach((r, i) => {
      const t = pushed[i] ?? null;
      if (t === null || !isFloat(r.dtype) || stopsAt(r)) return;
      if (!sameType(t.type, r.type))
        throw new CompilerBug(`the derivative of ${node.op.name} gives a tangent ${typeText(t.type)} for a result ${typeText(r.type)}`);
      known.set(r, t);
    });
  }
  return outputs.map((y) => known.get(y) ?? null);
}

const sum = (terms: readonly Maybe[]): Maybe => terms.reduce<Maybe>((total, t) => (total === null || t === null ? (total ?? t) : add(total, t)), null);

/** The tangents of a node's results. */
function pushForward(node: Node, own: readonly Maybe[]): readonly Maybe[] {
  const rule = node.op.derivative;
  switch (rule.by) {
    case "zero":
      return [];
    case "none":
      if (node.results.every((r) => !isFloat(r.dtype))) return [];
      throw new UnsupportedError(`jvp: ${node.op.name} has no derivative: ${rule.reason}. Detach its operands to treat it as a constant.`);
    case "rules":
      return rule.jvp(node, own);
    case "linear":
      return linearTangents(node, own, rule);
    case "partials": {
      const partials = rule.partials(node.args, at(node.results, 0), node.attrs);
      return [sum(own.map((t, i) => product(t, partials[i] ?? null)))];
    }
  }
}

const product = (t: Maybe, partial: Maybe): Maybe => (t === null || partial === null ? null : multiply(t, partial));

/** The op itself on tangents; of a product, once for each tangent with the other operands held. */
function linearTangents(node: Node, own: readonly Maybe[], rule: Extract<Differentiation, { readonly by: "linear" }>): readonly Maybe[] {
  const isLinear = (i: number): boolean => rule.operands === "all" || rule.operands.includes(i);
  const moving = own.map((t, i) => (isLinear(i) ? t : null));
  if (moving.every((t) => t === null)) return [];
  const again = (args: readonly Value[]): readonly Value[] => makeNode(node.op, args, node.attrs).results;
  if (rule.each !== true) return again(node.args.map((arg, i) => (isLinear(i) ? (moving[i] ?? zerosLike(arg)) : arg)));
  const terms = moving.flatMap((t, i) => (t === null ? [] : [at(again(node.args.with(i, t)), 0)]));
  return [sum(terms)];
}
