/** What a page of test/browser/policies.test.ts runs: some work, and what became of it. */
import type { Tensor } from "lazuli";
import { configure, counters, explain, resetCounters, tensor } from "lazuli";

/** What the test reads of the page. */
export interface Found {
  readonly isolated: boolean;
  /** The first line of `explain`, and the description of what is not evaluated. */
  readonly explained: string;
  readonly described: string;
  readonly threads: number;
  /** Whether all results were the same bits. */
  readonly same: boolean;
  readonly sum: number;
  readonly launchesShared: number;
  readonly threadsLost: number;
}

const size = 1 << 20;
const x = tensor(Float32Array.from({ length: size }, (_, i) => (i % 1000) / 1000));
const work = (): Tensor => x.mul(2).tanh().mul(x.exp()).add(x.cos());

async function results(threads: number, until: () => boolean): Promise<readonly Float32Array[]> {
  configure({ threads });
  const found: Float32Array[] = [];
  // threads start while the page's own thread is free
  for (let i = 0; i < 100 && (found.length === 0 || !until()); i++) {
    const data = await work().data();
    if (data instanceof Float32Array) found.push(data);
    await new Promise((done) => setTimeout(done, 20));
  }
  return found;
}

async function find(): Promise<Found> {
  const { threads } = configure();
  const y = work();
  const explained = explain(y).split("\n")[0] ?? "";
  const described = y.describe();
  resetCounters();
  const several = await results(threads, () => threads === 1 || counters().launchesShared > 2 || counters().threadsLost > 0);
  const { launchesShared, threadsLost } = counters();
  const [alone] = await results(1, () => true);
  const same = several.every((data) => data.every((v, i) => v === alone?.[i]));
  const sum = Number(tensor([1, 2, 3]).sum().item());
  return { isolated: crossOriginIsolated, explained, described, threads, same, sum, launchesShared, threadsLost };
}

declare global {
  interface Window {
    found?: Promise<Found>;
  }
}
window.found = find();
