/** What `backward`, `gradients` and the transforms share: cotangents, reachability errors, and where history ends. */
import { isFloat } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import type { Value } from "../compiler/ir/node.ts";
import { noAttrs, Node, result } from "../compiler/ir/node.ts";
import { sameType, typeText } from "../compiler/ir/shape.ts";
import type { InputRelation } from "../compiler/autodiff/vjp.ts";
import { vjp } from "../compiler/autodiff/vjp.ts";
import { detachOp } from "../compiler/ops/barrier.ts";
import { reshapeOp } from "../compiler/ops/layout.ts";
import { onesLike, zerosLike } from "../compiler/ops/views.ts";
import type { Lazy } from "./handle.ts";
import { forget } from "./liveness.ts";
import { requireSameRows } from "./ragged/rows.ts";
import { shareSlot, workOn } from "./slots.ts";
import { gradSuspended } from "./tracking.ts";

export interface DifferentiateOptions {
  readonly gradient?: Lazy;
  readonly createGraph: boolean;
  /** Whether one input may be computed from another (then its gradient counts that path too); independent by default. */
  readonly relation?: InputRelation;
}

/** The same value as a leaf of differentiation: its definition, if it keeps one, only says where the value comes from. */
export function leafOf(value: Value, options: { readonly tracked: boolean }): Value {
  const work = workOn(value);
  const definition = value.slot === null || work !== undefined ? { op: detachOp, args: [value], attrs: noAttrs } : null;
  const leaf = result(new Node(definition, [value.type], { tracked: options.tracked, provenance: "user" }), 0);
  shareSlot(value, leaf);
  // where the value comes from matters until it is there
  if (work !== undefined) void forgetOrigin(leaf, work);
  return leaf;
}

async function forgetOrigin(leaf: Value, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch {
    // it did not arrive: where it comes from still matters
    return;
  }
  forget(leaf.node);
}

/** The same value without its history. */
export const withoutHistory = (value: Value): Value => (value.node.tracked ? leafOf(value, { tracked: false }) : value);

/**
 * The input of an open transform: the same value under a name of its own, so that only what is computed from this name counts.
 * It keeps its history, so that an outer transform sees through it.
 */
export function openInput(value: Value): Value {
  const definition = { op: reshapeOp, args: [value], attrs: { shape: value.shape } };
  const input = result(new Node(definition, [value.type], { tracked: true, provenance: "user" }), 0);
  shareSlot(value, input);
  return input;
}

/** A result of a transform, as it leaves: with history only where it depends on something tracked besides the inputs. */
export function closeResult(value: Value, inputs: readonly Value[]): Value {
  return gradSuspended() || !dependsOnOthers(value, new Set(inputs)) ? withoutHistory(value) : value;
}

function dependsOnOthers(root: Value, inputs: ReadonlySet<Value>): boolean {
  let others = false;
  postorder([root], (v) => {
    if (!v.node.tracked) return true;
    const source = v.node.definition === null || !v.node.args.some((a) => a.node.tracked);
    if (source && !inputs.has(v)) others = true;
    return source;
  });
  return others;
}

/** Whether differentiation ends at this node: data, or a detached value (a cell's leaf is one). */
function isLeaf(node: Node): boolean {
  return node.definition === null || (node.op.kind === "barrier" && node.op.effect === "detach");
}

/** The tracked leaves that a value was computed from, in a fixed order. */
export function trackedLeaves(root: Value): Value[] {
  const leaves = new Set<Value>();
  const visit = (v: Value): boolean => {
    if (!v.node.tracked) return true;
    if (!isLeaf(v.node)) return false;
    leaves.add(v);
    return true;
  };
  postorder([root], visit);
  return [...leaves];
}

/** The cotangent of the value to differentiate: 1 for a single element, else what was given. */
export function cotangentOf(op: string, output: Lazy, given: Lazy | undefined): Value {
  if (!isFloat(output.dtype)) throw new DTypeError(`${op}: ${output.typeName} has no gradient: only floats are differentiated. Convert with astype first.`);
  if (given === undefined) {
    if (output.size === 1) return onesLike(output.value);
    throw new ShapeError(`${op}: ${output.typeName} is no single number. Reduce it, with sum() say, or give the cotangent.`);
  }
  requireSameShape(op, "the cotangent", given, output);
  return given.value;
}

/** Throws a ShapeError unless `x` has the dtype and the shape of `like`, and its rows where they differ in length. */
export function requireSameShape(op: string, what: string, x: Lazy, like: Lazy): void {
  const mixed = (x.rows === null) !== (like.rows === null);
  if (mixed || !sameType(x.value.type, like.value.type)) throw new ShapeError(`${op}: ${what} ${x.typeName} of ${like.typeName} must have its type.`);
  if (x.rows !== null && like.rows !== null) requireSameRows(op, like.rows, x.rows);
}

/** The gradients of `output` with respect to `inputs`; throws where one is not reached, and says why. */
export function differentiate(op: string, output: Lazy, inputs: readonly Value[], options: DifferentiateOptions): Value[] {
  const root = output.value;
  const found = vjp([root], inputs, [cotangentOf(op, output, options.gradient)], options.relation);
  return inputs.map((x, i) => {
    const g = at(found, i) ?? (isFunctionOf(root, x) ? zerosLike(x) : null);
    if (g === null) throw new UnsupportedError(`${op}: ${typeText(root.type)} does not depend on input ${i}, ${typeText(x.type)}${whyNot(root)}.`);
    return options.createGraph ? g : withoutHistory(g);
  });
}

function whyNot(root: Value): string {
  if (root.node.tracked) return ". Compute it from that input";
  if (root.node.definition === null)
    return ": it was evaluated, and nothing it was computed from requires gradients. Set requiresGrad, or differentiate before evaluating";
  return ", or only through detach or noGrad. Compute it from that input";
}

/**
 * What the derivatives that a transform gave are functions of. The gradient of a linear function is a constant, with no path to
 * the input; to an outer transform it still is a function of it, whose derivative is zero and no mistake.
 */
const functionOf = new WeakMap<Node, readonly Value[]>();

/** A derivative as it leaves a transform, noted as a function of the inputs. */
export function closeDerivative(derivative: Value, inputs: readonly Value[]): Value {
  const closed = closeResult(derivative, inputs);
  functionOf.set(closed.node, [...(functionOf.get(closed.node) ?? []), ...inputs]);
  return closed;
}

/** Whether a value was computed from another, through derivatives too. Walked only where no gradient was found. */
function isFunctionOf(root: Value, input: Value): boolean {
  const roots = [root];
  const seen = new Set<Value>();
  const visit = (v: Value): boolean => {
    if (seen.has(v)) return true;
    seen.add(v);
    roots.push(...(functionOf.get(v.node) ?? []));
    return v.node.definition === null || isLeaf(v.node);
  };
  for (let next = roots.pop(); next !== undefined; next = roots.pop()) postorder([next], visit);
  return seen.has(input);
}
