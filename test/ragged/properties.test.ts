/** Random ragged arrays against plain nested lists, on both CPU targets. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { argsort, concat, configure, cumprod, cumsum, flip, fromPadded, IndexError, slice, take } from "../../src/index.ts";
import type { Index, NDArray, Settings } from "../../src/index.ts";
import type { Entry, Form, Nest } from "./model.ts";
import {
  arrayOf,
  depthOf,
  flatten,
  forms,
  isList,
  listOf,
  lists,
  mapNest,
  mapRows,
  nestOf,
  numbers,
  numbersAt,
  plain,
  readNest,
  reduceNest,
  sizeOf,
  slices,
} from "./model.ts";

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
// each case compiles plans of its own
fc.configureGlobal({ numRuns: 40 });

/** An array and the lists that it is. */
interface Sample {
  readonly form: Form;
  readonly x: NDArray;
  readonly nest: readonly Nest[];
}
const samples: fc.Arbitrary<Sample> = fc.tuple(forms, numbers).map(([form, draw]) => {
  const flat = draw(sizeOf(form));
  return { form, x: arrayOf(form, flat), nest: nestOf(form, flat) };
});

const near = (got: unknown, want: Nest): void => {
  const number = (v: number): unknown => (Number.isFinite(v) ? Number(v.toFixed(9)) + 0 : String(v));
  const rounded = (x: unknown): string => JSON.stringify(x, (_, v: unknown) => (typeof v === "number" ? number(v) : v));
  expect(rounded(got)).toBe(rounded(plain(want)));
};

const indexOf = (e: Entry): Index<NDArray> => {
  if (e.kind === "number") return e.at;
  return e.kind === "list" ? [...e.items] : slice(e.start, e.stop, e.step);
};

/** What `f` gives, or null where it throws an IndexError. */
function within<T>(f: () => T): T | null {
  try {
    return f();
  } catch (error) {
    if (error instanceof IndexError) return null;
    throw error;
  }
}

const indices = (depth: number): fc.Arbitrary<Entry[]> =>
  fc
    .tuple(fc.oneof(slices, numbersAt, lists), ...Array.from({ length: depth - 1 }, () => fc.oneof(slices, numbersAt)))
    .chain((entries) => fc.nat({ max: depth }).map((n) => entries.slice(0, n)));

describe.each<Settings["target"]>(["wasm", "js", "interpreter"])("ragged arrays on %s", (name) => {
  beforeAll(() => configure({ target: name }));
  afterAll(() => configure({ target: "wasm" }));
  it("give their lists back", () => {
    fc.assert(fc.property(samples, ({ x, nest }) => near(x.tolist(), nest)));
  });
  it("compute element by element, with numbers and with the same rows", () => {
    fc.assert(
      fc.property(samples, ({ form, x, nest }) => {
        const y = arrayOf(
          form,
          flatten(nest).map((n, i) => n - i),
        );
        const other = nestOf(
          form,
          flatten(nest).map((n, i) => n - i),
        );
        near(
          x.mul(2).add(1).tolist(),
          mapNest((a) => 2 * a + 1, nest),
        );
        near(
          x.maximum(y).sub(y.mul(0.5)).tolist(),
          mapNest((a, b) => Math.max(a, b) - 0.5 * b, nest, other),
        );
      }),
    );
  });
  it("meet one value a row", () => {
    fc.assert(
      fc.property(samples, ({ form, x, nest }) => {
        const perRow = arrayOf(
          { rows: form.rows.map(() => 1), deeper: null },
          form.rows.map((_, i) => i + 1),
        );
        const y = form.deeper === null ? perRow : perRow.toPadded().expandDims(-1);
        const dense = form.deeper === null ? y.toPadded() : y;
        fc.pre(form.rows.length > 0);
        near(
          x.mul(dense).tolist(),
          nest.map((row, i) => mapNest((a) => a * (i + 1), row)),
        );
      }),
    );
  });
  it("reduce over any axes", () => {
    const cases = fc.tuple(samples, fc.subarray([0, 1, 2], { minLength: 1 }), fc.boolean());
    fc.assert(
      fc.property(cases, ([{ form, x, nest }, some, keepdims]) => {
        const depth = depthOf(form);
        const axes = some.filter((a) => a < depth);
        fc.pre(axes.length > 0);
        const kept = (y: NDArray): unknown => (keepdims ? withoutOnes(y.tolist(), depth, axes) : y.tolist());
        near(kept(x.sum({ axis: axes, keepdims })), reduceNest(sum, nest, depth, axes));
        near(
          kept(x.prod({ axis: axes, keepdims })),
          reduceNest((g) => g.reduce((a, b) => a * b, 1), nest, depth, axes),
        );
        near(
          kept(x.greater(0).any({ axis: axes, keepdims }).astype("int32")),
          reduceNest((g) => Number(g.some((a) => a > 0)), nest, depth, axes),
        );
        near(kept(x.var({ axis: axes, keepdims })), reduceNest(variance, nest, depth, axes));
        if (axes.length < depth)
          near(
            kept(x.max({ axis: axes, keepdims })),
            reduceNest((g) => Math.max(...g), nest, depth, axes),
          );
      }),
    );
  });
  it("run along their innermost rows", () => {
    fc.assert(
      fc.property(samples, ({ form, x, nest }) => {
        const depth = depthOf(form);
        const axis = depth - 1;
        near(
          cumsum(x, axis).tolist(),
          mapRows((row) => row.map((_, i) => sum(row.slice(0, i + 1))), nest, depth),
        );
        near(
          cumprod(x, axis).tolist(),
          mapRows((row) => row.map((_, i) => row.slice(0, i + 1).reduce((a, b) => a * b, 1)), nest, depth),
        );
        near(
          x.softmax().tolist(),
          mapRows((row) => row.map((a) => Math.exp(a) / sum(row.map(Math.exp))), nest, depth),
        );
        near(
          x.sort().tolist(),
          mapRows((row) => row.toSorted((a, b) => a - b), nest, depth),
        );
        near(
          argsort(x, { descending: true }).tolist(),
          mapRows((row) => row.map((_, i) => i).toSorted((i, j) => Number(row[j]) - Number(row[i])), nest, depth),
        );
        near(flip(x).tolist(), reversed(nest));
        near(
          flip(x, { axis }).tolist(),
          mapRows((row) => row.toReversed(), nest, depth),
        );
      }),
    );
  });
  it("are read by position", () => {
    fc.assert(
      fc.property(
        samples.chain((s) => indices(depthOf(s.form)).map((entries) => [s, entries] as const)),
        ([{ x, nest }, entries]) => {
          const want = readNest(nest, entries);
          const got = within(() => x.at(...entries.map(indexOf)));
          if (want === null || got === null) expect([want, got]).toEqual([null, null]);
          else near(got.tolist(), want);
        },
      ),
    );
  });
  it("are written by position", () => {
    fc.assert(
      fc.property(
        samples.chain((s) => indices(depthOf(s.form)).map((entries) => [s, entries] as const)),
        ([{ form, nest }, entries]) => {
          const x = arrayOf(form, flatten(nest));
          const ids = nestOf(
            form,
            flatten(nest).map((_, i) => i),
          );
          const places = readNest(ids, entries);
          fc.pre(places !== null);
          const chosen = places === null ? [] : flatten(places);
          const once = x.add(0);
          x.at(...entries.map(indexOf)).add(100);
          const counts = flatten(nest).map((n, i) => n + 100 * chosen.filter((k) => k === i).length);
          near(x.tolist(), nestOf(form, counts));
          x.at(...entries.map(indexOf)).set(7);
          near(
            x.tolist(),
            nestOf(
              form,
              counts.map((n, i) => (chosen.includes(i) ? 7 : n)),
            ),
          );
          near(once.tolist(), nest);
        },
      ),
    );
  });
  it("are picked from by rows and by masks", () => {
    fc.assert(
      fc.property(samples, fc.infiniteStream(fc.boolean()), ({ form, x, nest }, chance) => {
        const chosen = flatten(nest).map((n) => n > 0);
        near(
          x.at(x.greater(0)).tolist(),
          mapRows((row) => row.filter((a) => a > 0), nest, depthOf(form)),
        );
        expect(x.at(x.greater(0)).size).toBe(chosen.filter(Boolean).length);
        const rows = nest.map(() => chance.next().value);
        fc.pre(nest.length > 0);
        near(
          x.at(rows).tolist(),
          nest.filter((_, i) => rows[i]),
        );
        near(
          take(
            x,
            nest.map((_, i) => -1 - i),
            { axis: 0 },
          ).tolist(),
          nest.toReversed(),
        );
      }),
    );
  });
  it("are joined along each axis", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        fc.pre(depthOf(a.form) === depthOf(b.form));
        near(concat([a.x, b.x, a.x]).tolist(), [...a.nest, ...b.nest, ...a.nest]);
        const doubled = a.x.mul(2);
        for (let axis = 1; axis < depthOf(a.form); axis++)
          near(
            concat([a.x, doubled], { axis }).tolist(),
            joined(
              a.nest,
              mapNest((n) => 2 * n, a.nest),
              axis,
            ),
          );
        if (a.nest.length === b.nest.length) near(concat([a.x, b.x], { axis: 1 }).tolist(), joined(a.nest, b.nest, 1));
      }),
    );
  });
  it("are filled up, and cut back", () => {
    fc.assert(
      fc.property(samples, ({ form, x, nest }) => {
        const longest = Math.max(0, ...form.rows);
        const padded = x.toPadded(-9);
        if (form.deeper === null)
          near(
            padded.tolist(),
            nest.map((row) => [...listOf(row), ...Array.from({ length: longest - listOf(row).length }, () => -9)]),
          );
        else expect(padded.shape).toEqual([form.rows.length, longest, Math.max(0, ...form.deeper)]);
        if (form.deeper === null) near(fromPadded(padded, x.rowLengths()).tolist(), nest);
        expect(x.rowLengths().tolist()).toEqual(form.rows);
        near(x.flatten().tolist(), flatten(nest));
      }),
    );
  });
});

function variance(group: readonly number[]): number {
  const mean = sum(group) / group.length;
  return sum(group.map((a) => (a - mean) ** 2)) / group.length;
}

const reversed = (x: Nest): Nest => (isList(x) ? x.map(reversed).toReversed() : x);

function joined(x: Nest, y: Nest, axis: number): Nest {
  if (axis === 0) return [...listOf(x), ...listOf(y)];
  return listOf(x).map((item, i) => joined(item, listOf(y)[i] ?? [], axis - 1));
}

/** Lists without the axes of length 1 that were kept. */
function withoutOnes(x: unknown, depth: number, axes: readonly number[], axis: number = 0): unknown {
  if (axis === depth || !Array.isArray(x)) return x;
  const items: unknown[] = x;
  if (axes.includes(axis)) {
    expect(items.length).toBe(1);
    return withoutOnes(items[0], depth, axes, axis + 1);
  }
  return items.map((item) => withoutOnes(item, depth, axes, axis + 1));
}
