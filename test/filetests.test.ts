/** Runs every test/filetests/<topic>/*.ir; `npm run test:bless` rewrites what they expect. `filetests/file.ts` shows the form. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { blessed, readFileTest } from "./filetests/file.ts";
import { outcomeOf } from "./filetests/outcome.ts";

const root = new URL("filetests/", import.meta.url);
const bless = process.env["LAZULI_BLESS"] === "1";
const topics = readdirSync(root, { withFileTypes: true }).filter((e) => e.isDirectory());

describe.each(topics.map((t) => t.name))("%s", (topic) => {
  const folder = new URL(`${topic}/`, root);
  const files = readdirSync(folder).filter((f) => f.endsWith(".ir"));
  test.each(files)("%s", (name) => {
    const url = new URL(name, folder);
    const text = readFileSync(url, "utf8");
    const file = readFileTest(text);
    const outcome = outcomeOf(file);
    if (bless) {
      const next = blessed(text, outcome);
      if (next !== text) writeFileSync(url, next);
      return;
    }
    expect(file.expected !== undefined || file.error !== undefined || file.kernels !== undefined || file.run, "the file asserts something").toBe(true);
    expect(outcome).toEqual({ error: file.error, text: file.expected });
  });
});

test("there are filetests", () => {
  expect(topics.length).toBeGreaterThan(0);
});
