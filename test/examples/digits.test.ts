import { describe, expect, it } from "vitest";
import { loadDigits } from "../../examples/digits/data.ts";
import { pixels } from "../../examples/digits/digits.ts";
import { lossOf, makeModel, parameters, scores } from "../../examples/digits/model.ts";
import { parseOptions } from "../../examples/digits/options.ts";
import { counters, evalAll, optim, random, slice, tensor } from "../../src/index.ts";

describe("the command line", () => {
  it("has defaults", () => {
    expect(parseOptions([])).toEqual({ epochs: 5, seed: 1, dump: null, device: "cpu", target: "wasm" });
  });
  it("reads every option", () => {
    const args = ["--epochs", "2", "--seed=7", "--dump", "graph, loops", "--device", "cpu", "--target", "interpreter"];
    expect(parseOptions(args)).toEqual({ epochs: 2, seed: 7, dump: ["graph", "loops"], device: "cpu", target: "interpreter" });
  });
  it("gives each device its own code", () => {
    expect(parseOptions(["--device", "webgpu"])).toMatchObject({ device: "webgpu", target: "wgsl" });
    expect(parseOptions(["--device", "webgpu", "--target", "wgsl"])).toEqual(parseOptions(["--device", "webgpu"]));
    expect(parseOptions(["--device", "cpu"])).toMatchObject({ device: "cpu", target: "wasm" });
  });
  it.each([
    [["--epochs", "0"], "--epochs 0: give a whole number from 1 on"],
    [["--epochs", ""], "--epochs : give a whole number from 1 on"],
    [["--seed", "1.5"], "--seed 1.5: give a whole number from 0 on"],
    [["--dump", "graph,foo"], "--dump foo: give graph or passes"],
    [["--device", "tpu"], "--device tpu: give cpu or webgpu"],
    [["--device", "webgpu", "--target", "js"], "--target js does not run on --device webgpu: give wgsl"],
    [["--target", "wgsl"], "--target wgsl does not run on --device cpu: give wasm or js or interpreter"],
    [["--target", "asm"], "--target asm: give wasm or js or interpreter"],
    [["--rate", "1"], "Unknown option '--rate'"],
    [["mnist"], "Unexpected argument 'mnist'"],
  ] as const)("refuses %j", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe("the data", () => {
  const { train, test } = loadDigits();
  it("is all of the package, every fifth image of each digit for testing", () => {
    expect([train.count, test.count]).toEqual([8004, 1996]);
    expect([train.images.length, test.images.length]).toEqual([8004 * pixels, 1996 * pixels]);
    const perDigit = Array.from({ length: 10 }, (_, digit) => test.labels.filter((l) => l === digit).length);
    expect(perDigit).toEqual([200, 225, 198, 206, 196, 172, 202, 214, 188, 195]);
  });
  it("has pixels from 0 to 1", () => {
    expect(train.images.every((p) => p >= 0 && p <= 1)).toBe(true);
    expect(Math.max(...train.images.subarray(0, 10 * pixels))).toBeGreaterThan(0.9);
  });
  it("is learnt, with offset and rate moving, by three plans", async () => {
    const model = makeModel(random.key(3), 16);
    const optimizer = optim.sgd(parameters(model), { lr: 0.1, momentum: 0.9 });
    const order = [...random.permutation(random.key(4), train.count).dataSync()].slice(0, 300);
    const images = tensor(Float32Array.from(order.flatMap((i) => [...train.images.subarray(i * pixels, (i + 1) * pixels)])), { shape: [300, pixels] });
    const labels = tensor(Int32Array.from(order, (i) => train.labels[i] ?? -1));
    const before = counters().plansCompiled;
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      optimizer.lr = 0.1 * (1 - step / 60);
      const start = (step % 10) * 30;
      const loss = lossOf(model, images.at(slice(start, start + 30)), labels.at(slice(start, start + 30)));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      await evalAll(loss, optimizer.state);
      losses.push(Number(loss.item()));
    }
    // Offset 0 is a plan of its own, and so is the step that starts the velocity.
    expect(counters().plansCompiled - before).toBeLessThanOrEqual(3);
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.at(-1)).toBeLessThan(0.7);
    expect(scores(model, images).shape).toEqual([300, 10]);
  });
});
