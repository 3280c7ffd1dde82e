/** Calling a kernel with arguments that stand in a frame: positions of buffers by buffer id, then the scalars of the run. */
import { at } from "../../compiler/ir/errors.ts";
import type { WasmFunction } from "./modules.ts";

/** Byte positions of a plan's buffers during one run, by buffer id; then its scalars. */
export type Frame = Float64Array<ArrayBuffer>;

/** A kernel's turns lo … hi - 1, with its arguments from the frame. */
export type Caller = (lo: number, hi: number, scratch: number, frame: Frame) => void;

/** `at` for frames only: asked for everything, `at` itself is slow. */
const slot = (frame: Frame, i: number): number => frame[i] ?? 0;

/**
 * Takes its arguments from these slots of the frame. The usual counts are spelled out: a call costs 3 ns then, and 35 where
 * arguments are spread.
 */
export function callerOf(f: WasmFunction, slots: readonly number[]): Caller {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, g = 0, h = 0, i = 0] = slots;
  switch (slots.length) {
    case 1:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a));
    case 2:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b));
    case 3:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c));
    case 4:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c), slot(x, d));
    case 5:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c), slot(x, d), slot(x, e));
    case 6:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c), slot(x, d), slot(x, e), slot(x, g));
    case 7:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c), slot(x, d), slot(x, e), slot(x, g), slot(x, h));
    case 8:
      return (lo, hi, scratch, x) => f(lo, hi, scratch, slot(x, a), slot(x, b), slot(x, c), slot(x, d), slot(x, e), slot(x, g), slot(x, h), slot(x, i));
    default:
      return spreading(f, slots);
  }
}

/** Estimated nanoseconds from which on a kernel's first runs go by pieces, how many of them, and how many runs. */
const worthPieces = 50_000;
const mostPieces = 16;
const runsInPieces = 2;

/**
 * The first runs of a kernel of so many turns and estimated nanoseconds by pieces. Engines start a function in slow code and optimise it
 * meanwhile, but change over between calls only: so of several calls the later ones are fast.
 */
export function inPieces(call: Caller, turns: number, ns: number): Caller {
  if (turns < 2 || ns < worthPieces) return call;
  let left = runsInPieces;
  return (lo, hi, scratch, frame) => {
    const pieces = left === 0 ? 1 : Math.min(hi - lo, mostPieces);
    if (left > 0) left--;
    const from = (piece: number): number => lo + Math.floor(((hi - lo) * piece) / pieces);
    for (let i = 0; i < pieces; i++) call(from(i), from(i + 1), scratch, frame);
  };
}

function spreading(f: WasmFunction, slots: readonly number[]): Caller {
  const args = slots.map(() => 0);
  return (lo, hi, scratch, frame) => {
    for (let i = 0; i < args.length; i++) args[i] = slot(frame, at(slots, i));
    f(lo, hi, scratch, ...args);
  };
}

/** The same where some scalars are 64-bit integers, which WebAssembly takes as bigints. */
export function wideCallerOf(f: WasmFunction, slots: readonly number[], isWide: (argument: number) => boolean): Caller {
  return (lo, hi, scratch, frame) => f(lo, hi, scratch, ...slots.map((s, i) => (isWide(i) ? BigInt(slot(frame, s)) : slot(frame, s))));
}
