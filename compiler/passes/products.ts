/** What a contraction multiplies. */
import type { Node } from "../ir/node.ts";
import { sizeOf } from "../ir/shape.ts";

export interface Products {
  readonly products: number;
  /** The lengths of the loops that add up. */
  readonly walk: string;
}

export function productsOf({ op, args, attrs, results }: Node): Products | null {
  if (op.kind !== "contraction") return null;
  const depth = op.depth(
    args.map((a) => a.type),
    attrs,
  );
  return { products: results.reduce((n, r) => n + sizeOf(r.shape), 0) * sizeOf(depth), walk: depth.join() };
}
