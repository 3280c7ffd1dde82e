/**
 * Merging, best first. The walk has put into each kernel what is computed where it is used; here kernels meet: those that read what
 * another one makes, and siblings, which read the same memory. The pair that saves most comes first; when two have become one, what
 * the new one saves with its neighbours is asked anew.
 */
import { at } from "../../ir/errors.ts";
import type { Value } from "../../ir/node.ts";
import { sizeOf } from "../../ir/shape.ts";
import { isFree } from "../region.ts";
import type { Cluster } from "./cluster.ts";
import type { Alignment } from "./legality.ts";
import { readerAlignment, siblingAlignment } from "./pairs.ts";
import { rowsRefusal, settle, wholeRow } from "./held-rows.ts";
import { againRefusal, anewRefusal, askedAgain, savedNs } from "./profit.ts";
import { Queue } from "./queue.ts";
import type { FusionState } from "./state.ts";

/** Of many that read one value, each is compared with so many that come after it. */
const nearby = 6;
/** What so many read says little about who should meet: those pairs are looked at once. */
const many = 64;

interface Candidate {
  readonly producer: Cluster;
  readonly consumer: Cluster;
  /** A value that the producer stores for the consumer, or that both read. */
  readonly value: Value;
  readonly kind: "reader" | "sibling";
}

/** Merges what saves; again where clusters have changed since: pairs that were refused as they are stay so. */
export class BestFirst {
  readonly #state: FusionState;
  readonly #queue = new Queue<Candidate>();
  /** Pairs that stay apart, and how large they were when they were asked. */
  readonly #apart = new Map<number, number>();

  constructor(state: FusionState) {
    this.#state = state;
  }

  run(): void {
    const live = this.#state.live();
    for (const v of new Set(live.flatMap((c) => [...c.outputs.keys(), ...c.demands.keys()]))) this.#addAround(v, null);
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) this.#try(next);
  }

  /** Notes the pairs that a value suggests: of all clusters, or those with one of them. */
  #addAround(value: Value, only: Cluster | null): void {
    if (isFree(value.node)) return;
    const writer = this.#state.writerOf(value);
    if (only !== null && this.#state.mostAskersOf(value) > many) {
      if (writer !== undefined && writer !== only && only.demands.has(value)) this.#add({ producer: writer, consumer: only, value, kind: "reader" });
      return;
    }
    const readers = this.#state.askersOf(value).sort((a, b) => a.id - b.id);
    if (writer !== undefined)
      for (const consumer of readers)
        if (consumer !== writer && (only === null || only === writer || consumer === only)) this.#add({ producer: writer, consumer, value, kind: "reader" });
    const position = only === null ? -1 : readers.indexOf(only);
    const from = only === null ? 0 : Math.max(0, position - nearby);
    const to = only === null ? readers.length : position + 1;
    for (let i = from; i < to; i++)
      for (let k = i + 1; k < Math.min(readers.length, i + 1 + nearby); k++) {
        const producer = at(readers, i);
        const consumer = at(readers, k);
        if (only === null || producer === only || consumer === only) this.#add({ producer, consumer, value, kind: "sibling" });
      }
  }

  #add(candidate: Candidate): void {
    if (this.#isKnownApart(candidate)) return;
    this.#state.visits++;
    this.#queue.add(candidate, savedNs(this.#state, candidate.producer, candidate.consumer));
  }

  #try(candidate: Candidate): void {
    const { producer, consumer, value, kind } = candidate;
    // where one of them is part of another kernel by now, that has candidates of its own
    if (producer.mergedInto !== null || consumer.mergedInto !== null || this.#isKnownApart(candidate)) return;
    this.#apart.set(keyOf(candidate), sizeOfPair(candidate));
    const aligned = kind === "reader" ? this.#aligned(producer, consumer) : siblingAlignment(this.#state, producer, consumer);
    const node = kind === "reader" ? value.node : this.#state.anchorOf(producer);
    if (typeof aligned === "string") {
      if (kind === "sibling") this.#state.noteRefused(node, consumer, aligned);
      return;
    }
    const rows = kind === "reader" ? askedAgain(producer, consumer, this.#state) : [];
    const tooLong = rowsRefusal(rows, candidate, this.#state);
    if (tooLong !== null) {
      this.#state.noteRefused(node, consumer, tooLong);
      return;
    }
    this.#state.noteFused(node, consumer, kind === "reader" ? "one grid" : "both read the same");
    // candidates of the larger part stand in the queue
    const small = partsOf(producer).length < partsOf(consumer).length ? producer : consumer;
    const around = partsOf(small);
    const merged = this.#state.merge(producer, consumer, aligned);
    for (const v of rows) merged.held.set(v, wholeRow(merged, v));
    if (rows.length > 0) settle(merged, this.#state);
    for (const v of around) this.#addAround(v, merged);
  }

  /** What the walk has not put into its readers would be computed again wherever it is asked for at another index. */
  #aligned(producer: Cluster, consumer: Cluster): Alignment | string {
    const again = againRefusal(producer, consumer, this.#state);
    if (again !== null) return again;
    const aligned = readerAlignment(this.#state, producer, consumer);
    if (typeof aligned === "string") return aligned;
    const anew = anewRefusal(producer, consumer, aligned, this.#state);
    if (anew !== null) return anew;
    return aligned.grid.size === producer.grid.length || asksOnce(this.#state, producer, consumer) ? aligned : "their grids differ";
  }

  /** Whether the pair was refused as it is. */
  #isKnownApart(candidate: Candidate): boolean {
    return this.#apart.get(keyOf(candidate)) === sizeOfPair(candidate);
  }
}

/** More clusters than any graph has. */
const manyIds = 2 ** 25;
const keyOf = ({ producer, consumer, kind }: Candidate): number => 2 * (producer.id * manyIds + consumer.id) + (kind === "reader" ? 0 : 1);
const sizeOfPair = ({ producer, consumer }: Candidate): number => producer.nodes.size + consumer.nodes.size;

const partsOf = (c: Cluster): readonly Value[] => [...new Set([...c.outputs.keys(), ...c.demands.keys()])];

/** Whether the consumer walks each element of what the producer stores no more than once. */
function asksOnce({ axes }: FusionState, producer: Cluster, consumer: Cluster): boolean {
  const asks = [...producer.outputs.keys()].map((v) => ({ elements: sizeOf(v.shape), demands: consumer.demands.get(v) ?? [] }));
  return !producer.fixed && asks.every(({ elements, demands }) => demands.every((d) => axes.iterations(consumer, d) <= elements));
}
