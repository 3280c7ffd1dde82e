/** Runs sessions in pages of a headless Chromium, cross-origin isolated: a browser of its own for each. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import type { Plugin } from "vite";
import { build } from "vite";
import { findChromium } from "../../test/browser/chromium.ts";
import type { RunSession } from "./in-node.ts";
import { patience, silence } from "./patience.ts";
import type { Engine, Message, Spec } from "./session.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** What makes a page isolated, so that it has shared memory and a fine clock. */
const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Node's modules have no place in a page: what would import them is never called there. */
function noNode(): Plugin {
  const names = new Set(["webgpu", "node:module"]);
  return {
    name: "no-node",
    enforce: "pre",
    resolveId: (id) => (names.has(id) ? "\0none" : null),
    load: (id) => (id === "\0none" ? 'const none = () => { throw new Error("not in a page"); }; export { none as create, none as createRequire };' : null),
  };
}

/** Serves the built page, and the installed peers under /modules/, for what they load by themselves. */
async function serve(folder: string): Promise<{ server: Server; address: string }> {
  const server = createServer(({ url = "/" }, response) => {
    const pathname = normalize(new URL(url, "http://localhost").pathname);
    const inside = pathname === "/" ? "/index.html" : pathname;
    const path = inside.startsWith("/modules/") ? join(at("../node_modules"), inside.slice("/modules".length)) : join(folder, inside);
    const found = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
    response.writeHead(found ? 200 : 404, { ...isolation, "content-type": types[extname(path)] ?? "application/octet-stream" });
    response.end(found ? readFileSync(path) : "");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "localhost", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to listen on");
  return { server, address: `http://localhost:${address.port}/` };
}

async function visit(executablePath: string, address: string, spec: Spec, hear: (message: Message) => void): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
  const { heard, over, end } = patience(silence);
  try {
    const [major] = browser.version().split(".");
    const engine: Engine = { name: `chromium${major}`, version: `Chromium ${browser.version()}` };
    const page = await browser.newPage();
    page.on("console", (message) => void (message.type() === "error" && console.error(`${spec.peer}, in the page: ${message.text()}`)));
    page.on("pageerror", (error) => console.error(`${spec.peer}, in the page: ${error.message}`));
    await page.exposeFunction("hear", (message: Message) => {
      heard();
      hear(message);
    });
    await page.goto(address);
    await page.waitForFunction("document.title === 'ready' && crossOriginIsolated");
    await Promise.race([page.evaluate(`runSession(${JSON.stringify(spec)}, ${JSON.stringify(engine)}, hear)`), over]);
  } finally {
    end();
    await browser.close();
  }
}

/** Builds the page and serves it until `close`; throws where no Chromium is installed. */
export async function inPage(): Promise<{ readonly run: RunSession; readonly close: () => void }> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("no chromium is installed: CHROMIUM may name one");
  const folder = mkdtempSync(join(tmpdir(), "lazuli-peers-page-"));
  const output = { outDir: folder, emptyOutDir: true, target: "es2023", chunkSizeWarningLimit: 10_000, minify: false };
  await build({ configFile: false, root: at("page"), base: "./", logLevel: "error", plugins: [noNode()], build: output });
  const { server, address } = await serve(folder);
  const run: RunSession = async (spec, hear) => {
    try {
      await visit(executablePath, address, spec, hear);
    } catch (error) {
      hear({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const close = (): void => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { run, close };
}
