import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The packed tarball and the browser have configs of their own: they need a build first. */
export default defineConfig({
  resolve: { alias: [{ find: /^lazuli$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }] },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/package/**", "test/browser/**"],
    pool: "threads",
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
