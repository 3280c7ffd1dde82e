import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import type { ViteUserConfig } from "vitest/config";

/** The installed browser: `CHROMIUM` names one, else the first on the path. */
function findChromium(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const programs = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env["CHROMIUM"] ?? "", ...programs].find((path) => path !== "" && existsSync(path)) ?? null;
}

const chromium = findChromium();
if (chromium === null) console.log("browser tests skipped: no chromium is installed");

/** The built package in a page of a real browser. */
const config: ViteUserConfig = {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { alias: [{ find: /^lazuli$/, replacement: fileURLToPath(new URL("../../dist/src/index.js", import.meta.url)) }] },
  server: { headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } },
  test: {
    include: chromium === null ? [] : ["test/browser/**/*.test.ts"],
    passWithNoTests: chromium === null,
    testTimeout: 60_000,
    browser: {
      enabled: chromium !== null,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          ...(chromium === null ? {} : { executablePath: chromium }),
          args: ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader"],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
};

export default config;
