import type { Open } from "./peer.ts";
/** numpy-ts, a NumPy in TypeScript with kernels in wasm. */
export const open: Open;
