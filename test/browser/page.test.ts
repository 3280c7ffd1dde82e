/** The page of examples/browser, built and served from a folder as any static host would, in a real browser with and without WebGPU. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import type { Browser, Page } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, withGpu, withoutGpu } from "./chromium.ts";

/** Not the root of its host: what the page loads, it must name relative to itself. */
const place = "/some/where/";
const folder = mkdtempSync(join(tmpdir(), "lazuli-page-"));
const browsers: Browser[] = [];
let server: Server;
let address: string;

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

beforeAll(async () => {
  const configFile = fileURLToPath(new URL("../../examples/browser/vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error", build: { outDir: folder } });
  server = createServer(({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const path = join(folder, pathname === place ? "index.html" : pathname.slice(place.length));
    const found = pathname.startsWith(place) && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
    response.writeHead(found ? 200 : 404, { "content-type": types[extname(path)] ?? "application/octet-stream" });
    response.end(found ? readFileSync(path) : "");
  });
  address = await new Promise((resolve, reject) => {
    server.listen(0, "localhost", () => {
      const at = server.address();
      if (at === null || typeof at === "string") reject(new Error("no port to listen on"));
      else resolve(`http://localhost:${at.port}${place}`);
    });
  });
}, 120_000);

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Visit {
  readonly page: Page;
  /** What the browser complained of: warnings of WebGPU's validation come here too. */
  readonly complaints: readonly string[];
}

/** `before` is run before anything of the page. */
async function visit(flags: readonly string[], query: string, before = ""): Promise<Visit> {
  const browser = await chromium.launch({ executablePath: findChromium() ?? "", args: [...flags] });
  browsers.push(browser);
  const page = await browser.newPage();
  await page.addInitScript(before);
  const complaints: string[] = [];
  page.on("console", (message) => void (["warning", "error"].includes(message.type()) && complaints.push(message.text())));
  page.on("pageerror", (error) => void complaints.push(error.message));
  page.on("response", (response) => void (response.ok() || complaints.push(`${response.status()} ${response.url()}`)));
  await page.goto(address + query);
  await state(page, "ready", "running");
  return { page, complaints };
}

/** Waits until the page is in one of these states. */
async function state(page: Page, ...names: readonly string[]): Promise<void> {
  await page.waitForSelector(names.map((name) => `#page[data-state="${name}"]`).join(", "), { timeout: 150_000 });
}

const text = (page: Page, selector: string): Promise<string> => page.innerText(selector);
const number = async (page: Page, selector: string): Promise<number> => Number.parseFloat(await text(page, selector));

/** Presses, moves and lets go; places are shares of the pad. */
async function stroke(page: Page, places: readonly (readonly [number, number])[]): Promise<void> {
  const pad = page.locator("#pad");
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  if (box === null) throw new Error("the pad is not shown");
  for (const [i, [x, y]] of places.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 5 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

describe("with WebGPU", () => {
  let visited: Visit;
  beforeAll(async () => {
    visited = await visit(withGpu, "?epochs=3&autostart");
  }, 60_000);

  test("says on which adapter it trains, and that it is software", async () => {
    expect(await text(visited.page, "#adapter")).toMatch(/^GPU: .*swiftshader.*software GPU/i);
    expect(await visited.page.isChecked("#on-webgpu")).toBe(true);
  });

  test("stays awake: a pause is a pause, and training goes on after it", async () => {
    const { page } = visited;
    await page.waitForFunction("Number.parseInt(document.getElementById('step').textContent) >= 8", undefined, { timeout: 60_000 });
    await page.click("#start");
    await state(page, "paused");
    const paused = await text(page, "#step");
    expect(await text(page, "#status")).toMatch(/^Paused at step \d+ of 480, after [\d.]+ s of training on the GPU\.$/);
    await page.waitForTimeout(500);
    expect(await text(page, "#step")).toBe(paused);
    await page.click("#start");
    await state(page, "running", "done");
  });

  test("learns the digits: a test accuracy of 0.95 and more", async () => {
    const { page } = visited;
    await state(page, "done");
    expect(await number(page, "#accuracy")).toBeGreaterThanOrEqual(95);
    expect(await number(page, "#loss")).toBeLessThan(0.5);
    expect(await text(page, "#status")).toMatch(/^Done: reads 9\d\.\d % of the test images correctly/);
    expect(await page.locator("#chart .epoch").count()).toBe(3);
    expect((await page.getAttribute("#chart .batch", "points"))?.split(" ")).toHaveLength(120);
  }, 180_000);

  test("reads test images and drawings", async () => {
    const { page } = visited;
    const wrong = await page.locator("#samples .wrong").count();
    expect(wrong).toBeLessThan(10);
    expect(await text(page, "#samples-summary")).toContain(`${40 - wrong} of these 40`);
    await page.click("#samples li:nth-child(1) button");
    await page.waitForFunction("document.querySelector('#answer .best')?.textContent.startsWith('0')");
    await stroke(page, [
      [0.5, 0.15],
      [0.5, 0.85],
    ]);
    await page.waitForFunction("document.querySelector('#answer .best')?.textContent.startsWith('1')");
    await page.click("#clear");
    await page.waitForFunction("document.querySelector('#answer .best') === null");
  });

  test("shows the kernels of a step with their shaders", async () => {
    const { page } = visited;
    await page.click("#kernels > summary");
    await page.waitForSelector("#kernel-list table", { timeout: 60_000 });
    const kernels = await page.locator("#kernel-list tbody tr").count();
    expect(await text(page, "#kernel-list > p")).toContain(`take ${kernels} kernels; without fusion`);
    expect(await page.locator("#kernel-list pre").first().textContent()).toContain("@compute @workgroup_size");
  });

  test("begins anew, also on the cpu", async () => {
    const { page } = visited;
    await page.check("#on-cpu", { force: true });
    await state(page, "ready");
    expect(await text(page, "#status")).toBe("A new model on the CPU: ready.");
    expect(await text(page, "#accuracy")).toBe("–");
    expect(await page.locator("#samples .wrong").count()).toBe(0);
  });

  test("fits a phone", async () => {
    const { page } = visited;
    await page.setViewportSize({ width: 360, height: 700 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });

  test("without any complaint of the browser", () => {
    expect(visited.complaints).toEqual([]);
  });
});

/** Keeps what the page asks for within reach, so that it can be taken away. */
const withinReach = `
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (window.taken = await requestDevice.apply(this, args));
  };`;

test("a GPU that is lost in the middle of training: the page says so, and trains again on a new one", async () => {
  const { page } = await visit(withGpu, "?epochs=1&autostart", withinReach);
  await page.waitForFunction("Number.parseInt(document.getElementById('step').textContent) >= 8", undefined, { timeout: 60_000 });
  await page.evaluate("window.taken.destroy()");
  await state(page, "failed");
  expect(await text(page, "#status")).toMatch(/lost.*Try again, or choose the other device\.$/);
  await page.click("#start");
  await state(page, "running");
  await state(page, "done");
  expect(await number(page, "#accuracy")).toBeGreaterThan(90);
}, 180_000);

describe("without WebGPU", () => {
  test("says so in plain words and trains on the cpu", async () => {
    const { page, complaints } = await visit(withoutGpu, "?epochs=1&autostart", "delete Navigator.prototype.gpu");
    expect(await page.evaluate("'gpu' in navigator")).toBe(false);
    expect(await text(page, "#adapter")).toBe("This browser has no WebGPU, so this page trains on the CPU.");
    expect([await page.isChecked("#on-cpu"), await page.isDisabled("#on-webgpu")]).toEqual([true, true]);
    await state(page, "done");
    expect(await text(page, "#status")).toMatch(/training on the CPU\.$/);
    expect(await number(page, "#accuracy")).toBeGreaterThan(90);
    expect(complaints).toEqual([]);
  }, 180_000);

  test("says so where there is only no GPU", async () => {
    const { page, complaints } = await visit(withoutGpu, "?device=webgpu");
    expect(await text(page, "#adapter")).toBe("This browser has WebGPU, but it found no GPU to use, so this page trains on the CPU.");
    expect(await page.isChecked("#on-cpu")).toBe(true);
    // the browser's own words
    expect(complaints).toEqual(["No available adapters."]);
  });
});
