/**
 * Indices within their axis. Those whose elements are on the host are checked at the call. Computed ones are checked when the CPU
 * evaluates them: the one farthest from the axis's ends is one more output of the plan that computes them, and an IndexError follows
 * where it lies beyond. Programs without computed indices pay nothing, and neither do plans that read at indices which a plan before
 * has checked. On a GPU, which answers later, computed indices are clamped. `inspect`
 * shows plans without the checks.
 */
import { CompilerBug } from "../../compiler/ir/errors.ts";
import { postorder } from "../../compiler/ir/graph.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import { asNumbers } from "../../compiler/ir/host.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { deviceOf } from "../../compiler/ir/node.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { add, less, maximum, minimum, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import { hostElements } from "../slots.ts";
import { outOfRange } from "./position.ts";

/** What an index array is about. */
export interface Addressed {
  readonly op: string;
  readonly axis: number;
  readonly length: number;
  /** Where what is indexed lives. */
  readonly device: string;
}

interface Pending extends Addressed {
  /** As the user gave them. */
  readonly indices: Value;
}

/** By the node that counts them from the front: whichever plan computes that owes the check. */
const pending = new WeakMap<Node, Pending>();
/** How many checks are owed: none spares evaluations from looking. */
let owed = 0;

/** The length for which indices on the host were found in range: values never change. */
const checked = new WeakMap<Value, number>();

/**
 * int32 indices counted from the front. Throws an IndexError where one on the host is out of range; computed ones owe a check to
 * their evaluation on the CPU, and are clamped elsewhere.
 */
export function inRange(indices: Value, about: Addressed): Value {
  if (sizeOf(indices.shape) === 0) return indices;
  const isKnown = requireKnownInRange(indices, about);
  const { length } = about;
  const counted = where(less(indices, 0), add(indices, length), indices);
  if (isKnown) return counted;
  if (about.device === "webgpu" || deviceOf(indices) === "webgpu") return minimum(maximum(counted, 0), length - 1);
  pending.set(counted.node, { ...about, indices });
  owed++;
  return counted;
}

/** Throws an IndexError where one on the host is out of range, or none could be in range; whether they are on the host. */
export function requireKnownInRange(indices: Value, about: Addressed): boolean {
  const host = hostElements(indices);
  if (host !== null) requireAll(host, indices, about);
  else if (about.length === 0 && sizeOf(indices.shape) > 0) throw outOfRange(about.op, 0, about.axis, 0);
  return host !== null;
}

function requireAll(host: HostArray, indices: Value, about: Addressed): void {
  const known = checked.get(indices);
  if (known !== undefined && known <= about.length) return;
  const beyond = firstBeyond(host, about);
  if (beyond !== null) throw beyond;
  checked.set(indices, about.length);
}

function firstBeyond(host: HostArray, { op, axis, length }: Addressed): Error | null {
  const i = asNumbers(host).find((x) => x < -length || x >= length);
  return i === undefined ? null : outOfRange(op, i, axis, length);
}

/** A check that an evaluation owes: it computes `farthest`, and gives what came of it to `settle`. */
export class OwedCheck {
  /** An int32 number that is below the length exactly where all indices are in range. */
  readonly farthest: Value;
  readonly #node: Node;
  readonly #about: Pending;

  constructor(node: Node, about: Pending) {
    this.#node = node;
    this.#about = about;
    const { indices } = about;
    // 0, 1, 2 … stay, -1, -2, -3 … become 0, 1, 2 …
    const fromNearEnd = where(less(indices, 0), subtract(-1, indices), indices);
    const axes = indices.shape.map((_, i) => i);
    this.farthest = reduceMax(fromNearEnd, axes);
  }

  /** Where all are in range the check is done; else the error, for which `evaluated` gives the elements. */
  settle(farthest: number, evaluated: (indices: Value) => HostArray): Error | null {
    if (farthest < this.#about.length) {
      if (pending.delete(this.#node)) owed--;
      return null;
    }
    return firstBeyond(evaluated(this.#about.indices), this.#about) ?? new CompilerBug(`index ${farthest} was out of range, and then was not`);
  }

  /** Forgets how it is computed, so that it keeps nothing in memory. */
  drop(): void {
    for (const node of postorder([this.farthest], (v) => v === this.#about.indices)) node.drop();
  }
}

/** The checks that evaluating these values owes. */
export function checksOwed(values: readonly Value[]): readonly OwedCheck[] {
  if (owed === 0) return [];
  const nodes = postorder(values, (v) => v.slot !== null);
  return nodes.flatMap((node) => {
    const about = pending.get(node);
    return about === undefined ? [] : [new OwedCheck(node, about)];
  });
}
