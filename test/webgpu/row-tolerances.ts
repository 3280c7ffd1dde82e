/**
 * How far a GPU may be off, op by op, in units in the last place of float32. A row is exact unless it says otherwise here: what one
 * operation computes is rounded as everywhere. (WGSL grants division and square roots 2.5 units; SwiftShader needs none, GPUs do.)
 */
import { asNumbers } from "../../compiler/ir/host.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import { isExact } from "../fuzz/worlds.ts";

const unit = 2 ** -23;

/** Units of the element itself, and of the largest element beside it. */
export interface Tolerance {
  readonly own: number;
  readonly largest: number;
}

const exact: Tolerance = { own: 0, largest: 0 };
/** Polynomials, which are fitted to round nearly as the correct result does; division and square roots. */
const polynomial: Tolerance = { own: 4, largest: 0 };
/** Another order of sums and products, and `a * b + c` rounded once. */
const sums: Tolerance = { own: 4, largest: 4 };

/** Rows that are wider than their kind, with the reason. */
const wider: Readonly<Record<string, Tolerance>> = {
  // differences of series that cancel beside its zero at 1.46
  digamma: { own: 4, largest: 4 },
};

export function toleranceOf(op: Primitive): Tolerance {
  const named = wider[op.name];
  if (named !== undefined) return named;
  switch (op.kind) {
    case "elementwise":
      return isExact(op) ? exact : polynomial;
    case "reduction":
    case "prefix":
    case "contraction":
    case "scatter":
      return sums;
    default:
      return exact;
  }
}

/** Elements that differ by more; by anything where they are no floats. */
export function differences(found: readonly HostData[], wanted: readonly HostData[], tolerance: Tolerance): string[] {
  return wanted.flatMap((w, k) => {
    const largest = Math.max(0, ...[...asNumbers(w.data)].filter(Number.isFinite).map(Math.abs));
    const { own, largest: shared } = isFloat(w.type.dtype) ? tolerance : exact;
    const wrong = [...asNumbers(w.data)].flatMap((x, i) => {
      const y = at(asNumbers(at(found, k).data), i);
      const same = Object.is(x, y) || x === y || Math.abs(x - y) <= unit * (own * Math.abs(x) + shared * largest);
      return same ? [] : [`output ${k}, element ${i}: ${y}, not ${x}`];
    });
    return wrong.slice(0, 4);
  });
}
