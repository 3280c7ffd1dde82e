/** Area 12 against PyTorch and NumPy, row by row; test/goldens/README.md describes the data. */
import { describe, expect, it } from "vitest";
import type { Settings } from "../src/index.ts";
import type { FloatDType } from "./golden/compare.ts";
import { raggedCases, runRagged } from "./golden/ragged.ts";

const targets: readonly Settings["target"][] = ["wasm", "js", "interpreter"];
const dtypes: readonly FloatDType[] = ["float64", "float32"];

describe.each(targets)("goldens of area 12 on %s", (target) => {
  describe.each(dtypes)("%s", (dtype) => {
    it.each(raggedCases())("$id", (c) => expect(runRagged(c, { dtype, target })).toEqual([]));
  });
});

it("goldens of area 12 are all there, with those about empty rows", () => {
  const cases = raggedCases();
  expect(cases.length).toBe(20);
  expect(cases.filter((c) => c.inputs.some((x) => x.rows?.some((row) => row.length === 0) === true)).length).toBeGreaterThan(8);
});
