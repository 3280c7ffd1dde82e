/** What the address of the page may say: `?epochs=2&seed=7&device=cpu&autostart`. */
import type { DeviceName } from "lazuli";

export interface Parameters {
  readonly epochs: number;
  readonly seed: number;
  /** Null: the GPU where there is one. */
  readonly device: DeviceName | null;
  readonly autostart: boolean;
}

/** What is missing, or makes no sense, is as by default. */
export function parametersOf(query: string): Parameters {
  const given = new URLSearchParams(query);
  const device = given.get("device");
  return {
    epochs: whole(given.get("epochs"), 1) ?? 5,
    seed: whole(given.get("seed"), 0) ?? 1,
    device: device === "cpu" || device === "webgpu" ? device : null,
    autostart: given.has("autostart"),
  };
}

function whole(text: string | null, least: number): number | null {
  const n = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isSafeInteger(n) && n >= least ? n : null;
}
