/** Convolutions against loops over single elements, with every option and any numbers; and what they refuse. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import * as lazuli from "../../src/index.ts";
import { array, configure, conv1d, conv2d, conv3d, convTranspose2d, grad, hessian, jvp, ones } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";
import type { Dense } from "./windows-reference.ts";
import { eachProduct, random, zeros } from "./windows-reference.ts";

afterEach(() => void configure({ target: "wasm" }));

const targets = ["js", "wasm", "interpreter"] as const;
const handle = ({ shape, data }: Dense): NDArray => array(data, { shape });
const close = (got: NDArray, want: Dense): void => {
  expect(got.shape).toEqual(want.shape);
  const data = got.dataSync();
  want.data.forEach((v, i) => expect(Math.abs(at(data, i) - v)).toBeLessThan(1e-9));
};

interface Case {
  readonly rank: 1 | 2 | 3;
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly results: number;
  readonly axes: readonly Axis[];
  readonly seed: number;
}
interface Axis {
  readonly length: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: readonly [number, number];
  readonly added: number;
}

const small = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const axis: fc.Arbitrary<Axis> = fc.record({
  length: small(1, 6),
  window: small(1, 3),
  stride: small(1, 4),
  dilation: small(1, 4),
  padding: fc.tuple(small(0, 3), small(0, 3)),
  added: small(0, 3),
});
const cases: fc.Arbitrary<Case> = fc.constantFrom(1, 2, 3).chain((rank) =>
  fc.record({
    rank: fc.constant(rank),
    batch: small(1, 2),
    groups: small(1, 3),
    channels: small(1, 2),
    results: small(1, 2),
    axes: fc.array(axis, { minLength: rank, maxLength: rank }),
    seed: small(0, 999),
  }),
);

const optionsOf = ({ axes, groups }: Case) => ({
  stride: axes.map((a) => a.stride),
  dilation: axes.map((a) => a.dilation),
  padding: axes.map((a): [number, number] => [...a.padding]),
  groups,
});
const call = (name: string, ...args: readonly unknown[]): NDArray => {
  const f: unknown = Reflect.get(lazuli, name);
  const y: unknown = typeof f === "function" ? Reflect.apply(f, undefined, args) : undefined;
  if (y instanceof lazuli.NDArray) return y;
  throw new Error(`${name} gave no array`);
};

/** What a call and its two gradients are compared to. */
function compare(name: string, [x, w, b, ct]: readonly [Dense, Dense, Dense, Dense], options: object, want: readonly Dense[]): void {
  for (const target of targets) {
    configure({ target });
    const forward = (...given: readonly NDArray[]): NDArray => call(name, ...given, options);
    const gradients = grad(
      (...given: readonly NDArray[]) =>
        forward(...given)
          .mul(handle(ct))
          .sum(),
      { argnums: [0, 1, 2] },
    );
    const got = [forward(handle(x), handle(w), handle(b)), ...gradients(handle(x), handle(w), handle(b))];
    got.forEach((g, i) => close(g, at(want, i)));
  }
}

/** The sums of the products, their derivatives by both factors and by the bias. */
function reference(shape: Parameters<typeof eachProduct>[0], role: "forward" | "transposed", [x, w, b, ct]: readonly [Dense, Dense, Dense, Dense]): Dense[] {
  const [y, dx, dw, db] = [zeros(ct.shape), zeros(x.shape), zeros(w.shape), zeros(b.shape)];
  const plane = ct.data.length / (at(ct.shape, 0) * at(ct.shape, 1));
  ct.data.forEach((v, i) => {
    const channel = Math.floor(i / plane) % at(b.shape, 0);
    y.data[i] = at(b.data, channel);
    db.data[channel] = at(db.data, channel) + v;
  });
  const add = (into: Dense, i: number, v: number): void => void (into.data[i] = at(into.data, i) + v);
  eachProduct(shape, (p, q, k) => {
    const [out, from] = role === "forward" ? [p, q] : [q, p];
    add(y, out, at(x.data, from) * at(w.data, k));
    add(dx, from, at(ct.data, out) * at(w.data, k));
    add(dw, k, at(ct.data, out) * at(x.data, from));
  });
  return [y, dx, dw, db];
}

describe("any convolution is what loops over its elements give", () => {
  it("forward, and its gradients", () => {
    fc.assert(
      fc.property(cases, (c) => {
        const reach = c.axes.map((a) => (a.window - 1) * a.dilation + 1);
        fc.pre(c.axes.every((a, i) => a.length + a.padding[0] + a.padding[1] >= at(reach, i)));
        const counts = c.axes.map((a, i) => Math.floor((a.length + a.padding[0] + a.padding[1] - at(reach, i)) / a.stride) + 1);
        const x = random([c.batch, c.groups * c.channels, ...c.axes.map((a) => a.length)], c.seed);
        const w = random([c.groups * c.results, c.channels, ...c.axes.map((a) => a.window)], c.seed + 1);
        const b = random([c.groups * c.results], c.seed + 2);
        const ct = random([c.batch, c.groups * c.results, ...counts], c.seed + 3);
        const { stride, dilation, groups } = optionsOf(c);
        const shape = { x: x.shape, w: w.shape, y: ct.shape, stride, dilation, groups, low: c.axes.map((a) => a.padding[0]) };
        compare(`conv${c.rank}d`, [x, w, b, ct], optionsOf(c), reference(shape, "forward", [x, w, b, ct]));
      }),
      { numRuns: 60, seed: 7 },
    );
  });
  it("transposed, and its gradients", () => {
    fc.assert(
      fc.property(cases, (c) => {
        const added = c.axes.map((a) => Math.min(a.added, Math.max(a.stride, a.dilation) - 1));
        const counts = c.axes.map((a, i) => (a.length - 1) * a.stride + (a.window - 1) * a.dilation + 1 + at(added, i) - a.padding[0] - a.padding[1]);
        fc.pre(counts.every((n) => n >= 1));
        const x = random([c.batch, c.groups * c.channels, ...c.axes.map((a) => a.length)], c.seed);
        const w = random([c.groups * c.channels, c.results, ...c.axes.map((a) => a.window)], c.seed + 1);
        const b = random([c.groups * c.results], c.seed + 2);
        const ct = random([c.batch, c.groups * c.results, ...counts], c.seed + 3);
        const { stride, dilation, groups } = optionsOf(c);
        // the convolution that takes the result for its operand
        const shape = { x: ct.shape, w: w.shape, y: x.shape, stride, dilation, groups, low: c.axes.map((a) => a.padding[0]) };
        compare(`convTranspose${c.rank}d`, [x, w, b, ct], { ...optionsOf(c), outputPadding: added }, reference(shape, "transposed", [x, w, b, ct]));
      }),
      { numRuns: 60, seed: 8 },
    );
  });
});

describe("derivatives of derivatives", () => {
  const x = handle(random([1, 2, 5], 1));
  const w = handle(random([2, 2, 3], 2));
  const options = { stride: 2, padding: 1, dilation: 1 } as const;

  it("the Hessian of a squared convolution is twice the Gram matrix of its windows", () => {
    const f = (k: NDArray): NDArray => conv1d(x, k, options).square().sum();
    const h = hessian(f)(w);
    const along = (direction: NDArray): NDArray => conv1d(x, direction, options);
    const unit = (i: number): NDArray =>
      array(
        Float64Array.from({ length: w.size }, (_, k) => (k === i ? 1 : 0)),
        { shape: w.shape },
      );
    const data = h.dataSync();
    for (let i = 0; i < w.size; i++)
      for (let k = 0; k < w.size; k++)
        expect(at(data, i * w.size + k)).toBeCloseTo(
          2 *
            Number(
              along(unit(i))
                .mul(along(unit(k)))
                .sum()
                .item(),
            ),
          9,
        );
  });
  it("a tangent of both operands is a convolution each", () => {
    const [dx, dw] = [handle(random([1, 2, 5], 3)), handle(random([2, 2, 3], 4))];
    const [, tangent] = jvp((a: NDArray, k: NDArray) => conv1d(a, k, options), [x, w], [dx, dw]);
    const want = conv1d(dx, w, options).add(conv1d(x, dw, options));
    const off = tangent.sub(want).abs().max();
    expect(tangent.shape).toEqual([1, 2, 3]);
    expect(Number(off.item())).toBeLessThan(1e-9);
  });
});

describe("what calls mean", () => {
  it("an operand without a batch has a result without one", () => {
    expect(conv2d(ones([3, 5, 5]), ones([4, 3, 3, 3])).shape).toEqual([4, 3, 3]);
    expect(convTranspose2d(ones([3, 5, 5]), ones([3, 4, 3, 3])).shape).toEqual([4, 7, 7]);
  });
  it("the bias stands third or among the options", () => {
    const [x, w, b] = [ones([1, 1, 2, 2]), ones([1, 1, 2, 2]), array([10])];
    expect([conv2d(x, w, b), conv2d(x, w, { bias: b }), conv2d(x, w, b, { stride: 1 })].map((y) => y.item())).toEqual([14, 14, 14]);
  });
  it("same padding is as long, an odd element behind", () => {
    expect(conv1d(array([[1, 2, 3]]), array([[[1, 10]]]), { padding: "same" }).tolist()).toEqual([[21, 32, 3]]);
    expect(conv2d(ones([1, 4, 7]), ones([1, 1, 3, 4]), { padding: "same", dilation: [2, 1] }).shape).toEqual([1, 4, 7]);
    expect(conv1d(ones([1, 4]), ones([1, 1, 2]), { padding: "valid" }).shape).toEqual([1, 3]);
  });
  it("integers become floats", () => expect(conv1d(array([[1, 2]], { dtype: "int32" }), array([[[2]]], { dtype: "int32" })).dtype).toBe("float64"));
  it("a batch of nothing has a result of nothing", () => expect(conv1d(ones([0, 1, 4]), ones([2, 1, 3])).shape).toEqual([0, 2, 2]));
});

describe("errors come from the call and say what to do", () => {
  const x = ones([1, 4, 5, 5]);
  const refusals: readonly (readonly [string, () => unknown, string])[] = [
    ["rank", () => conv2d(ones([5]), ones([1, 1, 3, 3])), "conv2d: f64[5] has 1 axes. It takes (batch, channels, height, width) or (channels, height, width)."],
    ["weight", () => conv2d(x, ones([4, 3])), "conv2d: the weight is f64[4,3]; it needs 4 axes"],
    ["channels", () => conv2d(x, ones([4, 3, 3, 3])), "conv2d: x f64[1,4,5,5] has 4 channels in 1 groups, the weight f64[4,3,3,3] takes 3."],
    ["groups", () => conv2d(x, ones([4, 1, 3, 3]), { groups: 3 }), "conv2d: 4 channels do not divide into 3 groups."],
    ["results", () => conv2d(x, ones([3, 2, 3, 3]), { groups: 2 }), "conv2d: 3 results do not divide into 2 groups."],
    ["bias", () => conv2d(x, ones([2, 4, 3, 3]), ones([3])), "conv2d: the bias is f64[3]; it has one number for each of the 2 channels of the result."],
    ["window", () => conv2d(x, ones([2, 4, 3, 7])), "conv2d: the window covers 7 positions, axis 3 of f64[1,4,5,5] has 5 with its padding."],
    ["stride", () => conv2d(x, ones([2, 4, 3, 3]), { stride: 0 }), "conv2d: stride 0: give one whole number from 1 on, or a list of 2"],
    ["padding", () => conv2d(x, ones([2, 4, 3, 3]), { padding: [1] }), "conv2d: padding [1]: give one whole number from 0 on, or a list of 2"],
    ["pairs", () => conv2d(x, ones([2, 4, 3, 3]), { padding: [[1, -1]] }), "conv2d: padding [[1,-1]]: give [before, after] for each of the 2 axes"],
    ["same", () => conv2d(x, ones([2, 4, 3, 3]), { padding: "same", stride: 2 }), 'conv2d: padding "same" with stride [2,2]'],
    ["transposed", () => convTranspose2d(x, ones([3, 4, 3, 3])), "convTranspose2d: x f64[1,4,5,5] has 4 channels, the weight f64[3,4,3,3] takes 3."],
    [
      "outputPadding",
      () => convTranspose2d(x, ones([4, 2, 3, 3]), { outputPadding: 1 }),
      "convTranspose2d: outputPadding 1 must be less than stride 1 or dilation 1",
    ],
    ["nothing left", () => convTranspose2d(ones([4, 1, 1]), ones([4, 2, 3, 3]), { padding: 2 }), "convTranspose2d: padding leaves nothing of the result"],
    ["three axes", () => conv3d(ones([4, 5, 5]), ones([1, 4, 1, 1, 1])), "conv3d: f64[4,5,5] has 3 axes. It takes (batch, channels, depth, height, width)"],
  ];
  it.each(refusals)("%s", (_, run, text) => expect(run).toThrow(text));
});
