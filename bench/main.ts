/** `npm run bench -- fusion [CASE …] [--shrink N] [--quick]` and `npm run bench -- overhead`. */
import { parseArgs } from "node:util";
import { fusion } from "./fusion.ts";
import type { Effort } from "./harness.ts";
import { overhead } from "./overhead.ts";

const usage = "usage: npm run bench -- fusion [CASE …] [--shrink N] [--quick] | overhead";
const folder = "bench/results";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { shrink: { type: "string", default: "1" }, quick: { type: "boolean", default: false } },
});
const [suite, ...names] = positionals;
const shrink = Number(values.shrink);
const effort: Effort = values.quick ? { rounds: 1, maxTime: 0.1 } : { rounds: 3, maxTime: 0.3 };

if (![1, 2, 4, 8, 16].includes(shrink)) {
  console.error(`--shrink ${values.shrink}: give 1, 2, 4, 8 or 16\n${usage}`);
  process.exitCode = 2;
} else if (suite === "fusion") {
  await fusion(names, shrink, effort, folder);
} else if (suite === "overhead" && names.length === 0) {
  await overhead(effort, folder);
} else {
  console.error(usage);
  process.exitCode = 2;
}
