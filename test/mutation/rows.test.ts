/** Fusion cases of section G, writes: kernels and bytes of the plans that evaluating them takes, on every target. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Cost } from "../../compiler/ir/count.ts";
import { countPlan } from "../../compiler/ir/count.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import type { NDArray } from "../../src/index.ts";
import { arange, array, configure, matmul, slice } from "../../src/index.ts";
import { requestFor } from "../../src/requests.ts";

const numbers = (n: number): NDArray => arange(n, { dtype: "int32" }).evalSync();
const table = (rows: number, columns: number): NDArray =>
  array(Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)))
    .reshape(rows, columns)
    .evalSync();

interface Found {
  readonly kernels: number;
  readonly bytes: number;
}

/** What the plan of an evaluation launches and moves. */
function planOf(x: NDArray, target: Target): Found {
  const { build, donated } = requestFor([x.value]);
  const { plan } = compileGraph(build(), target, { donated, verify: true });
  const { bytesRead, bytesWritten }: Cost = countPlan(plan);
  return { kernels: kernelCount(plan), bytes: bytesRead + bytesWritten };
}

/** 16 layers, each of which shares its matmul between a cache and the next layer: the last cache. */
function lastOfCaches(): NDArray {
  const width = 16;
  const caches = Array.from({ length: 16 }, () => table(4, width));
  let x = table(1, width);
  for (const cache of caches) {
    const s = matmul(x, table(width, 2 * width));
    cache.at(slice(0, 1)).set(s.get(":", slice(0, width)));
    x = s.get(":", slice(width, 2 * width)).add(cache.get(slice(0, 1)));
  }
  return caches.at(-1) ?? x;
}

beforeEach(() => configure({ target: "js" }));

describe.each<Target>([js, wasm, wgsl])("on $name", (target) => {
  test("row 82: X[1:3] = X[2:4] + 1, parts that overlap: two kernels, each moves its rows", () => {
    const x = numbers(24).reshape(6, 4);
    x.at("1:3").set(x.get("2:4").add(1));
    expect(planOf(x, target)).toEqual({ kernels: 2, bytes: 4 * 32 });
  });

  test("row 84: t[20:50] = 3 moves 120 bytes", () => {
    expect(planOf(numbers(100).at(slice(20, 50)).set(3), target)).toEqual({ kernels: 1, bytes: 120 });
  });

  test("row 84: t[20:50] = v moves 240 bytes", () => {
    expect(planOf(numbers(100).at(slice(20, 50)).set(numbers(30)), target)).toEqual({ kernels: 1, bytes: 240 });
  });

  test("row 84: t[:] = 3 moves 400 bytes", () => {
    const { kernels, bytes } = planOf(numbers(100).at().set(3), target);
    expect(kernels).toBeLessThanOrEqual(1);
    expect(bytes).toBe(400);
  });

  test("row 86: a = a / 1 in place takes nothing", () => {
    const x = table(1, 3);
    expect([x.at().div(1) === x, x.evaluated, planOf(x, target)]).toEqual([true, true, { kernels: 0, bytes: 0 }]);
  });

  test("row 88: 16 layers that share a matmul between a cache and the next layer take 33 kernels at most", () => {
    expect(planOf(lastOfCaches(), target).kernels).toBeLessThanOrEqual(33);
  });
});
