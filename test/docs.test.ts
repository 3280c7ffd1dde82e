/** Every example that a reader may copy runs, says what it claims, and has the types it needs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lazuli from "lazuli";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { graphPasses, kernelPasses } from "../compiler/pipeline.ts";
import { projectFiles, readProjectFile, root } from "./architecture/source.ts";
import { withDumps } from "./docs/dumps.ts";
import { examplesInMarkdown, examplesInSource, moduleOf } from "./docs/examples.ts";

/** One a run, so that two runs at once do not meet. */
const folder = join(root, "test", ".docs", String(process.pid));
const paths = projectFiles();
const pages = paths.filter((path) => /^([A-Z]+|docs\/.*)\.md$/.test(path));
const sources = paths.filter((path) => /^src\/.*\.ts$/.test(path));
const examples = [
  ...pages.flatMap((path) => examplesInMarkdown(path, readProjectFile(path))),
  ...sources.flatMap((path) => examplesInSource(path, readProjectFile(path))),
].map((example, i) => ({ ...example, file: join(folder, `example-${i}.ts`) }));

/** Run by test/webgpu/docs.test.ts; here only their types are looked at. */
const onGpu = pages
  .flatMap((path) => examplesInMarkdown(path, readProjectFile(path), "gpu"))
  .map((example, i) => ({ ...example, file: join(folder, `gpu-${i}.ts`) }));

const publicNames = Object.keys(lazuli);

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const example of [...examples, ...onGpu]) writeFileSync(example.file, moduleOf(example, publicNames));
  const compilerOptions = { noUnusedLocals: false, isolatedDeclarations: false, declaration: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../../tsconfig.json", compilerOptions, include: ["./*.ts"] }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// an example may choose a device, and finds a GPU on some machines
afterEach(() => void lazuli.configure({ device: "cpu" }));

test.each(examples)("$place", async ({ file }) => {
  await expect(import(file)).resolves.toBeDefined();
});

test("all of them have the types they need", () => {
  expect(examples.length).toBeGreaterThan(0);
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const run = (): string => execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  expect(outputOf(run)).toBe("");
}, 60_000);

test("every public function is shown at work", () => {
  const code = [...examples, ...onGpu].map((example) => example.code).join("\n");
  const spaces = [lazuli, lazuli.linalg, lazuli.nn, lazuli.optim, lazuli.random];
  const functions = spaces.flatMap((space) => Object.entries(space)).filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name));
  expect(functions.length).toBeGreaterThan(200);
  expect(functions.map(([name]) => name).filter((name) => !new RegExp(`\\b${name}\\(`).test(code))).toEqual([]);
});

function outputOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
  }
}

describe("dumps", () => {
  test.each(["ARCHITECTURE.md", "docs/reading-dumps.md"])("in %s are what every stage prints today (npm run test:bless rewrites them)", (path) => {
    const page = readProjectFile(path);
    const now = withDumps(page);
    if (process.env["LAZULI_BLESS"] === "1") writeFileSync(join(root, path), now);
    else expect(page).toBe(now);
    expect(page.match(/<!-- dump /g)?.length).toBeGreaterThan(3);
  });
  test("that are stale are noticed", () => {
    expect(withDumps("<!-- dump loss graph -->\n```\nold\n```\n")).toContain("reduce sum");
  });
});

describe("ARCHITECTURE.md", () => {
  const page = readProjectFile("ARCHITECTURE.md");

  test("stays a page: at most 300 lines", () => {
    expect(page.split("\n").length).toBeLessThanOrEqual(301);
  });
  test("names every pass of the pipeline and no file that is not there", () => {
    for (const { name } of [...graphPasses, ...kernelPasses]) expect(page).toContain(`\`${name}\``);
    const named = [...page.matchAll(/`((?:src|compiler|runtime|test|docs|bench|examples|ir|ops|passes|codegen)\/[\w/.-]+\.ts)`/g)].map((m) => m[1] ?? "");
    const there = (path: string): boolean => paths.includes(path) || paths.includes(`compiler/${path}`);
    expect(named.filter((path) => !there(path))).toEqual([]);
  });
});

describe("the checker of examples", () => {
  const moduleFrom = (code: string): string => moduleOf({ place: "here", code }, ["tensor", "grad"]);

  test("finds blocks of pages and docstrings", () => {
    const page = "# T\n\n```ts\nconst x = 1;\n```\n\n```ts no-run\nnever\n```\n\n```sh\nls\n```\n";
    expect(examplesInMarkdown("p.md", page)).toEqual([{ place: "p.md:4", code: "const x = 1;\n" }]);
    const source = "/**\n * Adds.\n *\n * @example\n * add(1, 2); // → 3\n *\n * @throws never\n */\nexport const add = 1;\n";
    expect(examplesInSource("s.ts", source)).toEqual([{ place: "s.ts:4", code: "add(1, 2); // → 3\n" }]);
  });
  test("turns claims into checks", () => {
    expect(moduleFrom("f(1); // → 2")).toContain('$gives((f(1)), "2");');
    expect(moduleFrom("console.log(x); // → a\n//   b")).toContain('$gives((x), "a\\n   b");');
    expect(moduleFrom("const y = f(); // → 2")).toContain('const y = f(); $gives(y, "2");');
    expect(moduleFrom("f(); // throws ShapeError")).toContain('await $throws(async () => (f()), "ShapeError");');
    expect(moduleFrom("f(); // see above")).not.toContain("$gives(");
  });
  test("reads relative imports from where the page stands", () => {
    const code = 'import { at } from "../compiler/ir/errors.ts";';
    expect(moduleOf({ place: "docs/page.md:3", code }, [])).toContain('import { at } from "../../../compiler/ir/errors.ts";');
    expect(moduleOf({ place: "src/functions/x.ts:3", code }, [])).toContain('import { at } from "../../../src/compiler/ir/errors.ts";');
  });
  test("imports the public names that an example only uses", () => {
    expect(moduleFrom("tensor([1]);")).toContain('import { tensor } from "lazuli";');
    expect(moduleFrom("const [tensor] = [1];")).not.toContain("lazuli");
    expect(moduleFrom('import { tensor } from "lazuli"; tensor([1]);')).not.toContain('import { tensor } from "lazuli";\nimport');
  });
  test("a false claim fails", async () => {
    const { $gives, $throws } = await import("./docs/check.ts");
    expect(() => $gives(1, "2")).toThrow("expected '1' to be '2'");
    expect($gives([1, 2], "[ 1, 2 ]")).toBeUndefined();
    expect($gives([1, 2, 3], "[ 1, … ]")).toBeUndefined();
    expect(() => $gives([1, 2, 3], "[ 2, … ]")).toThrow("to match");
    await expect($throws(() => 1, "Error")).rejects.toThrow("nothing");
    await expect($throws(() => tensorless(), "no such")).resolves.toBeUndefined();
  });
});

function tensorless(): never {
  throw new Error("no such thing");
}
