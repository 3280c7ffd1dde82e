import type { Open } from "./peer.ts";
/** TensorFlow.js on its wasm backend (XNNPACK). */
export const open: Open;
