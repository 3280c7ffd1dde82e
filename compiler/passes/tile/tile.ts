/**
 * tile: the schedule. It changes how a kernel runs, never what it computes; each step is one file.
 *
 *   reduce over %k in 0..784 { load %a[%i,%k] * load %b[%k,%j] }     →     a 4×4 block of results a turn, every load used four times
 *
 * - `jam`: several neighbouring grid points a turn where they load the same elements (contractions) or neighbouring ones (columns)
 * - `accumulate`: long sums by several accumulators over fixed blocks: faster, and more exact than one running sum
 * - `vector`: on targets that move 16 bytes at once, four neighbouring elements a turn
 * - `lanes`: on targets whose lanes share memory, the loops inside a grid point are dealt out to them
 * - `stage`: on targets where that memory is fast, contractions by workgroups that load each operand's tile once
 *
 * What the steps do depends on shapes only, so that the bits do not depend on the machine.
 */
import type { Kernel } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { accumulate } from "./accumulate.ts";
import { jam } from "./jam.ts";
import { dealLanes } from "./lanes.ts";
import { vectorise } from "./vector.ts";
import { stage } from "./stage.ts";

export function tile(kernel: Kernel, target: Target): Kernel {
  if (target.lanes > 1) {
    const dealt = dealLanes(kernel, target);
    if (dealt !== kernel) return dealt;
    const staged = stage(kernel, target);
    if (staged !== kernel) return staged;
    const wide = vectorise(kernel, target);
    return wide === kernel ? jam(kernel) : wide;
  }
  const jammed = jam(kernel);
  return accumulate(jammed, jammed === kernel ? 4 : 1);
}
