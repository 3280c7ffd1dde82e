/** Goldens of products (area 7), neural networks (8), higher derivatives and optimizers (10). */
import { describe, expect, it } from "vitest";
import type { GoldenCase } from "./golden/cases.ts";
import { goldenCases } from "./golden/cases.ts";
import type { FloatDType } from "./golden/compare.ts";
import { higher } from "./golden/higher.ts";
import { exists, functionsOf, notBuilt } from "./golden/not-built.ts";
import { runCase } from "./golden/run.ts";
import { exceptions } from "./goldens/exceptions.ts";

const areas = [7, 8, 10];
const dtypes: readonly FloatDType[] = ["float64", "float32"];

const excepted = (id: string, dtype: FloatDType): boolean => exceptions.some((e) => e.id === id && e.dtypes.includes(dtype));
const isBuilt = (c: GoldenCase): boolean => functionsOf(c).every((name) => !notBuilt.includes(name));

const targets = ["js", "wasm", "interpreter"] as const;

describe.each(areas.flatMap((area) => targets.map((target) => ({ area, target }))))("goldens of area $area, $target", ({ area, target }) => {
  const cases = goldenCases(area).filter(isBuilt);
  const runs = dtypes.flatMap((dtype) => cases.filter((c) => c.only === undefined || c.only === dtype).map((c) => ({ c, id: c.id, dtype })));
  it.each(runs.filter(({ id, dtype }) => !excepted(id, dtype)))("$id $dtype", async ({ c, dtype }) =>
    expect(await runCase(c, { dtype, target }, higher)).toEqual([]),
  );
  it.each(runs.filter(({ id, dtype }) => excepted(id, dtype)))("$id $dtype still differs", async ({ c, dtype }) =>
    expect(await runCase(c, { dtype, target }, higher)).not.toEqual([]),
  );
  it("has few exceptions", () => {
    const required = cases.filter((c) => c.optional !== true);
    expect(required.filter((c) => exceptions.some((e) => e.id === c.id)).length / required.length).toBeLessThanOrEqual(0.02);
  });
});

describe("the list of what is not built is true", () => {
  it.each(notBuilt)("%s", (name) => expect(exists(name)).toBe(false));
  it("and complete", () => {
    const missing = areas.flatMap((area) => goldenCases(area).flatMap(functionsOf)).filter((name) => !exists(name));
    expect([...new Set(missing)].filter((name) => !notBuilt.includes(name))).toEqual([]);
  });
});
