/**
 * The six kernels of the Loop IR's charter, scheduled for lanes, with the same computation in plain JavaScript: softmax in three
 * stages, Adam in place, a split reduction, a contraction with a register tile, online attention, ragged rows with a scatter.
 */
import type { Expr } from "../../compiler/ir/expr.ts";
import { argument, s } from "../../compiler/ir/expr.ts";
import { addIndex, divIndex, modIndex, mulIndex } from "../../compiler/ir/indexing.ts";
import type { AxisKind, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import {
  assign,
  at2,
  axis,
  barrier,
  bind,
  carry,
  f32,
  i32,
  kernel,
  local,
  loop,
  loops,
  number,
  read,
  readInt,
  reads,
  reduce,
  store,
  updates,
  writes,
} from "./building.ts";

export type Memory = Readonly<Record<string, Float32Array | Int32Array>>;

/** A kernel, what to run it on, and what its buffers then hold. */
export interface Fixture {
  readonly kernel: Kernel;
  readonly memory: () => Memory;
  readonly scalars: Readonly<Record<string, number>>;
  readonly expect: (before: Memory) => Readonly<Record<string, readonly number[]>>;
}

/** Numbers that look random and are the same in every run. */
export function numbers(n: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 8388608 - 1;
  });
}

const of = (memory: Memory, name: string): number[] => [...(memory[name] ?? [])];
const get = (list: ArrayLike<number>, i: number): number => list[i] ?? NaN;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Three stages over one row, which stays in scratch between them. */
export function softmax(rows: number, columns: number, lanes: AxisKind = "lane"): Fixture {
  const i = axis("i", "grid", 0, rows);
  const j = axis("j", lanes, 0, columns);
  const shifted = s.exp(s.sub(read("x", at2(i.at, columns, j.at)), number("m")));
  const body = [
    local("row", "float32", columns, "scratch"),
    reduce("m", "max", [j], read("x", at2(i.at, columns, j.at))),
    reduce("sum", "add", [j], number("e"), [bind("e", shifted), store("row", j.at, number("e"))]),
    bind("r", s.div(f32(1), number("sum"))),
    loop(j, [store("y", at2(i.at, columns, j.at), s.mul(read("row", j.at), number("r")))]),
  ];
  return {
    kernel: kernel("softmax", [reads("x", rows * columns), writes("y", rows * columns)], [loop(i, body)]),
    memory: () => ({ x: numbers(rows * columns, 1), y: new Float32Array(rows * columns) }),
    scalars: {},
    expect: (before) => ({
      y: range(rows).flatMap((row) => {
        const x = of(before, "x").slice(row * columns, (row + 1) * columns);
        const e = x.map((v) => Math.exp(v - Math.max(...x)));
        const sum = e.reduce((a, b) => a + b, 0);
        return e.map((v) => v / sum);
      }),
    }),
  };
}

/** The online form: one pass that reduces the pair (max, sum). */
export function logSumExp(rows: number, columns: number): Fixture {
  const i = axis("i", "grid", 0, rows);
  const j = axis("j", "lane", 0, columns);
  const [m1, s1, m2, s2] = [0, 1, 2, 3].map((n) => argument(n, "float32"));
  if (m1 === undefined || s1 === undefined || m2 === undefined || s2 === undefined) throw new Error("four arguments");
  const m = s.max(m1, m2);
  // of two empty parts the sum stays 0, though -inf - -inf is NaN
  const part = (sum: Expr, max: Expr): Expr => s.select(s.eq(max, -Infinity), f32(0), s.mul(sum, s.exp(s.sub(max, m))));
  const pair: Stmt = {
    kind: "reduce",
    names: ["m", "total"],
    init: [f32(-Infinity), f32(0)],
    axes: [j],
    body: [],
    values: [read("x", at2(i.at, columns, j.at)), f32(1)],
    combine: [m, s.add(part(s1, m1), part(s2, m2))],
    exact: false,
  };
  const body = [pair, store("y", i.at, s.add(number("m"), s.log(number("total"))))];
  return {
    kernel: kernel("log sum exp", [reads("x", rows * columns), writes("y", rows)], [loop(i, body)]),
    memory: () => ({ x: numbers(rows * columns, 2), y: new Float32Array(rows) }),
    scalars: {},
    expect: (before) => ({
      y: range(rows).map((row) =>
        Math.log(
          of(before, "x")
            .slice(row * columns, (row + 1) * columns)
            .reduce((sum, v) => sum + Math.exp(v), 0),
        ),
      ),
    }),
  };
}

/** One segment of an Adam step: three stores in place. */
function adamSegment(tag: string, k: Expr): Stmt[] {
  const [m, v] = [number(`m_next${tag}`), number(`v_next${tag}`)];
  const step = s.div(s.mul(number("rate"), s.div(m, number("correct1"))), s.add(s.sqrt(s.div(v, number("correct2"))), 1e-8));
  return [
    bind(`grad${tag}`, read(`g${tag}`, k)),
    bind(`m_next${tag}`, s.add(s.mul(read(`m${tag}`, k), 0.9), s.mul(number(`grad${tag}`), 0.1))),
    bind(`v_next${tag}`, s.add(s.mul(read(`v${tag}`, k), 0.99), s.mul(s.mul(number(`grad${tag}`), number(`grad${tag}`)), 0.01))),
    store(`m${tag}`, k, m),
    store(`v${tag}`, k, v),
    store(`p${tag}`, k, s.sub(read(`p${tag}`, k), step)),
  ];
}

/** An Adam step on two parameters laid side by side, in place: as branches of one grid axis, or as two grids that share the dispatch. */
export function adam(sizes: readonly [number, number], form: "branches" | "grids"): Fixture {
  const [n0, n1] = sizes;
  const tags = ["0", "1"].map((tag, i) => ({ tag, size: get(sizes, i) }));
  const buffers = tags.flatMap(({ tag, size }) => [updates(`p${tag}`, size), reads(`g${tag}`, size), updates(`m${tag}`, size), updates(`v${tag}`, size)]);
  const scalars = { rate: 0.01, correct1: 0.19, correct2: 0.0199 };
  const declared = Object.keys(scalars).map((name) => ({ name, dtype: "float32" as const }));
  const k = axis("k", "grid", 0, n0 + n1);
  const branches = loop(k, [{ kind: "if", condition: s.lt(k.at, n0), then: adamSegment("0", k.at), otherwise: adamSegment("1", addIndex(k.at, -n0)) }]);
  const [k0, k1] = [axis("k0", "grid", 0, n0), axis("k1", "grid", 0, n1)];
  const grids = [loop(k0, adamSegment("0", k0.at)), loop(k1, adamSegment("1", k1.at))];
  return {
    kernel: kernel(`adam in ${form}`, buffers, form === "grids" ? grids : [branches], declared),
    memory: () => Object.fromEntries(buffers.map((b, i) => [b.name, b.name.startsWith("v") ? numbers(b.size, i).map(Math.abs) : numbers(b.size, i)])),
    scalars,
    expect: (before) =>
      Object.fromEntries(
        tags.flatMap(({ tag, size }) => {
          const g = of(before, `g${tag}`);
          const m = of(before, `m${tag}`).map((x, k) => 0.9 * x + 0.1 * get(g, k));
          const v = of(before, `v${tag}`).map((x, k) => 0.99 * x + 0.01 * get(g, k) ** 2);
          const p = range(size).map((k) => get(of(before, `p${tag}`), k) - (0.01 * get(m, k)) / 0.19 / (Math.sqrt(get(v, k) / 0.0199) + 1e-8));
          return [
            [`p${tag}`, p],
            [`m${tag}`, m],
            [`v${tag}`, v],
          ];
        }),
      ),
  };
}

/** A long sum in two kernels: fixed blocks, then the blocks' sums. */
export function splitSum(size: number, blockSize: number): readonly [Fixture, Fixture] {
  const blocks = Math.ceil(size / blockSize);
  const b = axis("b", "grid", 0, blocks);
  const start = mulIndex(b.at, blockSize);
  const k = axis("k", "lane", start, { ...s.min(addIndex(start, blockSize), size), lo: 1, hi: size });
  const sums = (x: readonly number[]): number[] => range(blocks).map((n) => x.slice(n * blockSize, (n + 1) * blockSize).reduce((a, v) => a + v, 0));
  const first: Fixture = {
    kernel: kernel(
      "block sums",
      [reads("x", size), writes("part", blocks)],
      [loop(b, [reduce("sum", "add", [k], read("x", k.at)), store("part", b.at, number("sum"))])],
    ),
    memory: () => ({ x: numbers(size, 3), part: new Float32Array(blocks) }),
    scalars: {},
    expect: (before) => ({ part: sums(of(before, "x")) }),
  };
  const n = axis("n", "lane", 0, blocks);
  const second: Fixture = {
    kernel: kernel("sum of sums", [reads("part", blocks), writes("y", 1)], [reduce("sum", "add", [n], read("part", n.at)), store("y", 0, number("sum"))]),
    memory: () => ({ part: Float32Array.from(sums([...numbers(size, 3)])), y: new Float32Array(1) }),
    scalars: {},
    expect: (before) => ({ y: [of(before, "part").reduce((a, v) => a + v, 0)] }),
  };
  return [first, second];
}

const gelu = (z: number): number => z / (1 + Math.exp(-1.702 * z));

/** The tile of a contraction: 8 by 8 results of 16 lanes, each with 2 by 2 of them in registers. */
const tile = 8;
const patch = 2;
const across = tile / patch;

/** Copies a tile of `buffer` into workgroup memory, 0 outside of it; `rows` and `columns` are the buffer's. */
function pack(into: string, buffer: string, rows: number, columns: number, corner: readonly [Expr, Expr], scaleBy: number): Stmt {
  const t = axis(`t_${into}`, "lane", 0, tile * tile);
  const [r, c] = [addIndex(corner[0], divIndex(t.at, tile)), addIndex(corner[1], modIndex(t.at, tile))];
  const inside = s.and(s.lt(r, rows), s.lt(c, columns));
  return loop(t, [store(into, t.at, s.mul(read(buffer, at2(r, columns, c), inside), scaleBy))]);
}

/** y = gelu(2a · b + bias): packed tiles with a prologue, a register tile, an epilogue that uses a value twice. */
export function dense(m: number, k: number, n: number): Fixture {
  const [i0, j0] = [axis("i0", "grid", 0, m, tile), axis("j0", "grid", 0, n, tile)];
  const k0 = axis("k0", "serial", 0, k, tile);
  const lanes = (stage: string): [ReturnType<typeof axis>, ReturnType<typeof axis>] => [
    axis(`u${stage}`, "lane", 0, across),
    axis(`w${stage}`, "lane", 0, across),
  ];
  const patches = (stage: string): [ReturnType<typeof axis>, ReturnType<typeof axis>] => [
    axis(`r${stage}`, "vector", 0, patch),
    axis(`c${stage}`, "vector", 0, patch),
  ];
  const slot = (u: Expr, w: Expr, r: Expr, c: Expr): Expr => at2(at2(at2(u, across, w), patch, r), patch, c);
  const stage = (name: string, body: (row: Expr, column: Expr, slot: Expr) => readonly Stmt[], around: readonly ReturnType<typeof axis>[] = []): Stmt[] => {
    const [[u, w], [r, c]] = [lanes(name), patches(name)];
    return loops([u, w, ...around, r, c], body(at2(u.at, patch, r.at), at2(w.at, patch, c.at), slot(u.at, w.at, r.at, c.at)));
  };
  const kk = axis("kk", "serial", 0, tile);
  const body = [
    local("pa", "float32", tile * tile, "group"),
    local("pb", "float32", tile * tile, "group"),
    local("acc", "float32", tile * tile, "scratch"),
    ...stage("0", (_r, _c, at) => [store("acc", at, f32(0))]),
    loop(k0, [
      pack("pa", "a", m, k, [i0.at, k0.at], 2),
      pack("pb", "b", k, n, [k0.at, j0.at], 1),
      barrier,
      ...stage("1", (r, c, at) => [store("acc", at, s.add(read("acc", at), s.mul(read("pa", at2(r, tile, kk.at)), read("pb", at2(kk.at, tile, c)))))], [kk]),
      barrier,
    ]),
    ...stage("2", (r, c, at) => {
      const [row, column] = [addIndex(i0.at, r), addIndex(j0.at, c)];
      const inside = s.and(s.lt(row, m), s.lt(column, n));
      const z = number("z");
      return [
        bind("z", s.add(read("acc", at), read("bias", column, s.lt(column, n)))),
        store("y", at2(row, n, column), s.div(z, s.add(s.exp(s.mul(z, -1.702)), 1)), { guard: inside }),
      ];
    }),
  ];
  return {
    kernel: kernel("dense", [reads("a", m * k), reads("b", k * n), reads("bias", n), writes("y", m * n)], loops([i0, j0], body)),
    memory: () => ({ a: numbers(m * k, 4), b: numbers(k * n, 5), bias: numbers(n, 6), y: new Float32Array(m * n) }),
    scalars: {},
    expect: (before) => {
      const [a, b, bias] = [of(before, "a"), of(before, "b"), of(before, "bias")];
      const dot = (i: number, j: number): number => range(k).reduce((sum, q) => sum + 2 * get(a, i * k + q) * get(b, q * n + j), 0);
      return { y: range(m * n).map((at) => gelu(dot(Math.floor(at / n), at % n) + get(bias, at % n))) };
    },
  };
}

const queries = 4;
const keys = 4;

/** The body of one key tile: scores, running maximum and sum, rescaled result. */
function attentionTile(depth: number, length: number, q0: Expr, k0: Expr): Stmt[] {
  const t = axis("t", "lane", 0, queries * keys);
  const [q, k] = [divIndex(t.at, keys), modIndex(t.at, keys)];
  const d = axis("d", "serial", 0, depth);
  const [row, key] = [addIndex(q0, q), addIndex(k0, k)];
  const score = reduce("score", "add", [d], s.mul(read("q", at2(row, depth, d.at)), read("k", at2(key, depth, d.at), s.lt(key, length))));
  const visible = s.and(s.le(key, row), s.lt(key, length));
  const u = axis("u", "lane", 0, queries);
  const [c, c2] = [axis("c", "serial", 0, keys), axis("c2", "serial", 0, keys)];
  const v = axis("v_lane", "lane", 0, queries * depth);
  const [vq, vd] = [divIndex(v.at, depth), modIndex(v.at, depth)];
  const valueKey = addIndex(k0, c2.at);
  return [
    loop(t, [score, store("p", t.at, s.select(visible, s.mul(number("score"), 0.5), f32(-Infinity)))]),
    barrier,
    loop(u, [
      reduce("peak", "max", [c], read("p", at2(u.at, keys, c.at))),
      bind("m_new", s.max(read("m", u.at), number("peak"))),
      bind("keep", s.exp(s.sub(read("m", u.at), number("m_new")))),
      reduce("mass", "add", [c], number("e"), [
        bind("e", s.exp(s.sub(read("p", at2(u.at, keys, c.at)), number("m_new")))),
        store("p", at2(u.at, keys, c.at), number("e")),
      ]),
      store("m", u.at, number("m_new")),
      store("l", u.at, s.add(s.mul(read("l", u.at), number("keep")), number("mass"))),
      store("alpha", u.at, number("keep")),
    ]),
    barrier,
    loop(v, [
      reduce("gain", "add", [c2], s.mul(read("p", at2(vq, keys, c2.at)), read("v", at2(valueKey, depth, vd), s.lt(valueKey, length)))),
      store("o", v.at, s.add(s.mul(read("o", v.at), read("alpha", vq)), number("gain"))),
    ]),
    barrier,
  ];
}

/** Causal attention, online: key tiles after the query tile are not visited, the loop's bound being an expression of the grid index. */
export function attention(length: number, depth: number): Fixture {
  const q0 = axis("q0", "grid", 0, length, queries);
  const k0 = axis("k0", "serial", 0, { ...s.min(addIndex(q0.at, queries), length), lo: 1, hi: length }, keys);
  const [a, b, e] = [axis("a", "lane", 0, queries), axis("b", "lane", 0, queries * depth), axis("e_lane", "lane", 0, queries * depth)];
  const row = divIndex(e.at, depth);
  const body = [
    ...["m", "l", "alpha"].map((name) => local(name, "float32", queries, "group")),
    local("p", "float32", queries * keys, "group"),
    local("o", "float32", queries * depth, "scratch"),
    loop(a, [store("m", a.at, f32(-Infinity)), store("l", a.at, f32(0))]),
    loop(b, [store("o", b.at, f32(0))]),
    barrier,
    loop(k0, attentionTile(depth, length, q0.at, k0.at)),
    loop(e, [store("y", addIndex(mulIndex(q0.at, depth), e.at), s.div(read("o", e.at), read("l", row)), { guard: s.lt(addIndex(q0.at, row), length) })]),
  ];
  const size = length * depth;
  return {
    kernel: kernel("attention", [reads("q", size + queries * depth), reads("k", size), reads("v", size), writes("y", size)], [loop(q0, body)]),
    memory: () => ({ q: numbers(size + queries * depth, 7), k: numbers(size, 8), v: numbers(size, 9), y: new Float32Array(size) }),
    scalars: {},
    expect: (before) => {
      const [q, k, v] = [of(before, "q"), of(before, "k"), of(before, "v")];
      return {
        y: range(length).flatMap((i) => {
          const scores = range(i + 1).map((j) => 0.5 * range(depth).reduce((sum, d) => sum + get(q, i * depth + d) * get(k, j * depth + d), 0));
          const weights = scores.map((x) => Math.exp(x - Math.max(...scores)));
          const total = weights.reduce((x, w) => x + w, 0);
          return range(depth).map((d) => weights.reduce((sum, w, j) => sum + w * get(v, j * depth + d), 0) / total);
        }),
      };
    },
  };
}

const offsets: readonly number[] = [0, 3, 3, 10, 11, 16];

/** Sums of ragged rows: the bounds of the inner loop are loaded. */
export function raggedSums(lanes: AxisKind): Fixture {
  const rows = offsets.length - 1;
  const total = get(offsets, rows);
  const i = axis("i", "grid", 0, rows);
  const j = axis("j", lanes, readInt("offsets", i.at, 0, total), readInt("offsets", addIndex(i.at, 1), 0, total));
  return {
    kernel: kernel(
      "ragged sums",
      [reads("x", total), reads("offsets", rows + 1, "int32"), writes("y", rows)],
      [loop(i, [reduce("sum", "add", [j], read("x", j.at)), store("y", i.at, number("sum"))])],
    ),
    memory: () => ({ x: numbers(total, 10), offsets: Int32Array.from(offsets), y: new Float32Array(rows) }),
    scalars: {},
    expect: (before) => ({
      y: range(rows).map((r) =>
        of(before, "x")
          .slice(get(offsets, r), get(offsets, r + 1))
          .reduce((a, v) => a + v, 0),
      ),
    }),
  };
}

/** A while-like walk with carries: halves each row's span until it is short, counting. */
export function carriedCounts(): Fixture {
  const i = axis("i", "grid", 0, 5);
  const j = axis("j", "serial", readInt("offsets", i.at, 0, 16), readInt("offsets", addIndex(i.at, 1), 0, 16));
  const [best, count] = [number("best"), number("count")];
  return {
    kernel: kernel(
      "carried counts",
      [reads("x", 16), reads("offsets", 6, "int32"), writes("y", 10)],
      [
        loop(i, [
          carry("best", f32(-Infinity)),
          carry("count", f32(0)),
          loop(j, [
            {
              kind: "if",
              condition: s.gt(read("x", j.at), best),
              then: [assign("best", read("x", j.at)), assign("count", s.add(count, 1))],
              otherwise: [assign("count", s.sub(count, 0.5))],
            },
          ]),
          store("y", mulIndex(i.at, 2), best),
          store("y", at2(i.at, 2, i32(1)), count),
        ]),
      ],
    ),
    memory: () => ({ x: numbers(16, 11), offsets: Int32Array.from(offsets), y: new Float32Array(10) }),
    scalars: {},
    expect: (before) => ({
      y: range(5).flatMap((r) => {
        let [best, count] = [-Infinity, 0];
        for (const x of of(before, "x").slice(get(offsets, r), get(offsets, r + 1))) {
          if (x > best) [best, count] = [x, count + 1];
          else count -= 0.5;
        }
        return [best, count];
      }),
    }),
  };
}

const targets: readonly number[] = [2, 0, 2, 5, 5, 5, 1, 2, 0, 4];

/** Scatter by a loaded index: several updates meet in one element. */
export function scatter(op: "add" | "mul" | "min" | "max"): Fixture {
  const e = axis("e", "grid", 0, targets.length);
  const combine = { add: (a: number, b: number) => a + b, mul: (a: number, b: number) => a * b, min: Math.min, max: Math.max }[op];
  return {
    kernel: kernel(
      `scatter ${op}`,
      [reads("x", targets.length), reads("to", targets.length, "int32"), updates("y", 6)],
      [loop(e, [store("y", readInt("to", e.at, 0, 5), read("x", e.at), { atomic: op })])],
    ),
    memory: () => ({ x: numbers(targets.length, 12), to: Int32Array.from(targets), y: numbers(6, 13) }),
    scalars: {},
    expect: (before) => {
      const y = of(before, "y");
      targets.forEach((to, k) => (y[to] = combine(get(y, to), get(of(before, "x"), k))));
      return { y };
    },
  };
}

/** Every fixture at sizes that leave tails. */
export const fixtures: readonly Fixture[] = [
  softmax(5, 37),
  softmax(3, 300),
  softmax(5, 7, "serial"),
  logSumExp(4, 21),
  adam([70, 33], "branches"),
  ...splitSum(1000, 128),
  dense(13, 11, 9),
  attention(11, 8),
  raggedSums("serial"),
  raggedSums("lane"),
  carriedCounts(),
  ...(["add", "mul", "min", "max"] as const).map(scatter),
];
