import { describe, expect, it } from "vitest";
import type { AdapterWords } from "../../../runtime/webgpu/info.ts";
import { isSoftware, wordsOf } from "../../../runtime/webgpu/info.ts";

const adapters: readonly (readonly [AdapterWords, string, boolean])[] = [
  [{ vendor: "google", architecture: "swiftshader", description: "SwiftShader driver 5.0.0" }, "google swiftshader (SwiftShader driver 5.0.0)", true],
  [{ vendor: "mesa", description: "llvmpipe (LLVM 15.0.6, 256 bits)" }, "mesa (llvmpipe (LLVM 15.0.6, 256 bits))", true],
  [{ vendor: "microsoft", device: "Microsoft Basic Render Driver" }, "microsoft Microsoft Basic Render Driver", true],
  [{ isFallbackAdapter: true }, "unnamed adapter", true],
  [{ vendor: "nvidia", architecture: "hopper", device: "0x2330" }, "nvidia hopper", false],
  [{ vendor: "apple", architecture: "metal-3", isFallbackAdapter: false }, "apple metal-3", false],
  [{ description: "Warpspeed 9000" }, "Warpspeed 9000", false],
];

describe("an adapter", () => {
  it.each(adapters)("%o is %s", (words, said, computesOnTheCpu) => {
    expect(wordsOf(words)).toBe(said);
    expect(isSoftware(words)).toBe(computesOnTheCpu);
  });
});
