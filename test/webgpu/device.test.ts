/** Tensors that live on a GPU, as users see them. */
import { describe, expect, test } from "vitest";
import { array, configure, evalAll, tensor, toDevice } from "../../src/index.ts";
import { gpu } from "./adapter.ts";

describe.skipIf(gpu === null)("tensors on webgpu", () => {
  test("are computed there", async () => {
    const x = tensor([[1, 2, 3], [4, 5, 6]], { device: "webgpu" });
    const y = x.mul(2).add(1).tanh().sum({ axis: 1 });
    expect([x.device, y.device]).toEqual(["webgpu", "webgpu"]);
    await y.eval();
    const data = await y.data();
    expect(data[0]).toBeCloseTo(Math.tanh(3) + Math.tanh(5) + Math.tanh(7), 5);
  });
});
