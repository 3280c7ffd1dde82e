/** The key of a plan: equal where the program is the same, whatever numbers the user puts into it; different where it is another. */
import { describe, expect, it } from "vitest";
import type { Lazy } from "../../src/handle.ts";
import { at, slice, tensor } from "../../src/index.ts";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";

const key = (...handles: readonly Lazy[]): string => canonicalize(handles.map((h) => h.value)).key.join();
const x = tensor([1, 2, 3, 4]);
const y = tensor([4, 3, 2, 1]);

describe("one plan for", () => {
  it("another learning rate", () => {
    expect(key(x.sub(y.mul(0.1)))).toBe(key(x.sub(y.mul(0.05))));
  });
  it("another offset of a slice", () => {
    expect(key(at(x, slice(1, 3)))).toBe(key(at(x, slice(2, 4))));
  });
  it("other data of the same type", () => {
    expect(key(x.exp())).toBe(key(y.exp()));
  });
  it("a detached value", () => {
    expect(key(x.detach().exp())).toBe(key(x.exp()));
  });
});

describe("another plan for", () => {
  it("another op", () => {
    expect(key(x.exp())).not.toBe(key(x.sin()));
  });
  it("another exponent: x^2 is x·x", () => {
    expect(key(x.pow(2))).not.toBe(key(x.pow(3)));
  });
  it("another shape or dtype", () => {
    expect(key(x.exp())).not.toBe(key(tensor([1, 2, 3]).exp()));
    expect(key(x.exp())).not.toBe(key(x.astype("float64").exp()));
  });
  it("one value twice instead of two", () => {
    expect(key(x.add(x))).not.toBe(key(x.add(y)));
  });
  it("other outputs of the same graph", () => {
    const z = x.exp();
    expect(key(z)).not.toBe(key(z, z.sum()));
  });
  it("integers, which simplify", () => {
    const i = tensor([1, 2], { dtype: "int32" });
    expect(key(i.mul(1))).not.toBe(key(i.mul(2)));
  });
});

describe("the graph", () => {
  it("has a buffer param for each evaluated value and a scalar param for each number of the user", () => {
    const made = canonicalize([x.mul(2).add(y.mul(2)).value]);
    const spaces = made.build().params.map((p) => p.node.attrs["space"]);
    expect(spaces).toEqual(["buffer", "buffer", "scalar", "scalar"]);
    expect(made.buffers).toEqual([x.value, y.value]);
    expect(made.scalars).toEqual([2, 2]);
  });
  it("holds equal definitions once", () => {
    const made = canonicalize([x.exp().value, x.exp().value]).build();
    expect(made.outputs[0]).toBe(made.outputs[1]);
  });
});
