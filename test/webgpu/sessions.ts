/**
 * Random programs as users write them: tensors and cells on a device, evaluated and read at random points without waiting, handles
 * disposed, cells assigned, gradients taken. Choices look at shapes only, so that a session makes the same choices on every device.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { at as itemOf } from "../../compiler/ir/errors.ts";
import { broadcastShapes } from "../../compiler/ir/shape.ts";
import type { DeviceName, HostArray, Tensor } from "../../src/index.ts";
import { at, concat, cumsum, DeviceError, evalAll, maximum, random, slice, softmax, sort, tensor, where } from "../../src/index.ts";
import { Genes } from "../fuzz/genes.ts";
import { sequence } from "../ops/samples.ts";

/** What was read, in the order of asking; null where the device had no memory for it. */
export interface Read {
  readonly what: string;
  readonly data: HostArray | null;
}

const ofMemory = /memoryLimit/;

/** What it resolves to; null where there was no memory. */
const unlessRefused = <T>(pending: Promise<T>): Promise<T | null> =>
  pending.catch((error: unknown) => {
    if (error instanceof DeviceError && ofMemory.test(error.message)) return null;
    throw error;
  });

class Session {
  readonly device: DeviceName;
  readonly values: Tensor[];
  readonly cells: readonly Tensor[];
  readonly pending: Promise<unknown>[] = [];
  readonly reads: Promise<Read>[] = [];
  readonly #next: () => number;

  constructor(device: DeviceName, seed: number) {
    this.device = device;
    this.#next = sequence(seed);
    this.cells = [this.given([4, 4]), this.given([4])].map((c) => c.requireGrad());
    this.values = [this.given([3, 4]), this.given([4, 4]), this.given([4])];
  }

  given(shape: readonly number[]): Tensor {
    const size = shape.reduce((n, l) => n * l, 1);
    const data = Float32Array.from({ length: size }, () => 2 * this.#next() - 1);
    return tensor(data, { shape, device: this.device });
  }

  pick(genes: Genes): Tensor {
    const all = [...this.values, ...this.cells];
    return itemOf(all, all.length - 1 - genes.below(all.length));
  }

  /** Keeps a handle, unless it is one that is kept already. */
  push(x: Tensor): void {
    if (x.size <= 256 && !this.values.includes(x) && !this.cells.includes(x)) this.values.push(x);
  }

  read(what: string, x: Tensor): void {
    const title = `${what} (read ${this.reads.length})`;
    this.reads.push(unlessRefused(x.data()).then((data) => ({ what: title, data })));
  }

  start(work: Promise<unknown>): void {
    this.pending.push(unlessRefused(work));
  }

  async settle(): Promise<void> {
    await Promise.all(this.pending.splice(0));
    await Promise.all(this.reads);
  }
}

type Step = (s: Session, genes: Genes) => void | Promise<void>;

const rows = { axis: -1, keepdims: true } as const;

/** Functions that keep -1 … 1 about there, and jump nowhere. */
const unary: readonly ((x: Tensor, genes: Genes) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => x.mul(1.5).sin(),
  (x, genes) => x.mul(0.1 * (1 + genes.below(9))).add(0.01 * genes.below(9)),
  (x) => x.square().negative().exp(),
  (x) => (x.ndim === 0 ? x : x.sub(x.mean(rows))),
  (x) => (x.ndim === 0 ? x : softmax(x, { axis: -1 })),
  (x) => (x.ndim < 2 ? x : x.max({ axis: 0 })),
  (x) => x.mean(),
  (x) => (x.ndim === 0 ? x : cumsum(x, { axis: -1 }).mul(0.25)),
  (x) => (x.ndim === 0 ? x : sort(x, { axis: -1 })),
  (x) => x.flip(),
  (x) => (x.ndim < 2 ? x : x.T),
  (x) => x.reshape(x.size),
  (x, genes) => {
    const [length = 0] = x.shape;
    const from = genes.below(Math.max(1, length - 1));
    return length < 2 ? x : at(x, slice(from, from + 2)).tanh();
  },
  (x, genes) => (x.ndim === 0 ? x : x.take(tensor([genes.below(x.length), 0], { dtype: "int32", device: x.device === "cpu" ? "cpu" : "webgpu" }), { axis: 0 })),
  (x) => (x.ndim === 0 || x.size > 64 ? x : concat([x, x.mul(0.5)])),
  // a write makes another tensor
  (x, genes) => (x.ndim === 0 ? x : x.at(genes.below(x.length)).set(0.25)),
  (x, genes) => (x.ndim === 0 ? x : x.at(slice(genes.below(x.length), null)).mul(0.5)),
  (x) => x.add(random.uniform(random.key(5), x.shape).mul(0.1)),
];

const binary: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y).mul(0.5),
  (x, y) => x.sub(y).tanh(),
  (x, y) => x.mul(y),
  (x, y) => maximum(x, y),
  (x, y) => where(x.greater(y), x, y.mul(0.5).add(x.mul(0.5))),
  (x, y) => x.div(y.square().add(1)),
];

const fits = (x: Tensor, y: Tensor): boolean => broadcastShapes(x.shape, y.shape) !== undefined;

const steps: readonly Step[] = [
  (s, genes) => s.push(genes.from(unary)(s.pick(genes), genes)),
  (s, genes) => {
    const [x, y] = [s.pick(genes), s.pick(genes)];
    s.push(fits(x, y) ? genes.from(binary)(x, y) : x.mul(0.5));
  },
  (s, genes) => {
    const x = s.pick(genes);
    const [w, b] = s.cells;
    if (x.ndim > 0 && x.shape[x.ndim - 1] === 4 && w !== undefined && b !== undefined) s.push(x.matmul(w).add(b).tanh());
  },
  (s, genes) => s.start(s.pick(genes).eval()),
  (s, genes) => s.start(evalAll(s.pick(genes), [s.pick(genes), s.pick(genes)])),
  (s, genes) => s.read("value", s.pick(genes)),
  (s, genes) => {
    if (s.values.length < 4) return;
    const [gone] = s.values.splice(genes.below(s.values.length), 1);
    gone?.dispose();
  },
  (s, genes) => s.push(s.pick(genes).toDevice("cpu").mul(0.9).toDevice(s.device)),
  (s, genes) => s.push(s.pick(genes).detach()),
  trainingStep,
  (s, genes) => {
    const cell = genes.from(s.cells);
    cell.assign(genes.oneIn(2) ? s.given(cell.shape) : cell.mul(0.75));
  },
  (s) => s.settle(),
];

/** Gradients of some loss, read or not, and a step of descent. */
function trainingStep(s: Session, genes: Genes): void {
  const loss = s.pick(genes).square().mean();
  if (!loss.requiresGrad) return;
  if (genes.oneIn(2)) s.read("loss", loss);
  loss.backward();
  for (const cell of s.cells) {
    if (cell.grad === null) continue;
    if (genes.oneIn(2)) s.read("gradient", cell.grad);
    cell.assign(cell.sub(cell.grad.mul(0.05 * (1 + genes.below(5)))));
    cell.grad = null;
  }
  if (genes.oneIn(2)) s.start(evalAll(...s.cells));
}

/** Plays a session to its end; then all that is left is read too. */
async function play(list: readonly (readonly number[])[], device: DeviceName): Promise<readonly Read[]> {
  const session = new Session(device, list.length);
  for (const genes of list) {
    const [first = 0, ...rest] = genes;
    await itemOf(steps, first % steps.length)(session, new Genes(rest));
  }
  await session.settle();
  for (const x of [...session.values, ...session.cells]) {
    session.read("at the end", x);
    await session.settle();
    x.dispose();
  }
  return Promise.all(session.reads);
}

/** Steps of a random session. */
export const session: fc.Arbitrary<number[][]> = fc.array(fc.array(fc.nat({ max: 9999 }), { minLength: 4, maxLength: 8 }), {
  minLength: 4,
  maxLength: 30,
  size: "max",
});

type Steps = readonly (readonly number[])[];

/** Plays it on both, which must agree; how many reads the GPU answered, and how many it refused for want of memory. */
export async function checkSession(steps: Steps): Promise<{ readonly answered: number; readonly refused: number }> {
  const wanted = await play(steps, "cpu");
  const found = await play(steps, "webgpu");
  expect(found.map((f) => f.what)).toEqual(wanted.map((w) => w.what));
  const answers = found.flatMap(({ what, data }, k) => (data === null ? [] : [{ what, got: data, data: itemOf(wanted, k).data ?? [] }]));
  const off = answers.flatMap(({ what, got, data }) => {
    const i = Array.from<number | bigint, number>(data, Number).findIndex(
      (x, j) => !(Math.abs(x - Number(itemOf<number | bigint>(got, j))) <= 1e-4 * Math.max(1, Math.abs(x))),
    );
    return i < 0 ? [] : [`${what}, element ${i}: ${got[i]}, not ${data[i]}`];
  });
  expect(off).toEqual([]);
  return { answered: answers.length, refused: found.length - answers.length };
}
