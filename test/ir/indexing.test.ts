import { describe, expect, it } from "vitest";
import { axisIndex } from "../../compiler/ir/expr.ts";
import { divIndex, flatten, ix, keyOf, modIndex, mulIndex, unflatten } from "../../compiler/ir/indexing.ts";

describe("indices simplify", () => {
  const i = axisIndex("i", 0, 2);

  it.each(Array.from({ length: 400 }, (_, n) => n + 1))("%i · i / %i is i", (n) => {
    expect(keyOf(divIndex(mulIndex(i, n), n))).toBe("%i");
    expect(keyOf(modIndex(mulIndex(i, n), n))).toBe("0");
  });

  it("a reshape that adds an axis of length 1 changes no index", () => {
    const [a, b] = [axisIndex("a", 0, 6), axisIndex("b", 0, 6)];
    const flat = flatten([ix(0), ix(0), i, a, b], [1, 1, 3, 7, 7]);
    expect(unflatten(flat, [1, 3, 7, 7]).map(keyOf)).toEqual(["0", "%i", "%a", "%b"]);
  });
});
