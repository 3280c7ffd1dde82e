/**
 * What was read of parts of a cell and is not computed yet. Such reads would keep the memory from being written in place. Where a write
 * goes beside all of them, it changes nothing of what they read: they move on, to the new value.
 *
 *   step t       y = cache.get(slice(t, t + 1)).mul(2)       never computed, perhaps forgotten by the program
 *   step t + 1   cache.at(slice(t + 1, t + 2)).set(k)        y reads the new cache: its elements are the same
 *
 * All of them read through one node, an identity that evaluation erases, so that moving on is one step.
 */
import { postorder } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { isGone } from "../liveness.ts";
import type { Layout } from "./layout.ts";
import { extentOf } from "./overlap.ts";

export class PartReads {
  /** Null where nothing was read. */
  #through: Value | null = null;
  #low = 0;
  #high = -1;

  /** What stands for the cell's value to those who read this part of it. Tracked values are read as they are. */
  of(value: Value, layout: Layout): Value {
    if (value.node.tracked || sizeOf(layout.shape) === 0) return value;
    const through = this.#current(value) ?? detach(value);
    const { low, high } = extentOf(layout);
    const isNew = through !== this.#through;
    [this.#low, this.#high] = isNew ? [low, high] : [Math.min(low, this.#low), Math.max(high, this.#high)];
    this.#through = through;
    return through;
  }

  /** The cell's value was replaced where this layout is (everywhere, where null): reads beside it move on to the new value. */
  moveOn(before: Value, now: Value, written: Layout | null): void {
    const through = this.#current(before);
    this.#through = null;
    if (through === null || through.readers === 0 || written === null || sizeOf(written.shape) === 0) return;
    const { low, high } = extentOf(written);
    const beside = high < this.#low || low > this.#high;
    if (!beside || reaches(now, through)) return;
    through.node.reread([now]);
    this.#through = through;
  }

  #current(value: Value): Value | null {
    const through = this.#through;
    return through !== null && !isGone(through) && through.slot === null && through.node.args[0] === value ? through : null;
  }
}

/** Whether computing `value` reads `other`. */
const reaches = (value: Value, other: Value): boolean => postorder([value], (v) => v.slot !== null || v === other).some((n) => n.args.includes(other));
