/**
 * Tensors that `assign` and optimizers rebind, and what they stood for before. A step may write over that, in place:
 *
 *   loss = f(p), loss.backward(), optimizer.step(), evalAll(loss, optimizer.state)
 *     p before    read by the forward pass, the gradients and the update, all of them in this plan: written over
 *
 * What was recorded from the old value and no plan has computed yet keeps it. What plans have computed on their way to something else
 * (activations, gradients) keeps its definition, and handles may stand for it: nobody knows whether they are garbage. So a cell first
 * sees one step go by in which nobody looks back, as most programs never do; a program that looks back once keeps its old values for
 * good. One that starts to later on is told to ask for what it needs together with the step.
 */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { Node, Value } from "../compiler/ir/node.ts";
import { typeText } from "../compiler/ir/shape.ts";

/** What a rebound tensor has seen so far. */
export class Past {
  #last: { readonly old: Value; readonly next: Value } | null = null;
  #sawStep = false;
  #looksBack = false;

  /** Whether its old values may be written over by the plan that computes the new ones. */
  get gives(): boolean {
    return this.#sawStep && !this.#looksBack;
  }

  /** From now on the tensor stands for `next`. */
  rebound(old: Value, next: Value): void {
    if (this.#last?.next === old && old.slot !== null) this.#sawStep = true;
    this.#last = { old, next };
    superseded.set(old, { past: this, next });
    current.delete(old);
    current.add(next);
  }

  /** Somebody needed an old value after the step. */
  lookedBack(): void {
    this.#looksBack = true;
  }
}

/** What rebound tensors stand for now: training state, which is never given up, evaluated or not. */
const current = new WeakSet<Value>();
const superseded = new WeakMap<Value, { readonly past: Past; readonly next: Value }>();

/** Whether a tensor stood for the value whose old values may be written over. */
export const isGiven = (old: Value): boolean => superseded.get(old)?.past.gives === true;

/** Notes that a plan reads values; those which were replaced before, by what is there already, somebody looks back at. */
export function noteReading(values: readonly Value[]): void {
  for (const v of values) {
    if (v.holders > 0) continue;
    const found = superseded.get(v);
    if (found !== undefined && found.next.slot !== null) found.past.lookedBack();
  }
}

/** What a step wrote over cannot be read any more. */
export function overwrittenError(old: Value): UnsupportedError | null {
  if (!superseded.has(old)) return null;
  return new UnsupportedError(
    `a tensor was assigned a new value, which was written over the old ${typeText(old.type)}; now something recorded before needs that. ` +
      "Ask for it in the same evalAll as the step, or keep the old value: const before = p.detach(), in front of the step.",
  );
}

/** Of these values, those that nothing needs any more but what `nodes`, the plan that computes `asked`, and plans before it computed. */
export function readHereOnly(candidates: readonly Value[], nodes: readonly Node[], asked: readonly Value[]): Value[] {
  const here = new Map<Value, number>();
  for (const node of nodes) if (!node.isPast) for (const a of node.args) here.set(a, (here.get(a) ?? 0) + 1);
  const filled = new Set(asked);
  const needed = new Set<Value>();
  const isNeeded = (v: Value): boolean => needed.has(v) || current.has(v) || v.readers > (here.get(v) ?? 0) + v.pastReaders;
  for (const node of nodes.toReversed()) {
    if (!node.results.some((r) => r.slot === null && !filled.has(r) && isNeeded(r))) continue;
    for (const a of node.args) needed.add(a);
  }
  return candidates.filter((v) => !isNeeded(v));
}

/** Notes what a plan computed on its way to its results, where derivatives keep how. */
export function notePast(nodes: readonly Node[], inputs: readonly Value[]): void {
  if (!inputs.some((v) => v.node.tracked)) return;
  for (const node of nodes) node.notePast();
}
