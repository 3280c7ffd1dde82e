/** The command line as a process: what it prints and how it exits. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lazuli-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

function lazuli(args: readonly string[], input: string = ""): Result {
  const done = spawnSync(process.execPath, ["--import", "tsx", program, ...args], { cwd: root, input, encoding: "utf8" });
  return { code: done.status, out: done.stdout, error: done.stderr };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const graph = `; input %x = [[1, 2], [3, 4]]
graph @double(%x: f32[2,2], %k: scalar f32, %n: i32[3]) -> (f32[2,2], i32[3]) {
  %0 = add %x, %x : f32[2,2]
  return %0, %n
}
`;

describe("lazuli run", () => {
  test.each(["wasm", "js", "interpreter"])("prints what graphs give on %s, from the standard input too", (target) => {
    const { code, out, error } = lazuli(["run", "-", "--target", target], graph);
    expect(error).toBe("");
    expect(out).toMatch(/^@double 0: f32\[2,2\]\ntensor\(\[\[2, 4\],\n {8}\[6, 8\]\]\)\n@double 1: i32\[3\]\ntensor\(\[\d, \d, \d\], dtype=int32\)\n$/);
    expect(code).toBe(0);
  });

  test.each([
    ["an input of another shape", "; input %x = [1, 2]", "1:9: %x is f32[2,2], the input has shape [2]"],
    ["an input that no graph has", "; input %y = [1, 2]", "1:9: no graph has a param %y"],
    ["a number that the dtype cannot hold", "; input %n = [0, 1, 0.5]", "1:9: %n is i32[3]: 0.5 is no int32"],
    ["rows that differ", "; input %x = [[1, 2], [3]]", "1:23: rows differ in length"],
    ["what is no number", ";   input %x = [[1, two], [3, 4]]", "1:21: expected a number, found two"],
  ])("rejects %s", (_, line, message) => {
    const path = file("input.ir", graph.replace(/^.*/, line));
    expect(lazuli(["run", path])).toEqual({ code: 1, out: "", error: `lazuli: ${path}:${message}\n` });
  });
});

describe("lazuli dump", () => {
  const path = file("graph.ir", graph);

  test("shows every stage", () => {
    const { code, out } = lazuli(["dump", path]);
    const titles = out.split("\n").filter((l) => l.startsWith("; ----"));
    expect(titles).toEqual(["graph", "passes", "fuse", "plan", "loops", "source"].map((s) => `; ---- ${s} of @double`));
    expect(code).toBe(0);
  });

  test("shows one stage", () => {
    expect(lazuli(["dump", path, "--stage", "graph"])).toEqual({ code: 0, out: graph.slice(graph.indexOf("graph @")), error: "" });
  });

  test("shows shaders", () => {
    expect(lazuli(["dump", path, "--stage=source", "--target=wgsl"]).out).toContain("@compute");
  });

  test("says where a text is wrong", () => {
    const wrong = file("wrong.ir", "graph @g(%x: f32[2]) -> f32[2] {\n  return %y\n}\n");
    expect(lazuli(["dump", wrong])).toEqual({ code: 1, out: "", error: `lazuli: ${wrong}:2:10: unknown value %y\n` });
  });

  test("says that a file is not there", () => {
    const { code, error } = lazuli(["dump", join(folder, "none.ir")]);
    expect(error).toContain("cannot read");
    expect(code).toBe(1);
  });
});

describe("usage", () => {
  test("help", () => {
    const { code, out, error } = lazuli(["--help"]);
    expect(out).toContain("lazuli dump FILE.ir");
    expect([code, error]).toEqual([0, ""]);
  });

  test.each([
    [[], "there is no command"],
    [["print", "x.ir"], "there is no command print: use dump or run"],
    [["dump"], "dump needs a file"],
    [["dump", "a.ir", "b.ir"], "dump takes one file, found also b.ir"],
    [["dump", "a.ir", "--stage", "loop"], "there is no stage loop: use graph, passes, fuse, plan, loops, source"],
    [["dump", "a.ir", "--target", "interpreter"], "dump has no target interpreter: use js or wasm or wgsl"],
    [["run", "a.ir", "--stage", "graph"], "run takes no --stage"],
    [["run", "a.ir", "--fast"], "Unknown option '--fast'"],
  ])("%j is not understood", (args, message) => {
    const { code, out, error } = lazuli(args);
    expect(error).toContain(`lazuli: ${message}`);
    expect([code, out]).toEqual([2, ""]);
  });
});
