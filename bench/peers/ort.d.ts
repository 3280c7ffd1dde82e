import type { Open } from "./peer.ts";
/** ONNX Runtime on its wasm backend. */
export const open: Open;
