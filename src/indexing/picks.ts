/**
 * Index arrays and masks as one list of positions. Several of them broadcast together and address one axis that the axes they pick
 * from are merged into: of axes with 3 and 4 elements, indices i and j address 4 · i + j.
 */
import { at, IndexError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { deviceOf } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { broadcastShapes, shapeText, sizeOf, tensorType, typeText } from "../../compiler/ir/shape.ts";
import { add, multiply } from "../../compiler/ops/arithmetic.ts";
import { broadcastTo, fill } from "../../compiler/ops/views.ts";
import { evaluateSync } from "../evaluate.ts";
import { given, hostElements } from "../slots.ts";
import { inRange } from "./bounds.ts";
import type { Entries } from "./entries.ts";
import { entriesValue } from "./entries.ts";
import type { ParsedIndex, Pick } from "./parse.ts";

/** int32 positions along some axes seen as one, from 0 on. */
interface Positions {
  readonly value: Value;
  /** How many elements those axes have. */
  readonly length: number;
}

/** The elements of a mask. They are computed now where that can be: how many are true decides about shapes. */
export function maskElements(op: string, entries: Entries): HostArray {
  if (entries.from === "list") return entries.data;
  const { value, type } = entries;
  const known = hostElements(value);
  if (known !== null) return known;
  if (deviceOf(value) === "webgpu")
    throw new UnsupportedError(
      `${op}: the shape depends on the values of ${typeText(type)}, which webgpu computes later. ` +
        `Use where(mask, x, 0), nonzero(mask, { size }), or await mask.toDevice("cpu").eval() first.`,
    );
  evaluateSync([{ value, device: "cpu" }], { call: op, instead: "await mask.eval() first" });
  return maskElements(op, entries);
}

/** The row-major positions where a mask is true. */
export function truePositions(mask: HostArray): Int32Array {
  const found: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) found.push(i);
  return Int32Array.from(found);
}

/** The positions that one pick addresses in what is indexed. */
function positionsOf({ op, type, device }: ParsedIndex, pick: Pick): Positions {
  if (pick.kind === "mask") {
    const found = truePositions(maskElements(op, pick.entries));
    const length = sizeOf(pick.axes.map((axis) => at(type.shape, axis)));
    return { value: given(found, tensorType("int32", [found.length]), device), length };
  }
  const { axis, entries } = pick;
  const length = at(type.shape, axis);
  const value = entriesValue(entries, device);
  return { value: entries.from === "list" ? value : inRange(value, { op, axis, length, device }), length };
}

/** All picks together: int32 positions along their axes seen as one, in the shape that they broadcast to. */
export function mergedPositions(parsed: ParsedIndex, picks: readonly Pick[]): Value {
  const parts = picks.map((pick) => positionsOf(parsed, pick));
  const shape = broadcastPicks(
    parsed.op,
    parts.map((p) => p.value.shape),
  );
  const wide = parts.map(({ value, length }) => ({ value: broadcastTo(value, shape), length }));
  const [first, ...others] = wide;
  if (first === undefined) return fill(0, tensorType("int32", shape));
  return others.reduce((sum, { value, length }) => add(length === 1 ? sum : multiply(sum, length), value), first.value);
}

function broadcastPicks(op: string, shapes: readonly Shape[]): Shape {
  return shapes.reduce((a, b) => {
    const both = broadcastShapes(a, b);
    if (both !== undefined) return both;
    throw new IndexError(`${op}: index arrays ${shapes.map(shapeText).join(" and ")} do not broadcast. Lengths must be equal or 1.`);
  }, []);
}
