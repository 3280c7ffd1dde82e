/** The browser of these tests. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The installed browser: `CHROMIUM` names one, else the first on the path; null where there is none. */
export function findChromium(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const programs = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env["CHROMIUM"] ?? "", ...programs].find((path) => path !== "" && existsSync(path)) ?? null;
}

const quiet = ["--headless=new", "--no-sandbox"];

/** With WebGPU, on the software GPU that Chromium brings. */
export const withGpu: readonly string[] = [...quiet, "--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader"];

/** With WebGPU that finds no GPU. */
export const withoutGpu: readonly string[] = [...quiet, "--disable-gpu"];
