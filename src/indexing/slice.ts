/** Python's slices: as objects, and as text. */
import { IndexError } from "../../compiler/ir/errors.ts";

/** Positions from `start` to before `stop`, `step` apart, as Python counts them; null leaves one out. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/**
 * Python's `slice`: `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`.
 *
 * @example
 * at(tensor([1, 2, 3, 4]), slice(1, null, 2)); // → tensor([2, 4])
 */
export function slice(startOrStop: number | null, stop?: number | null, step: number | null = null): Slice {
  const [from, to] = stop === undefined ? [null, startOrStop] : [startOrStop, stop];
  for (const n of [from, to, step]) if (n !== null && !Number.isInteger(n)) throw new IndexError(`slice: ${n} is no whole number.`);
  if (step === 0) throw new IndexError("slice: a step of 0 goes nowhere. Give another.");
  return new Slice(from, to, step ?? 1);
}

/** `"1:9:2"` as a slice; an IndexError where it is none. */
export function parseSlice(op: string, text: string): Slice {
  const parts = text.split(":").map((s) => s.trim());
  const whole = parts.length >= 2 && parts.length <= 3 && parts.every((s) => s === "" || /^[+-]?\d+$/.test(s));
  if (!whole) throw new IndexError(`${op}: ${JSON.stringify(text)} is no index. Write "start:stop:step" or "...".`);
  const [start, stop, step] = [...parts, "", ""].map((s) => (s === "" ? null : Number(s)));
  return slice(start ?? null, stop ?? null, step ?? null);
}

/** What a slice means for an axis of some length: element k is at start + k · step. */
export interface Progression {
  /** 0 where there are no elements. */
  readonly start: number;
  readonly size: number;
  /** Not 0; negative ones run towards the front. */
  readonly step: number;
}

/** Python's rule: bounds are clamped; a negative step runs from the end. */
export function resolveSlice({ start, stop, step }: Slice, length: number): Progression {
  const clamp = (n: number, lo: number, hi: number): number => Math.min(Math.max(n < 0 ? n + length : n, lo), hi);
  const forward = step > 0;
  const [lo, hi] = forward ? [0, length] : [-1, length - 1];
  const [first, end] = forward ? [lo, hi] : [hi, lo];
  const from = start === null ? first : clamp(start, lo, hi);
  const to = stop === null ? end : clamp(stop, lo, hi);
  const size = Math.max(0, Math.ceil((to - from) / step));
  return { start: size === 0 ? 0 : from, size, step };
}
