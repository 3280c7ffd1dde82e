/** Says what it finds of relaxed vector operations, and what a matrix product with them gives. */
import { configure, tensor } from "../../../src/index.ts";
import { runsRelaxed } from "../../../runtime/cpu/engine.ts";
import { targetFor } from "../../../src/targets.ts";

const n = 64;
const x = tensor(Float32Array.from({ length: n * n }, (_, i) => Math.sin(i))).reshape([n, n]);
const product = (deterministic: boolean): { readonly relaxed: boolean; readonly data: readonly number[] } => {
  configure({ deterministic });
  const y = x.matmul(x).add(x);
  return { relaxed: targetFor("cpu").relaxed, data: Array.from(y.dataSync(), Number) };
};
process.send?.({ runsRelaxed: runsRelaxed(), free: product(false), fixed: product(true) });
process.disconnect?.();
