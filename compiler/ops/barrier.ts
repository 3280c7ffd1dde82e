/** Identities with an effect on passes. */
import type { Value } from "../ir/node.ts";
import { deviceOf, make } from "../ir/node.ts";
import type { BarrierPrimitive } from "../ir/primitive.ts";
import { at } from "../ir/errors.ts";

/** Materialised here: the user asked for a buffer of its own. */
export const copyOp: BarrierPrimitive = {
  kind: "barrier",
  name: "copy",
  doc: "The operand in a buffer of its own.",
  arity: 1,
  attrs: {},
  effect: "materialise",
  infer: (args) => [at(args, 0)],
  derivative: { by: "linear", operands: [0], transpose: (cotangent) => [cotangent] },
};

/** Common subexpressions are not merged across it, and nothing moves over it. */
export const opaqueOp: BarrierPrimitive = {
  kind: "barrier",
  name: "opaque",
  doc: "The first operand; not before the others are there.",
  arity: "any",
  attrs: {},
  effect: "opaque",
  infer: (args) => [at(args, 0)],
  derivative: { by: "linear", operands: [0], transpose: (cotangent, node) => node.args.map((_, i) => (i === 0 ? cotangent : null)) },
};

/** The same value with no history: gradients stop here. */
export const detachOp: BarrierPrimitive = {
  kind: "barrier",
  name: "detach",
  doc: "The operand as a constant of differentiation.",
  arity: 1,
  attrs: {},
  effect: "detach",
  infer: (args) => [at(args, 0)],
  derivative: { by: "zero" },
};

/** The same value on another device. Gradients go back to where the operand lives. */
export const transferOp: BarrierPrimitive = {
  kind: "barrier",
  name: "transfer",
  doc: "The operand, moved to the device that is named.",
  arity: 1,
  attrs: { device: "text" },
  effect: "transfer",
  infer: (args) => [at(args, 0)],
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => {
      const home = deviceOf(at(node.args, 0));
      return [home === null ? cotangent : transfer(cotangent, home)];
    },
  },
};

/** `x` on a device; x itself where it is there. */
export const transfer = (x: Value, device: string): Value => (deviceOf(x) === device ? x : make(transferOp, [x], { device }));
export const copy = (x: Value): Value => make(copyOp, [x]);
export const opaque = (x: Value, ...after: readonly Value[]): Value => make(opaqueOp, [x, ...after]);
export const detach = (x: Value): Value => make(detachOp, [x]);
