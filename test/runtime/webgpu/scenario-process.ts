/** The process behind open.ts: says whether it has a device, then plays each scenario it is named. Ends with its parent. */
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import { dawn } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

async function open(): Promise<WebGpuDevice | null> {
  try {
    return await WebGpuDevice.open({ dawn });
  } catch {
    return null;
  }
}

const device = await open();

/** What went wrong, or null. */
async function play(name: string): Promise<string | null> {
  const scenario = scenarios.get(name);
  if (device === null || scenario === undefined) return `there is no device or no scenario "${name}"`;
  try {
    await scenario(device);
    return device.complaints.length === 0 ? null : device.complaints.join("\n");
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

process.on("disconnect", () => process.exit(0));
process.on("message", (name: string) => {
  void play(name).then((problem) => process.send?.({ problem }));
});
process.send?.(device !== null);
