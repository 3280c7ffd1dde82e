/**
 * WGSL from Loop IR: one compute shader a kernel, entry point `main`.
 *
 * Buffers are storage buffers whose element 0 stands at a base given by a uniform, so that a buffer may be a range of an arena.
 * Grid points are counted by workgroups of a dispatch in two dimensions (each has a limit of 65,535 workgroups), or by single
 * invocations where the kernel has no lane axes.
 */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Axis, Kernel, Let, Stmt } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { Pending } from "./barriers.ts";
import { BodyWriter } from "./body.ts";
import type { Place } from "./body.ts";
import { bare, spell, spellOne } from "./expression.ts";
import { lanesFor, placeLocals } from "./lanes.ts";
import { block, indent } from "./loops.ts";
import type { Packing } from "./packing.ts";
import { oneLane, packingFor, pointLines } from "./packing.ts";
import type { WgslKernel } from "../../ir/shader.ts";
import type { Groups } from "./shader.ts";
import { requireBindings, Shader } from "./shader.ts";
import { OneAtATime } from "./spelling.ts";
import { planVectors } from "./vectors.ts";

/** WebGPU's default limits. */
const maxWorkgroups = 65535;
const maxWorkgroupBytes = 16384;

export interface EmitOptions {
  /**
   * Buffers of the kernel that lie in one GPU buffer: those in the plan's arena, or an input and the output that takes it over. Each
   * list is bound once, because WebGPU refuses one buffer bound twice where it is written.
   */
  readonly together?: Groups;
}

/** Grid axes with the lets between them, and what runs at each of their points. */
interface Nest {
  readonly head: readonly (Axis | Let)[];
  readonly points: number;
  readonly body: readonly Stmt[];
}

const isGrid = (s: Stmt | undefined): boolean => s?.kind === "for" && (s.axis.kind === "grid" || s.axis.kind === "group");
const isLet = (s: Stmt): s is Let => s.kind === "let";

/** The most iterations that an axis can have, whatever its bounds are at run time. */
function mostTrips(a: Axis): number {
  const trips = Math.max(0, Math.ceil((a.hi.hi - a.lo.lo) / a.step));
  if (!Number.isFinite(trips)) throw new CompilerBug(`grid axis ${a.name} has no known bounds`);
  return trips;
}

function nestOf(list: readonly Stmt[]): Nest {
  const head: (Axis | Let)[] = [];
  let points = 1;
  let body = list;
  for (;;) {
    const lets = body.filter(isLet);
    const inner = body[lets.length];
    if (body.length !== lets.length + 1 || inner?.kind !== "for" || !isGrid(inner)) return { head, points, body };
    head.push(...lets, inner.axis);
    points *= mostTrips(inner.axis);
    body = inner.body;
  }
}

/** The nests of a kernel: one, or several side by side, whose points are laid one after the other. */
function nestsOf(kernel: Kernel): Nest[] {
  const loops = kernel.body.filter((s) => !isLet(s));
  const lets = kernel.body.filter(isLet);
  if (loops.length < 2 || !loops.every(isGrid)) return [nestOf(kernel.body)];
  return loops.map((s) => nestOf([...lets, s]));
}

const namesOf = (nest: Nest): string[] => nest.head.flatMap((x) => ("value" in x ? [] : [x.name]));

function placeIn(nest: Nest, shader: Shader): Place {
  const known = [...shader.kernel.scalars.map((p) => p.name), ...namesOf(nest)];
  return { by: shader.lanes > 1 ? "together" : "alone", pending: new Pending(), uniform: new Set(known), spelling: new OneAtATime(shader) };
}

/** The lets and axes of a nest, from a position `flat` (u32) among its points; last axis fastest. Axes past their run-time end return. */
function headLines(nest: Nest, flat: string, shader: Shader, bound: (e: Expr, lines: string[]) => string): string[] {
  const lines: string[] = [];
  let inner = nest.points;
  for (const item of nest.head) {
    const ident = shader.names.of(item.name);
    if ("value" in item) {
      const text = spellOne(item.value, shader, lines);
      lines.push(`let ${ident} = ${text};`);
      continue;
    }
    const trips = mostTrips(item);
    const wraps = inner < nest.points;
    inner /= trips;
    const quotient = inner === 1 ? flat : `(${flat} / ${inner}u)`;
    const position = `i32(${wraps ? `${quotient} % ${trips}u` : bare(quotient)})`;
    const steps = item.step === 1 ? position : `${position} * ${item.step}i`;
    const isZero = item.lo.op === "const" && item.lo.value === 0;
    const lo = isZero ? "" : `${bound(item.lo, lines)} + `;
    lines.push(`let ${ident} = ${lo}${steps};`);
    if (item.lo.op !== "const" || item.hi.op !== "const") lines.push(`if (${ident} >= ${bound(item.hi, lines)}) { return; }`);
  }
  return lines;
}

/** Branches by the nest that a point falls into. */
function nestLines(nests: readonly Nest[], shader: Shader): string[] {
  const writer = new BodyWriter(shader);
  const linesOf = (nest: Nest, flat: string): string[] => {
    const place = placeIn(nest, shader);
    const bound = (e: Expr, lines: string[]): string => (shader.lanes > 1 ? writer.uniformText(e, place, lines) : at(spell([e], shader, lines), 0));
    return [...headLines(nest, flat, shader, bound), ...writer.list(nest.body, place)];
  };
  const [only] = nests;
  if (nests.length === 1 && only !== undefined) return linesOf(only, "point");
  let start = 0;
  return nests.flatMap((nest) => {
    const flat = shader.names.fresh("position");
    const lines = block(`if (point >= ${start}u && point < ${start + nest.points}u)`, [`let ${flat} = point - ${start}u;`, ...linesOf(nest, flat)]);
    start += nest.points;
    return lines;
  });
}

const parameters = "@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index)";

function workgroupSizeFor({ lanes, slots }: Packing, points: number, target: Target): number {
  if (lanes > 1) return lanes * slots;
  return Math.min(target.lanes, 2 ** Math.ceil(Math.log2(Math.max(1, points))));
}

function dispatchOf(workgroups: number): readonly [number, number, 1] {
  if (workgroups <= maxWorkgroups) return [workgroups, 1, 1];
  const rows = Math.ceil(workgroups / maxWorkgroups);
  return [Math.ceil(workgroups / rows), rows, 1];
}

/** The first line. */
const titleOf = (name: string): string => `// kernel ${name.replace(/[^\w -]/g, "_")}`;

/** The shader of a kernel that differs in its name alone. */
export const renamed = (shader: WgslKernel, name: string): WgslKernel => ({
  ...shader,
  source: `${titleOf(name)}${shader.source.slice(shader.source.indexOf("\n"))}`,
});

/**
 * The shader of a kernel that `legalize` has passed. Throws an UnsupportedError where it binds more buffers than the target can,
 * or holds a dtype that WGSL lacks. Where what lanes share does not fit into workgroup memory, grid points run on one lane each.
 */
export function emitWgsl(kernel: Kernel, target: Target, options: EmitOptions = {}): WgslKernel {
  const together = options.together ?? [];
  const planned = planVectors(kernel, together).kernel;
  const nests = nestsOf(planned);
  const packed = packingFor(planned, { lanes: lanesFor(planned, target), points: nests.length === 1 ? at(nests, 0).points : 1 }, target);
  let shader = emitPacked(planned, target, { packing: packed, together });
  if (shader.workgroupBytes > maxWorkgroupBytes && packed.slots > 1) shader = emitPacked(planned, target, { packing: { ...packed, slots: 1 }, together });
  return shader.workgroupBytes <= maxWorkgroupBytes ? shader : emitPacked(planned, target, { packing: oneLane, together });
}

function emitPacked(kernel: Kernel, target: Target, { packing, together }: { packing: Packing; together: Groups }): WgslKernel {
  const { lanes, slots } = packing;
  const placed = placeLocals(kernel, lanes);
  const vectors = planVectors(placed.kernel, together);
  const nests = nestsOf(vectors.kernel).filter((nest) => nest.points > 0);
  const points = nests.reduce((n, nest) => n + nest.points, 0);
  const shader = new Shader({ vectors, packing, points, placement: placed.placement, together });
  requireBindings(shader, target);
  const size = workgroupSizeFor(packing, points, target);
  const { index, lines } = pointLines(packing, points, size);
  const entry = [`@compute @workgroup_size(${size}, 1, 1)`, `fn main(${parameters} ${index}: u32) {`, ...indent([...lines, ...nestLines(nests, shader)]), "}"];
  return {
    source: [titleOf(kernel.name), ...shader.declarations(), ...entry, ""].join("\n"),
    entryPoint: "main",
    bindings: shader.bindings,
    uniforms: shader.uniforms(),
    uniformBytes: 4 * shader.uniforms().length,
    workgroupSize: [size, 1, 1],
    workgroupBytes: shader.workgroupBytes(),
    invocations: points * lanes,
    lanesPerPoint: lanes,
    dispatch: dispatchOf(Math.ceil(points / (lanes > 1 ? slots : size))),
  };
}
