/** The examples of the docs that need a GPU. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lazuli from "lazuli";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { projectFiles, readProjectFile, root } from "../architecture/source.ts";
import { examplesInMarkdown, moduleOf } from "../docs/examples.ts";
import { gpu } from "./adapter.ts";

const folder = join(root, "test", ".docs", `gpu-${process.pid}`);
const pages = projectFiles().filter((path) => /^([A-Z]+|docs\/.*)\.md$/.test(path));
const examples = pages.flatMap((path) => examplesInMarkdown(path, readProjectFile(path), "gpu")).map((e, i) => ({ ...e, file: join(folder, `${i}.ts`) }));

describe.skipIf(gpu === null)("examples on webgpu", () => {
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    for (const example of examples) writeFileSync(example.file, moduleOf(example, Object.keys(lazuli)));
  });
  afterEach(() => void lazuli.configure({ device: "cpu" }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("there are some", () => expect(examples.length).toBeGreaterThan(3));
  test.each(examples)("$place", async ({ file }) => {
    await expect(import(file)).resolves.toBeDefined();
  });
});
