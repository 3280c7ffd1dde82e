/** What `npm install lazuli` gives: packed, installed into an empty project without a network, and used from there. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const consumer = fileURLToPath(new URL("consumer", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "lazuli-package-"));
const tarball = join(project, "lazuli.tgz");

/** Runs a program to its end; what it printed, or an error that shows it. */
function run(program: string, args: readonly string[], cwd: string = project): string {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const streams = error instanceof Error && "stdout" in error && "stderr" in error ? `${String(error.stdout)}${String(error.stderr)}` : "";
    throw new Error(`${program} ${args.join(" ")} failed:\n${streams}`, { cause: error });
  }
}

const tool = (name: string): string => join(root, "node_modules", ".bin", name);

beforeAll(() => {
  const packed = join(project, "packed");
  mkdirSync(packed);
  run("npm", ["pack", "--silent", "--pack-destination", packed], root);
  cpSync(join(packed, readdirSync(packed)[0] ?? "nothing was packed"), tarball);
  cpSync(consumer, project, { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  run("npm", ["install", "--offline", "--silent", "--no-audit", "--no-fund", tarball]);
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test("the tarball holds the build and the papers, and nothing else", () => {
  const files = readdirSync(join(project, "node_modules", "lazuli")).toSorted();
  expect(files).toEqual(["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json"]);
  expect(readdirSync(join(project, "node_modules", "lazuli", "dist")).toSorted()).toEqual(["compiler", "runtime", "src"]);
});

test("it brings no other package along", () => {
  expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["lazuli"]);
});

test("plain JavaScript trains with it", () => {
  expect(run(process.execPath, ["train.js"])).toBe("loss falls\ntensor([1, 2, 3])\n");
});

test("its types hold in a strict project that checks libraries, too", () => {
  expect(run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "."])).toBe("");
}, 60_000);

test("npx lazuli --help says what it can do", () => {
  const help = run("npx", ["--no-install", "lazuli", "--help"]);
  expect(help).toMatch(/dump/);
  expect(help).toMatch(/run/);
});

test("publint has no complaint", () => {
  expect(run(tool("publint"), ["run", tarball, "--strict"])).toMatch(/All good/);
}, 60_000);

test("Node and bundlers resolve its types", () => {
  const table = run(tool("attw"), [tarball, "--profile", "esm-only", "--no-emoji", "--no-color"]);
  expect(table).toMatch(/node16 \(from ESM\) │ OK \(ESM\)/);
  expect(table).toMatch(/bundler +│ OK/);
}, 60_000);
