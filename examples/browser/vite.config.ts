/** Serves the page (`npm run example:browser`) and builds it as a folder for any static host (`npm run example:browser -- build`). */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Plugin, UserConfig } from "vite";
import { readDigits } from "../digits/data.ts";
import { packDigits, packedName } from "./packed.ts";

/** The digits as one packed file beside the page. */
function digitsFile(): Plugin {
  let made: Uint8Array | null = null;
  const content = (): Uint8Array => (made ??= gzipSync(packDigits(readDigits())));
  return {
    name: "digits-file",
    configureServer: ({ middlewares }) => {
      middlewares.use(`/${packedName}`, (_, response) => void response.end(content()));
    },
    generateBundle() {
      this.emitFile({ type: "asset", fileName: packedName, source: content() });
    },
  };
}

/** Node's WebGPU has no place in a page: browsers bring their own, or have none. */
function noNodeGpu(): Plugin {
  return {
    name: "no-node-gpu",
    enforce: "pre",
    resolveId: (id) => (id === "webgpu" ? "\0webgpu" : null),
    load: (id) => (id === "\0webgpu" ? 'export const create = () => { throw new Error("this browser has none"); };' : null),
  };
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config: UserConfig = {
  root: at("."),
  // relative paths: the folder works wherever it is put
  base: "./",
  resolve: { alias: [{ find: /^lazuli$/, replacement: at("../../src/index.ts") }] },
  plugins: [digitsFile(), noNodeGpu()],
  build: { target: "es2023", outDir: at("dist"), emptyOutDir: true, chunkSizeWarningLimit: 1000 },
};

export default config;
