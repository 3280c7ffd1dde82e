/** Values and gradients of every function against NumPy and PyTorch; test/goldens/README.md describes the data. */
import { describe, expect, it } from "vitest";
import { goldenCases } from "./golden/cases.ts";
import type { FloatDType } from "./golden/compare.ts";
import type { Program } from "./golden/run.ts";
import { programs } from "./golden/programs.ts";
import { runCase } from "./golden/run.ts";
import type { Settings } from "../src/index.ts";
import { exceptions } from "./goldens/exceptions.ts";

const areas: readonly { readonly area: number; readonly programs?: Readonly<Record<string, Program>> }[] = [
  { area: 1 },
  { area: 2 },
  { area: 3 },
  { area: 4 },
  { area: 5 },
  { area: 6, programs },
];
const dtypes: readonly FloatDType[] = ["float64", "float32"];
const targets: readonly Settings["target"][] = ["wasm", "js", "interpreter"];

const excepted = (id: string, dtype: FloatDType): boolean => exceptions.some((e) => e.id === id && e.dtypes.includes(dtype));

for (const { area, programs } of areas) {
  const cases = goldenCases(area);
  describe(`goldens of area ${area}`, () => {
    for (const target of targets) {
      for (const dtype of dtypes) {
        for (const c of cases.filter((c) => c.only === undefined || c.only === dtype)) {
          const differs = excepted(c.id, dtype);
          it(`${c.id} ${dtype} ${target}${differs ? " still differs" : ""}`, async () => {
            const found = await runCase(c, { dtype, target }, programs);
            expect(differs ? found.length > 0 : found).toEqual(differs ? true : []);
          });
        }
      }
    }
    it("has few exceptions", () => {
      const required = cases.filter((c) => c.optional !== true);
      const differing = required.filter((c) => exceptions.some((e) => e.id === c.id));
      expect(differing.length / required.length).toBeLessThanOrEqual(0.02);
    });
  });
}

it("every exception names a case and a reason", () => {
  const ids = new Set(areas.flatMap(({ area }) => goldenCases(area).map((c) => c.id)));
  expect(exceptions.filter((e) => !ids.has(e.id) || e.reason === "")).toEqual([]);
});
