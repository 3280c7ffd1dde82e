import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";

/** The software Vulkan of Debian's chromium: tests on a GPU run there, never on a card by accident. */
const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
const env = existsSync(driver) ? { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver } : {};
/** Longer where more programs are tried than usual. */
const testTimeout = 30_000 * Math.max(1, Number(process.env["FUZZ_RUNS"] ?? 1));
const onGpu = "test/webgpu/**/*.test.ts";

/** The browser has a config of its own (test/browser): it needs a build and a chromium. */
const config: ViteUserConfig = {
  resolve: { alias: [{ find: /^lazuli$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }] },
  test: {
    // by itself vitest leaves one core idle, which is half of two
    maxWorkers: "100%",
    testTimeout,
    hookTimeout: 30_000,
    projects: [
      { extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/browser/**", onGpu], pool: "threads" } },
      // a process each: a driver that fails takes no other test with it
      { extends: true, test: { name: "webgpu", include: [onGpu], pool: "forks", env } },
    ],
  },
};

export default config;
