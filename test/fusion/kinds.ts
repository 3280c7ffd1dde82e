/** Fusion cases about indices: what moves elements, what is computed from positions, what reads at indices. */
import type { PadMode, Tensor } from "../../src/index.ts";
import { concat, diagonal, diff, flip, grad, pad, repeat, roll, split, stack, tile } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data } from "./row.ts";

type Map = (x: Tensor) => Tensor;
/** The gradient of what a map makes of a matrix, weighted. */
const moved = (map: Map, shape: readonly number[]): readonly Tensor[] => {
  const weights = data(...shape);
  return [grad((x: Tensor) => map(x).mul(weights).sum())(data(6, 7))];
};

const modes: readonly PadMode[] = ["wrap", "reflect", "symmetric", "edge"];
const around = [
  [2, 3],
  [1, 2],
] as const;
const moves: readonly { readonly name: string; readonly map: Map; readonly shape: readonly number[]; readonly reductions?: number }[] = [
  ...modes.map((mode) => ({ name: `pad by 2, 3 and 1, 2, ${mode}`, map: (x: Tensor) => pad(x, around, { mode }), shape: [11, 10] })),
  { name: "tile by 2 and 3", map: (x) => tile(x, [2, 3]), shape: [12, 21], reductions: 1 },
  { name: "repeat of rows", map: (x) => repeat(x, 2, { axis: 0 }), shape: [12, 7], reductions: 1 },
  { name: "roll of columns", map: (x) => roll(x, 2, { axis: 1 }), shape: [6, 7] },
  { name: "flip of rows", map: (x) => flip(x, { axis: 0 }), shape: [6, 7] },
  { name: "concat([x, 2x])", map: (x) => concat([x, x.mul(2)], { axis: 1 }), shape: [6, 14] },
  { name: "stack([x, -x])", map: (x) => stack([x, x.neg()]), shape: [2, 6, 7] },
  { name: "diff of columns", map: (x) => diff(x, { axis: 1 }), shape: [6, 6] },
  { name: "slices that overlap", map: (x) => x.get(":", "0:5").mul(x.get(":", "2:7")), shape: [6, 5] },
  { name: "every other row", map: (x) => x.get("::2").mul(x.get("1::2")), shape: [3, 7] },
  { name: "diagonal", map: (x) => diagonal(x), shape: [6] },
];

const gradientsOfMoves: readonly FusionRow[] = moves.map(({ name, map, shape, reductions = 0 }, i) => ({
  row: 130 + i,
  section: "E",
  expression: `d/dx sum(w * ${name}), x(6,7)`,
  aim: 1,
  reductions,
  outputs: () => moved(map, shape),
}));

const partsOfOne: readonly FusionRow[] = [
  {
    row: 145,
    section: "E",
    expression: "[a, b, c] = split(x(6,9)); d/dx sum(a * b + exp(c))",
    aim: 1,
    reductions: 0,
    outputs: () => [
      grad((x: Tensor) => {
        const [a, b, c] = split(x, 3, { axis: 1 });
        return a === undefined || b === undefined || c === undefined ? x.sum() : a.mul(b).add(c.exp()).sum();
      })(data(6, 9)),
    ],
  },
];

export const kinds: readonly FusionRow[] = [...gradientsOfMoves, ...partsOfOne];
