/**
 * Walks down columns by strips of a line at a time: sums, positions, running values, rows that wait, results on the way. Whatever the
 * lengths, JavaScript and WebAssembly give the same bits, and what the interpreter gives.
 */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { gelu, softmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

const columns = { axis: 0, keepdims: true };
const centred = (t: Tensor): Tensor => t.sub(t.mean(columns));
const mish = (x: Tensor): Tensor => x.mul(x.exp().log1p().tanh());

/** What a value becomes before it is walked. */
const before: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
  ["plain", (x) => x],
  ["a factor", (x) => x.mul(2)],
  ["exp", (x) => x.exp()],
  ["gelu", gelu],
  ["mish", mish],
];

const walks: readonly (readonly [string, (t: Tensor) => readonly Tensor[]])[] = [
  ["less the mean", (t) => [centred(t)]],
  ["and itself", (t) => [t, centred(t)]],
  ["over the deviation", (t) => [centred(t).div(t.var(columns).add(0.1).sqrt())]],
  ["variance", (t) => [t.var({ axis: 0 })]],
  ["softmax", (t) => [softmax(t, 0)]],
  ["running", (t) => [t.cumsum({ axis: 0 })]],
  ["running, and itself", (t) => [t, t.cumsum({ axis: 0 })]],
  ["a function of what runs", (t) => [t.mul(0.01).cumsum({ axis: 0 }).exp()]],
  ["position", (t) => [t.argmax({ axis: 0 })]],
  ["position, and itself", (t) => [t, t.argmin({ axis: 0 })]],
  ["sum and maximum", (t) => [t.sum({ axis: 0 }), t.max({ axis: 0 })]],
  ["a square on the way", (t) => [t.square(), t.sum({ axis: 0 })]],
];

/** The bits are the same on both, after passes that are verified. */
function check(make: () => readonly Tensor[], slack: number): void {
  const { graph, inputs } = recorded(...make());
  compileGraph(graph, wasm, { verify: true });
  const [plain, wide] = [runCompiled(graph, inputs, { target: js }), runCompiled(graph, inputs, { target: wasm })];
  wide.forEach((o, i) => expect(o.data).toEqual(at(plain, i).data));
  expectClose(wide, interpretGraph(graph, inputs), "against the interpreter", slack);
}

const sizes = [
  [7, 64],
  [40, 100],
  [33, 300],
  [600, 24],
  [50, 9],
  [520, 5],
  [1100, 3],
  [70, 15],
  [3, 17],
  [1, 40],
] as const;

describe.each(before)("%s", (_, f) => {
  test.each(walks)("%s", (name, walk) => {
    for (const [n, m] of sizes) check(() => walk(f(data(n, m))), name.includes("deviation") ? 64 : 16);
  });
});

test.each(["float64", "int32", "float16", "int64", "uint8"] as const)("%s", (dtype) => {
  const given = (n: number, m: number): Tensor => data(n, m).mul(20).astype(dtype);
  for (const [n, m] of sizes.slice(0, 8)) {
    check(() => [given(n, m).add(1), given(n, m).add(1).cumsum({ axis: 0 })], 16);
    check(() => [given(n, m).argmax({ axis: 0 }), given(n, m).sum({ axis: 0 })], 16);
  }
});

test("images, and axes in the middle", () => {
  for (const shape of [
    [2, 30, 20],
    [3, 12, 70],
    [2, 40, 6],
  ]) {
    const x = (): Tensor => gelu(data(...shape));
    check(() => [x().sub(x().mean({ axis: 1, keepdims: true }))], 16);
    check(() => [x().sub(x().mean({ axis: [0, 1], keepdims: true }))], 16);
    check(() => [x(), x().cumsum({ axis: 1 })], 16);
  }
});

test("what lies side by side comes near together", () => {
  const { graph } = recorded(centred(data(64, 300).exp()));
  const all = compileGraph(graph, wasm).plan.kernels.flatMap((k) => statements(k.body));
  const strips = all.flatMap((s) => (s.kind === "for" && s.axis.kind === "grid" ? [s.axis.step] : []));
  expect(strips).toEqual([64]);
  expect(all.some((s) => s.kind === "local" && s.name.endsWith("_of"))).toBe(true);
});
