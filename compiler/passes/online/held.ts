/** Regions whose grid points hold rows, lowered so that the rows fit into scratch: whole, or in blocks. */
import type { Mark } from "../lower/element.ts";
import type { Lowered } from "../lower/lower.ts";
import { lower } from "../lower/lower.ts";
import { heldElements } from "../lower/stages.ts";
import type { Region } from "../region.ts";
import type { Target } from "../../target.ts";
import { storedBytes } from "../../target.ts";
import { online, scratchOf } from "./online.ts";

/** Bytes of the rows that a grid point of a region holds, were they all kept whole. */
export const heldBytesOf = (region: Region, target: Target): number =>
  region.held.reduce((n, h) => n + storedBytes({ dtype: h.value.dtype, shape: [heldElements(region, h)] }, target), 0);

/** Null where they do not fit. What is kept of a row costs nothing more in blocks, so it is kept as if there were room for all of it. */
export function lowerHeld(region: Region, target: Target, mark?: Mark): Lowered | null {
  const lowered = lower(region, { ...target, scratchBytes: Infinity, rowBytes: Infinity }, mark);
  return scratchOf(online(lowered.kernel, target)) <= target.scratchBytes ? lowered : null;
}
