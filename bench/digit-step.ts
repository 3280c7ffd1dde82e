/** One training step of the digits example on made-up images, for the time that compiling it takes. */
import { evalAllSync, optim, random, tensor } from "../src/index.ts";
import { pixels } from "../examples/digits/digits.ts";
import { lossOf, makeModel, parameters } from "../examples/digits/model.ts";
import { onceSync } from "./harness.ts";
import { median } from "./median.ts";

const batch = 50;

/** Milliseconds to compile the step of a model with this many hidden units: the first step less a later one, which only runs. */
export function compileTime(units: number): number {
  const model = makeModel(random.key(1), units);
  const optimizer = optim.sgd(parameters(model), { lr: 0.1, momentum: 0.9 });
  const images = tensor(
    Float32Array.from({ length: batch * pixels }, (_, i) => (i % 7) / 7),
    { shape: [batch, pixels] },
  );
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));
  evalAllSync(optimizer.state, images, labels);
  const step = (): void => {
    const loss = lossOf(model, images, labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    evalAllSync(loss, optimizer.state);
  };
  const first = onceSync(step);
  // The second step has a velocity and compiles once more; those after it only run.
  step();
  return first - median(Array.from({ length: 5 }, () => onceSync(step)));
}
