/** `npm run bench -- SUITE`: see `usage`. */
import { parseArgs } from "node:util";
import { compileBench } from "./compile.ts";
import { fusion } from "./fusion.ts";
import type { Effort } from "./harness.ts";
import { memoryBench } from "./memory.ts";
import { overhead } from "./overhead.ts";
import { accuracy } from "./accuracy.ts";
import { peers } from "./peers/command.ts";
import type { GpuInfo } from "../src/index.ts";
import { configure, DeviceError, openDevice } from "../src/index.ts";

const usage = [
  "usage: npm run bench -- fusion [CASE …] [--device cpu|webgpu | --target wasm|js] [--shrink N] [--quick]",
  "       npm run bench -- memory [--shrink N]",
  "       npm run bench -- compile [js|wasm|wgsl …]",
  "       npm run bench -- overhead",
  "       npm run bench -- accuracy [FUNCTION …] [--points N]",
  "       npm run bench -- peers [PEER …] [--case NAME …] [--threads N] [--target wasm|js] [--node PATH | --browser] [--shrink N] [--quick]",
].join("\n");
const folder = "bench/results";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shrink: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    device: { type: "string", default: "cpu" },
    case: { type: "string", multiple: true, default: [] },
    threads: { type: "string", default: "1" },
    points: { type: "string", default: "100000" },
    target: { type: "string" },
    node: { type: "string" },
    browser: { type: "boolean", default: false },
  },
});
const [suite, ...names] = positionals;
const shrink = Number(values.shrink);
const effort: Effort = values.quick ? { rounds: 1, maxTime: 0.1 } : { rounds: 15, maxTime: 0.05 };

/** The GPU that was asked for, null for the CPU. */
async function deviceNamed(name: string): Promise<GpuInfo | null> {
  if (name === "cpu") return null;
  if (name !== "webgpu") throw new DeviceError(`--device ${name}: give cpu or webgpu`);
  const gpu = await openDevice("webgpu");
  configure({ device: "webgpu" });
  return gpu;
}

function targetNamed(name: string): "wasm" | "js" {
  if (name !== "wasm" && name !== "js") throw new DeviceError(`--target ${name}: give wasm or js`);
  return name;
}

if (![1, 2, 4, 8, 16].includes(shrink)) {
  console.error(`--shrink ${values.shrink}: give 1, 2, 4, 8 or 16\n${usage}`);
  process.exitCode = 2;
} else if (suite === "fusion") {
  if (values.target !== undefined) configure({ target: targetNamed(values.target) });
  await fusion(names, { shrink, effort, folder, gpu: await deviceNamed(values.device) });
} else if (suite === "peers") {
  const { case: chosen, node = null, browser, quick } = values;
  const target = values.target === undefined ? null : targetNamed(values.target);
  await peers(names, { cases: chosen, threads: Number(values.threads), target, quick, shrink, folder, node, browser });
} else if (suite === "compile" && names.every((n) => ["js", "wasm", "wgsl"].includes(n))) {
  await compileBench(names.length > 0 ? names : ["wasm"], folder);
} else if (suite === "memory" && names.length === 0) {
  await memoryBench(shrink, folder);
} else if (suite === "overhead" && names.length === 0) {
  await overhead(effort, folder);
} else if (suite === "accuracy") {
  await accuracy(names, Number(values.points));
} else {
  console.error(usage);
  process.exitCode = 2;
}
