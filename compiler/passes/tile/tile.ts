/**
 * tile: the schedule. It changes how a kernel runs, never what it computes; each step is one file.
 *
 *   reduce over %k in 0..784 { load %a[%i,%k] * load %b[%k,%j] }     →     a 4×4 block of results a turn, every load used four times
 *
 * - `jam`: several neighbouring grid points a turn where they load the same elements (contractions) or neighbouring ones (columns)
 * - `accumulate`: long sums by several accumulators over fixed blocks: faster, and more exact than one running sum
 * - `rows`: sums that walk through memory by accumulators side by side; `short rows`: several rows at once where each is too short
 * - `vector`: on targets that move 16 bytes at once, four neighbouring elements a turn
 * - `lanes`: on targets whose lanes share memory, the loops inside a grid point are dealt out to them
 * - `residue`: an axis that indices divide becomes two, so that a transposed convolution is a contraction
 * - `register tile`: on CPUs with vectors, blocks of a contraction stay in registers; `pack` copies operands that do not lie as they read them
 * - `phases`: several contractions of a grid point, one after the other, each in tiles of its own
 * - `behind`: what takes long after the sums of tiles, row by row of a block, there too
 * - `row block`: there too, and where shared memory is emulated, contractions with rows that a grid point holds in scratch: several at once
 * - `abreast`: on CPUs without vectors, such rows in step
 * - `row tile`: the same on targets whose lanes share memory
 * - `strips`: rows that are filled sum by sum and read by vectors, several a turn, on CPUs with vectors
 * - `grid order`: results that lie in several orders are computed in that of most accesses; `transposed stores`: those that lie across it
 *   wait for some rows, on CPUs with vectors
 * - `across`: rows that are stored down a column, several a turn, on CPUs with vectors
 * - `functions first`: functions of what short rows and windows are made of before these, for a block of them, on CPUs with vectors
 * - `sums first`: sums of some grid points before functions of them, and rows made of those after, there too
 * - `short grid`: elements of rows that are too short for lanes of their own, several rows a turn, there too; `short blocks`: numbers of
 *   such rows first, side by side, then the rows
 * - `turned`: rows of which an operand lies across, several a turn, there too
 * - `updates`: costly values that a scatter stores, computed by vectors first, there too
 * - `chains`: functions one after the other for a strip of elements or a row, there too; `column strips`: walks down columns and over windows;
 *   `column rows`: down few of them, several rows at once
 * - `running`: what running values take in and what is made of them by vectors, a strip at a time, there too
 * - `once`: functions of a row or of no axis in front of the elements that share them, on CPUs
 * - `minima`, `rising`: on CPUs, extremes and their positions by fewer instructions
 * - `stage`: on targets where that memory is fast, contractions by workgroups that load each operand's tile once
 *
 * What the steps do depends on shapes only, so that the bits do not depend on the machine.
 */
import type { For, Kernel } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { shortRowsInStep } from "./abreast.ts";
import { accumulate } from "./accumulate.ts";
import { storedAcross } from "./across.ts";
import { chainsInRows, chainsInStrips } from "./chains.ts";
import { columnRows } from "./column-rows.ts";
import { columnStrips, windowStrips } from "./column-strips.ts";
import { functionsFirst } from "./functions-first.ts";
import { inBestOrder } from "./grid-order.ts";
import { jam, jamColumns } from "./jam.ts";
import { joinReductions, withLoopsJoined, withoutRowsJoined } from "./join.ts";
import { dealLanes } from "./lanes.ts";
import { asMinima } from "./minima.ts";
import { gridNest, nested } from "./nest.ts";
import { functionsOnce, onceInStrips, pointFunctionsFirst, rowFunctionsFirst } from "./once.ts";
import { isOverColumns, orderOf } from "./order.ts";
import type { Given } from "./part.ts";
import { registerTile } from "./register-tile.ts";
import { splitResidues } from "./residue.ts";
import { startRising } from "./rising.ts";
import { rowBlocks } from "./row-block.ts";
import { rowTile } from "./row-tile.ts";
import { addRows } from "./rows.ts";
import { runningInStrips } from "./running.ts";
import { inShortBlocks } from "./short-blocks.ts";
import { stage } from "./stage.ts";
import { inStrips } from "./strips.ts";
import { sumsFirst } from "./sums-first.ts";
import { transposedStores } from "./transposed-stores.ts";
import { turnedRows } from "./turned.ts";
import { updatesInStrips } from "./updates.ts";
import { vectorise } from "./vector.ts";
import { widenColumns, widenGrid, widenLoops } from "./widen.ts";

export function tile(given: Kernel, target: Target): Kernel {
  if (target.lanes === 1) return forCpu(given, target);
  const kernel = withoutRowsJoined(given);
  const rows = target.groupMemoryPays ? rowTile(kernel, target) : rowBlocks(kernel, gridNest(kernel.body), target);
  if (rows !== kernel) return rows;
  const dealt = dealLanes(kernel, target);
  if (dealt !== kernel) return dealt;
  const staged = stage(kernel, target);
  if (staged !== kernel) return staged;
  const wide = vectorise(kernel, target);
  return wide === kernel ? jam(kernel, target) : wide;
}

/** The order of every sum is chosen before the target is asked. */
function forCpu(given: Kernel, target: Target): Kernel {
  const joined = joinReductions(given.body);
  const body = target.vectors ? asMinima(joined) : joined;
  const kernel = body === given.body ? given : { ...given, body };
  const nest = gridNest(kernel.body);
  const apart = splitResidues(inBestOrder(nest));
  const split = apart === nest ? kernel : { ...kernel, body: nested(apart, apart.at(-1)?.body ?? []) };
  const done = functionsOnce(accumulate(scheduled(split, apart, target)));
  return { ...done, body: startRising(done.body) };
}

function scheduled(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const order = orderOf(nest);
  if (order === "tile") return target.vectors ? registerTile(kernel, nest, partsFor(target)) : jam(kernel, target);
  if (order === "block") return rowBlocks(kernel, nest, target);
  if (order === "columns") return target.vectors ? downColumns(kernel, nest, target) : jam(kernel, target);
  const joined = withLoopsJoined(kernel);
  return joined === kernel ? alongRows(kernel, nest, target) : alongRows(joined, gridNest(joined.body), target);
}

/** Neighbouring columns side by side. */
function downColumns(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const strips = columnStrips(kernel, nest, target);
  if (strips !== kernel) return widenLoops(strips);
  const rows = columnRows(kernel, nest);
  return rows === kernel ? widenColumns({ ...kernel, body: startRising(kernel.body) }) : rows;
}

/** What the first of some steps makes of a kernel that changes it. */
function firstChanged(
  kernel: Kernel,
  steps: readonly ((kernel: Kernel, nest: readonly For[], target: Target) => Kernel)[],
  nest: readonly For[],
  target: Target,
): Kernel {
  for (const step of steps) {
    const changed = step(kernel, nest, target);
    if (changed !== kernel) return changed;
  }
  return kernel;
}

/** How parts of a kernel are scheduled, which walk rows. */
const partsFor = (target: Target): Given => ({ target, schedule: (part) => alongRows(part, gridNest(part.body), target) });

/** Kernels whose grid points walk rows. */
function alongRows(kernel: Kernel, nest: readonly For[], target: Target): Kernel {
  const across = target.vectors ? storedAcross(kernel, nest, target) : kernel;
  if (across !== kernel) return alongRows(across, gridNest(across.body), target);
  const waiting = target.vectors ? transposedStores(kernel, nest, partsFor(target)) : kernel;
  if (waiting !== kernel) return waiting;
  const turned = target.vectors ? turnedRows(kernel, nest, target) : kernel;
  if (turned !== kernel) return alongRows(turned, gridNest(turned.body), target);
  const running = target.vectors ? runningInStrips(kernel, target) : kernel;
  if (running !== kernel) return widenLoops(addRows(running, target));
  const first = target.vectors ? functionsFirst(kernel, nest, partsFor(target)) : kernel;
  if (first !== kernel) return first;
  const kept = target.vectors ? chainsInRows(kernel, nest, target) : kernel;
  if (kept !== kernel) return alongRows(kept, gridNest(kept.body), target);
  const added = addRows(kernel, target);
  if (!target.vectors) return jamColumns(added === kernel ? onceInStrips(kernel, nest) : added);
  const apart = added === kernel ? added : firstChanged(added, [sumsFirst, pointFunctionsFirst], gridNest(added.body), target);
  if (apart !== added) return widenLoops(apart);
  const windows = added === kernel ? windowStrips(kernel, nest, target) : kernel;
  if (windows !== kernel) return widenLoops(windows);
  // rows too short for lanes of their own go side by side
  const list = statements(kernel.body);
  const side = added === kernel && list.some((s) => s.kind === "reduce") && !list.some(isOverColumns) ? widenGrid(kernel) : kernel;
  if (side !== kernel) return side;
  const blocks = added === kernel ? inShortBlocks(kernel, nest) : kernel;
  if (blocks !== kernel) return widenLoops(blocks);
  const strips = firstChanged(kernel, [updatesInStrips, chainsInStrips, inStrips, rowFunctionsFirst, onceInStrips], nest, target);
  const rows = strips === kernel ? added : addRows(strips, target);
  const wide = widenLoops(rows);
  if (wide === kernel) return widenGrid(kernel);
  return added === kernel ? wide : shortRowsInStep(wide);
}
