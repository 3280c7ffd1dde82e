import { describe, expect, it, vi } from "vitest";
import { peersNamed, reportOf } from "../../bench/peers/command.ts";
import type { PeersOptions } from "../../bench/peers/command.ts";
import { openProgram } from "../../bench/peers/external.ts";
import { openLazuli } from "../../bench/peers/lazuli.ts";
import { Graph } from "../../bench/peers/onnx.ts";
import { patience } from "../../bench/peers/patience.ts";
import type { Contestant, Open, Peer, Results, Task } from "../../bench/peers/peer.ts";
import { problems, problemsNamed } from "../../bench/peers/problems.ts";
import type { Effort, Outcome } from "../../bench/peers/race.ts";
import { errorOf, race } from "../../bench/peers/race.ts";
import { references } from "../../bench/peers/references.js";
import type { PeerReport } from "../../bench/peers/report.ts";
import { bestOf, chartRows, reached, reportText, timeText } from "../../bench/peers/report.ts";
import type { Message, Spec } from "../../bench/peers/session.ts";
import { session } from "../../bench/peers/session.ts";
import { limitOf, targetRatio } from "../../bench/peers/targets.ts";
import { timed, timedAsync } from "../../bench/peers/timed.ts";
import { configure } from "../../src/index.ts";
import { at } from "../../compiler/ir/errors.ts";

const brief: Effort = { samples: 2, sampleTime: 0, caseTime: 0, warmUp: 0 };
const shrink = 16;

/** A peer that gives what the reference says, `spoil` applied. */
function fakePeer(spoil: (results: Float64Array[]) => Results, ways: readonly string[] = ["loops"]): Peer {
  const prepare = ({ program, inputs }: Task): readonly Contestant[] => {
    const right = (): Float64Array[] => references[program]?.(inputs).map((e) => e.values) ?? [];
    return ways.map((name) => ({ name, sample: timed(() => void right()), results: () => spoil(right()), release: () => {} }));
  };
  return { version: "a fake", threads: 1, prepare, close: () => {} };
}

const made = (): Peer => openLazuli("lazuli", { target: configure().target });
const chain = at(problemsNamed(["chain"]), 0);

describe("lazuli computes what the float64 references say", () => {
  it.each(problems)("$name", async (maker) => {
    const problem = maker.make(shrink);
    const [contestant] = await made().prepare(problem);
    if (contestant === undefined) throw new Error(`${maker.name} is not built`);
    const results = await contestant.results();
    const expected = problem.expected();
    expect(errorOf(results, expected, problem)).toBeLessThanOrEqual(1);
    // The check can fail: any known element that is off is found.
    const { positions } = at(expected, 0);
    const spoilt = results.map((r) => Float64Array.from(r, Number));
    const place = positions?.at(-1) ?? at(spoilt, 0).length - 1;
    at(spoilt, 0)[place] = 2 * Number(at(results, 0)[place]) + 1;
    expect(errorOf(spoilt, expected, problem)).toBeGreaterThan(1);
    contestant.release();
  });
});

describe("a race", () => {
  it("times both sides where the results are right", async () => {
    const result = await race(chain, { lazuli: made(), peer: fakePeer((r) => r, ["one", "two"]) }, brief, shrink);
    const times = [...result.lazuli, ...result.peer].map((o) => ("median" in o ? [o.name, o.samples, o.median > 0, o.error <= 1] : o));
    expect(times).toEqual(["lazuli", "one", "two"].map((name) => [name, 2, true, true]));
  });
  it.each([
    ["wrong numbers", (r: Float64Array[]) => r.map((x) => x.map((v) => v + 1)), /^wrong: off by/],
    ["NaN", (r: Float64Array[]) => r.map((x) => x.fill(Number.NaN)), /^wrong: off by NaN/],
    ["too few numbers", (r: Float64Array[]) => r.map((x) => x.slice(1)), /has 262143 elements instead of 262144/],
    ["no result", () => [], /0 results instead of 1/],
  ])("%s are reported, not timed", async (_, spoil, reason) => {
    const result = await race(chain, { lazuli: made(), peer: fakePeer(spoil) }, brief, shrink);
    expect(result.peer).toEqual([{ name: "loops", failure: expect.stringMatching(reason) }]);
  });
  it("a peer that throws is reported, and one that cannot compute a case costs nothing", async () => {
    const failing: Peer = {
      ...fakePeer((r) => r),
      prepare: () => {
        throw new Error("no such op\nat a place");
      },
    };
    expect((await race(chain, { lazuli: made(), peer: failing }, brief, shrink)).peer).toEqual([{ name: "a fake", failure: "no such op" }]);
    const absent = await race(chain, { lazuli: made(), peer: fakePeer((r) => r, []) }, brief, shrink);
    expect(absent).toEqual({ name: "chain", lazuli: [], peer: [] });
  });
  it("runs as often as it was asked", async () => {
    let runs = 0;
    timed(() => void runs++)(3);
    await timedAsync(async () => void runs++)(4);
    expect(runs).toBe(7);
  });
});

const spec: Spec = { peer: "fake", cases: ["tiny", "tiny100"], threads: 1, target: null, effort: brief, shrink };
const open: Open = async () => fakePeer((r) => r);

/** A session of this process. */
function here(opens: Open): (asked: Spec, hear: (message: Message) => void) => Promise<void> {
  return (asked, send) => session(asked, opens, { engine: { name: "test", version: "a test" }, base: null, send });
}

describe("a session", () => {
  it("says what was opened, then each case", async () => {
    const report = await reportOf(spec, here(open));
    expect(report.opened).toMatchObject({ version: "a fake", threads: 1, engine: { name: "test" }, lazuliThreads: 1 });
    expect(report.cases.map((c) => [c.name, c.lazuli.length, c.peer.length])).toEqual([
      ["tiny", 1, 1],
      ["tiny100", 1, 1],
    ]);
    expect(report.failure).toBeNull();
  });
  it("says why a peer cannot be opened", async () => {
    const report = await reportOf(
      spec,
      here(() => Promise.reject(new Error("not installed"))),
    );
    expect(report).toEqual({ name: "fake", opened: null, failure: "not installed", cases: [] });
    expect(reportText([report])).toContain("fake: not installed\nno peer ran");
  });
});

describe("patience", () => {
  it("ends when nothing was heard for as long as it lasts, not before", async () => {
    vi.useFakeTimers();
    const { heard, over } = patience(10);
    let ended = false;
    over.catch(() => void (ended = true));
    await vi.advanceTimersByTimeAsync(9_000);
    heard();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(over).rejects.toThrow("nothing was heard of it for 10 s");
    vi.useRealTimers();
  });
});

/** A program that answers the requests of external.ts: twice its operand. */
const doubling = `
  const { readFileSync, writeFileSync } = require("node:fs");
  let x;
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [request, ...rest] = line.split(" ");
    if (request === "version") console.log("version doubling 1");
    else if (request === "prepare" && rest[0] === "die") process.exit(3);
    else if (request === "prepare" && rest[0] !== "double") console.log("none");
    else if (request === "prepare") {
      const [name, dtype, shape, path] = rest[1].split(":");
      if (name !== "x" || dtype !== "float32" || shape !== "1x3") console.log("error " + rest[1]);
      x = new Float32Array(new Uint8Array(readFileSync(path)).buffer);
      console.log("ready");
    } else if (request === "sample") console.log("seconds " + rest[0] / 4);
    else {
      writeFileSync(rest[0] + "0", new Uint8Array(Float64Array.from(x, (v) => 2 * v).buffer));
      console.log("done 1");
    }
  });`;

describe("programs at a pipe", () => {
  const inputs = [{ name: "x", shape: [1, 3], data: Float32Array.of(1, 2, 3) }];
  const start = (): Promise<Peer> => openProgram({ command: process.execPath, args: ["-e", doubling], env: {} }, 1);
  it("are given operands, time themselves and give results", async () => {
    const peer = await start();
    const [contestant] = await peer.prepare({ program: "double", inputs });
    expect([peer.version, await contestant?.sample(2), await contestant?.results()]).toEqual(["doubling 1", 0.5, [Float64Array.of(2, 4, 6)]]);
    expect(await peer.prepare({ program: "triple", inputs })).toEqual([]);
    peer.close();
  });
  it("that end are an error", async () => {
    const peer = await start();
    await expect(async () => peer.prepare({ program: "die", inputs })).rejects.toThrow("ended with 3");
    peer.close();
    await expect(openProgram({ command: "no-such-program-anywhere", args: [], env: {} }, 1)).rejects.toThrow("ENOENT");
  });
});

const time = (median: number): Outcome => ({ name: "x", median, fastest: median, slowest: median, samples: 1, error: 0 });
const opened = { version: "made up 1", threads: 1, engine: { name: "node20", version: "Node 20" }, target: "js", lazuliThreads: 1 };
const report: PeerReport = {
  name: "jax",
  opened,
  failure: null,
  cases: [
    { name: "chain", lazuli: [time(0.002)], peer: [time(0.02), time(0.014)] },
    { name: "conv", lazuli: [], peer: [{ name: "jit", failure: "wrong: off by 2" }] },
    { name: "tiny", lazuli: [time(3e-6)], peer: [time(1.5e-6)] },
    { name: "mlp", lazuli: [], peer: [] },
  ],
};

describe("the report", () => {
  it("holds times, ratios of the faster way and whether targets were reached", () => {
    const lines = reportText([report]).split("\n");
    const row = (name: string): string => lines.find((line) => line.startsWith(name))?.replaceAll(/ +/g, " ") ?? "";
    expect(row("chain")).toBe("chain 2.00 ≤ 1.25 × 3.35 ✓ 14.0 7.00 ≥6.00 ✓");
    expect(row("conv")).toBe("conv - ≤ 1.25 × 5.4 wrong");
    expect(row("tiny")).toBe("tiny 3.00 µs ≤ 2 µs ✗ 1.50 µs 0.500 ≥0.909 ✗");
    expect(reached([report])).toEqual({ of: 2, missed: ["tiny 0.500 of 0.909 (jax)"] });
    expect(row("mlp")).toBe("");
    expect(lines).toContain("  conv, jax jit: wrong: off by 2");
  });
  it("chooses the fastest that is right", () => {
    expect([bestOf([]), bestOf([{ name: "a", failure: "b" }]), bestOf([time(2), time(1)])?.median]).toEqual([null, null, 1]);
  });
  it("spells times and draws bars", () => {
    expect([0.5, 0.0021234, 2e-6].map(timeText)).toEqual(["500", "2.12", "2.00 µs"]);
    expect(chartRows([report]).map((row) => row.bars.map((b) => `${b.variant} ${b.milliseconds}`))).toEqual([
      ["lazuli 2", "jax 14"],
      [],
      ["lazuli 0.003", "jax 0.0015"],
    ]);
  });
});

describe("what is asked for", () => {
  const options: PeersOptions = { cases: [], threads: 1, target: null, quick: true, shrink: 1, folder: "", node: null, browser: false };
  it("targets are those of their peer, else the rest's, else none", () => {
    expect([targetRatio("jax", "bs"), targetRatio("jax", "sum"), targetRatio("jax", "tiny100"), targetRatio("ort", "bs")]).toEqual([4.5, 1 / 1.1, null, null]);
    expect([limitOf("chain", 1)?.seconds, limitOf("chain", 2)?.text, limitOf("var", 1)]).toEqual([0.0041875, "1.25 × 1.73", null]);
  });
  it("peers and cases are known by name", () => {
    expect(peersNamed([], options)).toEqual(["jax", "tfjs", "ort", "numpy-ts", "numpy", "c"]);
    expect(peersNamed([], { ...options, threads: 2, browser: true })).toEqual(["jax", "tfjs", "ort", "numpy-ts", "one-thread"]);
    expect(peersNamed(["c"], options)).toEqual(["c"]);
    expect(() => peersNamed(["c"], { ...options, browser: true })).toThrow("no peer is called c");
    expect(() => problemsNamed(["chian"])).toThrow("no case is called chian");
  });
});

describe("models of ONNX", () => {
  it("are the bytes of their protocol buffers", () => {
    const graph = new Graph();
    const output = graph.op("Softmax", ["x"], { axis: -1 });
    const model = graph.model([{ name: "x", shape: [300], data: new Float32Array(0) }], output, "float32");
    const hex = (text: string): string => Buffer.from(text, "utf8").toString("hex");
    const minusOne = "ffffffffffffffffff01";
    const attribute = `0a04${hex("axis")}18${minusOne}a00102`;
    const node = `0a01${hex("x")}1202${hex("v0")}2207${hex("Softmax")}2a14${attribute}`;
    const input = `0a01${hex("x")}120b0a09080112050a0308ac02`;
    const result = `0a02${hex("v0")}12040a020801`;
    expect(Buffer.from(model).toString("hex")).toContain(`0a${(node.length / 2).toString(16)}${node}1204${hex("case")}5a10${input}620a${result}`);
  });
});
