import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";

/** The browser has a config of its own (test/browser): it needs a build and a chromium. */
const config: ViteUserConfig = {
  resolve: { alias: [{ find: /^lazuli$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }] },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**"],
    pool: "threads",
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
};

export default config;
