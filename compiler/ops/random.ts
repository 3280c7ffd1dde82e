/** Random bits: Threefry-2x32. */
import { dtypeInfo } from "../ir/dtype.ts";
import { at, DTypeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import type { Value } from "../ir/node.ts";
import { makeNode, result } from "../ir/node.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { sameTypes } from "./define.ts";

/** Left rotations of the eight rounds that repeat. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
/** Skein's parity constant, from which the third key word is made. */
const parity = 0x1bd11bda;

const rotate = (x: Expr, by: number): Expr => s.or(s.shl(x, by), s.shr(x, 32 - by));

/**
 * Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11), as in Random123
 * and JAX. Every fourth round adds two of the three key words and the number of the addition.
 */
function threefry20(k0: Expr, k1: Expr, c0: Expr, c1: Expr): readonly Expr[] {
  const keys = [k0, k1, s.xor(s.xor(k0, k1), parity)];
  let [x, y] = [s.add(c0, k0), s.add(c1, k1)];
  for (let round = 0; round < 20; round++) {
    x = s.add(x, y);
    y = s.xor(rotate(y, at(rotations, round % 8)), x);
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    x = s.add(x, at(keys, injection % 3));
    y = s.add(s.add(y, at(keys, (injection + 1) % 3)), injection);
  }
  return [x, y];
}

export const threefryOp: ElementwisePrimitive = {
  kind: "elementwise",
  name: "threefry",
  doc: "Two words of random bits from a key (operands 0, 1) and a counter (operands 2, 3): Threefry-2x32, 20 rounds.",
  arity: 4,
  attrs: {},
  cost: 120,
  infer: (args) => {
    const type = sameTypes("threefry", args);
    if (type.dtype !== "uint32") throw new DTypeError(`threefry: takes uint32, not ${dtypeInfo(type.dtype).short}. Convert with astype first.`);
    return [type, type];
  },
  scalar: (args) => threefry20(at(args, 0), at(args, 1), at(args, 2), at(args, 3)),
  derivative: { by: "zero" },
};

/** Two words of random bits; the same key and counter give the same words on every target. All uint32, of one shape. */
export function threefry(key0: Value, key1: Value, counter0: Value, counter1: Value): readonly [Value, Value] {
  const node = makeNode(threefryOp, [key0, key1, counter0, counter1]);
  return [result(node, 0), result(node, 1)];
}

export const randomOps: readonly ElementwisePrimitive[] = [threefryOp];
