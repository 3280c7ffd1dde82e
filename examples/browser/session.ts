/** One training of one model, which may be paused at any step. What it finds out it tells, so that it knows nothing of the page. */
import { noGrad, softmax, tensor } from "lazuli";
import { pixels } from "../digits/digits.ts";
import type { Examples, Learner, Schedule, Step } from "../digits/training.ts";
import { accuracy, makeLearner, predicted, readNumber, training } from "../digits/training.ts";
import { scores } from "../digits/model.ts";
import { Speed, taskAfterwards } from "./pace.ts";

export interface Sets {
  readonly train: Examples;
  readonly test: Examples;
}

export interface Listener {
  /** Every few steps: the loss of the last, and steps a second where that is known. */
  progressed(step: Step, loss: number, perSecond: number | null): void;
  /** The share of test images that are read right. */
  epochEnded(step: Step, accuracy: number): void;
}

/** Losses are read so often: a read waits for a GPU. */
const readEvery = 4;

export type Ending = "done" | "paused";

export class Session {
  readonly #learner: Learner;
  readonly #sets: Sets;
  readonly #steps: AsyncGenerator<Step, void>;
  readonly #listener: Listener;
  #paused = false;

  constructor(sets: Sets, schedule: Schedule, listener: Listener) {
    this.#sets = sets;
    this.#listener = listener;
    this.#learner = makeLearner(schedule.seed);
    this.#steps = training(this.#learner, sets.train, schedule);
  }

  /** Trains on until the end or until `pause` is called; the page stays awake. */
  async run(): Promise<Ending> {
    this.#paused = false;
    const speed = new Speed();
    while (!this.#paused) {
      const { value: step } = await this.#steps.next();
      if (step === undefined) return "done";
      speed.count();
      if (step.lastOfEpoch || step.step % readEvery === 0) this.#listener.progressed(step, await readNumber(step.loss), speed.perSecond);
      if (step.lastOfEpoch) {
        this.#listener.epochEnded(step, await accuracy(this.#learner.model, this.#sets.test));
        speed.skip();
      }
      await taskAfterwards();
    }
    return "paused";
  }

  pause(): void {
    this.#paused = true;
  }

  /** What the model takes these images for, as it is now. */
  async read(images: Examples["images"]): Promise<ArrayLike<number>> {
    return predicted(this.#learner.model, images).data();
  }

  /** How sure the model is of each digit, as it is now: ten shares that sum to 1. */
  async weigh(image: Float32Array): Promise<ArrayLike<number>> {
    const x = tensor(image, { shape: [1, pixels] });
    return noGrad(() => softmax(scores(this.#learner.model, x), { axis: 1 })).data();
  }
}
