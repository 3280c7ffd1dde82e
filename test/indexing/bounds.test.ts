import { afterEach, describe, expect, it } from "vitest";
import { arange, array, at, configure, counters, grad, resetCounters, take, takeAlongAxis, tensor } from "../../src/index.ts";
import type { NDArray, Settings } from "../../src/index.ts";

const ints = (data: readonly number[]): NDArray => array([...data], { dtype: "int32" });
/** The same indices, computed when they are needed. */
const computed = (data: readonly number[]): NDArray => ints(data.map((i) => i - 1)).add(1);
const x = arange(20).reshape(4, 5);
const targets: readonly Settings["target"][] = ["wasm", "js", "interpreter"];

afterEach(() => configure({ target: "wasm" }));

describe("indices whose elements are known", () => {
  it.each<[string, () => unknown, string]>([
    ["a handle", () => at(x, ints([0, 4])), "at: index 4 is out of range for axis 0 with 4 elements."],
    ["a negative one", () => at(x, 0, ints([1, -6])), "at: index -6 is out of range for axis 1 with 5 elements."],
    ["beside others", () => at(x, ints([0, 1]), ints([5, 0])), "at: index 5 is out of range for axis 1 with 5 elements."],
    ["of rank 0", () => at(x, array(7, { dtype: "int32" })), "at: index 7 is out of range for axis 0 with 4 elements."],
    ["a place, before it is read", () => x.at(ints([0, 4])), "at: index 4 is out of range for axis 0 with 4 elements."],
    ["take", () => take(x, ints([20])), "take: index 20 is out of range for axis 0 with 20 elements."],
    ["take with a list", () => take(x, [[0, 5]], { axis: 1 }), "take: index 5 is out of range for axis 1 with 5 elements."],
    ["takeAlongAxis", () => takeAlongAxis(x, [[4]], 0), "takeAlongAxis: index 4 is out of range for axis 0 with 4 elements."],
    ["an empty axis", () => at(arange(0), computed([0])), "at: index 0 is out of range for axis 0 with 0 elements."],
  ])("%s out of range: an IndexError at the call", (_, f, message) => expect(f).toThrow(expect.objectContaining({ name: "IndexError", message })));

  it("are looked at once", () => {
    const many = ints(Array.from({ length: 1000 }, (_, i) => i % 4));
    at(x, many);
    resetCounters();
    at(x, many);
    expect(counters().bytesRead).toBe(0);
  });
});

describe.each(targets)("computed indices on %s", (target) => {
  it("are read at nothing but their evaluation", () => {
    configure({ target });
    resetCounters();
    const y = at(x, computed([1, 4]));
    expect([y.shape, counters().plansRun]).toEqual([[2, 5], 0]);
    const error = { name: "IndexError", message: "at: index 4 is out of range for axis 0 with 4 elements." };
    expect(() => y.dataSync()).toThrow(expect.objectContaining(error));
    expect(y.evaluated).toBe(false);
    expect(() => y.dataSync()).toThrow(expect.objectContaining(error));
  });

  it("out of range reject what is awaited", async () => {
    configure({ target });
    await expect(
      at(x, 0, computed([-6]))
        .add(1)
        .eval(),
    ).rejects.toThrow("at: index -6 is out of range for axis 1 with 5 elements.");
    await expect(at(x, computed([0, 9]), computed([2, 2])).eval()).rejects.toThrow("at: index 9 is out of range for axis 0 with 4 elements.");
    await expect(at(x, array(3, { dtype: "int32" }).add(1)).eval()).rejects.toThrow("at: index 4 is out of range for axis 0 with 4 elements.");
    await expect(takeAlongAxis(x, computed([5]).reshape(1, 1), 1).eval()).rejects.toThrow("takeAlongAxis: index 5 is out of range for axis 1");
  });

  it("count from the end where negative", () => {
    configure({ target });
    expect(at(x, computed([-1, 0, -4]), computed([-5, 1, -1])).tolist()).toEqual([15, 1, 4]);
    expect(take(x, computed([-1])).tolist()).toEqual([19]);
    expect(at(x, array(-2, { dtype: "int32" }).add(0), 0).item()).toBe(10);
  });

  it("are checked where only a gradient reads at them", () => {
    configure({ target });
    const slope = grad<NDArray>((v) => at(v, computed([2, 7])).sum())(arange(4));
    expect(() => slope.dataSync()).toThrow("at: index 7 is out of range for axis 0 with 4 elements.");
    expect(grad<NDArray>((v) => at(v, computed([2, -2])).sum())(arange(4)).tolist()).toEqual([0, 0, 2, 0]);
  });

  it("out of range in a write leave what was read before, and fail each time", () => {
    configure({ target });
    const a = arange(4).add(0).evalSync();
    const before = a.get("1:3").add(1);
    a.at(computed([9])).set(7);
    const error = "set: index 9 is out of range for axis 0 with 4 elements.";
    expect(() => a.evalSync()).toThrow(error);
    expect(() => a.evalSync()).toThrow(error);
    expect(before.tolist()).toEqual([2, 3]);
  });

  it("that another computes are checked when that one is", () => {
    configure({ target });
    const inner = at(ints([3, 9]), computed([0, 1]));
    expect(() => at(x, inner).dataSync()).toThrow("at: index 9 is out of range for axis 0 with 4 elements.");
  });
});

describe("what checks cost", () => {
  it("nothing for indices that a plan before has checked", () => {
    const i = computed([1, 2]);
    const rows = at(x, i);
    const [first, second] = [rows.add(1), rows.mul(2)];
    const cost = (y: NDArray): readonly number[] => {
      resetCounters();
      y.evalSync();
      return [counters().kernelsLaunched, counters().buffersAllocated];
    };
    // the check is one more number that the same kernel gives
    expect([cost(first), cost(second)]).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  it("one plan for many steps", () => {
    resetCounters();
    for (let step = 0; step < 5; step++) at(x, computed([step % 4, 1])).evalSync();
    expect(counters().plansCompiled + counters().planHits).toBe(5);
    expect(counters().plansCompiled).toBeLessThanOrEqual(1);
  });

  it("no memory after the evaluation", () => {
    const i = computed([1, 2]);
    const y = at(x, i);
    expect(i.value.readers).toBeGreaterThan(0);
    y.evalSync();
    expect([i.value.readers, i.evaluated]).toEqual([0, false]);
  });
});

it("a float is no index", () => {
  expect(() => take(tensor([1, 2]), tensor([0]))).toThrow(expect.objectContaining({ name: "DTypeError" }));
});
