/**
 * Evaluation: fills the slots of values and drops the definitions that nothing needs any more.
 *
 * What is asked for falls apart by device, and each part is one plan. Where a part needs what another device computes, that is
 * evaluated and moved first. Work of the CPU is done before a call returns; a GPU takes work in call order and does it later.
 */
import { at, DeviceError } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import { interpretValues } from "../compiler/interpret.ts";
import type { Slot, Value } from "../compiler/ir/node.ts";
import { deviceOf } from "../compiler/ir/node.ts";
import { typeText } from "../compiler/ir/shape.ts";
import type { HostArray, HostData } from "../compiler/ir/host.ts";
import { asNumbers } from "../compiler/ir/host.ts";
import { canonicalize } from "../compiler/passes/canonicalize.ts";
import type { CpuBuffer } from "../runtime/cpu/buffer.ts";
import type { GpuDevice } from "../runtime/device.ts";
import { cpu, openedGpu, requireDevice, requireGpu } from "./devices.ts";
import type { OwedCheck } from "./indexing/bounds.ts";
import { checksOwed } from "./indexing/bounds.ts";
import { forget, holding, isForgotten } from "./liveness.ts";
import { movesRecorded, nextMoves } from "./moves.ts";
import { prepare } from "./plans.ts";
import type { PlanRequest } from "./requests.ts";
import { notePast } from "./rebinding.ts";
import { memoryOf, pureRequest, requestFor } from "./requests.ts";
import { cpuInput, filled, gpuInput, isMemory, readValue, readValueSync, slotOf, taken, viewOf, workOn } from "./slots.ts";
import { cpuCode } from "./targets.ts";
import { noteRun } from "./written.ts";

/** A value, and the device that computes it. */
export interface Placed {
  readonly value: Value;
  readonly device: string;
}

/** What can be done now: values by device, and moves once these are there. */
interface Stage {
  readonly cpu: readonly Value[];
  readonly webgpu: readonly Value[];
  readonly moves: readonly Value[];
}

const none: readonly never[] = [];

/** Null where all that was asked for is evaluated. */
function nextStage(asked: readonly Placed[]): Stage | null {
  const [only] = asked;
  // one value of the CPU, in a program without moves: the short way
  if (only !== undefined && asked.length === 1 && only.device === "cpu" && !movesRecorded())
    return only.value.slot === null ? { cpu: [only.value], webgpu: none, moves: none } : null;
  const pending = asked.filter((p) => p.value.slot === null);
  if (pending.length === 0) return null;
  const moves = nextMoves(pending.map((p) => p.value));
  const first = moves.length === 0 ? pending : moves.map(({ node }) => placed(at(node.args, 0))).filter((p) => p.value.slot === null);
  const on = (device: string): Value[] => [...new Set(first.filter((p) => p.device === device).map((p) => p.value))];
  return { cpu: on("cpu"), webgpu: on("webgpu"), moves };
}

/** Whether it is still to be computed: who evaluates at the same time may have done so, and let it go again. */
const isPending = ({ slot, node }: Value): boolean => slot === null && node.definition !== null;

const placed = (value: Value): Placed => ({ value, device: deviceOf(value) ?? "cpu" });

/** Computes these values, each once, in one plan a device; lets dead buffers go where they have piled up. */
export function evaluate(handles: readonly Placed[]): Promise<void> {
  const asked = handles.map(({ value, device }): Placed => ({ value, device }));
  return holding(
    asked.map((a) => a.value),
    () => evaluateAll(asked),
  );
}

async function evaluateAll(asked: readonly Placed[]): Promise<void> {
  for (let stage = nextStage(asked); stage !== null; stage = nextStage(asked)) {
    const gpu = stage.webgpu.length > 0 ? (openedGpu() ?? (await requireGpu())) : null;
    if (gpu === null && strays(stage.cpu).length === 0) runOnCpu(stage.cpu, nothing);
    else await startOnBoth(stage, gpu);
    for (const value of stage.moves) if (isPending(value)) await move(value);
  }
  // others may have asked for the same: then it is not known yet whether it could be computed
  for (const { value } of asked) {
    const work = workOn(value);
    if (work !== undefined) await work;
  }
  if (cpu.pressure.over) await cpu.pressure.relieve();
  await openedGpu()?.pressure.relieve();
}

/** A call that may not wait, and the one that may. */
export interface SyncCall {
  readonly call: string;
  readonly instead: string;
}

/** Throws a DeviceError that names the call to await, where the value is not on the CPU. */
export function requireSync({ value, device }: Placed, { call, instead }: SyncCall): void {
  if (device === "cpu") return;
  throw new DeviceError(`${call}: ${typeText(value.type)} lives on ${device}, which answers later. Use ${instead}.`);
}

/** Whether a value is on the CPU, or can be computed there from what is. */
export function answersNow(one: Placed): boolean {
  if (one.device !== "cpu") return false;
  const stage = nextStage([one]);
  return stage === null || (stage.webgpu.length === 0 && stage.moves.length === 0 && strays(stage.cpu).length === 0);
}

/** `evaluate` without waiting; throws a DeviceError where a GPU takes part, and where dead buffers have piled up that cannot be collected. */
export function evaluateSync(asked: readonly Placed[], sync: SyncCall): void {
  for (const one of asked) requireSync(one, sync);
  const stage = nextStage(asked);
  if (stage !== null) {
    const [elsewhere] = [...stage.webgpu, ...stage.moves];
    if (elsewhere !== undefined) throw new DeviceError(`${sync.call}: ${typeText(elsewhere.type)} needs the GPU, which answers later. Use ${sync.instead}.`);
    if (strays(stage.cpu).length > 0) throw new DeviceError(`${sync.call}: reads what the GPU computed, which answers later. Use ${sync.instead}.`);
    runOnCpu(stage.cpu, nothing);
  }
  cpu.pressure.relieveSync();
}

/** The GPU computes while the CPU does. */
async function startOnBoth(stage: Stage, gpu: GpuDevice | null): Promise<void> {
  const left = stage.webgpu.filter(isPending);
  const running = gpu === null ? null : startOnGpu(left, gpu);
  await Promise.all([running, startOnCpu(stage.cpu)]);
}

/** What a GPU computed before a plan of the CPU asked for it: numbers that no data had tied to a device. */
type Fetched = ReadonlyMap<Value, HostArray>;
const nothing: Fetched = new Map();

async function startOnCpu(values: readonly Value[]): Promise<void> {
  const fetched = new Map<Value, HostArray>();
  for (const v of strays(values)) fetched.set(v, await readValue(v));
  runOnCpu(values.filter(isPending), fetched);
}

/** What these values are computed from, and is not on the CPU. */
const strays = (values: readonly Value[]): Value[] => (openedGpu() === null ? [] : canonicalize(values).buffers.filter((v) => v.slot?.device === "webgpu"));

function runOnCpu(wanted: readonly Value[], fetched: Fetched): void {
  if (!wanted.some(isReshaped)) compute(wanted, fetched);
  else {
    const reshaped = wanted.filter(isReshaped);
    const others = wanted.filter((v) => !reshaped.includes(v));
    compute(
      [...new Set([...others, ...reshaped.map(memoryOf)])].filter((v) => v.slot === null),
      fetched,
    );
    for (const v of reshaped) if (v.slot === null) finishAll([v], [viewOf(filled(memoryOf(v)), v.type)]);
  }
}

/** Whether it is another shape of what is there, or of what somebody holds and wants to have in memory as well. */
function isReshaped(v: Value): boolean {
  const memory = memoryOf(v);
  return memory !== v && (memory.slot === null ? memory.holders > 0 : memory.slot.device === "cpu");
}

function compute(wanted: readonly Value[], fetched: Fetched): void {
  if (wanted.length === 0) return;
  let request = requestFor(wanted);
  if (request.before.length > 0) {
    for (const v of request.before) runOnCpu([v], fetched);
    request = requestFor(wanted);
  }
  const checks = checksOwed(request.values);
  if (checks.length === 0) {
    finishAll(request.values, computeOnCpu(request, fetched));
    finishRequest(request);
  } else runChecked(request, checks, fetched);
}

/** Where a check fails, all stays as it was. So nothing is written over before they are done. */
function runChecked({ values, donated }: PlanRequest, checks: readonly OwedCheck[], fetched: Fetched): void {
  const farthest = checks.map((check) => check.farthest);
  const together = donated.length === 0;
  const made = computeOnCpu(pureRequest(together ? [...values, ...farthest] : farthest), fetched);
  const wrong = settleChecks(checks, made.splice(made.length - farthest.length), fetched);
  if (wrong !== null) {
    for (const buffer of made) buffer.release();
    throw wrong;
  }
  if (together) finishAll(values, made);
  else runOnCpu(values, fetched);
}

/** Evaluates now what a row of writes made, where that can be; false where it is tracked, or needs a GPU. */
export function flush(value: Value): boolean {
  if (value.node.tracked || !answersNow({ value, device: "cpu" })) return false;
  runOnCpu([value], nothing);
  return true;
}

/** The first index that is out of range, as an error; null where there is none. */
function settleChecks(checks: readonly OwedCheck[], farthest: readonly CpuBuffer[], fetched: Fetched): Error | null {
  let wrong: Error | null = null;
  checks.forEach((check, i) => {
    const buffer = at(farthest, i);
    const evaluated = (indices: Value): CpuBuffer => {
      if (indices.slot !== null) return cpuInput(indices, fetched.get(indices));
      return at(computeOnCpu(pureRequest([indices]), fetched), 0);
    };
    const found = check.settle(at(asNumbers(buffer.elements), 0), (indices) => evaluated(indices).elements);
    buffer.release();
    check.drop();
    wrong ??= found;
  });
  return wrong;
}

function computeOnCpu(request: PlanRequest, fetched: Fetched): CpuBuffer[] {
  if (cpuCode().runs === "interpreter") {
    const contentOf = (v: Value): HostData | null => (v.slot === null ? null : { type: v.type, data: fetched.get(v) ?? readValueSync(v) });
    return interpretValues(request.values, contentOf).map(({ data, type }) => cpu.upload(data, type));
  }
  const inputs: CpuBuffer[] = [];
  for (const v of request.buffers) inputs.push(cpuInput(v, fetched.get(v)));
  const { executable, runs } = prepare(request, cpu);
  const outputs = cpu.run(executable, inputs, request.scalars);
  noteRun(runs);
  return outputs;
}

/** The slots are filled at once, so that further plans can be recorded and run on top; definitions stay until the work went well. */
async function startOnGpu(wanted: readonly Value[], gpu: GpuDevice): Promise<void> {
  if (wanted.length === 0) return;
  const request = requestFor(wanted);
  const { values } = request;
  const { executable, runs } = prepare(request, gpu);
  const inputs = request.buffers.map((v) => gpuInput(v, gpu));
  const { outputs, finished } = gpu.run(executable, inputs, request.scalars);
  const kept = outputs.map((buffer, i) => keep(at(values, i), buffer));
  taken(
    kept.flat().map((k) => k.slot),
    finished,
  );
  try {
    await finished;
    noteRun(runs);
    finish(values);
    finishRequest(request);
  } catch (error) {
    for (const { value, slot } of kept.flat()) if (value.slot === slot) value.slot = null;
    throw error;
  }
}

/** Brings an evaluated operand to the move's device. */
async function move(value: Value): Promise<void> {
  const data = await readValue(at(value.node.args, 0));
  if (!isPending(value)) return;
  keep(value, slotOf(data, value.type, requireDevice("toDevice", placed(value).device)));
  finish([value]);
}

interface Kept {
  readonly value: Value;
  readonly slot: Slot;
}

/** Puts the memory into the value, and into what the value is a detached form of. */
function keep(value: Value, memory: Slot): Kept[] {
  if (value.slot !== null) return [];
  value.slot = memory;
  const kept = [{ value, slot: memory }];
  if (!value.node.isBarrier) return kept;
  for (let v = detachedFrom(value); v !== undefined && v.slot === null; v = detachedFrom(v)) {
    v.slot = viewOf(memory, v.type);
    kept.push({ value: v, slot: v.slot });
  }
  return kept;
}

function detachedFrom(value: Value): Value | undefined {
  const { definition } = value.node;
  return definition?.op.kind === "barrier" && definition.op.effect === "detach" ? definition.args[0] : undefined;
}

function finishAll(values: readonly Value[], memory: readonly Slot[]): void {
  for (const [i, v] of values.entries()) keep(v, at(memory, i));
  finish(values);
}

/** What was given and found no place in the plan goes back all the same: nobody asks for it. */
function finishRequest({ nodes, buffers, donated }: PlanRequest): void {
  notePast(nodes, buffers);
  for (const i of donated) {
    const { slot } = at(buffers, i);
    if (slot !== null && isMemory(slot) && slot.owners === 1) slot.release();
  }
}

const nobody: ReadonlySet<Value> = new Set();

/** Forgets how these were computed, now that they are. */
function finish(values: readonly Value[]): void {
  // one value spares nobody: no node reads its own result
  const asked = values.length === 1 ? nobody : new Set(values);
  for (const { node } of values) if (isForgotten(node, asked)) forget(node, asked);
}

/** How many nodes an evaluation of this value would compute. */
export const pendingNodes = (value: Value): number => postorder([value], (v) => v.slot !== null).length;
