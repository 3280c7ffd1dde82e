/** The parts of the page that need no browser. */
import { describe, expect, test } from "vitest";
import { packDigits, unpackDigits } from "../../examples/browser/packed.ts";
import { parametersOf } from "../../examples/browser/parameters.ts";
import { readDigits } from "../../examples/digits/data.ts";
import { pixels, splitDigits } from "../../examples/digits/digits.ts";

describe("packed digits", () => {
  const digits = readDigits();
  const packed = packDigits(digits);
  test("are a byte a pixel and lose nothing", () => {
    expect(packed.length).toBe(10 * 4 + 10_000 * pixels);
    const [before, after] = [splitDigits(digits), splitDigits(unpackDigits(packed))];
    expect(after.train.labels).toEqual(before.train.labels);
    expect(Buffer.from(after.train.images.buffer).equals(Buffer.from(before.train.images.buffer))).toBe(true);
    expect(Buffer.from(after.test.images.buffer).equals(Buffer.from(before.test.images.buffer))).toBe(true);
  });
  test.each([0, 3, 1000, 7_840_039])("say so where only %i bytes arrived", (bytes) => {
    expect(() => unpackDigits(packed.slice(0, bytes))).toThrow("digits.bin is not complete");
  });
});

test.each([
  ["", { epochs: 5, seed: 1, device: null, autostart: false }],
  ["?epochs=2&seed=0&device=cpu&autostart", { epochs: 2, seed: 0, device: "cpu", autostart: true }],
  ["?device=webgpu&autostart=1", { epochs: 5, seed: 1, device: "webgpu", autostart: true }],
  ["?epochs=0&seed=-1&device=tpu", { epochs: 5, seed: 1, device: null, autostart: false }],
  ["?epochs=many&seed=", { epochs: 5, seed: 1, device: null, autostart: false }],
])("the address %j", (query, parameters) => {
  expect(parametersOf(query)).toEqual(parameters);
});
