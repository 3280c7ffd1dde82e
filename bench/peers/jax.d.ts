import type { Open } from "./peer.ts";
/** jax-js on its wasm backend, eager and through jit. */
export const open: Open;
