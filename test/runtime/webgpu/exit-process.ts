/** Opens a device, computes, reads, and does nothing to end: the process must end by itself. */
import { tensorType } from "../../../compiler/ir/shape.ts";
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import { dawn } from "./scenarios.ts";

const device = await WebGpuDevice.open({ dawn });
const data = await device.read(device.upload(Float32Array.of(42), tensorType("float32", [1])));
Object.assign(globalThis, { device });
process.send?.(data[0]);
process.disconnect?.();
