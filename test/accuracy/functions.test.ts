/** Functions keep the bounds of docs/accuracy.md, over all exponents and at the edges, against MPFR. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configure } from "../../src/index.ts";
import { bounds, tableText } from "./bounds.ts";
import { worstOf } from "./measure.ts";
import type { Reference } from "./reference.ts";
import { referenced, references } from "./reference.ts";

/** Points of a function; fewer where the reference takes its time. */
const points = (name: string): number => (["erfc", "erfinv", "lgamma", "digamma"].includes(name) ? 20_000 : 100_000);

let exact: (name: string) => Reference;
beforeAll(async () => {
  configure({ target: "wasm" });
  exact = await references();
});
afterAll(() => configure({ target: "wasm" }));

describe.each(["float32", "float64"] as const)("in units in the last place of %s", (dtype) => {
  test.each(bounds)("$name of $domain", (bound) => {
    const worst = worstOf(bound, dtype, points(bound.name), exact(bound.name));
    const limit = bound[dtype];
    expect(worst.ulps <= limit ? "" : `${bound.name}(${worst.at.join(", ")}) = ${worst.got}, not ${worst.want}: ${worst.ulps} > ${limit}`).toBe("");
  });
});

test("every reference is used", () => {
  expect(referenced.toSorted()).toEqual([...new Set(bounds.map((b) => b.name))].toSorted());
});

test("the table of docs/accuracy.md", () => {
  expect(readFileSync("docs/accuracy.md", "utf8")).toContain(tableText());
});
