/** The op table: every primitive, found by its name. */
import type { Primitive } from "../ir/primitive.ts";
import { arithmeticOps } from "./arithmetic.ts";
import { copyOp, detachOp, opaqueOp } from "./barrier.ts";
import { contractionOps } from "./contraction.ts";
import { gatherOps } from "./gather.ts";
import { layoutOps } from "./layout.ts";
import { constantOp, iota, param } from "./source.ts";
import { viewOps } from "./views.ts";
import { windowOps } from "./windows.ts";

/** Every row. */
export const opTable: readonly Primitive[] = [param, constantOp, iota, copyOp, opaqueOp, detachOp, ...layoutOps, ...viewOps, ...arithmeticOps, ...contractionOps, ...gatherOps, ...windowOps];

const byName: ReadonlyMap<string, Primitive> = new Map(opTable.map((op) => [op.name, op]));

/** The row of this name, or undefined. */
export const opNamed = (name: string): Primitive | undefined => byName.get(name);
