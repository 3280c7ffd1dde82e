import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { at } from "../../../compiler/ir/errors.ts";
import { runsScript, runsWasm } from "../../../runtime/cpu/engine.ts";

interface Product {
  readonly relaxed: boolean;
  readonly data: readonly number[];
}
interface Said {
  readonly runsRelaxed: boolean;
  readonly free: Product;
  readonly fixed: Product;
}

/** Whether Node has relaxed SIMD without asking for it: from version 21 on. */
const always = Number(process.versions.node.split(".")[0]) > 20;

function isSaid(x: unknown): x is Said {
  return typeof x === "object" && x !== null && "runsRelaxed" in x;
}

async function said(...flags: readonly string[]): Promise<Said> {
  const program = fileURLToPath(new URL("relaxed-process.ts", import.meta.url));
  const child = fork(program, { execArgv: [...flags, "--import", import.meta.resolve("tsx")] });
  return new Promise((resolve, reject) => {
    child.once("message", (message) => (isSaid(message) ? resolve(message) : reject(new Error("said nothing of use"))));
    child.once("exit", () => reject(new Error("said nothing")));
  });
}

test("Node runs WebAssembly and generated JavaScript", () => expect([runsWasm(), runsScript()]).toEqual([true, true]));

describe("relaxed vector operations", () => {
  test("are used where the engine has them, unless bits must be the same everywhere", async () => {
    const plain = await said();
    const flags = always ? [] : ["--experimental-wasm-relaxed-simd"];
    const asked = await said(...flags);
    expect([plain.runsRelaxed, plain.free.relaxed, plain.fixed.relaxed]).toEqual([always, always, false]);
    expect([asked.runsRelaxed, asked.free.relaxed, asked.fixed.relaxed]).toEqual([true, true, false]);
    expect(asked.fixed.data).toEqual(plain.fixed.data);
    const off = asked.free.data.map((v, i) => Math.abs(v - at(asked.fixed.data, i)));
    expect(Math.max(...off)).toBeLessThan(1e-5);
  }, 60_000);
});
