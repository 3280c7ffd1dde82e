import { evalAll, tensor } from "lazuli";

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const w = tensor([[1], [2], [3]], { requiresGrad: true });
let first = Infinity;
let last = Infinity;
for (let step = 0; step < 20; step++) {
  const loss = x.matmul(w).square().mean();
  loss.backward();
  const next = w.detach().sub(w.grad.mul(0.01));
  await evalAll(loss, next);
  w.assign(next);
  w.grad = null;
  last = await loss.item();
  if (step === 0) first = last;
}
console.log(last < first ? "loss falls" : `loss went from ${first} to ${last}`);
console.log(String(tensor([1, 2, 3])));
