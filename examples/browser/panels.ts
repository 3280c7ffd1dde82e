/** The test images that the page shows, and the pad on which readers draw their own. */
import { tensor } from "lazuli";
import type { Tensor } from "lazuli";
import type { DigitSet } from "../digits/digits.ts";
import { classes, pixels } from "../digits/digits.ts";
import { context, element, make } from "./elements.ts";
import { drawnDigit, imageAt, show, someOfEach } from "./images.ts";

const shown = 40;

interface Sample {
  readonly image: Float32Array;
  readonly label: number;
  readonly button: HTMLButtonElement;
  readonly caption: HTMLElement;
}

/** Test images, each with what the model takes it for. */
export class Samples {
  readonly #samples: readonly Sample[];
  readonly #summary = element("samples-summary", HTMLParagraphElement);

  /** `picked` is told which image was clicked. */
  constructor(test: DigitSet, picked: (image: Float32Array, label: number) => void) {
    this.#samples = someOfEach(test, shown).map((row) => {
      const canvas = make("canvas", { width: 56, height: 56 });
      const caption = make("span", {}, ["?"]);
      const button = make("button", { type: "button", "aria-pressed": "false" }, [canvas, caption]);
      const sample = { image: imageAt(test, row), label: test.labels[row] ?? 0, button, caption };
      show(canvas, sample.image);
      button.addEventListener("click", () => {
        this.release();
        button.setAttribute("aria-pressed", "true");
        picked(sample.image, sample.label);
      });
      return sample;
    });
    element("samples", HTMLOListElement).replaceChildren(...this.#samples.map(({ button }) => make("li", {}, [button])));
    this.clear();
  }

  /** All images as one tensor, on the device that is set. */
  tensor(): Tensor {
    const all = new Float32Array(this.#samples.length * pixels);
    this.#samples.forEach(({ image }, i) => all.set(image, i * pixels));
    return tensor(all, { shape: [this.#samples.length, pixels] });
  }

  clear(): void {
    for (const { label, button, caption } of this.#samples) {
      caption.textContent = "?";
      button.classList.remove("wrong");
      button.setAttribute("aria-label", `a ${label}, not read yet`);
    }
    this.#summary.textContent = "Test images, which it never trains with.";
  }

  mark(read: ArrayLike<number>): void {
    let right = 0;
    this.#samples.forEach(({ label, button, caption }, i) => {
      const wrong = read[i] !== label;
      right += wrong ? 0 : 1;
      caption.textContent = `${read[i]}${wrong ? " ✗" : ""}`;
      button.classList.toggle("wrong", wrong);
      button.setAttribute("aria-label", `a ${label}, read as ${read[i]}${wrong ? ": wrong" : ""}`);
    });
    this.#summary.textContent = `${right} of these ${this.#samples.length} test images read correctly; ✗ marks mistakes.`;
  }

  /** None is picked any more. */
  release(): void {
    for (const { button } of this.#samples) button.setAttribute("aria-pressed", "false");
  }
}

/** The shares of the ten digits as bars. */
export class Answer {
  readonly #rows = Array.from({ length: classes }, (_, digit) => {
    const share = make("span", { class: "share" });
    return { share, row: make("li", {}, [make("span", {}, [String(digit)]), make("span", { class: "bar" }), share]) };
  });

  constructor() {
    element("answer", HTMLOListElement).replaceChildren(...this.#rows.map(({ row }) => row));
    this.show(null);
  }

  show(shares: ArrayLike<number> | null): void {
    const best = shares === null ? 0 : Math.max(...Array.from(shares));
    this.#rows.forEach(({ row, share }, digit) => {
      const here = shares?.[digit] ?? 0;
      row.style.setProperty("--share", `${here * 100}%`);
      row.classList.toggle("best", shares !== null && here === best);
      share.textContent = shares === null ? "–" : `${(here * 100).toFixed(1)} %`;
    });
  }
}

const strokeWidth = 22;

/** A canvas to draw on; `drawn` gets the drawing as an image of the set after each stroke, null when it is wiped. */
export class Pad {
  readonly #canvas = element("pad", HTMLCanvasElement);
  /** Whether the next stroke begins a new drawing: a picked image is no drawing. */
  #foreign = false;

  constructor(drawn: (image: Float32Array | null) => void) {
    const pen = context(this.#canvas);
    const at = (event: PointerEvent): readonly [number, number] => {
      const { width } = this.#canvas.getBoundingClientRect();
      const scale = this.#canvas.width / width;
      return [event.offsetX * scale, event.offsetY * scale];
    };
    const line = (event: PointerEvent): void => {
      pen.lineTo(...at(event));
      pen.stroke();
    };
    this.#canvas.addEventListener("pointerdown", (event) => {
      if (this.#foreign) this.#wipe();
      this.#canvas.setPointerCapture(event.pointerId);
      this.#canvas.setAttribute("aria-label", "Your drawing.");
      Object.assign(pen, { lineWidth: strokeWidth, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
      pen.beginPath();
      pen.moveTo(...at(event));
      line(event);
    });
    this.#canvas.addEventListener("pointermove", (event) => {
      if (this.#canvas.hasPointerCapture(event.pointerId)) line(event);
    });
    this.#canvas.addEventListener("pointerup", () => drawn(drawnDigit(this.#canvas)));
    element("clear", HTMLButtonElement).addEventListener("click", () => {
      this.#wipe();
      drawn(null);
    });
  }

  /** Shows an image of the set in place of a drawing. */
  show(image: Float32Array, label: number): void {
    show(this.#canvas, image);
    this.#canvas.setAttribute("aria-label", `A test image of a ${label}.`);
    this.#foreign = true;
  }

  #wipe(): void {
    context(this.#canvas).clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#canvas.setAttribute("aria-label", "Empty. Draw a digit here.");
    this.#foreign = false;
  }
}
