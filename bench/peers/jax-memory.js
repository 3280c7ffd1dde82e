/**
 * The training step of bench/transformer.ts in jax-js, compiled by its jit, and the bytes of its WebAssembly memory. It tells nobody what
 * is allocated in there, so the memory is caught where it is made; it only grows, so that its size is the most that was needed at a time,
 * with what its allocator could not use again.
 */
import { at } from "../../compiler/ir/errors.ts";
import { blockShapes } from "../transformer.ts";

function caughtMemories() {
  const memories = [];
  const Native = WebAssembly.Memory;
  WebAssembly.Memory = class extends Native {
    constructor(options) {
      super(options);
      memories.push(this);
    }
  };
  const restore = () => void (WebAssembly.Memory = Native);
  return { memories, restore };
}

export async function jaxNeeds(sizes) {
  const { memories, restore } = caughtMemories();
  try {
    const jax = await import("@jax-js/jax");
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    const losses = await train(jax, sizes);
    return { reserved: memories.reduce((n, m) => n + m.buffer.byteLength, 0), losses };
  } catch (error) {
    return { missing: `${error instanceof Error ? error.message.split("\n")[0] : String(error)}; it is installed by npm ci --prefix bench` };
  } finally {
    restore();
  }
}

async function train(jax, { batch, sequence, width, heads, blocks }) {
  const { numpy: np, nn } = jax;
  const drawn = (shape, scale) => {
    const size = shape.reduce((n, m) => n * m, 1);
    return np.array(Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + size) * scale)).reshape([...shape]);
  };
  const normed = (x, w, b) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w).add(b);
  const split = (x) => np.transpose(x.reshape([batch, sequence, heads, width / heads]), [0, 2, 1, 3]);
  const causal = np.array(Float32Array.from({ length: sequence * sequence }, (_, i) => (i % sequence > Math.floor(i / sequence) ? -1e9 : 0)));
  const mask = causal.reshape([1, 1, sequence, sequence]);
  const block = (x, p, barrier) => {
    const qkv = np
      .matmul(normed(x.ref, p[0], p[1]), p[2])
      .add(p[3])
      .reshape([batch, sequence, 3, width]);
    const [q, k, v] = np.split(qkv, 3, 2).map(split);
    const scores = np
      .matmul(q, np.swapaxes(k, -1, -2))
      .mul(Math.sqrt(heads / width))
      .add(barrier);
    const mixed = np.transpose(np.matmul(nn.softmax(scores, -1), v), [0, 2, 1, 3]).reshape([batch, sequence, width]);
    const y = x.add(np.matmul(mixed, p[4]).add(p[5]));
    const h = normed(y.ref, p[6], p[7]);
    return y.add(np.matmul(nn.gelu(np.matmul(h, p[8]).add(p[9]), { approximate: false }), p[10]).add(p[11]));
  };
  const count = blockShapes(width).length;
  const loss = (parameters, x, target, barrier) => {
    let y = x;
    for (let i = 0; i < blocks; i++) y = block(y, parameters.slice(i * count, (i + 1) * count), i === blocks - 1 ? barrier : barrier.ref);
    return np.mean(np.square(y.sub(target)));
  };
  const [rate, beta1, beta2, eps, decay] = [1e-3, 0.9, 0.999, 1e-8, 0.01];
  const update = (p, g, m, v) => {
    const mean = m.mul(beta1).add(g.ref.mul(1 - beta1));
    const spread = v.mul(beta2).add(np.square(g).mul(1 - beta2));
    const moved = mean.ref.div(np.sqrt(spread.ref).add(eps)).mul(rate);
    return [p.mul(1 - rate * decay).sub(moved), mean, spread];
  };
  const step = jax.jit((parameters, means, spreads, x, target, barrier) => {
    const [value, slopes] = jax.valueAndGrad(loss)(
      parameters.map((p) => p.ref),
      x,
      target,
      barrier,
    );
    const next = parameters.map((p, i) => update(p, slopes[i], means[i], spreads[i]));
    return [value, next.map((n) => n[0]), next.map((n) => n[1]), next.map((n) => n[2])];
  });
  const shapes = Array.from({ length: blocks }, () => blockShapes(width).map(([, shape]) => shape)).flat();
  let state = [shapes.map((s) => drawn(s, 0.05)), shapes.map((s) => np.zeros([...s])), shapes.map((s) => np.zeros([...s]))];
  const [x, target] = [drawn([batch, sequence, width], 1), drawn([batch, sequence, width], 0.5)];
  const losses = [];
  for (let i = 0; i < 2; i++) {
    const [value, ...next] = step(...state, x.ref, target.ref, mask.ref);
    await jax.blockUntilReady(next.flat());
    losses.push(at(await value.data(), 0));
    state = next;
  }
  return losses;
}
