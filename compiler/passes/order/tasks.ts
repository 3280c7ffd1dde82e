/** Fragments as tasks: what each must wait for, what it makes live and what dies with it. */
import { at } from "../../ir/errors.ts";
import type { Kernel } from "../../ir/loop.ts";
import type { Value } from "../../ir/node.ts";
import type { Fragment } from "../../routines/fragment.ts";
import type { Target } from "../../target.ts";
import { storedBytes } from "../../target.ts";
import type { Replacement } from "../in-place.ts";
import type { Piece } from "./pieces.ts";
import { madeBy, readBy } from "./pieces.ts";
import { storageOf } from "../storage.ts";

/** A temporary that several steps share. */
export interface Item {
  readonly bytes: number;
  /** Steps that read it. */
  readonly readers: Set<number>;
}

/** A step, and how it hangs together with others. */
export interface Task {
  readonly index: number;
  /** Bytes that it needs for itself while it runs. */
  readonly own: number;
  readonly makes: readonly Item[];
  readonly reads: readonly Item[];
  /** What it may write over what, where that dies with it. */
  readonly over: readonly { readonly old: Item; readonly bytes: number }[];
  /** Donated inputs that it reads, and those that an output of it goes into if nobody reads them later. */
  readonly visits: readonly Item[];
  readonly takes: readonly Item[];
  readonly before: Set<number>;
  readonly after: Set<number>;
}

export interface OrderOptions {
  readonly target: Target;
  /** Inputs that outputs may be written over, and values that leave the plan: they have memory of their own. */
  readonly donated: ReadonlySet<Value>;
  readonly outputs: ReadonlySet<Value>;
  readonly inPlace: (kernel: Kernel) => readonly Replacement[];
}

/** Steps as tasks, in the graph's order. */
export function tasksOf(pieces: readonly Piece[], options: OrderOptions): readonly Task[] {
  return new Tasks(
    pieces.map((p) => p.fragment),
    options,
  ).linked(pieces);
}

class Tasks {
  readonly #options: OrderOptions;
  readonly #fragments: readonly Fragment[];
  /** What each of them reads, and what it makes. */
  readonly #read: readonly (readonly Value[])[];
  readonly #made: readonly (readonly Value[])[];
  /** Steps that store a value; its parts may be stored by several. */
  readonly #makers = new Map<Value, number[]>();
  readonly #items = new Map<Value, Item>();
  readonly #donated: ReadonlyMap<Value, Item>;

  constructor(fragments: readonly Fragment[], options: OrderOptions) {
    this.#options = options;
    this.#fragments = fragments;
    this.#read = fragments.map(readBy);
    this.#made = fragments.map(madeBy);
    this.#donated = new Map([...options.donated].map((v) => [v, { bytes: storedBytes(v.type, options.target), readers: new Set() }]));
    this.#made.forEach((made, i) => {
      for (const v of made) {
        const makers = this.#makers.get(v);
        if (makers === undefined) this.#makers.set(v, [i]);
        else makers.push(i);
        if (!options.outputs.has(v)) this.#items.set(v, { bytes: storedBytes(v.type, options.target), readers: new Set() });
      }
    });
    this.#read.forEach((read, i) => {
      for (const v of read) {
        if (this.#makers.get(v)?.includes(i) === true) continue;
        (this.#items.get(v) ?? this.#donated.get(v))?.readers.add(i);
      }
    });
  }

  linked(pieces: readonly Piece[]): readonly Task[] {
    const tasks = this.#fragments.map((f, i) => this.#task(f, i, at(pieces, i).waits));
    for (const t of tasks) for (const b of t.before) at(tasks, b).after.add(t.index);
    for (const t of tasks) this.#comesLast(t, tasks);
    return tasks;
  }

  #task(f: Fragment, index: number, waits: readonly Value[]): Task {
    const before = new Set<number>();
    const read = at(this.#read, index);
    for (const v of [...read, ...waits]) {
      const makers = this.#makers.get(v) ?? [];
      if (!makers.includes(index)) for (const maker of makers) before.add(maker);
    }
    const reads = this.#itemsOf(read).filter((item) => item.readers.has(index));
    const pairs = this.#pairs(f);
    const over = pairs.flatMap(({ old, young }) => {
      const item = this.#items.get(old);
      return item === undefined || !this.#items.has(young) ? [] : [{ old: item, bytes: item.bytes }];
    });
    const own = f.temps.reduce((n, t) => n + storedBytes(t, this.#options.target), 0);
    const visits = this.#donated.size === 0 ? [] : read.flatMap((v) => this.#donated.get(v) ?? []);
    const takes = new Set(pairs.flatMap(({ old, young }) => (this.#options.outputs.has(young) ? (this.#donated.get(old) ?? []) : [])));
    return { index, own, makes: this.#itemsOf(at(this.#made, index)), reads, over, visits, takes: [...takes], before, after: new Set() };
  }

  /** The temporaries among some values, each once. */
  #itemsOf(values: readonly Value[]): Item[] {
    const found: Item[] = [];
    for (const v of values) {
      const item = this.#items.get(v);
      if (item !== undefined) found.push(item);
    }
    return found;
  }

  /** What the fragment may write over what. */
  #pairs(f: Fragment): readonly { readonly old: Value; readonly young: Value }[] {
    const copies = f.before.flatMap((p) => (p.kind === "copy" ? [{ old: storageOf(p.from), young: storageOf(p.to) }] : []));
    const stores = f.launches.flatMap(({ kernel, buffers }) => {
      const values = new Map<string, Value>();
      let hasPlace = false;
      kernel.buffers.forEach((b, k) => {
        const operand = at(buffers, k);
        if (operand.of !== "value") return;
        const v = storageOf(operand.value);
        values.set(b.name, v);
        hasPlace ||= b.access !== "read" && (this.#donated.size > 0 || this.#items.has(v));
      });
      if (!hasPlace || !this.#mayDie([...values.values()])) return [];
      return this.#options.inPlace(kernel).flatMap(({ read, written }) => {
        const old = values.get(read);
        const young = values.get(written);
        return old === undefined || young === undefined ? [] : [{ old, young }];
      });
    });
    return [...copies, ...stores];
  }

  /** Whether a kernel is worth looking at: one of these dies with it in any order, or is donated. */
  #mayDie(values: readonly Value[]): boolean {
    return values.some((v) => this.#donated.has(v) || this.#items.get(v)?.readers.size === 1);
  }

  /** Who writes over a donated input comes after all who read it, where that is possible. */
  #comesLast(task: Task, tasks: readonly Task[]): void {
    for (const { readers } of task.takes) {
      const others = [...readers].filter((r) => r !== task.index && !task.before.has(r));
      if (others.length === 0) continue;
      const later = followers(task, tasks);
      if (others.some((r) => later.has(r))) continue;
      for (const r of others) {
        task.before.add(r);
        at(tasks, r).after.add(task.index);
      }
    }
  }
}

/** All that come after a task in every order. */
function followers(task: Task, tasks: readonly Task[]): ReadonlySet<number> {
  const found = new Set<number>();
  const open = [...task.after];
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (found.has(i)) continue;
    found.add(i);
    open.push(...at(tasks, i).after);
  }
  return found;
}
