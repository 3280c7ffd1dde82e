import { describe, expect, test } from "vitest";
import { PlanCache } from "../../runtime/plan-cache.ts";

const key = (...words: readonly number[]): Int32Array => Int32Array.from(words);

describe("the plan cache", () => {
  test("finds equal sequences and equal texts", () => {
    const cache = new PlanCache<string>();
    cache.set(key(1, 2, 3), "numbers");
    cache.set("1,2,3", "text");
    expect([cache.get(key(1, 2, 3)), cache.get("1,2,3"), cache.get(key(1, 2)), cache.get("1,2")]).toEqual(["numbers", "text", undefined, undefined]);
  });

  test("confirms by structure where hashes collide", () => {
    const cache = new PlanCache<string>(8, () => 42);
    cache.set(key(1, 2), "a");
    cache.set(key(2, 1), "b");
    cache.set(key(1, 2, 0), "c");
    expect([cache.get(key(1, 2)), cache.get(key(2, 1)), cache.get(key(1, 2, 0)), cache.get(key(3))]).toEqual(["a", "b", "c", undefined]);
  });

  test("forgets what was not asked for longest", () => {
    const cache = new PlanCache<number>(2);
    cache.set("a", 1);
    cache.set("b", 2);
    cache.get("a");
    cache.set("c", 3);
    expect([cache.get("a"), cache.get("b"), cache.get("c"), cache.size]).toEqual([1, undefined, 3, 2]);
  });

  test("forgets colliding entries one by one", () => {
    const cache = new PlanCache<string>(1, () => 0);
    cache.set(key(1), "a");
    cache.set(key(2), "b");
    expect([cache.get(key(1)), cache.get(key(2))]).toEqual([undefined, "b"]);
  });

  test("replaces", () => {
    const cache = new PlanCache<number>();
    cache.set(key(5), 1);
    cache.set(key(5), 2);
    expect([cache.get(key(5)), cache.values()]).toEqual([2, [2]]);
    cache.clear();
    expect([cache.get(key(5)), cache.size]).toEqual([undefined, 0]);
  });

  test("order of words matters to the default hash", () => {
    const cache = new PlanCache<number>();
    for (let i = 0; i < 300; i++) cache.set(key(i, 299 - i), i);
    expect(cache.get(key(299, 0))).toBe(299);
    expect(cache.get(key(0, 299))).toBe(0);
  });
});
