/** Random training programs, with handles that keep, read and differentiate what steps replace: in place they give what they give without. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { configure, counters, evalAllSync, optim, resetCounters, tensor, UnsupportedError } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { fuzzing } from "../fuzz/check.ts";

const wave = (n: number, from: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 0.7 + from));

const makers: readonly ((params: readonly Tensor[]) => optim.Optimizer)[] = [
  (p) => optim.sgd(p, { lr: 0.05 }),
  (p) => optim.sgd(p, { lr: 0.05, momentum: 0.5 }),
  (p) => optim.adamw(p, { lr: 0.01 }),
];

/** What a step of a program does; `which` chooses among what there is. */
type Act = "train" | "loss" | "backward" | "step" | "evaluate" | "detach" | "record" | "read" | "gradient" | "zero" | "dispose" | "assign" | "state";
const acts: readonly Act[] = [
  "train",
  "train",
  "train",
  "loss",
  "backward",
  "step",
  "evaluate",
  "detach",
  "record",
  "read",
  "gradient",
  "zero",
  "dispose",
  "assign",
  "state",
];

interface Move {
  readonly act: Act;
  readonly which: number;
}

class Session {
  readonly #params: readonly Tensor[];
  readonly #x = tensor(wave(12, 3), { shape: [3, 4] });
  readonly #optimizer: optim.Optimizer;
  readonly #losses: Tensor[] = [];
  readonly #kept: Tensor[] = [];
  /** What was read; null where it was written over. */
  readonly found: (number[] | null)[] = [];

  constructor(maker: number) {
    this.#params = [tensor(wave(20, 0), { shape: [4, 5], requiresGrad: true }), tensor(wave(5, 1), { requiresGrad: true })];
    this.#optimizer = at(makers, maker)(this.#params);
  }

  #param = (which: number): Tensor => at(this.#params, which % this.#params.length);

  copies(): Tensor[] {
    return this.#params.map((p) => p.detach());
  }

  #loss(which: number): Tensor {
    const [w, b] = [this.#param(0), this.#param(1)];
    const hidden = this.#x.matmul(w).add(b);
    const loss = [hidden.tanh().square().mean(), hidden.square().sum().mul(0.01), b.mul(b).sum()][which % 3] ?? b.sum();
    this.#losses.push(loss);
    if (which % 5 === 0) this.#kept.push(hidden);
    return loss;
  }

  #read(...handles: readonly Tensor[]): void {
    this.#try(() => {
      evalAllSync(...handles);
      this.found.push(handles.flatMap((h) => Array.from(h.dataSync(), Number)));
    });
  }

  #try(f: () => void): void {
    try {
      f();
    } catch (error) {
      if (!(error instanceof UnsupportedError) || !error.message.includes("was written over the old")) throw error;
      this.found.push(null);
    }
  }

  run({ act, which }: Move): void {
    const [loss, kept] = [this.#losses[which % Math.max(1, this.#losses.length)], this.#kept[which % Math.max(1, this.#kept.length)]];
    const { grad } = this.#param(which);
    switch (act) {
      case "train": {
        this.#optimizer.zeroGrad();
        const made = this.#loss(which);
        made.backward();
        this.#optimizer.step();
        return this.#read(made, ...this.#optimizer.state);
      }
      case "loss":
        return void this.#loss(which);
      case "backward":
        return this.#try(() => loss?.backward());
      case "step":
        return this.#optimizer.step();
      case "evaluate":
        return this.#read(...(loss === undefined || which % 2 === 0 ? [] : [loss]), ...this.#optimizer.state);
      case "detach":
        return void this.#kept.push(this.#param(which).detach());
      case "record":
        return void this.#kept.push(which % 2 === 0 ? this.#param(which).mul(2) : (grad ?? this.#param(which)).square());
      case "read":
        return kept === undefined ? undefined : this.#read(kept);
      case "gradient":
        return grad === null ? undefined : this.#read(grad);
      case "zero":
        return this.#optimizer.zeroGrad();
      case "dispose":
        return this.#kept.splice(which % Math.max(1, this.#kept.length), 1)[0]?.dispose();
      case "assign":
        return void this.#param(which).assign(this.#param(which).detach().mul(0.5));
      case "state":
        return this.#read(...this.#params);
    }
  }
}

/** Where `keeping`, somebody has a handle of every value that parameters ever had. */
function run(maker: number, moves: readonly Move[], keeping: "keeping" | "in place"): Session {
  const session = new Session(maker);
  const all: Tensor[][] = [];
  for (const move of moves) {
    if (keeping === "keeping") all.push(session.copies());
    session.run(move);
  }
  return session;
}

describe("random training programs", () => {
  beforeAll(() => void configure({ target: "js", debug: true }));
  afterAll(() => void configure({ target: "wasm", debug: false }));

  it("read the same in place as where nothing ever is", () => {
    const move = fc.record({ act: fc.constantFrom(...acts), which: fc.nat({ max: 30 }) });
    const program = fc.record({ maker: fc.nat({ max: makers.length - 1 }), moves: fc.array(move, { minLength: 8, maxLength: 40, size: "max" }) });
    const all = { read: 0, gone: 0, donations: 0 };
    fc.assert(
      fc.property(program, ({ maker, moves }) => {
        resetCounters();
        const { found } = run(maker, moves, "in place");
        all.donations += counters().donations;
        const want = run(maker, moves, "keeping").found;
        expect(want).not.toContain(null);
        // a program that was told that something is gone does not go on as the other does
        const until = found.indexOf(null) < 0 ? found.length : found.indexOf(null);
        for (let i = 0; i < until; i++) {
          all.read++;
          at(found, i)?.forEach((x, k) => expect(x).toBe(at(at(want, i) ?? [], k)));
        }
        if (until < found.length) all.gone++;
      }),
      fuzzing(60),
    );
    expect(all.donations).toBeGreaterThan(all.read / 5);
    expect(all.read).toBeGreaterThan(300);
    expect(all.gone).toBeLessThan(all.read / 50);
  });
});
