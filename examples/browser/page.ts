/** The page: what its controls do to the training, and what the training shows. */
import { configure } from "lazuli";
import type { DeviceName, Tensor } from "lazuli";
import type { Digits } from "../digits/digits.ts";
import type { Step } from "../digits/training.ts";
import { batch, examplesOf } from "../digits/training.ts";
import { LossChart } from "./chart.ts";
import type { Found } from "./devices.ts";
import { deviceWords, readyAgain } from "./devices.ts";
import { element, make, percent } from "./elements.ts";
import { kernelView } from "./kernels.ts";
import { Answer, Pad, Samples } from "./panels.ts";
import type { Parameters } from "./parameters.ts";
import type { Sets } from "./session.ts";
import { Session } from "./session.ts";

export type State = "ready" | "running" | "paused" | "done" | "failed";

/** Test images are read anew every so many steps. */
const lookEvery = 20;

const buttonWords: Readonly<Record<State, string>> = { ready: "Start", running: "Pause", paused: "Resume", done: "Train again", failed: "Try again" };

/** What one device holds of the digits. */
interface Held extends Sets {
  readonly samples: Tensor;
}

export class Page {
  readonly #digits: Digits;
  readonly #parameters: Parameters;
  readonly #main = element("page", HTMLElement);
  readonly #status = element("status", HTMLParagraphElement);
  readonly #start = element("start", HTMLButtonElement);
  readonly #figures = {
    step: element("step", HTMLElement),
    loss: element("loss", HTMLElement),
    speed: element("speed", HTMLElement),
    accuracy: element("accuracy", HTMLElement),
  };
  readonly #chart: LossChart;
  readonly #steps: number;
  readonly #samples: Samples;
  readonly #answer = new Answer();
  readonly #held = new Map<DeviceName, Held>();
  #device: DeviceName;
  #state: State = "ready";
  #session: Session;
  /** The training that goes on, or the last. */
  #run: Promise<void> = Promise.resolve();
  /** Milliseconds that were spent on training. */
  #trained = 0;
  /** The image that the reader asks about. */
  #question: Float32Array | null = null;
  #looking = false;

  constructor(digits: Digits, { gpu, words }: Found, parameters: Parameters) {
    this.#digits = digits;
    this.#parameters = parameters;
    this.#steps = Math.floor(digits.train.count / batch) * parameters.epochs;
    this.#chart = new LossChart(element("chart", HTMLDivElement), this.#steps);
    const pad = new Pad((image) => {
      this.#samples.release();
      this.#ask(image);
    });
    this.#samples = new Samples(digits.test, (image, label) => {
      pad.show(image, label);
      this.#ask(image);
    });
    this.#device = gpu === null ? "cpu" : (parameters.device ?? "webgpu");
    element("adapter", HTMLParagraphElement).textContent = words;
    this.#connectDevices(gpu !== null);
    configure({ device: this.#device });
    this.#session = this.#freshSession();
  }

  /** Ready for the reader, or for itself where the address says so. */
  open(): void {
    const { train, test } = this.#digits;
    this.#connectButtons();
    this.#figure("step", "0", `of ${this.#steps}`);
    this.#show("ready", `Ready: ${train.count.toLocaleString("en")} images to learn from, ${test.count.toLocaleString("en")} to test with.`);
    if (this.#parameters.autostart) this.#toggle();
  }

  #connectDevices(hasGpu: boolean): void {
    for (const device of ["webgpu", "cpu"] as const) {
      const radio = element(`on-${device}`, HTMLInputElement);
      radio.disabled = device === "webgpu" && !hasGpu;
      radio.checked = device === this.#device;
      radio.addEventListener("change", () => void this.#reset(device));
    }
  }

  #connectButtons(): void {
    const reset = element("reset", HTMLButtonElement);
    this.#start.disabled = false;
    reset.disabled = false;
    this.#start.addEventListener("click", () => this.#toggle());
    reset.addEventListener("click", () => void this.#reset(this.#device));
    const kernels = element("kernels", HTMLDetailsElement);
    kernels.addEventListener("toggle", () => void (kernels.open && this.#showKernels()));
  }

  #show(state: State, words: string): void {
    this.#state = state;
    this.#main.dataset["state"] = state;
    this.#start.textContent = buttonWords[state];
    this.#status.textContent = words;
  }

  #toggle(): void {
    if (this.#state === "running") this.#session.pause();
    else if (this.#state === "ready" || this.#state === "paused") this.#run = this.#train();
    else void this.#reset(this.#device).then(() => (this.#run = this.#train()));
  }

  async #train(): Promise<void> {
    const began = performance.now();
    this.#show("running", `Training on ${deviceWords(this.#device)}.`);
    try {
      const ending = await this.#session.run();
      this.#trained += performance.now() - began;
      const after = `after ${(this.#trained / 1000).toFixed(1)} s of training on ${deviceWords(this.#device)}`;
      if (ending === "done") this.#show("done", `Done: reads ${this.#figures.accuracy.textContent} of the test images correctly ${after}.`);
      else this.#show("paused", `Paused at step ${this.#figures.step.textContent}, ${after}.`);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#session.pause();
    console.error(error);
    this.#show("failed", `${error instanceof Error ? error.message : String(error)} Try again, or choose the other device.`);
  }

  /** A model that has learnt nothing yet, on this device. */
  async #reset(device: DeviceName): Promise<void> {
    this.#session.pause();
    await this.#run;
    try {
      await readyAgain(device);
      this.#device = device;
      configure({ device });
      this.#session = this.#freshSession();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#trained = 0;
    this.#chart.clear();
    this.#samples.clear();
    this.#answer.show(null);
    this.#figure("step", "0", `of ${this.#steps}`);
    this.#figure("loss", "–");
    this.#figure("speed", "–");
    this.#figure("accuracy", "–");
    this.#show("ready", `A new model on ${deviceWords(device)}: ready.`);
    const kernels = element("kernels", HTMLDetailsElement);
    if (kernels.open) await this.#showKernels();
  }

  #freshSession(): Session {
    return new Session(this.#here, this.#parameters, {
      progressed: (step, loss, perSecond) => this.#progressed(step, loss, perSecond),
      epochEnded: (step, accuracy) => this.#epochEnded(step, accuracy),
    });
  }

  /** The digits on the device of now. */
  get #here(): Held {
    const known = this.#held.get(this.#device);
    if (known !== undefined) return known;
    const { train, test } = this.#digits;
    const made = { train: examplesOf(train), test: examplesOf(test), samples: this.#samples.tensor() };
    this.#held.set(this.#device, made);
    return made;
  }

  #figure(name: "step" | "loss" | "speed" | "accuracy", words: string, unit = ""): void {
    this.#figures[name].replaceChildren(words, ...(unit === "" ? [] : [" ", make("small", {}, [unit])]));
  }

  #progressed(step: Step, loss: number, perSecond: number | null): void {
    this.#figure("step", String(step.step), `of ${step.steps}`);
    this.#figure("loss", loss.toFixed(3), "nats");
    if (perSecond !== null) this.#figure("speed", perSecond.toFixed(perSecond < 10 ? 1 : 0), "steps/s");
    this.#chart.add(step.step, loss);
    if (step.step % lookEvery === 0 || step.lastOfEpoch) void this.#look();
  }

  #epochEnded({ epoch, step }: Step, accuracy: number): void {
    this.#chart.endEpoch(step, accuracy);
    this.#figure("accuracy", percent(accuracy));
    this.#status.textContent = `Training on ${deviceWords(this.#device)}: after epoch ${epoch} of ${this.#parameters.epochs} it reads ${percent(accuracy)} correctly.`;
  }

  #ask(image: Float32Array | null): void {
    this.#question = image;
    void this.#look();
  }

  /** What the model makes of the test images and of the reader's image now; one look at a time. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const session = this.#session;
    try {
      let question: Float32Array | null;
      do {
        question = this.#question;
        const [read, shares] = await Promise.all([session.read(this.#here.samples), question === null ? null : session.weigh(question)]);
        if (session !== this.#session) return;
        this.#samples.mark(read);
        this.#answer.show(shares);
      } while (question !== this.#question);
    } catch (error) {
      if (session === this.#session) this.#fail(error);
    } finally {
      this.#looking = false;
    }
  }

  async #showKernels(): Promise<void> {
    const list = element("kernel-list", HTMLDivElement);
    list.replaceChildren(make("p", { class: "quiet" }, ["Compiling a step to look at."]));
    try {
      list.replaceChildren(...(await kernelView(this.#here.train, this.#parameters.seed)));
    } catch (error) {
      list.replaceChildren(make("p", {}, [error instanceof Error ? error.message : String(error)]));
    }
  }
}
