/**
 * Random programs of views, writes, reads and evaluations at every possible point, against the eager model. What was read lazily
 * must keep the value of its own time, whatever is written, evaluated or disposed afterwards.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { array, configure, flip, permuteDims, sharesMemory, slice } from "../../src/index.ts";
import type { NDArray, Settings } from "../../src/index.ts";
import type { ModelView, Range } from "./model.ts";
import { copied, dense, diagonal, item, moved, permuted, picked, reshaped, shares, sizeOf, sliced, valuesOf, write } from "./model.ts";

/** A handle of the library, and what the model says that it is. */
interface Pair {
  readonly real: NDArray;
  readonly model: ModelView;
}

/** Something that was read but perhaps not computed, and what it was when it was read. */
interface Reading {
  readonly real: NDArray;
  readonly want: readonly number[];
}

interface World {
  readonly pairs: Pair[];
  readonly readings: Reading[];
}

type Choose = (n: number) => number;
type Step = (world: World, choose: Choose) => void;

const shapes: readonly (readonly number[])[] = [[6], [2, 3], [3, 4], [4, 4], [2, 3, 2], [1, 5], [0, 3], []];
const some = ({ pairs }: World, choose: Choose): Pair => item(pairs, choose(pairs.length));
const derive = (world: World, real: NDArray, model: ModelView): void => void world.pairs.push({ real, model });
const list = (real: NDArray): number[] => [...real.dataSync()];

function randomRange(length: number, choose: Choose): Range {
  const step = item([1, 1, 2, -1, -2], choose(5));
  const first = length === 0 ? 0 : choose(length);
  const room = step > 0 ? length - first : first + 1;
  return { start: first, size: length === 0 ? 0 : choose(Math.ceil(room / Math.abs(step)) + 1), step };
}

/** The slice that resolves to a range. */
function sliceOf({ start, size, step }: Range): ReturnType<typeof slice> {
  if (size === 0) return slice(0, 0);
  const stop = start + size * step;
  return slice(start, stop < 0 ? null : stop, step);
}

function regrouped(shape: readonly number[], choose: Choose): readonly number[] {
  const size = sizeOf(shape);
  const options: readonly number[][] = [
    [size],
    [1, size],
    ...[2, 3, 4].flatMap((n) =>
      size % n === 0
        ? [
            [n, size / n],
            [size / n, n],
          ]
        : [],
    ),
  ];
  return item(options, choose(options.length));
}

const steps: Readonly<Record<string, Step>> = {
  base: (world, choose) => {
    const shape = item(shapes, choose(shapes.length));
    const data = Array.from({ length: sizeOf(shape) }, (_, i) => i + 1);
    derive(world, array(data, { shape }), dense(data, shape));
  },
  slice: (world, choose) => {
    const { real, model } = some(world, choose);
    const ranges = model.shape.map((n) => randomRange(n, choose));
    derive(world, real.get(...ranges.map(sliceOf), "..."), sliced(model, ranges));
  },
  index: (world, choose) => {
    const { real, model } = some(world, choose);
    const [length] = model.shape;
    if (length === undefined || length === 0) return;
    const position = choose(length);
    derive(world, real.get(position - (choose(2) === 0 ? 0 : length), "..."), picked(model, 0, position));
  },
  newaxis: (world, choose) => {
    const { real, model } = some(world, choose);
    if (model.shape.length > 3) return;
    derive(
      world,
      real.get("...", null),
      moved(model, [...model.shape, 1], (index) => index.slice(0, -1)),
    );
  },
  transpose: (world, choose) => {
    const { real, model } = some(world, choose);
    const order = model.shape.map((_, i) => i);
    order.push(...order.splice(0, choose(order.length + 1)));
    derive(world, permuteDims(real, order), permuted(model, order));
  },
  flip: (world, choose) => {
    const { real, model } = some(world, choose);
    derive(
      world,
      flip(real),
      sliced(
        model,
        model.shape.map((n) => ({ start: n - 1, size: n, step: -1 })),
      ),
    );
  },
  diagonal: (world, choose) => {
    const { real, model } = some(world, choose);
    if (model.shape.length >= 2) derive(world, real.diagonal(), diagonal(model));
  },
  reshape: (world, choose) => {
    const { real, model } = some(world, choose);
    const shape = regrouped(model.shape, choose);
    derive(world, real.reshape(shape), reshaped(model, shape));
  },
  copy: (world, choose) => {
    const { real, model } = some(world, choose);
    derive(world, real.copy(), copied(model));
  },
  arithmetic: (world, choose) => {
    const { real, model } = some(world, choose);
    derive(
      world,
      real.add(1),
      dense(
        valuesOf(model).map((x) => x + 1),
        model.shape,
      ),
    );
  },
  fill: (world, choose) => {
    const { real, model } = some(world, choose);
    const x = choose(100);
    real.set(x);
    write(
      model,
      model.places.map(() => x),
    );
  },
  write: (world, choose) => {
    const { real, model } = some(world, choose);
    const values = model.places.map(() => choose(100));
    real.at().set(array(values, { shape: model.shape }));
    write(model, values);
  },
  update: (world, choose) => {
    const { real, model } = some(world, choose);
    real.at().mul(2);
    write(
      model,
      valuesOf(model).map((x) => x * 2),
    );
  },
  overlap: (world, choose) => {
    const { real, model } = some(world, choose);
    const [length] = model.shape;
    if (length === undefined || length < 2) return;
    const size = 1 + choose(length - 1);
    const [from, to] = [choose(length - size + 1), choose(length - size + 1)];
    real.at(slice(to, to + size)).set(real.get(slice(from, from + size)).add(1));
    const part = (start: number): ModelView => sliced(model, [{ start, size, step: 1 }, ...model.shape.slice(1).map((n) => ({ start: 0, size: n, step: 1 }))]);
    write(
      part(to),
      valuesOf(part(from)).map((x) => x + 1),
    );
  },
  read: (world, choose) => {
    const { real, model } = some(world, choose);
    world.readings.push({ real: real.mul(3), want: valuesOf(model).map((x) => x * 3) });
  },
  evaluate: (world, choose) => void some(world, choose).real.evalSync(),
  evaluateReading: ({ readings }, choose) => {
    if (readings.length > 0) item(readings, choose(readings.length)).real.evalSync();
  },
  data: (world, choose) => {
    const { real, model } = some(world, choose);
    expect(list(real)).toEqual(valuesOf(model));
  },
  dispose: (world, choose) => {
    if (world.pairs.length < 2) return;
    const [gone] = world.pairs.splice(choose(world.pairs.length), 1);
    gone?.real.dispose();
  },
  shares: (world, choose) => {
    const [a, b] = [some(world, choose), some(world, choose)];
    expect(sharesMemory(a.real, b.real)).toBe(shares(a.model, b.model));
  },
};

const names = Object.keys(steps);
const program = fc.array(fc.tuple(fc.constantFrom(...names), fc.array(fc.nat(997), { minLength: 8, maxLength: 8 })), { maxLength: 24 });

function run(chosen: readonly (readonly [string, readonly number[]])[]): void {
  const world: World = { pairs: [], readings: [] };
  steps["base"]?.(world, () => 2);
  for (const [name, numbers] of chosen) {
    let next = 0;
    steps[name]?.(world, (n) => (n === 0 ? 0 : item(numbers, next++ % numbers.length) % n));
  }
  for (const { real, want } of world.readings) expect(list(real)).toEqual(want);
  for (const { real, model } of world.pairs) {
    expect(real.shape).toEqual(model.shape);
    expect(list(real)).toEqual(valuesOf(model));
  }
}

afterEach(() => configure({ target: "wasm", debug: false }));

const targets: readonly Settings["target"][] = ["wasm", "js", "interpreter"];
describe.each(targets)("random programs on %s", (target) => {
  it("do what the eager model does", () => {
    configure({ target });
    fc.assert(fc.property(program, run), { numRuns: target === "interpreter" ? 600 : 300 });
  });
});

it("plans of random programs hold what plans promise", () => {
  configure({ debug: true });
  fc.assert(fc.property(program, run), { numRuns: 60 });
});
