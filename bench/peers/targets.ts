/** What lazuli means to reach: at least these ratios of medians, peer over lazuli, and at most these times. */

const same = (cases: readonly string[], ratio: number): Readonly<Record<string, number>> => Object.fromEntries(cases.map((name) => [name, ratio]));

const matmuls = ["matmul512", "matmul1024", "matmul2048"];

/** What training is made of: faster than each. */
const trained = ["causal-attention", "softmax-gradient", "layernorm-gradient", "adamw", "cross-entropy", "cross-entropy-gradient"];

/** By peer, then by case. `rest` holds for the cases that are not named, `except` for none. */
const ratios: Readonly<Record<string, { readonly cases: Readonly<Record<string, number>>; readonly rest?: number; readonly except?: readonly string[] }>> = {
  jax: {
    cases: { ...same(["chain", "gelu", "softmax", "layernorm"], 6), ...same(matmuls, 1.25), bs: 4.5, attention: 3, mlp: 1.5, conv: 9, ...same(trained, 1) },
    // nothing more than 1.1 times as slow
    rest: 1 / 1.1,
    except: ["tiny100"],
  },
  tfjs: { cases: { ...same(["chain", "gelu", "bs", "layernorm", "bmm", "attention", "mlp"], 6), ...same(matmuls, 1.05), softmax: 0.8, conv: 0.9 } },
  numpy: {
    cases: {
      ...same(["chain", "cheap", "softmax"], 2),
      ...same(["gelu", "bs", "sum"], 1.6),
      ...same(matmuls, 0.35),
      layernorm: 5,
      ...same(["adamw", "cross-entropy", "cross-entropy-gradient"], 1),
    },
  },
  c: { cases: { cheap: 0.9 } },
  // what memory does not bound
  "one-thread": { cases: {}, rest: 1.7, except: ["cheap", "sum", "argmax", "var", "tiny", "tiny100"] },
};

/** The least ratio of this peer's time to lazuli's; null where nothing was promised. */
export function targetRatio(peer: string, name: string): number | null {
  const known = ratios[peer];
  if (known === undefined || known.except?.includes(name) === true) return null;
  return known.cases[name] ?? known.rest ?? null;
}

/** Milliseconds that a prototype by hand took under Node 20, on one thread and on two. */
const prototypes: Readonly<Record<string, readonly [number, number | null]>> = {
  chain: [3.35, 1.73],
  gelu: [4.05, 2.1],
  cheap: [5.4, 4.8],
  bs: [6.5, 3.3],
  sum: [1.78, 1.17],
  softmax: [3.7, 1.9],
  layernorm: [0.92, 0.54],
  matmul512: [5.1, 2.8],
  matmul1024: [42, 22],
  matmul2048: [342, 178],
  dense: [45, null],
  bmm: [1.3, null],
  attention: [12.9, null],
  conv: [5.4, null],
  mlp: [8.5, 4.5],
};

/** A time that lazuli may take, and why. */
export interface Limit {
  readonly seconds: number;
  readonly text: string;
}

/** Microseconds. */
const cached: Readonly<Record<string, number>> = { tiny: 2, tiny100: 15 };

/** The longest that a case may take, null where nothing was promised. The prototypes ran on another day: ratios of one run say more. */
export function limitOf(name: string, threads: number): Limit | null {
  const us = cached[name];
  if (us !== undefined) return { seconds: us / 1e6, text: `${us} µs` };
  const ms = prototypes[name]?.[threads - 1] ?? null;
  return ms === null ? null : { seconds: (1.25 * ms) / 1000, text: `1.25 × ${ms}` };
}
