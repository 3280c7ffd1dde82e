/** Orders of tasks: lists of what is ready, from the front and from the end, and a search that keeps several. */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Use } from "./progress.ts";
import { Progress } from "./progress.ts";
import type { Item, Task } from "./tasks.ts";

export type Order = readonly number[];

/** From the front: the task with the least score comes next; of equal ones, the first. */
export function forwards(tasks: readonly Task[], score: (growth: number) => number): Order {
  const state = new Progress(tasks);
  const order: number[] = [];
  while (order.length < tasks.length) {
    const next = least(state.ready, (i) => score(state.growth(at(tasks, i))), 1);
    state.run(at(tasks, next));
    order.push(next);
  }
  return order;
}

/** From the end: what makes most of what lives then comes last. */
export function backwards(tasks: readonly Task[]): Order {
  const waits = tasks.map((t) => t.after.size);
  const ready = new Set(tasks.flatMap((t) => (t.after.size === 0 ? [t.index] : [])));
  const live = new Set<Item>();
  const order: number[] = [];
  const growth = ({ reads, makes }: Task): number => {
    let bytes = 0;
    for (const item of reads) if (!live.has(item)) bytes += item.bytes;
    for (const item of makes) if (live.has(item)) bytes -= item.bytes;
    return bytes;
  };
  while (order.length < tasks.length) {
    const next = least(ready, (i) => growth(at(tasks, i)), -1);
    const task = at(tasks, next);
    for (const item of task.reads) live.add(item);
    for (const item of task.makes) live.delete(item);
    ready.delete(next);
    for (const i of task.before) {
      const left = at(waits, i) - 1;
      waits[i] = left;
      if (left === 0) ready.add(i);
    }
    order.push(next);
  }
  return order.reverse();
}

/** The position with the least score; of equal ones the first, or the last where `sign` is -1. */
function least(ready: Iterable<number>, score: (i: number) => number, sign: 1 | -1): number {
  let [best, lowest] = [-1, Number.POSITIVE_INFINITY];
  for (const i of ready) {
    const s = score(i);
    if (s > lowest || (s === lowest && sign * i > sign * best)) continue;
    [best, lowest] = [i, s];
  }
  if (best < 0) throw new CompilerBug("order: steps wait for one another");
  return best;
}

/** So many beginnings are kept, and so many tasks tried after each. */
const [kept, tried] = [16, 4];

interface Beginning {
  readonly state: Progress;
  readonly order: Order;
  /** Equal where the same tasks are done. */
  readonly done: number;
}

interface Attempt {
  readonly from: Beginning;
  readonly next: number;
  readonly use: Use;
  readonly done: number;
}

/** From the front, keeping the beginnings in which least lived at the worst time. */
export function widely(tasks: readonly Task[]): Order {
  let all: readonly Beginning[] = [{ state: new Progress(tasks), order: [], done: 0 }];
  for (let step = 0; step < tasks.length; step++) {
    const attempts = all.flatMap((from) => attemptsAfter(from, tasks));
    attempts.sort((a, b) => a.use.peak - b.use.peak || a.use.live - b.use.live || a.next - b.next);
    const best = new Map<number, Attempt>();
    for (const a of attempts) if (best.size < kept && !best.has(a.done)) best.set(a.done, a);
    all = [...best.values()].map(({ from, next, done }) => {
      const state = new Progress(tasks, from.state);
      state.run(at(tasks, next));
      return { state, order: [...from.order, next], done };
    });
  }
  return at(all, 0).order;
}

function attemptsAfter(from: Beginning, tasks: readonly Task[]): Attempt[] {
  const { state } = from;
  const ready = [...state.ready].map((next) => ({ next, growth: state.growth(at(tasks, next)) }));
  ready.sort((a, b) => a.growth - b.growth || a.next - b.next);
  return ready.slice(0, tried).map(({ next }) => ({ from, next, use: state.after(at(tasks, next)), done: (from.done + mixed(next)) % 2 ** 50 }));
}

/** Spreads small numbers over many. */
const mixed = (n: number): number => (Math.imul(n + 1, 0x9e3779b1) >>> 0) * 2 ** 17 + (Math.imul(n + 7, 0x85ebca6b) >>> 15);
