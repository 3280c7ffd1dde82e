/** Shares work with a thread and does nothing to end: the process must end by itself. */
import { at } from "../../../compiler/ir/errors.ts";
import { counters } from "../../../runtime/counters.ts";
import { CpuDevice } from "../../../runtime/cpu/device.ts";
import { f32, planOf, scale } from "./wasm-plans.ts";

const size = 50_000;
const device = new CpuDevice({ threads: 2 });
await device.pool?.warm();
const y = at(device.run(device.prepare(planOf(scale, { size, kernel: { turnNs: 100 } })), [device.upload(new Float32Array(size).fill(1), f32(size))], [2]), 0);
let sum = 0;
for (const v of device.readSync(y)) sum += Number(v);
Object.assign(globalThis, { device });
process.send?.({ launchesShared: counters.launchesShared, sum });
process.disconnect?.();
