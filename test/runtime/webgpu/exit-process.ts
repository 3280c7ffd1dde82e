/** Opens a device, computes, reads, and does nothing to end: the process must end by itself. */
import { at } from "../../../compiler/ir/errors.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { multiply } from "../../../compiler/ops/arithmetic.ts";
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import { dawn, planOf } from "./scenario.ts";

const type = tensorType("float32", [1]);
const device = await WebGpuDevice.open({ dawn });
const plan = device.prepare(planOf(type, "double", (x) => multiply(x, 2)));
const { outputs } = device.run(plan, [device.upload(Float32Array.of(21), type)], []);
const data = await device.read(at(outputs, 0));
Object.assign(globalThis, { device });
process.send?.(data[0]);
process.disconnect?.();
