import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arange, array, configure, grad } from "../../src/index.ts";
import type { NDArray, Settings } from "../../src/index.ts";
import type { WriteMode } from "../../src/indexing/advanced.ts";
import { writeIndex } from "../../src/indexing/advanced.ts";
import { parseIndex } from "../../src/indexing/parse.ts";
import type { Program } from "./model.ts";
import { indexOf, program, sizeOf, take } from "./model.ts";

const numbers = (n: number, f: (i: number) => number = (i) => i): number[] => Array.from({ length: n }, (_, i) => f(i));
const dense = (data: readonly number[], shape: readonly number[]): NDArray => array([...data], { shape });
const written = (x: NDArray, { entries }: Program, update: NDArray, mode: WriteMode): NDArray =>
  x.wrap(writeIndex(x.value, parseIndex("at", x, indexOf(entries)), update.value, mode));

const modes: Readonly<Record<WriteMode, (x: number, u: number) => number>> = {
  set: (_, u) => u,
  add: (x, u) => x + u,
  sub: (x, u) => x - u,
  mul: (x, u) => x * u,
  div: (x, u) => x / u,
  min: (x, u) => Math.min(x, u),
  max: (x, u) => Math.max(x, u),
};
/** Powers of two, so that products and quotients are exact in any order. */
const powers = (n: number): number[] => numbers(n, (i) => 2 ** ((i * 5) % 7) * (i % 3 === 0 ? -1 : 1));

const targets: readonly Settings["target"][] = ["wasm", "js", "interpreter"];

describe.each(targets)("random indices on %s", (target) => {
  it("read what NumPy's rules say", () => {
    configure({ target });
    fc.assert(
      fc.property(program, (p) => {
        const want = take(p.shape, p.entries);
        const got = arange(sizeOf(p.shape))
          .reshape(p.shape)
          .at(...indexOf(p.entries));
        expect(got.shape).toEqual(want.shape);
        expect([...got.dataSync()]).toEqual(want.offsets);
      }),
      { numRuns: 300 },
    );
  });

  it("write what NumPy's rules say", () => {
    configure({ target });
    fc.assert(
      fc.property(program, fc.constantFrom<WriteMode>("set", "add", "sub", "mul", "div", "min", "max"), fc.boolean(), (p, mode, scalar) => {
        const { shape, offsets } = take(p.shape, p.entries);
        const x = powers(sizeOf(p.shape));
        const u = scalar ? [4] : powers(offsets.length).map((y) => y * 2);
        const want = [...x];
        offsets.forEach((o, i) => (want[o] = modes[mode](want[o] ?? 0, u[scalar ? 0 : i] ?? 0)));
        const got = written(dense(x, p.shape), p, dense(u, scalar ? [] : shape), mode);
        expect([...got.dataSync()]).toEqual(want);
      }),
      { numRuns: 300 },
    );
  });

  it("have the gradients of what they read and write", () => {
    configure({ target });
    fc.assert(
      fc.property(program, fc.constantFrom<WriteMode>("set", "add"), (p, mode) => {
        const { shape, offsets } = take(p.shape, p.entries);
        const weights = powers(offsets.length);
        const ofRead = numbers(sizeOf(p.shape), () => 0);
        offsets.forEach((o, i) => (ofRead[o] = (ofRead[o] ?? 0) + (weights[i] ?? 0)));
        const read = (x: NDArray): NDArray =>
          x
            .get(...indexOf(p.entries))
            .mul(dense(weights, shape))
            .sum();
        expect([...grad<NDArray>(read)(dense(powers(sizeOf(p.shape)), p.shape)).dataSync()]).toEqual(ofRead);

        const w = powers(sizeOf(p.shape));
        const last = new Map(offsets.map((o, i) => [o, i]));
        const ofX = w.map((y, o) => (mode === "set" && last.has(o) ? 0 : y));
        const ofU = offsets.map((o, i) => (mode === "add" || last.get(o) === i ? (w[o] ?? 0) : 0));
        const write = (x: NDArray, u: NDArray): NDArray => written(x, p, u, mode).mul(dense(w, p.shape)).sum();
        const [gx, gu] = grad<NDArray>(write, { argnums: [0, 1] })(dense(w, p.shape), dense(weights, shape));
        expect([...(gx?.dataSync() ?? [])]).toEqual(ofX);
        expect([...(gu?.dataSync() ?? [])]).toEqual(ofU);
      }),
      { numRuns: 150 },
    );
  });
});
