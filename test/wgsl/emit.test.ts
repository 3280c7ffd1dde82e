/** Facts about the shaders: bindings, uniforms, barriers, names, dispatch, limits. */
import { afterAll, describe, expect, it } from "vitest";
import { reservedWords } from "../../compiler/codegen/wgsl/names.ts";
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import type { EmitOptions } from "../../compiler/codegen/wgsl/emit.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import { constant, load, s, variable } from "../../compiler/ir/expr.ts";
import type { Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { addIndex, mulIndex } from "../../compiler/ir/indexing.ts";
import { legalize } from "../../compiler/passes/legalize.ts";
import { wgsl } from "../../compiler/target.ts";
import { assign, at2, axis, barrier, bind, carry, f32, kernel, local, loop, number, read, readInt, reads, reduce, store, updates, writes } from "./building.ts";
import { attention, dense, fixtures, logSumExp, raggedSums, scatter, softmax, splitSum } from "./fixtures.ts";
import type { Fixture, Memory } from "./fixtures.ts";
import { races, reflect } from "./reflect.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

const emit = (k: Kernel, options?: EmitOptions): WgslKernel => emitWgsl(legalize(k, wgsl), wgsl, options);
const count = (shader: WgslKernel, text: string): number => shader.source.split(text).length - 1;

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

async function expectCompiles(shader: WgslKernel): Promise<void> {
  const problems = await tint?.check(shader);
  expect(problems ?? []).toEqual([]);
}

/** Compiles the shader, and compares what it stores where shaders can run. */
async function expectRuns(shader: WgslKernel, memory: Memory, want: Readonly<Record<string, readonly number[]>>, scalars = {}): Promise<void> {
  await expectCompiles(shader);
  const after = await runner?.run(shader, memory, scalars);
  const got = Object.keys(want).map((name) => [name, [...(after?.[name] ?? want[name] ?? [])]]);
  expect(Object.fromEntries(got)).toEqual(want);
}

describe("the tools of these tests", () => {
  it.skipIf(tint === null)("Tint refuses what is wrong, with its place", async () => {
    expect(await tint?.checkSource("fn f() -> f32 { return 1u; }")).toEqual([expect.stringMatching(/^1:.*error: .*f32/)]);
    const barrierInBranch = "@compute @workgroup_size(4, 1, 1) fn main(@builtin(local_invocation_index) l: u32) { if (l == 0u) { workgroupBarrier(); } }";
    expect((await tint?.checkSource(barrierInBranch))?.join()).toContain("uniform control flow");
  });

  it.skipIf(tint === null)("a pipeline does not fit a layout that says something else", async () => {
    const shader = emit(softmax(5, 37).kernel);
    const bindings = shader.bindings.map((b) => ({ ...b, access: b.access === "read_write" ? ("read" as const) : b.access }));
    expect((await tint?.check({ ...shader, bindings }))?.join()).toMatch(/layout|storage/i);
  });

  it("a barrier taken away is found as a race", () => {
    const f = softmax(2, 9);
    const shader = emit(f.kernel);
    expect(races(shader, f.memory(), {})).toEqual([]);
    const broken = { ...shader, source: shader.source.replace("workgroupBarrier();", "") };
    expect(races(broken, f.memory(), {}).join()).toContain("Data race");
  });
});

describe("what emitWgsl reports is what the shader says", () => {
  it.each(fixtures.map((f): [string, Fixture] => [f.kernel.name, f]))("%s", (_, f) => {
    const shader = emit(f.kernel);
    const types = { uint32: "u32", float32: "f32", int32: "i32" };
    expect(reflect(shader.source)).toEqual({
      entryPoints: [shader.entryPoint],
      workgroupSize: shader.workgroupSize,
      bindings: shader.bindings.map(({ name, group, binding, access }) => ({ name, group, binding, access })),
      uniforms: shader.uniforms.map((m) => ({ name: m.name, offset: m.offset, type: Object.entries(types).find(([d]) => d === m.dtype)?.[1] })),
      uniformBytes: shader.uniformBytes,
    });
  });

  it("a kernel's buffers and scalars each have their uniform, NaN and infinity theirs where used", () => {
    const i = axis("i", "grid", 0, 4);
    const body = [loop(i, [store("y", i.at, s.add(s.mul(read("x", i.at), number("rate")), f32(-Infinity)))])];
    const shader = emit(kernel("k", [reads("x", 4), writes("y", 4)], body, [{ name: "rate", dtype: "float32" }]));
    expect(shader.uniforms.map((m) => [m.role, m.of, m.offset])).toEqual([
      ["base", "x", 0],
      ["base", "y", 4],
      ["scalar", "rate", 8],
      ["inf", "", 12],
    ]);
  });
});

describe("no lanes race", () => {
  const small = [softmax(2, 9), logSumExp(2, 5), ...splitSum(40, 16), dense(3, 9, 3), attention(5, 2), raggedSums("lane")];
  it.each(small.map((f): [string, Fixture] => [f.kernel.name, f]))("%s", (_, f) => {
    const shader = emit(f.kernel);
    expect(shader.lanesPerPoint).toBeGreaterThan(1);
    expect(races(shader, f.memory(), f.scalars)).toEqual([]);
  });
});

/** Lanes write a row of workgroup memory and read it backwards, twice. */
function reversedTwice(barriers: boolean): Kernel {
  const n = 8;
  const between: Stmt[] = barriers ? [barrier] : [];
  const lane = (name: string): ReturnType<typeof axis> => axis(name, "lane", 0, n);
  const [a, b, c] = [lane("a"), lane("b"), lane("c")];
  const back = (e: typeof a.at): typeof a.at => addIndex(mulIndex(e, -1), n - 1);
  const r = axis("r", "serial", 0, 3);
  return kernel(
    "reversed",
    [reads("x", n), writes("y", n)],
    [
      local("row", "float32", n, "group"),
      local("next", "float32", n, "group"),
      loop(a, [store("row", a.at, read("x", a.at))]),
      ...between,
      loop(r, [
        loop(b, [store("next", b.at, read("row", back(b.at)))]),
        ...between,
        loop(c, [store("row", c.at, s.add(read("next", c.at), read("next", back(c.at))))]),
        ...between,
      ]),
      loop(axis("d", "lane", 0, n), [store("y", axis("d", "lane", 0, n).at, read("row", axis("d", "lane", 0, n).at))]),
    ],
  );
}

describe("barriers", () => {
  it("are added where the schedule wrote none, and not doubled where it did", () => {
    const [with_, without] = [emit(reversedTwice(true)), emit(reversedTwice(false))];
    expect(count(with_, "workgroupBarrier();")).toBe(3);
    expect(without.source).toBe(with_.source);
    expect(races(without, { x: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]), y: new Float32Array(8) }, {})).toEqual([]);
  });

  it("order storage where lanes read what other lanes stored", async () => {
    const [a, b] = [axis("a", "lane", 0, 8), axis("b", "lane", 0, 8)];
    const shader = emit(
      kernel(
        "k",
        [reads("x", 8), updates("t", 8), writes("y", 8)],
        [loop(a, [store("t", a.at, s.mul(read("x", a.at), 2))]), loop(b, [store("y", b.at, read("t", addIndex(mulIndex(b.at, -1), 7)))])],
      ),
    );
    expect(count(shader, "storageBarrier();")).toBe(1);
    const x = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    await expectRuns(shader, { x, t: new Float32Array(8), y: new Float32Array(8) }, { y: [16, 14, 12, 10, 8, 6, 4, 2] });
  });

  it("stand in loops whose bounds lane 0 tells the others, where the compiler could not see that they are equal", async () => {
    const j = axis("j", "serial", 0, { ...readInt("n", 0, 0, 5), lo: 1, hi: 5 });
    const k = axis("k", "lane", 0, 8);
    const body = [
      carry("total", f32(0)),
      loop(j, [reduce("sum", "add", [k], read("x", k.at)), assign("total", s.add(number("total"), number("sum")))]),
      store("y", 0, number("total")),
    ];
    const memory = { n: Int32Array.of(3), x: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]), y: new Float32Array(1) };
    const readOnly = emit(kernel("k", [reads("n", 1, "int32"), reads("x", 8), writes("y", 1)], body));
    expect(readOnly.source).not.toContain("workgroupUniformLoad");
    await expectRuns(readOnly, memory, { y: [108] });
    const written = emit(kernel("k", [updates("n", 1, "int32"), reads("x", 8), writes("y", 1)], body));
    expect(written.source).toContain("workgroupUniformLoad");
    await expectRuns(written, memory, { y: [108] });
    expect(races(written, memory, {})).toEqual([]);
  });

  it("do not stand where each lane has its own part of a local, which becomes registers", () => {
    const shader = emit(softmax(5, 37).kernel);
    expect(shader.source).toContain("var row: array<f32, 1>;");
    expect(emit(softmax(3, 300).kernel).source).toContain("var<workgroup> row: array<f32, 300>;");
    expect(emit(dense(13, 11, 9).kernel).source).toContain("var acc: array<f32, 4>;");
  });

  it("inside a lane loop are an error of the schedule", () => {
    const k = axis("k", "lane", 0, 8);
    expect(() => emit(kernel("k", [writes("y", 8)], [loop(k, [barrier, store("y", k.at, f32(1))])]))).toThrow("a barrier inside a lane loop");
  });
});

describe("stores outside lane loops", () => {
  it("are done by lane 0, each lane keeping its own copy of small scratch", async () => {
    const k = axis("k", "lane", 0, 4);
    const shader = emit(
      kernel(
        "k",
        [reads("x", 4), updates("y", 5)],
        [
          local("pair", "float32", 2, "scratch"),
          reduce("sum", "add", [k], read("x", k.at)),
          store("pair", 0, number("sum")),
          store("pair", 1, s.neg(number("sum"))),
          store("y", 4, s.add(read("y", 4), number("sum"))),
          loop(k, [store("y", k.at, s.add(read("pair", 1), read("x", k.at)))]),
        ],
      ),
    );
    expect(shader.source).toContain("var pair: array<f32, 2>;");
    expect(count(shader, "if (lane == 0u)")).toBe(1);
    const memory = { x: Float32Array.of(1, 2, 3, 4), y: Float32Array.of(0, 0, 0, 0, 100) };
    await expectRuns(shader, memory, { y: [-9, -8, -7, -6, 110] });
    expect(races(shader, memory, {})).toEqual([]);
  });
});

describe("the grid", () => {
  const filled = (points: number): WgslKernel => {
    const i = axis("i", "grid", 0, points);
    return emit(kernel("fill", [writes("y", points)], [loop(i, [store("y", i.at, f32(1))])]));
  };

  it("is covered by workgroups with a guarded tail, in two dimensions where one is too short", () => {
    expect([filled(100).workgroupSize, filled(100).dispatch, filled(100).invocations]).toEqual([[64, 1, 1], [2, 1, 1], 100]);
    expect(filled(10).workgroupSize).toEqual([16, 1, 1]);
    const [x, y] = filled(64 * 70000).dispatch;
    expect([x, y]).toEqual([35000, 2]);
    expect(filled(0).dispatch).toEqual([0, 1, 1]);
  });

  it("reaches every point of a dispatch in two dimensions", async () => {
    const n = 65537;
    const i = axis("i", "grid", 0, n);
    const k = axis("k", "lane", 0, 2);
    const body = [loop(k, [store("y", at2(i.at, 2, k.at), s.cast(i.at, "float32"))])];
    // points that branch do not share a workgroup
    const branch: Stmt = { kind: "if", condition: s.ge(i.at, 0), then: body, otherwise: [] };
    const shader = emit(kernel("pairs", [writes("y", 2 * n)], [loop(i, [branch])]));
    expect(shader.dispatch).toEqual([32769, 2, 1]);
    await expectRuns(shader, { y: new Float32Array(2 * n) }, { y: Array.from({ length: 2 * n }, (_, at) => Math.floor(at / 2)) });
  });

  it("has axes of any lower bound and step, and of bounds known at run time", async () => {
    const i = axis("i", "grid", 2, 9, 3);
    const j = axis("j", "grid", 0, { ...readInt("n", 0, 0, 4), hi: 4 });
    const body = [loop(i, [loop(j, [store("y", at2(i.at, 4, j.at), s.cast(at2(i.at, 10, j.at), "float32"))])])];
    const want = Array.from({ length: 36 }, (_, at) => (Math.floor(at / 4) % 3 === 2 && at % 4 < 3 ? Math.floor(at / 4) * 10 + (at % 4) : 0));
    await expectRuns(emit(kernel("k", [reads("n", 1, "int32"), writes("y", 36)], body)), { n: Int32Array.of(3), y: new Float32Array(36) }, { y: want });
  });
});

describe("memory", () => {
  it("buffers bound together are one binding of words, whatever their dtypes", async () => {
    const i = axis("i", "grid", 0, 4);
    const body = [
      loop(i, [
        bind("flag", load("b", "bool", i.at)),
        store("y", i.at, s.select(variable("flag", "bool"), s.cast(load("n", "int32", i.at), "float32"), read("x", i.at))),
        store("b", i.at, s.not(variable("flag", "bool"))),
      ]),
    ];
    const k = kernel("k", [reads("x", 4), reads("n", 4, "int32"), updates("b", 4, "bool"), writes("y", 4)], body);
    const shader = emit(k, { together: [["n", "b", "y"]] });
    expect(shader.bindings.map((b) => [b.name, b.access, b.buffers])).toEqual([
      ["u", "uniform", []],
      ["x", "read", ["x"]],
      ["words", "read_write", ["n", "b", "y"]],
    ]);
    expect(reflect(shader.source).bindings.length).toBe(3);
    await expectCompiles(shader);
    await expectRuns(
      emit(k),
      { x: Float32Array.of(1, 2, 3, 4), n: Int32Array.of(-5, 6, 7, 8), b: Int32Array.of(1, 0, 1, 0), y: new Float32Array(4) },
      { y: [-5, 2, 7, 4], b: [0, 1, 0, 1] },
    );
  });

  it.each(["add", "mul", "min", "max"] as const)("atomic %s reaches every dtype, also bound together", async (op) => {
    for (const dtype of ["bool", "int32", "uint32", "float32"] as const) {
      const i = axis("i", "grid", 0, 8);
      const k = kernel("k", [reads("x", 8, dtype), updates("y", 1, dtype)], [loop(i, [store("y", 0, load("x", dtype, i.at), { atomic: op })])]);
      await expectCompiles(emit(k));
      await expectCompiles(emit(k, { together: [["y", "x"]] }));
    }
    await expectCompiles(emit(scatter(op).kernel));
  });

  it("lanes combine into workgroup memory with atomics", async () => {
    const k = axis("k", "lane", 0, 8);
    const shader = emit(
      kernel(
        "k",
        [reads("x", 8), writes("y", 2)],
        [
          local("sum", "float32", 2, "group"),
          store("sum", 0, f32(0)),
          store("sum", 1, f32(0)),
          loop(k, [store("sum", s.irem(k.at, 2), read("x", k.at), { atomic: "add" })]),
          loop(axis("o", "lane", 0, 2), [store("y", axis("o", "lane", 0, 2).at, read("sum", axis("o", "lane", 0, 2).at))]),
        ],
      ),
    );
    await expectRuns(shader, { x: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), y: new Float32Array(2) }, { y: [16, 20] });
  });

  it("locals of one name in sibling scopes are two locals", async () => {
    const i = axis("i", "grid", 0, 2);
    const inner = (name: string, size: number, to: number): Stmt => {
      const j = axis(name, "serial", 0, size);
      return loop(j, [local("t", "float32", size, "scratch"), store("t", size - 1, read("x", j.at)), store("y", to, read("t", size - 1))]);
    };
    const shader = emit(kernel("k", [reads("x", 3), writes("y", 2)], [loop(i, [inner("a", 2, 0), inner("b", 3, 1)])]));
    await expectRuns(shader, { x: Float32Array.of(1, 2, 3), y: new Float32Array(2) }, { y: [2, 3] });
  });

  it("what does not fit into workgroup memory runs on one lane a point", async () => {
    const f = softmax(2, 6000);
    const shader = emit(f.kernel);
    expect([shader.lanesPerPoint, shader.workgroupBytes]).toEqual([1, 0]);
    expect(emit(softmax(2, 3000).kernel).lanesPerPoint).toBe(64);
    await expectCompiles(shader);
  });
});

describe("names", () => {
  it("that mean something in WGSL, or nothing, are replaced", async () => {
    const odd = [...new Set([...reservedWords, "0", "a.b", "a_b", "__x", "_", "é", "is_nan", "t", "t_2", "u", "point"])].filter((name) => name !== "fn");
    const i = axis("fn", "grid", 0, 4);
    const chain = odd.map((name, n) => bind(name, n === 0 ? read("var", i.at) : s.add(number(odd[n - 1] ?? ""), 1)));
    const last = store("array", i.at, s.max(number(odd.at(-1) ?? ""), number("scalar")));
    const k = kernel("struct { }", [reads("var", 4), writes("array", 4)], [loop(i, [...chain, last])], [{ name: "scalar", dtype: "float32" }]);
    await expectRuns(emit(k), { var: Float32Array.of(0, 1, 2, 3), array: new Float32Array(4) }, { array: [0, 1, 2, 3].map((x) => x + odd.length - 1) });
  });

  it("of a let and a buffer may be one", async () => {
    const i = axis("i", "grid", 0, 2);
    const k = kernel("k", [reads("x", 2), writes("y", 2)], [loop(i, [bind("x", read("x", i.at)), store("y", i.at, s.add(number("x"), read("x", i.at)))])]);
    await expectRuns(emit(k), { x: Float32Array.of(1, 2), y: new Float32Array(2) }, { y: [2, 4] });
  });
});

describe("expressions", () => {
  it("shared parts are computed once", () => {
    const i = axis("i", "grid", 0, 4);
    const e = s.sqrt(read("x", i.at));
    const shader = emit(kernel("k", [reads("x", 4), writes("y", 4)], [loop(i, [store("y", i.at, s.mul(s.add(e, 1), s.sub(e, 1)))])]));
    expect(count(shader, "sqrt(")).toBe(1);
  });

  it("of any depth compile", async () => {
    const i = axis("i", "grid", 0, 4);
    let e = read("x", i.at);
    for (let n = 0; n < 3000; n++) e = s.add(e, 1);
    await expectRuns(
      emit(kernel("deep", [reads("x", 4), writes("y", 4)], [loop(i, [store("y", i.at, e)])])),
      { x: Float32Array.of(0, 1, 2, 3), y: new Float32Array(4) },
      { y: [3000, 3001, 3002, 3003] },
    );
  });

  it("of constants alone are computed by the device, where overflow is no error", async () => {
    const i = axis("i", "grid", 0, 1);
    const values = [
      s.add(constant(2147483647, "int32"), 1),
      s.idiv(constant(7, "int32"), 0),
      s.shl(constant(1, "int32"), 40),
      s.cast(s.mul(f32(1e38), 10), "int32"),
    ];
    await expectRuns(
      emit(
        kernel(
          "k",
          [writes("y", 4, "int32")],
          [
            loop(
              i,
              values.map((v, n) => store("y", n, v)),
            ),
          ],
        ),
      ),
      { y: new Int32Array(4) },
      { y: [-2147483648, 0, 0, 2147483647] },
    );
  });

  it("NaN, infinities, -0 and the least int are themselves", async () => {
    const i = axis("i", "grid", 0, 1);
    const values = [NaN, Infinity, -Infinity, -0, 1e-38, 3.4028234663852886e38, 16777217].map(Math.fround);
    const shader = emit(
      kernel(
        "k",
        [writes("y", values.length), writes("n", 1, "int32")],
        [loop(i, [...values.map((v, n) => store("y", n, f32(v))), store("n", 0, constant(-2147483648, "int32"))])],
      ),
    );
    await expectRuns(shader, { y: new Float32Array(values.length), n: new Int32Array(1) }, { y: values, n: [-2147483648] });
  });

  it("a guarded load outside its guard is 0", async () => {
    const i = axis("i", "grid", 0, 4);
    const k = kernel("k", [reads("x", 2), writes("y", 4)], [loop(i, [store("y", i.at, s.add(read("x", i.at, s.lt(i.at, 2)), 1))])]);
    await expectRuns(emit(k), { x: Float32Array.of(1, 2), y: new Float32Array(4) }, { y: [2, 3, 1, 1] });
  });
});

describe("limits", () => {
  it("float64 is refused with the way out", () => {
    const i = axis("i", "grid", 0, 4);
    const k = kernel("k", [reads("x", 4, "float64"), writes("y", 4, "float64")], [loop(i, [store("y", i.at, load("x", "float64", i.at))])]);
    expect(() => legalize(k, wgsl)).toThrow(UnsupportedError);
    expect(() => legalize(k, wgsl)).toThrow('kernel k: buffer x is float64, which wgsl does not have. Convert with astype("float32"), or evaluate on the cpu.');
    const inside = kernel("k", [reads("x", 4), writes("y", 4)], [loop(i, [store("y", i.at, s.cast(s.exp(s.cast(read("x", i.at), "float64")), "float32"))])]);
    expect(() => legalize(inside, wgsl)).toThrow("the result of cast is float64");
  });

  it("more buffers than the device binds are refused", () => {
    const i = axis("i", "grid", 0, 4);
    const names = Array.from({ length: 9 }, (_, n) => `x${n}`);
    const k = kernel(
      "k",
      [...names.map((n) => reads(n, 4)), writes("y", 4)],
      [
        loop(i, [
          store(
            "y",
            i.at,
            names.map((n) => read(n, i.at)).reduce((a, b) => s.add(a, b)),
          ),
        ]),
      ],
    );
    expect(() => emit(k)).toThrow("kernel k binds 10 buffers, wgsl has 8");
    expect(emit(k, { together: [names.slice(0, 4)] }).bindings.length).toBe(8);
  });
});
