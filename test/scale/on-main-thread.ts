/** Deep graphs, computed in a process of its own: test threads have a larger stack than programs. */
import { configure, flip, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";

const nodes = 6000;
const check = (title: string, ok: boolean): void => {
  if (!ok) throw new Error(`${title}: wrong values`);
  console.log(title);
};

for (const target of ["wasm", "js", "interpreter"] as const) {
  configure({ target });
  let v: Tensor = tensor([0.5, -0.25]);
  for (let i = 0; i < nodes; i++) v = v.mul(0.5);
  check(`${target}: elementwise`, String(v.tolist()) === "0,0");

  const x = tensor([0.5, -0.25], { dtype: "float64", requiresGrad: true });
  let y: Tensor = x;
  for (let i = 0; i < nodes / 2; i++) y = y.mul(x).add(x);
  y.sum().backward();
  check(`${target}: elementwise, forward and back`, Math.abs(Number(x.grad?.dataSync()[0]) - 4) < 1e-9);

  let z: Tensor = tensor([1, 2, 3]);
  for (let i = 0; i < nodes / 2; i++) z = flip(z).add(1);
  check(`${target}: views between`, String(z.tolist()) === String([1, 2, 3].map((n) => n + nodes / 2)));

  let w: Tensor = tensor([1, 2, 3]);
  for (let i = 0; i < nodes / 6; i++) w = w.sub(w.mean()).add(1);
  check(`${target}: reductions between`, String(w.tolist()) === "0,1,2");
}
