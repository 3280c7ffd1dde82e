/** What a page's policy allows decides what runs: threads, WebAssembly, generated JavaScript, or the interpreter. */
import type { Server } from "node:http";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, withoutGpu } from "./chromium.ts";
import type { Found } from "./policy-page.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

let browser: Browser;
let server: Server;
let address: string;
/** The headers of the page that is asked for next. */
let headers: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  const alias = { lazuli: at("../../dist/src/index.js") };
  const { outputFiles } = await build({ entryPoints: [at("policy-page.ts")], alias, external: ["webgpu"], bundle: true, format: "esm", write: false });
  const script = outputFiles[0]?.contents ?? "";
  server = createServer(({ url = "/" }, response) => {
    response.writeHead(200, { "content-type": url === "/page.js" ? "text/javascript" : "text/html", ...headers });
    response.end(
      url === "/page.js" ? script : '<!doctype html><title>policy</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
    );
  });
  address = await new Promise((resolve, reject) => {
    server.listen(0, "localhost", () => {
      const bound = server.address();
      if (bound === null || typeof bound === "string") reject(new Error("no port to listen on"));
      else resolve(`http://localhost:${bound.port}/`);
    });
  });
  browser = await chromium.launch({ executablePath: findChromium() ?? "", args: [...withoutGpu] });
}, 120_000);

afterAll(async () => {
  await browser.close();
  server.close();
});

interface Visit {
  readonly found: Found;
  readonly warnings: readonly string[];
}

/** What the page found under these headers; `before` is run before anything of it. */
async function visit(sent: Readonly<Record<string, string>>, before = ""): Promise<Visit> {
  headers = sent;
  const page = await browser.newPage();
  await page.addInitScript(before);
  const warnings: string[] = [];
  page.on("console", (message) => void (message.type() === "warning" && warnings.push(message.text())));
  await page.goto(address);
  await page.waitForFunction("window.found !== undefined");
  const found: Found = await page.evaluate(() => window.found ?? Promise.reject(new Error("nothing was run")));
  await page.close();
  return { found, warnings };
}

const policy = (scripts: string): Record<string, string> => ({ "content-security-policy": `script-src ${scripts}; worker-src blob:` });

describe("a page", () => {
  test("that is isolated runs WebAssembly on threads, with the bits of one", async () => {
    const { found, warnings } = await visit(isolation);
    expect(found).toMatchObject({ isolated: true, same: true, sum: 6, threadsLost: 0, described: expect.stringContaining("wasm") });
    expect(found.explained).toMatch(/^1 kernel for wasm: /);
    if (found.threads > 1) expect(found.launchesShared).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  }, 60_000);

  test("that is not isolated runs WebAssembly on one thread", async () => {
    const { found } = await visit({});
    expect(found).toMatchObject({ isolated: false, same: true, sum: 6, threads: 1, launchesShared: 0 });
    expect(found.explained).toMatch(/^1 kernel for wasm: /);
  }, 60_000);

  test("whose policy allows WebAssembly but not eval runs WebAssembly", async () => {
    const { found } = await visit({ ...isolation, ...policy("'self' 'wasm-unsafe-eval'") });
    expect(found).toMatchObject({ same: true, sum: 6, threadsLost: 0 });
    expect(found.explained).toMatch(/^1 kernel for wasm: /);
  }, 60_000);

  test("whose policy allows neither runs the interpreter's closures, and says so", async () => {
    const { found } = await visit(policy("'self'"));
    expect(found).toMatchObject({ same: true, sum: 6, described: expect.stringContaining("interpreter") });
    expect(found.explained).toMatch(/WebAssembly .* may not be compiled here .*'wasm-unsafe-eval'.*'unsafe-eval'.*the interpreter's closures run instead/);
  }, 120_000);

  test("without WebAssembly runs JavaScript, and says so", async () => {
    const { found } = await visit({}, "delete globalThis.WebAssembly");
    expect(found).toMatchObject({ same: true, sum: 6, threads: 1, described: expect.stringContaining("js") });
    expect(found.explained).toMatch(/js runs instead/);
  }, 60_000);

  test("whose policy forbids workers does all by itself, and warns", async () => {
    const { found, warnings } = await visit({ ...isolation, "content-security-policy": "worker-src 'none'" });
    expect(found).toMatchObject({ isolated: true, same: true, sum: 6, launchesShared: 0 });
    if (found.threads > 1) {
      expect(found.threadsLost).toBeGreaterThan(0);
      expect(warnings).toEqual([expect.stringMatching(/a thread of the CPU was lost: .*worker-src blob:/)]);
    }
  }, 60_000);
});
