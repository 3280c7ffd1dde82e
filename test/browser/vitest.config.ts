import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import type { ViteUserConfig } from "vitest/config";
import { findChromium, withGpu } from "./chromium.ts";

const chromium = findChromium();
if (chromium === null) console.log("browser tests skipped: no chromium is installed");

const included = (paths: readonly string[]): string[] => (chromium === null ? [] : [...paths]);
/** These drive a browser from outside; all others run in one. */
const driving = ["test/browser/page.test.ts", "test/browser/policies.test.ts"];

const config: ViteUserConfig = {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { alias: [{ find: /^lazuli$/, replacement: fileURLToPath(new URL("../../dist/src/index.js", import.meta.url)) }] },
  server: { headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } },
  test: {
    passWithNoTests: chromium === null,
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "in a page",
          include: included(["test/browser/**/*.test.ts"]),
          exclude: driving,
          browser: {
            enabled: chromium !== null,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { ...(chromium === null ? {} : { executablePath: chromium }), args: [...withGpu] } }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      { extends: true, test: { name: "a page", include: included(driving) } },
    ],
  },
};

export default config;
