/** What is known of an adapter before anything runs on it. */

/** The limits that plans are held to. */
const describedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

export type DescribedLimit = (typeof describedLimits)[number];

/** These limits of an adapter or a device, by name. */
export const limitsOf = (limits: Readonly<Record<DescribedLimit, number>>): Record<string, number> =>
  Object.fromEntries(describedLimits.map((name) => [name, limits[name]]));

/** An adapter's own words; browsers may leave all of them empty. */
export type AdapterWords = Readonly<Partial<Pick<GPUAdapterInfo, "vendor" | "architecture" | "device" | "description" | "isFallbackAdapter">>>;

const software = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b/i;

/** Whether an adapter computes on the CPU. Its own word counts; elder browsers and Mesa's drivers only have a name. */
export const isSoftware = ({ vendor = "", architecture = "", device = "", description = "", isFallbackAdapter = false }: AdapterWords): boolean =>
  isFallbackAdapter || software.test([vendor, architecture, device, description].join(" "));

/** The adapter in words: `nvidia ampere (NVIDIA driver 550)`; never empty. */
export function wordsOf({ vendor = "", architecture = "", device = "", description = "" }: AdapterWords): string {
  const name = [vendor, architecture === "" ? device : architecture].filter((s) => s !== "").join(" ");
  if (description === "") return name === "" ? "unnamed adapter" : name;
  return name === "" ? description : `${name} (${description})`;
}
