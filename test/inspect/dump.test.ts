/** LAZULI_DUMP, in a process of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { graphsFromText } from "../../compiler/text.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a program writes to its standard error. */
function stderrOf(dump: string | undefined, program: string): string {
  const { LAZULI_DUMP: _, ...env } = process.env;
  const code = `import { tensor, configure } from "./src/index.ts";\n${program}`;
  const done = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", code], {
    cwd: root,
    encoding: "utf8",
    env: dump === undefined ? env : { ...env, LAZULI_DUMP: dump },
  });
  expect(done.status).toBe(0);
  return done.stderr;
}

const twoPlans = "const x = tensor([1, 2, 3]); x.mul(2).evalSync(); x.mul(3).evalSync(); x.exp().evalSync();";

describe("LAZULI_DUMP", () => {
  test("prints the stages asked for, of every plan that is compiled, once", () => {
    const text = stderrOf("loop, graph", twoPlans);
    const headings = text.split("\n").filter((l) => l.startsWith("; ----"));
    expect(headings).toEqual([1, 2].flatMap((n) => [`; ---- graph of plan ${n} for wasm`, `; ---- loops of plan ${n} for wasm`]));
    const graph = /graph of plan 2 for wasm\n([\s\S]*?)\n; ----/.exec(text)?.[1] ?? "";
    expect(graphsFromText(graph).map((g) => g.outputs.length)).toEqual([1]);
    expect(text).toContain("  %0 = exp %x0 : f32[3]\n");
  });

  test("warns once of what it does not know, and prints the rest", () => {
    const text = stderrOf("loops,plan,grap,", twoPlans);
    expect(text.split("\n").filter((l) => l.startsWith("lazuli:"))).toEqual([
      'lazuli: LAZULI_DUMP names no stage with "grap". There are graph, passes, fuse, plan, loops, source.',
    ]);
    expect(text).toContain("; ---- plan of plan 1 for wasm\nplan @main(");
  });

  test.each([undefined, "", " "])("%j prints nothing", (value) => {
    expect(stderrOf(value, twoPlans)).toBe("");
  });

  test("names user lines in debug mode", () => {
    expect(stderrOf("graph", "configure({ debug: true }); tensor([1]).exp().evalSync();")).toMatch(/exp %x0 : f32\[1\] {2}; \S*:\d+:\d+\n/);
  });

  test("where there is no process there is nothing to print", () => {
    const program = `const before = globalThis.process; delete globalThis.process; tensor([1]).exp().evalSync(); globalThis.process = before;`;
    expect(stderrOf("graph", program)).toBe("");
  });
});
