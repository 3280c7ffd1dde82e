/** Trains a classifier of handwritten digits on the command line, on the CPU or on a GPU. */
import { closeDevice, configure, counters, DeviceError, evalAll, inspect, memory, openDevice } from "../../src/index.ts";
import { loadDigits } from "./data.ts";
import type { Options, Stage } from "./options.ts";
import { parseOptions, usage, UsageError } from "./options.ts";
import type { Examples, Learner, Step } from "./training.ts";
import { accuracy, batch, batchAt, examplesOf, makeLearner, pendingStep, readNumber, recordStep, training } from "./training.ts";

const line = ({ epoch, step, steps }: Step, loss: number, perSecond: number): string =>
  `epoch ${epoch}  step ${step}/${steps}  loss ${loss.toFixed(4)}  ${perSecond.toFixed(0)} steps/s`;

/** On a terminal the line is rewritten; in a log each epoch leaves one. Only what is shown is read, so that a GPU need not wait. */
async function train(learner: Learner, data: Examples, options: Options): Promise<void> {
  const start = performance.now();
  for await (const step of training(learner, data, options)) {
    const shown = step.lastOfEpoch || (process.stdout.isTTY && step.step % 20 === 0);
    if (!shown) continue;
    const loss = await readNumber(step.loss);
    const text = line(step, loss, (step.step / (performance.now() - start)) * 1000);
    if (process.stdout.isTTY) process.stdout.write(`\r${text}   ${step.lastOfEpoch ? "\n" : ""}`);
    else console.log(text);
  }
}

/** Kernels that one training step launches, with and without fusion. */
async function kernelsPerStep(learner: Learner, examples: Examples, fusion: boolean): Promise<number> {
  configure({ fusion });
  const loss = recordStep(learner, examples);
  const before = counters().kernelsLaunched;
  await evalAll(loss, learner.optimizer.state);
  configure({ fusion: true });
  return counters().kernelsLaunched - before;
}

async function summary(learner: Learner, data: Examples): Promise<string> {
  const { planHits, plansCompiled } = counters();
  const { peak } = memory();
  const examples = batchAt(data, batch);
  const fused = await kernelsPerStep(learner, examples, true);
  const unfused = await kernelsPerStep(learner, examples, false);
  return [
    `kernels per step: ${fused} fused, ${unfused} unfused`,
    `plans: ${plansCompiled} compiled, ${planHits} cache hits`,
    `memory: ${(peak / 2 ** 20).toFixed(1)} MiB at the most`,
    "to see what was generated: npm start -- --epochs 1 --dump graph,fuse,plan,loops,source",
  ].join("\n");
}

/** Prints the stages of a step. */
async function dump(data: Examples, seed: number, stages: readonly Stage[]): Promise<void> {
  const step = inspect(await pendingStep(data, seed));
  for (const stage of stages) console.log(`; ${stage}\n${step.text(stage)}`);
}

/** Says on which GPU, or why there is none and what to do instead. */
async function useDevice({ device, target }: Options): Promise<void> {
  if (target !== "wgsl") configure({ target });
  configure({ device });
  if (device === "cpu") return;
  const { adapter, isSoftware } = await openDevice(device);
  console.log(`on ${adapter}${isSoftware ? ", a software GPU: it computes on the CPU, and its times say nothing about a GPU" : ""}`);
}

async function main(options: Options): Promise<void> {
  await useDevice(options);
  const digits = loadDigits();
  const [data, test] = [examplesOf(digits.train), examplesOf(digits.test)];
  console.log(`${digits.train.count} images to train with, ${digits.test.count} to test with; seed ${options.seed}`);
  const learner = makeLearner(options.seed);
  if (options.dump !== null) await dump(data, options.seed, options.dump);
  await train(learner, data, options);
  console.log(`test accuracy: ${(await accuracy(learner.model, test)).toFixed(3)}`);
  console.log(await summary(learner, data));
}

try {
  await main(parseOptions(process.argv.slice(2)));
  closeDevice("webgpu");
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n${usage}`);
    process.exitCode = 2;
  } else if (error instanceof DeviceError) {
    console.error(`${error.message}\nTo train on the CPU: npm start -- --device cpu`);
    process.exitCode = 1;
  } else throw error;
}
