import { inspect as show } from "node:util";
import { describe, expect, it } from "vitest";
import { array, configure, counters, evalAll, evalAllSync, memory, resetCounters, tensor } from "../src/index.ts";
import type { NDArray, Tensor } from "../src/index.ts";

describe("a handle", () => {
  it("tells its type without running", () => {
    const t = tensor([[1, 2, 3]]).mul(2);
    expect([t.shape, t.dtype, t.ndim, t.size, t.device, t.requiresGrad, t.evaluated]).toEqual([[1, 3], "float32", 2, 3, "cpu", false, false]);
  });

  it("keeps its face through functions", () => {
    const a: NDArray = array([1, 2]).exp().sum();
    const t: Tensor = tensor([1, 2]).exp().sum();
    expect([a.face, a.dtype, t.face, t.dtype]).toEqual(["array", "float64", "tensor", "float32"]);
  });

  it("evaluates once", async () => {
    const y = tensor([1, 2]).add(1);
    expect(await y.eval()).toBe(y);
    resetCounters();
    await y.eval();
    expect(y.evalSync().dataSync()).toEqual(new Float32Array([2, 3]));
    expect(counters().plansRun).toBe(0);
  });

  it("reads in every form", async () => {
    const m = array([
      [1, 2],
      [3, 4],
    ]);
    expect(await m.data()).toEqual(new Float64Array([1, 2, 3, 4]));
    expect(m.tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(m.sum().item()).toBe(10);
    expect(m.greater(3).all().item()).toBe(false);
    expect(array([[true], [false]]).tolist()).toEqual([[true], [false]]);
    expect(array(5).tolist()).toBe(5);
    expect(() => m.item()).toThrow("item: f64[2,2] has 4 elements, not one");
  });

  it("reads into memory of the right kind only", async () => {
    const into = new Float64Array(2);
    expect(await array([1, 2]).data({ into })).toBe(into);
    expect([...into]).toEqual([1, 2]);
    expect(() => array([1, 2]).dataSync({ into: new Float32Array(2) })).toThrow("needs a Float64Array of 2 elements");
  });

  it("gives copies: writing to what was read changes nothing", () => {
    const a = array([1, 2]);
    a.dataSync()[0] = 9;
    expect(a.tolist()).toEqual([1, 2]);
  });

  it("is a copy of what it was made from", () => {
    const own = new Float32Array([1, 2]);
    const t = tensor(own);
    own[0] = 9;
    expect(t.tolist()).toEqual([1, 2]);
  });
});

describe("console.log", () => {
  it("describes what is pending and runs nothing", () => {
    resetCounters();
    expect(show(tensor([1, 2]).add(1).exp())).toMatch(/^tensor\(f32\[2\], lazy: \d+ nodes, wasm\)$/);
    expect(counters().plansRun).toBe(0);
  });
  it("prints what is on the host", () => expect(show(tensor([1, 2]))).toBe("tensor([1, 2])"));
  it("says that a handle was disposed", () => {
    const t = tensor([1]);
    t.dispose();
    expect(show(t)).toBe("tensor(disposed)");
  });
});

describe("dispose", () => {
  it("gives the memory back at once", () => {
    const before = memory().current;
    const t = tensor(new Float32Array(1000));
    expect(memory().current - before).toBeGreaterThanOrEqual(4000);
    t.dispose();
    expect(memory().current).toBe(before);
  });
  it("makes the handle unusable", () => {
    const t = tensor([1]);
    t.dispose();
    expect(() => t.add(1)).toThrow("this tensor was disposed");
    t.dispose();
  });
  it("leaves pending nodes what they need", () => {
    const t = tensor([1, 2]);
    const y = t.add(1);
    t.dispose();
    expect(y.tolist()).toEqual([2, 3]);
  });
  it("leaves another handle of the same value usable", () => {
    const t = tensor([1, 2]);
    const same = t.reshape(2);
    t.dispose();
    expect(same.tolist()).toEqual([1, 2]);
  });
  it("happens at the end of a using block", () => {
    const t = tensor([1]);
    t[Symbol.dispose]();
    expect(() => t.shape).toThrow("disposed");
  });
});

describe("evalAll", () => {
  it("takes any nesting, and computes it in one plan", async () => {
    const t = tensor([1, 2]);
    const parts = { a: [t.add(1), t.mul(3)], b: { c: t.sum() } };
    resetCounters();
    await evalAll(parts, t.exp());
    expect(counters().plansRun).toBe(1);
    expect(parts.b.c.item()).toBe(3);
  });
  it("computes nothing where a leaf is foreign", () => {
    const y = tensor([1]).add(1);
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => evalAllSync({ y, n: new Map() })).toThrow("evalAll: argument 0.n is an object ([object Map]), not an array or tensor");
    expect(y.evaluated).toBe(false);
  });
  it("names a gradient that is not there", async () => {
    await expect(evalAll(tensor([1], { requiresGrad: true }).grad)).rejects.toThrow("argument 0 is null");
  });
  it("refuses a list that holds itself", () => {
    const list: never[] = [];
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    list.push(list);
    expect(() => evalAllSync(list)).toThrow("holds itself");
  });
});

describe("configure", () => {
  it("says what is not there yet, and changes nothing", () => {
    const before = configure();
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => configure({ device: "tpu" })).toThrow('there is no device "tpu"');
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => configure({ target: "asm" })).toThrow('there is no target "asm". There are wasm, js, interpreter.');
    for (const threads of [0, 1.5, 65]) expect(() => configure({ threads })).toThrow(`threads is a count from 1 to 64, not ${threads}`);
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => configure({ tagret: "js" })).toThrow("there is no setting tagret");
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => configure({ fusion: 1 })).toThrow("fusion is true or false");
    expect(configure()).toEqual(before);
  });
  it("lets the interpreter run", () => {
    configure({ target: "interpreter" });
    resetCounters();
    expect(tensor([1]).add(1).item()).toBe(2);
    expect(counters().plansRun).toBe(0);
    configure({ target: "wasm" });
  });
  it("records the user's line of every node in debug mode", () => {
    configure({ debug: true });
    const y = tensor([1]).gelu();
    configure({ debug: false });
    expect(y.value.node.site).toMatch(/handle\.test\.ts:\d+:\d+$/);
    expect(y.value.node.args[0]?.node.site).toBe(y.value.node.site);
    expect(tensor([1]).exp().value.node.site).toBeNull();
  });
});
