/** The loss over the steps of training, as a drawing of our own: a logarithmic axis, because the last halving matters as much as the first. */
import { draw, percent } from "./elements.ts";

interface Point {
  readonly step: number;
  readonly loss: number;
}

interface EpochEnd {
  readonly step: number;
  readonly accuracy: number;
}

const margin = { top: 22, right: 14, bottom: 38, left: 58 } as const;
const lossTicks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** `96.2 %` with some air. */
const labelWidth = 52;
/** How much of the running mean is kept at each batch that is drawn. */
const keep = 0.85;

export class LossChart {
  readonly #host: HTMLElement;
  readonly #steps: number;
  #points: Point[] = [];
  #ends: EpochEnd[] = [];
  #asked = false;

  /** An empty chart in this element, for so many steps. */
  constructor(host: HTMLElement, steps: number) {
    this.#host = host;
    this.#steps = steps;
    new ResizeObserver(() => this.#ask()).observe(host);
    this.#ask();
  }

  add(step: number, loss: number): void {
    this.#points.push({ step, loss });
    this.#ask();
  }

  endEpoch(step: number, accuracy: number): void {
    this.#ends.push({ step, accuracy });
    this.#ask();
  }

  clear(): void {
    this.#points = [];
    this.#ends = [];
    this.#ask();
  }

  /** Once a frame, however much was added. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#host.replaceChildren(this.#picture());
    });
  }

  #picture(): SVGSVGElement {
    const width = Math.max(this.#host.clientWidth, 240);
    const height = width < 500 ? 220 : 280;
    const frame = new Frame(width, height, this.#steps, this.#points);
    const last = this.#points.at(-1);
    const label = last === undefined ? "Loss over training steps: nothing yet." : `Loss over training steps: ${last.loss.toFixed(3)} at step ${last.step}.`;
    return draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label }, [
      ...frame.axes(),
      ...frame.epochEnds(this.#ends),
      frame.line("batch", this.#points),
      frame.line("smooth", smoothed(this.#points)),
    ]);
  }
}

/** The exponential running mean, without the pull of its beginning. */
function smoothed(points: readonly Point[]): Point[] {
  let sum = 0;
  let weight = 0;
  return points.map(({ step, loss }) => {
    sum = keep * sum + loss;
    weight = keep * weight + 1;
    return { step, loss: sum / weight };
  });
}

/** Where things stand in the picture. */
class Frame {
  readonly #width: number;
  readonly #height: number;
  readonly #steps: number;
  readonly #low: number;
  readonly #high: number;

  constructor(width: number, height: number, steps: number, points: readonly Point[]) {
    this.#width = width;
    this.#height = height;
    this.#steps = steps;
    // from the first look on what training will need, so that the axis stays as it is
    this.#low = Math.max(0.005, Math.min(0.05, ...points.map((p) => p.loss)));
    this.#high = Math.max(3, ...points.map((p) => p.loss));
  }

  #x(step: number): number {
    return margin.left + (step / this.#steps) * (this.#width - margin.left - margin.right);
  }

  #y(loss: number): number {
    const share = Math.log(Math.max(loss, this.#low) / this.#low) / Math.log(this.#high / this.#low);
    return this.#height - margin.bottom - share * (this.#height - margin.top - margin.bottom);
  }

  axes(): SVGElement[] {
    const [left, right, bottom] = [margin.left, this.#width - margin.right, this.#height - margin.bottom];
    const across = lossTicks.filter((t) => t >= this.#low && t <= this.#high);
    const middle = (margin.top + bottom) / 2;
    return [
      ...across.flatMap((t) => [
        draw("line", { class: "grid", x1: left, x2: right, y1: this.#y(t), y2: this.#y(t) }),
        draw("text", { x: left - 8, y: this.#y(t) + 4, "text-anchor": "end" }, [String(t)]),
      ]),
      ...stepTicks(this.#steps, this.#width < 500 ? 4 : 8).map((t) => draw("text", { x: this.#x(t), y: bottom + 18, "text-anchor": "middle" }, [String(t)])),
      draw("line", { class: "grid", x1: left, x2: right, y1: bottom, y2: bottom }),
      draw("text", { x: right, y: this.#height - 4, "text-anchor": "end" }, ["training step"]),
      draw("text", { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` }, ["loss (nats, log scale)"]),
    ];
  }

  /** A line each, and as many numbers as fit: always the last. */
  epochEnds(ends: readonly EpochEnd[]): SVGElement[] {
    const apart = this.#x(ends[0]?.step ?? 0) - this.#x(0);
    const every = Math.ceil(labelWidth / apart);
    return ends.flatMap(({ step, accuracy }, i) => {
      const x = this.#x(step);
      const line = draw("line", { class: "epoch", x1: x, x2: x, y1: margin.top, y2: this.#height - margin.bottom });
      if ((ends.length - 1 - i) % every !== 0) return [line];
      const label = draw("text", { class: "share", x: Math.min(x, this.#width - labelWidth / 2), y: margin.top - 8, "text-anchor": "middle" }, [
        percent(accuracy),
      ]);
      return [line, label];
    });
  }

  line(name: string, points: readonly Point[]): SVGElement {
    return draw("polyline", { class: name, points: points.map((p) => `${this.#x(p.step).toFixed(1)},${this.#y(p.loss).toFixed(1)}`).join(" ") });
  }
}

/** Round numbers from 0 to `steps`, at most so many. */
function stepTicks(steps: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(steps / most));
  const every = [1, 2, 5, 10].map((n) => n * power).find((n) => steps / n <= most) ?? steps;
  return Array.from({ length: Math.floor(steps / every) + 1 }, (_, i) => i * every);
}
