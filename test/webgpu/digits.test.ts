/** The digits example on a GPU: the same model code, the same numbers, only elsewhere. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { loadDigits } from "../../examples/digits/data.ts";
import type { DigitSet } from "../../examples/digits/digits.ts";
import { pixels } from "../../examples/digits/digits.ts";
import { accuracy, examplesOf, makeLearner, readNumber, training } from "../../examples/digits/training.ts";
import type { DeviceName } from "../../src/index.ts";
import { configure, counters } from "../../src/index.ts";
import { gpu } from "./adapter.ts";

const { train } = loadDigits();

/** Every 16th image of all digits: 500, ten batches. */
const few: DigitSet = {
  count: 500,
  images: Float32Array.from({ length: 500 * pixels }, (_, i) => train.images[Math.floor(i / pixels) * 16 * pixels + (i % pixels)] ?? Number.NaN),
  labels: Int32Array.from({ length: 500 }, (_, i) => train.labels[i * 16] ?? -1),
};

interface Course {
  readonly losses: readonly number[];
  readonly accuracy: number;
  readonly devices: ReadonlySet<string>;
}

/** Trains for so many epochs of ten steps. */
async function trainOn(device: DeviceName, epochs: number): Promise<Course> {
  configure({ device });
  const learner = makeLearner(1);
  const data = examplesOf(few);
  const losses: number[] = [];
  const devices = new Set<string>();
  for await (const { loss } of training(learner, data, { epochs, seed: 1 })) {
    devices.add(loss.device);
    losses.push(await readNumber(loss));
  }
  return { losses, accuracy: await accuracy(learner.model, data), devices };
}

afterEach(() => void configure({ device: "cpu" }));

describe.skipIf(gpu === null)("the digits on webgpu", () => {
  test("start as on the cpu", async () => {
    const [here, there] = [await trainOn("cpu", 1), await trainOn("webgpu", 1)];
    expect([...here.devices, ...there.devices]).toEqual(["cpu", "webgpu"]);
    // sums are taken in another order
    expect(there.losses).toHaveLength(10);
    there.losses.forEach((loss, i) => expect(Math.abs(loss - (here.losses[i] ?? Number.NaN))).toBeLessThan(1e-5));
  });
  test("are learnt", async () => {
    const before = counters().plansCompiled;
    const { losses, accuracy } = await trainOn("webgpu", 4);
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.at(-1)).toBeLessThan(0.5);
    expect(accuracy).toBeGreaterThan(0.9);
    // the first epoch's shuffle and steps may be known by now: an offset of 0, the first velocity, all other steps, the accuracy
    expect(counters().plansCompiled - before).toBeLessThanOrEqual(6);
  });
  test("are trained by the command line, which names the adapter and ends by itself", () => {
    const printed = runExample(["--device", "webgpu", "--epochs", "1", "--dump", "plan"], {});
    expect(printed).toContain(`on ${gpu?.adapter}`);
    expect(printed.includes("a software GPU")).toBe(gpu?.isSoftware);
    expect(printed).toContain("plan @main");
    expect(Number(/test accuracy: ([\d.]+)/.exec(printed)?.[1])).toBeGreaterThan(0.9);
    expect(printed).toMatch(/kernels per step: \d+ fused, \d+ unfused/);
  });
});

describe("without a GPU", () => {
  test("the command line says so, says what to do, and fails", () => {
    // a driver that is not there: no Vulkan either
    const none = { VK_DRIVER_FILES: "/nowhere.json", VK_ICD_FILENAMES: "/nowhere.json" };
    const run = (): string => runExample(["--device", "webgpu"], none);
    expect(run).toThrow(/no GPU that WebGPU can use[\s\S]*npm start -- --device cpu/);
    expect(run).toThrow(expect.objectContaining({ status: 1, stdout: "" }));
  });
});

/** What `npm start` prints with these arguments. */
function runExample(args: readonly string[], env: Readonly<Record<string, string>>): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const command = ["--import", "tsx", "examples/digits/main.ts", ...args];
  return execFileSync(process.execPath, command, { cwd: root, encoding: "utf8", env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}
