/**
 * What is asked of a plan: the values that a user wants, what must be computed along with them, and which inputs die.
 *
 *   x.at(slice(1, 3)).set(x.get(slice(2, 4)).add(1)), x evaluated before
 *     asked for    x, and the sum: a handle of it may still be somewhere, and would need what x was
 *     dying        what x was: it is written over
 */
import { at } from "../compiler/ir/errors.ts";
import type { Node, Value } from "../compiler/ir/node.ts";
import { bytesOf } from "../compiler/ir/shape.ts";
import type { Canonical } from "../compiler/passes/canonicalize.ts";
import { canonicalize } from "../compiler/passes/canonicalize.ts";
import { isLight } from "../compiler/passes/region.ts";
import { writingRow } from "../compiler/passes/write.ts";
import { readingsForgotten } from "./liveness.ts";
import { isGiven, noteReading, readHereOnly } from "./rebinding.ts";
import { anyWritten, isCellValue, writtenCells } from "./mutation/pending.ts";
import { isMemory } from "./slots.ts";

export interface PlanRequest extends Canonical {
  /** The plan's results: first those that were wanted. */
  readonly values: readonly Value[];
  /** Buffers, by position, that nobody needs once the plan has run: their memory may be written over. */
  readonly donated: readonly number[];
  /** Values that better have plans of their own before, one after the other: a row of small writes, whatever their number, is one plan. */
  readonly before: readonly Value[];
}

const none: readonly never[] = [];

/** Spelled out: a spread of the graph's fields costs as much as looking up its plan. */
const requestOf = ({ key, nodes, buffers, scalars, placing, build }: Canonical, values: readonly Value[], donated: readonly number[]): PlanRequest => ({
  key,
  nodes,
  buffers,
  scalars,
  placing,
  build,
  values,
  donated,
  before: none,
});

/** A request that leaves all memory as it is. */
export const pureRequest = (values: readonly Value[]): PlanRequest => requestOf(canonicalize(values), values, none);

/** What evaluating these values asks of a plan. */
export function requestFor(wanted: readonly Value[]): PlanRequest {
  const first = canonicalize(wanted);
  noteReading(first.buffers);
  return anyWritten() ? withWrites(wanted, first) : donating(wanted, first);
}

/** Cells that are written are computed along, each once. */
function withWrites(wanted: readonly Value[], first: Canonical): PlanRequest {
  const cells = writtenCells(first.nodes);
  const along = [...cells.flatMap((c) => c.pending.slice(-1)), ...heavyReaders(first)];
  const values = [...new Set([...wanted, ...along])];
  const before = rowBefore(
    cells.flatMap((c) => c.pending.slice(0, -1)),
    first.nodes,
  );
  const canonical = values.length === wanted.length ? first : canonicalize(values);
  return { ...donating(values, canonical), before };
}

/** Those of a row of writes that these nodes compute, where computing them one by one repeats nothing that costs. */
function rowBefore(row: readonly Value[], nodes: readonly Node[]): readonly Value[] {
  if (row.length === 0 || !nodes.every((n) => isLight(n) || n.op.kind === "scatter")) return [];
  const computed = new Set(nodes);
  return row.filter((v) => v.slot === null && computed.has(v.node));
}

/**
 * Results of reductions and the like, computed from cells, that handles stand for: they are stored anyway, and evaluated they do not keep
 * the cell from being written in place next time. Only where they are smaller.
 */
function heavyReaders({ nodes, buffers }: Canonical): readonly Value[] {
  const room = new Map<Node, number>();
  for (const v of buffers) if (isCellValue(v)) room.set(v.node, bytesOf(v.type));
  const found: Value[] = [];
  for (const node of nodes) {
    const own = at(node.results, 0);
    if (isCellValue(own)) room.set(node, bytesOf(own.type));
    const bytes = Math.max(0, ...node.args.map((a) => room.get(a.node) ?? 0));
    if (bytes === 0 || node.tracked) continue;
    const held = node.results.filter((r) => r.holders > 0);
    if (held.length === 0) room.set(node, bytes);
    else if (!isLight(node) && !isWrite(node)) found.push(...held.filter((r) => bytesOf(r.type) < bytes));
  }
  return found;
}

/** Where an input could die, and where it would if some more values were evaluated, cheaper than copying it, they are. */
function donating(values: readonly Value[], canonical: Canonical): PlanRequest {
  const candidates = canonical.buffers.filter(mayDie);
  if (candidates.length === 0) return requestOf(canonical, values, none);
  const dying = deaths(values, candidates, canonical.nodes);
  const written = new Set(canonical.nodes.flatMap((n) => (isWrite(n) ? [memoryOf(at(n.args, 0))] : [])));
  const kept = candidates.filter((v) => !dying.has(v) && written.has(v));
  const helpers = [...new Set(kept.flatMap((v) => heldReaders(v, values, canonical.nodes)))];
  if (helpers.length === 0) return requestOf(canonical, values, positions(canonical, dying));
  const all = [...values, ...helpers];
  const more = canonicalize(all);
  return requestOf(more, all, positions(more, deaths(all, candidates, more.nodes)));
}

const positions = ({ buffers }: Canonical, dying: ReadonlySet<Value>): number[] => buffers.flatMap((v, i) => (dying.has(v) ? [i] : []));

/** No handle and no cell stands for it, and no other value shares its memory. */
const mayDie = (v: Value): boolean => v.holders === 0 && v.slot !== null && isMemory(v.slot) && v.slot.owners === 1 && (!v.node.tracked || isGiven(v));

/** Those that no definition reads any more once `values` are evaluated by way of `nodes`, or none that anybody comes back to. */
function deaths(values: readonly Value[], candidates: readonly Value[], nodes: readonly Node[]): ReadonlySet<Value> {
  const readings = readingsForgotten(values);
  const [dead, others] = [candidates.filter((v) => isDead(v, readings)), candidates.filter((v) => !isDead(v, readings) && isGiven(v))];
  return new Set(others.length === 0 ? dead : [...dead, ...readHereOnly(others, nodes, values)]);
}

const isDead = (v: Value, readings: ReadonlyMap<Value, number>): boolean => !v.node.tracked && readings.get(v) === v.readers;

/** What a value is in another shape, so that they are the same memory; itself where it is nothing else. */
export function memoryOf(value: Value): Value {
  let v = value;
  while (v.slot === null && v.node.definition !== null && isSameMemory(v.node)) v = at(v.node.args, 0);
  return v;
}

const isSameMemory = ({ op }: Node): boolean => op.kind === "view" && op.alias === true;

const isWrite = (node: Node): boolean => writingRow(node) !== null;

/**
 * Values of the plan that handles stand for and that are computed from `input`: perhaps temporaries of the program, which nobody will
 * ask for. Empty where they are so large that a copy of the input is cheaper, or where evaluating them would not let it die.
 */
function heldReaders(input: Value, values: readonly Value[], nodes: readonly Node[]): readonly Value[] {
  const dependent = new Set<Node>();
  const held: Value[] = [];
  let bytes = 0;
  for (const node of nodes) {
    if (!node.args.some((a) => a === input || dependent.has(a.node))) continue;
    dependent.add(node);
    for (const r of node.results) {
      if (r.holders === 0 || node.tracked || values.includes(r)) continue;
      held.push(r);
      bytes += bytesOf(r.type);
    }
  }
  const helps = held.length > 0 && bytes < bytesOf(input.type) && deaths([...values, ...held], [input], nodes).size > 0;
  return helps ? held : [];
}
