/** Peers that run in Node and in a page, by the names that a user gives. */
import { openLazuli } from "./lazuli.ts";
import type { Open } from "./peer.ts";

/** Loads a peer when it is wanted: bench/node_modules may not be there. */
export const portable: Readonly<Record<string, Open>> = {
  jax: async (options) => (await import("./jax.js")).open(options),
  tfjs: async (options) => (await import("./tfjs.js")).open(options),
  ort: async (options) => (await import("./ort.js")).open(options),
  "numpy-ts": async (options) => (await import("./numpy-ts.js")).open(options),
  "one-thread": async () => openLazuli("one thread", { threads: 1 }),
  js: async ({ threads }) => openLazuli("js", { target: "js", threads }),
};

/** Those of them that bench/package.json installs, and from which packages. */
export const packages: Readonly<Record<string, string>> = {
  jax: "@jax-js/jax",
  tfjs: "@tensorflow/tfjs-backend-wasm",
  ort: "onnxruntime-web",
  "numpy-ts": "numpy-ts",
};
