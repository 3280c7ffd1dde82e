/**
 * A walk over all exported functions and all methods with ragged arguments. Each gives a right result, by one of three oracles, or an
 * UnsupportedError that names toPadded: never a wrong answer. A new function passes where it is elementwise or refuses.
 */
import { describe, expect, it } from "vitest";
import * as lazuli from "../../src/index.ts";
import { array, fromRows, Lazy, NDArray, UnsupportedError } from "../../src/index.ts";
import type { NestedList } from "../../src/index.ts";

type Call = readonly unknown[];
type Fn = (...args: readonly unknown[]) => unknown;

/** Functions that give one result a row, or one for each element of a row: compared with what they make of each row. */
const alongRows: Readonly<Record<string, { readonly emptyRows: boolean }>> = {
  all: { emptyRows: true },
  any: { emptyRows: true },
  argmax: { emptyRows: false },
  argmin: { emptyRows: false },
  argsort: { emptyRows: true },
  countNonzero: { emptyRows: true },
  cummax: { emptyRows: true },
  cummin: { emptyRows: true },
  cumprod: { emptyRows: true },
  cumsum: { emptyRows: true },
  flip: { emptyRows: true },
  logSoftmax: { emptyRows: false },
  logcumsumexp: { emptyRows: true },
  logsumexp: { emptyRows: true },
  max: { emptyRows: false },
  mean: { emptyRows: true },
  min: { emptyRows: false },
  nanmean: { emptyRows: true },
  nansum: { emptyRows: true },
  norm: { emptyRows: true },
  prod: { emptyRows: true },
  softmax: { emptyRows: false },
  softmin: { emptyRows: false },
  sort: { emptyRows: true },
  std: { emptyRows: true },
  sum: { emptyRows: true },
  var: { emptyRows: true },
};

/** Functions that know ragged rows in their own way: each has tests beside this one. */
const own = new Set(
  `array arrayToString at concat flatValues flatten fromPadded fromRows isRagged mayShareMemory ragged rowLengths rowOffsets sharesMemory
   split take tensor toDevice toPadded unstack`.split(/\s+/),
);

/** Functions that take shapes, numbers, options, functions or tensors, but no array. */
const noArrays = new Set(
  `Slice arange closeDevice configure counters empty evalAll evalAllSync explain eye full getPrintOptions grad gradients hessian indices
   inspect jacobian jvp linspace logspace memory noGrad ones openDevice recover resetCounters setPrintOptions slice synchronize tri
   valueAndGrad vjp zeros`.split(/\s+/),
);

const isNamespace = (x: unknown): x is object => typeof x === "object" && x !== null && !(x instanceof Lazy);

/** Name, function: of the index and of its namespaces of array functions. */
function exported(): readonly (readonly [string, Fn])[] {
  const found: (readonly [string, Fn])[] = [];
  const visit = (home: object, prefix: string): void => {
    for (const [name, x] of Object.entries(home)) {
      if (typeof x === "function" && /^[a-z]/.test(name)) found.push([prefix + name, (...args) => Reflect.apply(x, undefined, [...args])]);
      if (isNamespace(x) && prefix === "" && !["optim", "random", "dtypes"].includes(name)) visit(x, `${name}.`);
    }
  };
  visit(lazuli, "");
  return found.filter(([name]) => !noArrays.has(name) && !own.has(name));
}

const samples = {
  float: [[0.5, 0.25, 0.75], [0.125], [], [0.5, 0.5]],
  integer: [[3, 1, 2], [4], [], [5, 6]],
  bool: [[true, false, true], [true], [], [false, true]],
};
const float = fromRows(samples.float);
const integer = fromRows(samples.integer, { dtype: "int32" });
const bool = fromRows(samples.bool);
/** The elements without their rows, and in no memory of the rows. */
const flat = (x: unknown): unknown => {
  if (Array.isArray(x)) return x.map(flat);
  return x instanceof Lazy && x.rows !== null ? array(x.dataSync(), { dtype: x.dtype }) : x;
};

/** Calls that some function takes. */
const calls: readonly Call[] = [
  [float],
  [float, float],
  [float, float, float],
  [float, 0.5],
  [float, 0, 1],
  [bool, float, float],
  [bool, float, 0.5],
  [float, bool, 0.5],
  [integer],
  [integer, integer],
  [integer, integer, integer],
  [bool],
  [bool, bool],
  [2, float],
  [float, { axis: 1 }],
  [float, "float32"],
  [float, [0, 1]],
  [float, 1, { axis: 1 }],
  [float, integer, { axis: 1 }],
  [float, integer, 1],
  [integer, float],
  [integer, [float, float]],
  [[bool], [float]],
  [[float, float]],
  ["ij,ij->ij", float, float],
  [float, integer, float, 1],
  [integer, 3],
];

/** What a call came to: a result, or an error. */
function outcome(f: Fn, args: Call): { readonly result: unknown } | { readonly error: unknown } {
  try {
    return { result: f(...args) };
  } catch (error) {
    return { error };
  }
}

const refuses = (error: unknown): boolean => error instanceof UnsupportedError && error.message.includes("toPadded");

/** What is wrong with a result, by the oracle of elementwise functions: the same of the elements, in the same rows. */
function notElementwise(f: Fn, args: Call, result: unknown): string | null {
  const wanted = outcome(f, args.map(flat));
  if (!(result instanceof Lazy)) return `gave ${typeof result}`;
  if (!("result" in wanted) || !(wanted.result instanceof Lazy)) return "gave a result that the elements alone do not have";
  if (result.rows === null) return compared(result.tolist(), wanted.result.tolist());
  const lengths = result.rows.offsets.map((offsets) => [...offsets]);
  return compared(lengths, [[0, 3, 4, 4, 6]]) ?? compared([...result.dataSync()], [...wanted.result.dataSync()]) ?? compared(result.dtype, wanted.result.dtype);
}

const textOf = (x: unknown): string => JSON.stringify(x, (_, v: unknown) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v));
const compared = (got: unknown, want: unknown): string | null => (textOf(got) === textOf(want) ? null : `${textOf(got)} is not ${textOf(want)}`);

/** All that is wrong with a function that is elementwise or refuses. */
function findings(f: Fn): string[] {
  let [right, refused] = [0, 0];
  const wrong: string[] = [];
  for (const args of calls) {
    const came = outcome(f, args);
    if ("error" in came) {
      if (refuses(came.error)) refused++;
      continue;
    }
    // lists that a function takes for options or for no arrays at all: nothing was made of the rows
    if (Array.isArray(came.result) && came.result.length === 0) continue;
    const problem = notElementwise(f, args, came.result);
    if (problem === null) right++;
    else wrong.push(`(${args.map(String).join("; ")}): ${problem}`);
  }
  if (right + refused === 0) wrong.push("no call was right, or refused with an UnsupportedError that names toPadded");
  return wrong;
}

/** What a function makes along axis 1, against what it makes of each row. */
function alongRowsFindings(f: Fn, rows: readonly (readonly number[])[], dtype: "float64" | "int32" | "bool"): string[] {
  const whole = f(fromRows(rows, { dtype }), { axis: 1 });
  const each = rows.map((row) => f(array(row.map(Number), { dtype }), { axis: 0 }));
  const lists = (x: unknown): (NestedList | string)[] => (Array.isArray(x) ? x : [x]).map((y) => (y instanceof Lazy ? y.tolist() : "no array"));
  const wanted = lists(whole).map((_, k) => each.map((row) => lists(row)[k]));
  const problem = nearly(lists(whole), wanted);
  return problem === null ? [] : [problem];
}

function nearly(got: unknown, want: unknown): string | null {
  const rounded = (x: unknown): string => JSON.stringify(x, (_, v: unknown) => (typeof v === "number" ? v.toPrecision(12) : v));
  return rounded(got) === rounded(want) ? null : `${rounded(got)} is not ${rounded(want)}`;
}

describe("every function", () => {
  const functions = exported();
  it.each(functions.filter(([name]) => !(name.replace(/^\w+\./, "") in alongRows)))("%s: elementwise, or refuses", (_, f) => expect(findings(f)).toEqual([]));
  it.each(functions.filter(([name]) => name.replace(/^\w+\./, "") in alongRows))("%s: as of each row", (name, f) => {
    const { emptyRows } = alongRows[name.replace(/^\w+\./, "")] ?? { emptyRows: false };
    const kept = <T>(rows: readonly (readonly T[])[]): (readonly T[])[] => rows.filter((row) => emptyRows || row.length > 0);
    expect(alongRowsFindings(f, kept(samples.float), "float64")).toEqual([]);
    expect(alongRowsFindings(f, kept(samples.integer), "int32")).toEqual([]);
  });
  it("is walked", () => {
    expect(functions.length).toBeGreaterThan(200);
    const names = new Set(functions.map(([name]) => name));
    expect(Object.keys(alongRows).filter((name) => !names.has(name))).toEqual([]);
    const all = new Set(Object.keys(lazuli));
    expect([...own, ...noArrays].filter((name) => !all.has(name))).toEqual([]);
  });
});

/** What every handle has, and methods that change what they are called on: tested by themselves. */
const plumbing = new Set(
  `constructor alias alike adopt apply at copy current data dataSync describe dispose eval evalSync get isPartOf item make onRows
   preview printed rebind set store surrender toString tolist wrap flatValues flatten rowLengths rowOffsets split take toDevice toPadded unstack`.split(/\s+/),
);

function methods(): readonly (readonly [string, Fn])[] {
  const names = new Set<string>();
  for (let home: unknown = NDArray.prototype; typeof home === "object" && home !== null && home !== Object.prototype; home = Object.getPrototypeOf(home)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(home)))
      if (typeof value === "function" && !plumbing.has(name)) names.add(name);
  }
  const call =
    (name: string): Fn =>
    (self, ...args) => {
      const method: unknown = typeof self === "object" && self !== null ? Reflect.get(self, name) : undefined;
      if (typeof method !== "function") throw new TypeError(`${String(self)} has no ${name}`);
      return Reflect.apply(method, self, args);
    };
  return [...names].map((name) => [name, call(name)]);
}

describe("every method", () => {
  it.each(methods().filter(([name]) => !(name in alongRows)))("%s: elementwise, or refuses", (_, f) => expect(findings(f)).toEqual([]));
  it.each(methods().filter(([name]) => name in alongRows))("%s: as of each row", (name, f) => {
    const rows = samples.float.filter((row) => (alongRows[name]?.emptyRows ?? false) || row.length > 0);
    expect(alongRowsFindings(f, rows, "float64")).toEqual([]);
  });
  it("is walked, and so are the views T and mT", () => {
    expect(methods().length).toBeGreaterThan(120);
    expect(() => float.T).toThrow(/toPadded/);
    expect(() => float.mT).toThrow(/toPadded/);
  });
});
