/**
 * pack: kernels that need nothing of one another become one launch, their grids side by side.
 *
 *   @k3 { for %g in 0..784 … }    @k4 { for %g in 0..10 … }     →     @k3_with_k4 { for %g in 0..784 …   for %g_2 in 0..10 … }
 *
 * So the updates of many parameters, and the gradients that need one value, take one launch. Kernels move to where the first of them
 * stood, as far as what they read is there.
 */
import { at, lookup } from "../ir/errors.ts";
import { countKernel } from "../ir/count.ts";
import { withDistinctNames } from "../ir/distinct.ts";
import { ix } from "../ir/indexing.ts";
import type { Graph } from "../ir/graph.ts";
import type { For, Kernel, KernelBuffer, KernelScalar, Stmt } from "../ir/loop.ts";
import { axesOf, statements } from "../ir/loop.ts";
import { localBytes, renamedMemory } from "../ir/loop-walk.ts";
import type { Node, Value } from "../ir/node.ts";
import { bytesOf } from "../ir/shape.ts";
import type { Fragment, Launch } from "../routines/fragment.ts";
import { ofValue } from "../routines/fragment.ts";
import type { Target } from "../target.ts";
import { workgroupFor } from "../target.ts";
import type { Replacement } from "./in-place.ts";
import { replaceable } from "./in-place.ts";
import { overLanes } from "./over-lanes.ts";
import type { Piece } from "./order/pieces.ts";
import { madeBy, readBy } from "./order/pieces.ts";
import { bindingsOf } from "./fuse/bindings.ts";

import { bufferParams } from "./region.ts";
import { storageOf } from "./storage.ts";
import { operationsOf } from "./tile/nest.ts";

/** Kernels that one launch runs, by name, where they are several. */
export type Packed = ReadonlyMap<string, readonly string[]>;

export interface Packing {
  readonly pieces: readonly Piece[];
  readonly packed: Packed;
}

/** So many launches, from the first that a part could join on, are asked whether it may. */
const nearby = 32;

/** What waits longer in memory, because its kernel moved to the front, is no more than this many bytes. */
const mostEarly = 1 << 20;

/** `donated` are buffer params, by position among them, whose memory may be written over. */
export function pack(pieces: readonly Piece[], graph: Graph, target: Target, donated: readonly number[] = []): Packing {
  const given = bufferParams(graph);
  const safe = new Set(given.filter((_, i) => !donated.includes(i)));
  const kept = new Set(graph.outputs.map(storageOf));
  const bins: Bin[] = [];
  const looks: KnownLooks = new Map();
  const home = new Map<Value, number>();
  let first = 0;
  for (const piece of pieces) {
    const f = piece.fragment;
    const part = partOf(f, looks, safe);
    let ready = first;
    for (const v of [...readBy(f), ...piece.waits]) ready = Math.max(ready, (home.get(v) ?? -1) + 1);
    const place = part === null ? bins.length : placeOf(part, bins, { ready, target, kept });
    if (place === bins.length) bins.push(new Bin(f));
    at(bins, place).waits.push(...piece.waits);
    if (part !== null) at(bins, place).add(part);
    // what writes over memory comes after all that stands before it, and before all that stands behind it
    else if (writesOver(f)) first = bins.length;
    for (const v of madeBy(f)) home.set(v, Math.max(place, home.get(v) ?? 0));
  }
  const bodies = new Map<string, Kernel>();
  const packed = new Map<string, readonly string[]>();
  const made = bins.map((b) => ({ fragment: b.fragment(target, bodies), waits: b.waits }));
  bins.forEach((b, i) => {
    if (b.parts.length > 1)
      packed.set(
        at(at(made, i).fragment.launches, 0).kernel.name,
        b.parts.map((p) => p.launch.kernel.name),
      );
  });
  return { pieces: made, packed };
}

interface Circumstances {
  readonly target: Target;
  /** Results of the plan. */
  readonly kept: ReadonlySet<Value>;
}

/** The launch that the part joins, or the number of all. */
function placeOf(part: Part, bins: readonly Bin[], given: Circumstances & { readonly ready: number }): number {
  const last = bins.length - 1;
  for (let i = given.ready; i <= Math.min(last, given.ready + nearby); i++) {
    const early = i === last ? 0 : part.writtenBytes;
    if (early <= mostEarly && at(bins, i).admits(part, given)) return i;
  }
  return bins.length;
}

/** A launch that may share its kernel. */
interface Part extends Omit<Looks, "replaced"> {
  readonly launch: Launch;
  readonly values: readonly Value[];
  readonly reads: ReadonlySet<Value>;
  readonly writes: ReadonlySet<Value>;
  readonly writtenBytes: number;
  /** What it reads of what may be written over. */
  readonly exposed: ReadonlySet<Value>;
  /** Those that it may write over itself, as it reads each element where it stores one, and with what. */
  readonly replaces: () => ReadonlyMap<Value, ReadonlySet<Value>>;
}

function valuesOf(l: Launch): Value[] | null {
  const values: Value[] = [];
  for (const b of l.buffers) {
    if (b.of !== "value") return null;
    values.push(storageOf(b.value));
  }
  return values;
}

const writesOver = (f: Fragment): boolean => f.launches.some((l) => l.kernel.buffers.some((b) => b.access === "update"));

/** What is to be known of a kernel, whatever it is launched on: alike ones have one body. */
interface Looks {
  /** The number of the kernel's body. */
  readonly body: number;
  readonly nest: For;
  readonly lanes: number;
  /** Operations that its code holds … */
  readonly operations: () => number;
  /** … and that a run does. */
  readonly work: () => number;
  readonly scratchBytes: number;
  /** Buffers that it may write over, and with which. */
  readonly replaced: () => readonly Replacement[];
}

type KnownLooks = Map<Kernel["body"], Looks | null>;

function partOf(f: Fragment, known: KnownLooks, safe: ReadonlySet<Value>): Part | null {
  const launch = f.launches[0];
  if (launch === undefined || f.launches.length > 1 || f.temps.length + f.before.length > 0) return null;
  const { kernel } = launch;
  const values = valuesOf(launch);
  const given = known.get(kernel.body);
  const looks = given === undefined ? looksOf(kernel, known.size) : given;
  known.set(kernel.body, looks);
  if (values === null || looks === null) return null;
  const byAccess = (access: KernelBuffer["access"]): Set<Value> => new Set(values.filter((_, i) => at(kernel.buffers, i).access === access));
  const [reads, writes] = [byAccess("read"), byAccess("write")];
  const exposed = new Set([...reads].filter((v) => !safe.has(v)));
  const writtenBytes = [...writes].reduce((n, v) => n + bytesOf(v.type), 0);
  const replaces = once(() => replacedBy(kernel, values, looks.replaced()));
  return { launch, values, reads, writes, writtenBytes, exposed, replaces, ...looks };
}

/** The values that a kernel may write over, and with which. */
function replacedBy({ buffers }: Kernel, values: readonly Value[], pairs: readonly Replacement[]): ReadonlyMap<Value, ReadonlySet<Value>> {
  const byName = new Map<string, Value>();
  buffers.forEach((b, i) => byName.set(b.name, at(values, i)));
  const replaces = new Map<Value, Set<Value>>();
  for (const { read, written } of pairs) {
    const old = lookup(byName, read, "a buffer");
    replaces.set(old, (replaces.get(old) ?? new Set()).add(lookup(byName, written, "a buffer")));
  }
  return replaces;
}

/** What takes long to find out is found when somebody asks. */
function once<T>(find: () => T): () => T {
  let known: T | null = null;
  return () => (known ??= find());
}

/** Null for a kernel that has to be alone. */
function looksOf(kernel: Kernel, body: number): Looks | null {
  const nest = onlyNest(kernel.body);
  if (nest === null || !kernel.buffers.every((b) => b.access === "read" || b.access === "write")) return null;
  const all = statements(kernel.body);
  if (all.some((s) => s.kind === "store" && s.atomic !== undefined)) return null;
  const lanes = Math.max(1, ...all.flatMap(axesOf).map((a) => (a.kind === "lane" ? a.hi.hi : 1)));
  return {
    body,
    nest,
    lanes,
    operations: once(() => operationsOf(kernel.body)),
    work: once(() => countKernel(kernel).operations),
    scratchBytes: localBytes(kernel.body),
    replaced: () => replaceable(kernel),
  };
}

/** The grid of a kernel as one loop, with what stands in front of it inside; a single point is a grid of one. */
function onlyNest(body: readonly Stmt[]): For | null {
  const last = body.at(-1);
  const before = body.slice(0, -1);
  const isGrid = (s: Stmt): boolean => s.kind === "for" && (s.axis.kind === "grid" || s.axis.kind === "group");
  if (last?.kind === "for" && isGrid(last)) {
    const { lo, hi } = last.axis;
    if (!before.every((s) => s.kind === "let") || lo.op !== "const" || hi.op !== "const") return null;
    return before.length === 0 ? last : { ...last, body: [...before, ...last.body] };
  }
  if (body.some(isGrid)) return null;
  return { kind: "for", axis: { name: "one", kind: "grid", lo: ix(0), hi: ix(1), step: 1 }, body };
}

/** A launch in the making. */
class Bin {
  readonly parts: Part[] = [];
  readonly waits: Value[] = [];
  readonly #alone: Fragment;
  #scratchBytes = 0;

  constructor(alone: Fragment) {
    this.#alone = alone;
  }

  /** Whether a part may join. */
  admits(part: Part, { target, kept }: Circumstances): boolean {
    const { parts } = this;
    if (parts.length === 0 || this.#scratchBytes + part.scratchBytes > target.scratchBytes || parts.some((p) => inTheWay(p, part))) return false;
    const all = [...parts, part];
    if (all.reduce((n, p) => n + p.operations(), 0) > target.maxOperations) return false;
    const values = new Set<Value>();
    for (const p of all) for (const v of p.values) values.add(v);
    const bound = bindingsOf(values, kept, target);
    return bound <= target.maxBindings && idleNs(all, target) <= target.launchNs * parts.length;
  }

  add(part: Part): void {
    this.parts.push(part);
    this.#scratchBytes += part.scratchBytes;
  }

  fragment(target: Target, known: Map<string, Kernel>): Fragment {
    if (this.parts.length < 2) return this.#alone;
    return { temps: [], before: [], launches: [together(this.parts, target, known)] };
  }
}

/** What it costs that lanes of a workgroup stand idle in parts that share out less. Points of a lane each are shared out by all. */
function idleNs(parts: readonly Part[], target: Target): number {
  const lanes = lanesOf(parts, target);
  return parts.reduce((ns, p) => ns + (p.lanes === 1 || p.lanes >= lanes ? 0 : p.work() * (lanes / p.lanes - 1)), 0) / target.throughput;
}

/** The lanes of a workgroup: those of the widest part, where a workgroup may be as wide. */
const lanesOf = (parts: readonly Part[], target: Target): number => workgroupFor(Math.max(...parts.map((p) => p.lanes)), target);

/** Whether one reads what the other one would write over, were it alone, and not as parts of one result do: each where it writes. */
const inTheWay = (a: Part, b: Part): boolean => isHindered(a, b) || isHindered(b, a);

function isHindered(a: Part, b: Part): boolean {
  for (const v of a.exposed) {
    if (!b.reads.has(v)) continue;
    const own = a.replaces().get(v);
    if (own === undefined) continue;
    const others = b.replaces().get(v);
    if (others === undefined || ![...own].some((young) => others.has(young))) return true;
  }
  return false;
}

/** One launch of all parts. What several read is bound once. Packs of alike kernels have one body. */
function together(parts: readonly Part[], target: Target, known: Map<string, Kernel>): Launch {
  const reads = [...new Set(parts.flatMap((p) => [...p.reads]))];
  const writes = [...new Set(parts.flatMap((p) => [...p.writes]))];
  const scalars = [...new Set(parts.flatMap((p) => p.launch.scalars))];
  const names = new Map([...reads.map((v, i) => [v, `in${i}`] as const), ...writes.map((v, i) => [v, `out${i}`] as const)]);
  const places = parts.map((p) => `${p.body}(${[...p.values.map((v) => names.get(v)), ...p.launch.scalars.map((n) => scalars.indexOf(n))].join()})`);
  const key = places.join(" ");
  const [first, ...others] = parts.map((p) => p.launch.kernel.name);
  const name = `${first ?? ""}_with_${others.map((n) => n.slice(0, n.indexOf("_"))).join("_")}`;
  const kernel = known.get(key) ?? packedKernel(parts, target, names, scalars);
  known.set(key, kernel);
  return { kernel: { ...kernel, name }, buffers: [...reads, ...writes].map(ofValue), scalars };
}

function packedKernel(parts: readonly Part[], target: Target, names: ReadonlyMap<Value, string>, scalars: readonly Node[]): Kernel {
  const buffers = new Map<string, KernelBuffer>();
  const params = new Map<Node, KernelScalar>();
  const taken = new Set<string>();
  for (const { launch, values } of parts) {
    launch.kernel.buffers.forEach((b, i) => {
      const name = names.get(at(values, i)) ?? b.name;
      buffers.set(name, { ...b, name });
    });
    launch.scalars.forEach((n, i) => {
      const own = at(launch.kernel.scalars, i);
      if (params.has(n)) return;
      let { name } = own;
      for (let k = 2; taken.has(name); k++) name = `${own.name}_${k}`;
      taken.add(name);
      params.set(n, { ...own, name });
    });
  }
  const lanes = lanesOf(parts, target);
  const body = parts.flatMap((p) => inNames({ ...p, nest: p.lanes < lanes && p.lanes === 1 ? overLanes(p.nest, lanes) : p.nest }, names, params));
  const order = [...names.values()].flatMap((n) => buffers.get(n) ?? []);
  return withDistinctNames({ name: "", buffers: order, scalars: scalars.flatMap((n) => params.get(n) ?? []), body });
}

/** The part's loops with the names of the kernel that it joins. */
function inNames({ launch, values, nest }: Part, names: ReadonlyMap<Value, string>, params: ReadonlyMap<Node, KernelScalar>): readonly Stmt[] {
  const { kernel, scalars } = launch;
  const to = new Map<string, string>();
  kernel.buffers.forEach((b, i) => to.set(b.name, names.get(at(values, i)) ?? b.name));
  const numbers = new Map(kernel.scalars.map((s, i) => [s.name, params.get(at(scalars, i))?.name ?? s.name]));
  return renamedMemory([nest], to, numbers);
}
