import { describe, expect, test } from "vitest";
import { threefry } from "../../compiler/ops/random.ts";
import { evaluate, i32, u32 } from "./evaluate.ts";

/** Key, counter and result from the known answers of Random123 (kat_vectors, threefry2x32, 20 rounds). */
const known: readonly (readonly [readonly number[], readonly number[], readonly number[]])[] = [
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
];

describe("threefry", () => {
  test.each(known)("key %j counter %j gives %j", ([k0 = 0, k1 = 0], [c0 = 0, c1 = 0], want) => {
    expect(threefry(u32(k0), u32(k1), u32(c0), u32(c1)).flatMap((word) => evaluate(word))).toEqual(want);
  });
  test("elements are independent of each other", () => {
    const [words] = threefry(u32(0, 0), u32(0, 0), u32(5, 0), u32(6, 0));
    expect(evaluate(words)[1]).toBe(0x6b200159);
  });
  test("takes uint32 only", () =>
    expect(() => threefry(i32(0), i32(0), i32(0), i32(0))).toThrow("threefry: takes uint32, not i32. Convert with astype first."));
});
