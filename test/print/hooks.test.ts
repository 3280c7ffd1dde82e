import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { array, counters, getPrintOptions, resetCounters, setPrintOptions, tensor } from "../../src/index.ts";
import type { Lazy } from "../../src/index.ts";

/** What a console or notebook does: it looks a well-known symbol up and calls it. */
function shownBy(name: string, x: Lazy, ...passed: readonly unknown[]): unknown {
  const hook: unknown = Reflect.get(x, Symbol.for(name));
  if (typeof hook !== "function") throw new Error(`${name} is no method`);
  const shown: unknown = Reflect.apply(hook, x, passed);
  return shown;
}

const consoles: readonly (readonly [string, readonly unknown[]])[] = [
  ["nodejs.util.inspect.custom", [2, { depth: 2 }, inspect]],
  ["Deno.customInspect", [inspect, { depth: 4 }]],
];

beforeEach(() => resetCounters());

describe.each(consoles)("%s", (name, passed) => {
  it("shows the elements that are on the host", () => {
    expect(shownBy(name, tensor([1, 2.5]), ...passed)).toBe("tensor([1.0000, 2.5000])");
    expect(shownBy(name, array([1, 2]).add(1).evalSync(), ...passed)).toBe("array([2, 3])");
  });
  it("describes what is not computed, and computes nothing", () => {
    expect(shownBy(name, tensor([1, 2]).mul(2), ...passed)).toMatch(/^tensor\(f32\[2\], lazy: \d+ nodes, \w+\)$/);
    expect(counters().plansRun).toBe(0);
  });
  it("shows a disposed handle", () => {
    const x = array([1]);
    x.dispose();
    expect(shownBy(name, x, ...passed)).toBe("array(disposed)");
  });
});

describe("Jupyter.display", () => {
  it("shows the elements, as text and as markup", () => {
    expect(shownBy("Jupyter.display", array([[1, 2]]))).toEqual({ "text/plain": "array([[1, 2]])", "text/html": "<pre>array([[1, 2]])</pre>" });
  });
  it("escapes what markup would read", () => {
    const x = array([Number.NaN, 1]);
    const { array: before } = getPrintOptions();
    setPrintOptions({ nanstr: "<b>&" });
    const shown = shownBy("Jupyter.display", x);
    setPrintOptions(before);
    expect(shown).toMatchObject({ "text/html": "<pre>array([&lt;b&gt;&amp;,   1.])</pre>" });
  });
  it("describes what is not computed, and computes nothing", () => {
    const shown = shownBy("Jupyter.display", tensor([1, 2]).mul(2));
    expect(shown).toMatchObject({ "text/plain": expect.stringMatching(/^tensor\(f32\[2\], lazy: \d+ nodes/) });
    expect(counters().plansRun).toBe(0);
  });
});

it("console.log indents what is nested", () => {
  expect(inspect({ x: array([[1], [2]]) })).toBe("{\n  x: array([[1],\n         [2]])\n}");
});
it("the hooks are not listed among an object's own", () => {
  expect(Object.getOwnPropertySymbols(array([1]))).toEqual([]);
  for (const key in array([1])) expect(key).not.toContain("Symbol");
});
