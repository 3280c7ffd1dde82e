/** The laws of ARCHITECTURE.md that can be checked by reading the code. */
import { describe, expect, test } from "vitest";
import { findCycle } from "./architecture/layers.ts";
import { laws } from "./architecture/laws.ts";
import { lineOf, parseSource, projectFiles, readProjectFile } from "./architecture/source.ts";

const paths = projectFiles();
const sources = paths.filter((path) => path.endsWith(".ts")).map((path) => parseSource(path, readProjectFile(path)));

describe.each(laws)("$name", ({ applies, check, breaks, keeps }) => {
  test("holds", () => {
    const found = sources.filter((file) => applies(file.path)).flatMap((file) => check(file).map((v) => `${file.path}:${lineOf(file, v.start)} ${v.why}`));
    expect(found).toEqual([]);
  });
  test.each(breaks)("bites on $path: $text", ({ path, text }) => {
    expect(applies(path)).toBe(true);
    expect(check(parseSource(path, text)).length).toBeGreaterThan(0);
  });
  test.each(keeps)("lets pass $path: $text", ({ path, text }) => {
    expect(check(parseSource(path, text))).toEqual([]);
  });
});

// Types may name each other (a node has a primitive, a primitive's rules make nodes): such imports are gone when the code runs.
describe("no import cycles", () => {
  test("holds", () => {
    expect(sources.length).toBeGreaterThan(20);
    const imports = new Map(sources.map((file) => [file.path, file.imports.filter((i) => i.relative && !i.typesOnly).map((i) => i.target)]));
    expect(findCycle(imports)).toBeNull();
  });
  test("bites", () => {
    const round = new Map([
      ["a", ["b", "d"]],
      ["b", ["c"]],
      ["c", ["d", "b"]],
      ["d", []],
    ]);
    expect(findCycle(round)).toEqual(["b", "c", "b"]);
    expect(findCycle(new Map([["a", ["a"]]]))).toEqual(["a", "a"]);
  });
  test("finds its way through a long chain", () => {
    const chain = Array.from({ length: 100_000 }, (_, i): [string, string[]] => [`${i}`, [`${i + 1}`]]);
    expect(findCycle(new Map(chain))).toBeNull();
  });
});

describe("the project names no machine, host or workplace", () => {
  // Written in halves, so that this file does not break its own law.
  const traces = [
    ["/wo", "rk/"],
    ["../sha", "red"],
    ["/ro", "ot/"],
    ["/tmp/", "team"],
    ["regis", "try.npm"],
    ["registry.", "yarn"],
    ['"resol', 'ved":'],
  ].map((halves) => halves.join(""));
  const traceIn = (text: string): string | undefined => traces.find((trace) => text.includes(trace));

  test("holds", () => {
    const found = paths.flatMap((path) => {
      const trace = traceIn(readProjectFile(path));
      return trace === undefined ? [] : [`${path}: ${trace}`];
    });
    expect(found).toEqual([]);
  });
  test.each(traces)("bites on %s", (trace) => {
    expect(traceIn(`see ${trace} there`)).toBe(trace);
  });
});
