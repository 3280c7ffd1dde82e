/** The op table: every primitive, found by its name. */
import type { Primitive } from "../ir/primitive.ts";
import { arithmeticOps } from "./arithmetic.ts";
import { copyOp, detachOp, opaqueOp, transferOp } from "./barrier.ts";
import { bitsOps } from "./bits.ts";
import { contractionOps } from "./contraction.ts";
import { convolutionOps } from "./convolution.ts";
import { exponentialOps } from "./exponential.ts";
import { gatherOps } from "./gather.ts";
import { layoutOps } from "./layout.ts";
import { prefixOps } from "./prefix.ts";
import { randomOps } from "./random.ts";
import { reductionOps } from "./reductions.ts";
import { roundingOps } from "./rounding.ts";
import { segmentOps } from "./segments.ts";
import { sortOps } from "./sort.ts";
import { constantOp, iota, param } from "./source.ts";
import { specialOps } from "./special.ts";
import { trigonometricOps } from "./trigonometric.ts";
import { viewOps } from "./views.ts";
import { windowOps } from "./windows.ts";

/** Every row. */
export const opTable: readonly Primitive[] = [
  param,
  constantOp,
  iota,
  copyOp,
  opaqueOp,
  detachOp,
  transferOp,
  ...layoutOps,
  ...viewOps,
  ...windowOps,
  ...arithmeticOps,
  ...exponentialOps,
  ...trigonometricOps,
  ...roundingOps,
  ...bitsOps,
  ...specialOps,
  ...randomOps,
  ...reductionOps,
  ...prefixOps,
  ...contractionOps,
  ...convolutionOps,
  ...gatherOps,
  ...segmentOps,
  ...sortOps,
];

const byName: ReadonlyMap<string, Primitive> = new Map(opTable.map((op) => [op.name, op]));

/** The row of this name, or undefined. */
export const opNamed = (name: string): Primitive | undefined => byName.get(name);
