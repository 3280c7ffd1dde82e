/**
 * online: rows that are too long for scratch are taken a block at a time.
 *
 *   local %row: f32[N]                                      local %row: f32[128]   carry %m_all = -inf   carry %l_all = 0
 *   for %j in 0..N { … store %row[%j] = %s }                for %b in 0..N/128 {
 *   reduce %m = max over %j { load %row[%j] }                 for %j in 0..128 { … store %row[%j] = %s }
 *   reduce %l = sum over %j { exp(load %row[%j] - %m) }  →    reduce %m_part = max over %j { load %row[%j] }
 *                                                             %m_next = max(%m_all, %m_part)
 *                                                             reduce %l_part = sum over %j { exp(load %row[%j] - %m_next) }
 *                                                             %l_all = %l_all * exp(%m_all - %m_next) + %l_part   %m_all = %m_next
 *                                                           }
 *
 * What is summed under a scalar that grows from block to block is scaled as it does, and what is known only at the end is multiplied
 * with there (`scaling.ts`). Contractions with the row add up in scratch. A maximum of nothing yet stands as the lowest number, so
 * that blocks of nothing but -inf, as masks make them, give 0 and no NaN.
 */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { ix, mulIndex } from "../../ir/indexing.ts";
import type { For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { localBytes } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { loop } from "../tile/copy.ts";
import { Recording } from "./recording.ts";

/** Elements of a row that are taken at a time. */
const blockLength = 128;

/** Rows of up to so many bytes are kept whole: beyond them several grid points side by side leave the nearest cache, or shared memory. */
const wholeBytes = (target: Target): number => (target.lanes > 1 ? 1024 : 4096);

/** Bytes of scratch that a kernel's grid points use. */
export const scratchOf = ({ body }: Kernel): number => localBytes(body);

/** The kernel with long rows cut into blocks; the kernel itself where there are none, or they cannot be. */
export function online(kernel: Kernel, target: Target): Kernel {
  if (scratchOf(kernel) <= Math.min(wholeBytes(target), target.scratchBytes)) return kernel;
  const body = inGrid(kernel.body);
  const cut = body === null ? kernel : { ...kernel, body };
  return scratchOf(cut) < scratchOf(kernel) && scratchOf(cut) <= target.scratchBytes ? cut : kernel;
}

/** The body with the statements of its grid points cut; null where they cannot be. */
function inGrid(body: readonly Stmt[]): readonly Stmt[] | null {
  const grid = body.find((s): s is For => s.kind === "for" && s.axis.kind === "grid");
  if (grid === undefined) return cutRows(body);
  const inner = inGrid(grid.body);
  return inner === null ? null : body.map((s) => (s === grid ? { ...grid, body: inner } : s));
}

function cutRows(list: readonly Stmt[]): readonly Stmt[] | null {
  const locals = list.filter((s) => s.kind === "local");
  const length = Math.max(0, ...locals.map((l) => l.size));
  if (length <= blockLength) return null;
  const rows = locals.filter((l) => l.size === length);
  const recording = new Recording(new Set(rows.map((l) => l.name)), length);
  if (!list.every((s) => (s.kind === "local" && rows.includes(s) ? true : recording.take(s)))) return null;
  const { before, carries, after } = recording;
  const short = rows.map((l): Local => ({ ...l, size: blockLength }));
  const blocks = blocksOf(length, recording.axis).map(({ axis, base, size, hi }) =>
    loop("serial", { name: axis.name, lo: ix(0), hi: ix(hi) }, 1, recording.block({ base, length: size })),
  );
  return [...short, ...recording.sums, ...before, ...carries, ...blocks, ...after];
}

interface Blocks {
  readonly axis: Expr;
  /** How many there are, and how long each is. */
  readonly hi: number;
  readonly size: number;
  /** Where one starts. */
  readonly base: Expr;
}

/** Whole blocks, and what is left at the end. */
function blocksOf(length: number, name: string): Blocks[] {
  const whole = Math.floor(length / blockLength);
  const rest = length % blockLength;
  const axis = axisIndex(`${name}b`, 0, whole - 1);
  const all = { axis, hi: whole, size: blockLength, base: mulIndex(axis, blockLength) };
  const last = { axis: axisIndex(`${name}r`, 0, 0), hi: 1, size: rest, base: ix(whole * blockLength) };
  return rest === 0 ? [all] : [all, last];
}
