import { describe, expect, it } from "vitest";
import { sizeClass } from "../../../runtime/webgpu/memory.ts";

describe("size classes", () => {
  it("hold what is asked, waste a quarter at most, and stay aligned", () => {
    for (let bytes = 0; bytes < 2 ** 31; bytes = Math.ceil(bytes * 1.07) + 3) {
      const size = sizeClass(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size % 16).toBe(0);
      if (bytes > 256) expect(size / bytes).toBeLessThanOrEqual(1.25);
      expect(sizeClass(size)).toBe(size);
    }
  });
});
