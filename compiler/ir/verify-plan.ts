/**
 * The invariants of the Plan: written before read, no use after free, temps that live at once do not overlap in the arena, outputs
 * take over an input only after its last read, bindings within the target's limit, buffers as the kernels declare them.
 */
import { dtypeInfo, registerDType } from "./dtype.ts";
import { at, CompilerBug } from "./errors.ts";
import type { Kernel } from "./loop.ts";
import type { Plan, PlanBuffer, Step } from "./plan.ts";
import { stepText } from "./print-plan.ts";
import { bytesOf, sizeOf, typeText } from "./shape.ts";

/** Throws a CompilerBug where the plan breaks an invariant; `maxBindings` is the target's. */
export function verifyPlan(plan: Plan, limits: { readonly maxBindings: number }): void {
  const bug: Bug = (message) => new CompilerBug(`verify plan @${plan.name}: ${message}`);
  const buffers = declaredBuffers(plan, bug);
  const verifier = new StepVerifier(plan, buffers, limits.maxBindings, bug);
  for (const step of plan.steps) verifier.step(step);
  verifier.end();
}

type Bug = (message: string) => CompilerBug;

function declaredBuffers(plan: Plan, bug: Bug): Map<number, PlanBuffer> {
  const buffers = new Map<number, PlanBuffer>();
  for (const b of plan.buffers) {
    if (buffers.has(b.id)) throw bug(`there are two buffers %${b.id}`);
    if (b.bytes < bytesOf(b.type)) throw bug(`%${b.id} has ${b.bytes} bytes, ${typeText(b.type)} needs ${bytesOf(b.type)}`);
    if (b.role === "temp" && b.offset + b.bytes > plan.arenaBytes) throw bug(`%${b.id} ends at ${b.offset + b.bytes}, the arena at ${plan.arenaBytes}`);
    if (b.offset % dtypeInfo(b.type.dtype).bytes !== 0) throw bug(`%${b.id} of ${typeText(b.type)} stands at ${b.offset}, between two elements`);
    buffers.set(b.id, b);
  }
  for (const id of plan.inputs) if (buffers.get(id)?.role !== "input") throw bug(`%${id} is no input`);
  for (const b of plan.buffers) if (b.role === "input" && !plan.inputs.includes(b.id)) throw bug(`%${b.id} is an input that no param gives`);
  verifyDonations(plan, buffers, bug);
  for (const o of plan.outputs) {
    const b = buffers.get(o.buffer);
    if (b === undefined || b.role === "temp") throw bug(`%${o.buffer} is returned and is no output`);
    if (b.type.dtype !== o.type.dtype || sizeOf(b.type.shape) !== sizeOf(o.type.shape))
      throw bug(`%${b.id} is ${typeText(b.type)} and returned as ${typeText(o.type)}`);
  }
  return buffers;
}

function verifyDonations(plan: Plan, buffers: ReadonlyMap<number, PlanBuffer>, bug: Bug): void {
  const donors = new Set<number>();
  for (const b of plan.buffers) {
    if (b.donates === null) continue;
    const donor = buffers.get(b.donates);
    if (b.role !== "output" || donor?.role !== "input") throw bug(`%${b.id} takes over %${b.donates}: only an output takes over an input`);
    if (donor.bytes < b.bytes) throw bug(`%${b.id} of ${b.bytes} bytes takes over %${donor.id} of ${donor.bytes}`);
    if (donors.has(donor.id)) throw bug(`%${donor.id} is taken over twice`);
    donors.add(donor.id);
  }
}

class StepVerifier {
  readonly #plan: Plan;
  readonly #buffers: ReadonlyMap<number, PlanBuffer>;
  readonly #maxBindings: number;
  readonly #bug: Bug;
  readonly #live = new Set<PlanBuffer>();
  readonly #freed = new Set<PlanBuffer>();
  readonly #allocated: ReadonlySet<number>;
  /** The temp whose memory a temp without an allocation of its own takes over. */
  readonly #homes = new Map<PlanBuffer, PlanBuffer>();
  /** Whose value a memory holds, memories being known by the buffer that owns them. */
  readonly #held = new Map<PlanBuffer, PlanBuffer>();
  readonly #wasWritten = new Set<PlanBuffer>();
  /** The buffers that some step fills from scratch; an update goes on from what was there. */
  readonly #targets: ReadonlySet<number>;
  #where = "";

  constructor(plan: Plan, buffers: ReadonlyMap<number, PlanBuffer>, maxBindings: number, bug: Bug) {
    this.#plan = plan;
    this.#buffers = buffers;
    this.#maxBindings = maxBindings;
    this.#bug = (message) => bug(`${this.#where}: ${message}`);
    this.#allocated = new Set(plan.steps.flatMap((s) => (s.kind === "alloc" ? [s.buffer] : [])));
    this.#targets = new Set(plan.steps.flatMap((s) => writtenBy(s, plan)));
    for (const b of buffers.values()) if (b.role === "input") this.#held.set(b, b);
  }

  step(step: Step): void {
    this.#where = step.kind === "kernel" && step.kernel >= this.#plan.kernels.length ? `run kernel ${step.kernel}` : stepText(step, this.#plan);
    switch (step.kind) {
      case "alloc":
        return this.#alloc(this.#buffer(step.buffer));
      case "free":
        return this.#free(this.#buffer(step.buffer));
      case "fill":
        return this.#write(this.#buffer(step.buffer));
      case "copy": {
        const [from, to] = [this.#buffer(step.from), this.#buffer(step.to)];
        if (bytesOf(from.type) !== bytesOf(to.type)) throw this.#bug(`${typeText(from.type)} and ${typeText(to.type)} differ in bytes`);
        this.#read(from);
        return this.#write(to);
      }
      case "kernel":
        return this.#run(step, at(this.#plan.kernels, step.kernel));
    }
  }

  /** What must hold after the last step. */
  end(): void {
    this.#where = "at the end";
    for (const b of this.#live) if (b.role === "temp") throw this.#bug(`%${b.id} was never freed`);
    for (const o of this.#plan.outputs) if (!this.#holds(this.#buffer(o.buffer))) throw this.#bug(`output %${o.buffer} was never written`);
  }

  #buffer(id: number): PlanBuffer {
    const b = this.#buffers.get(id);
    if (b === undefined) throw this.#bug(`there is no buffer %${id}`);
    return b;
  }

  #alloc(b: PlanBuffer): void {
    if (b.role === "input") throw this.#bug("an input is not allocated");
    if (this.#live.has(b) || this.#freed.has(b)) throw this.#bug("allocated twice");
    for (const other of this.#live) {
      const apart = b.role !== "temp" || other.role !== "temp" || b.offset + b.bytes <= other.offset || other.offset + other.bytes <= b.offset;
      if (!apart) throw this.#bug(`overlaps %${other.id}, which lives (${b.offset}+${b.bytes} and ${other.offset}+${other.bytes})`);
    }
    this.#live.add(b);
  }

  #free(b: PlanBuffer): void {
    if (b.role !== "temp") throw this.#bug(`an ${b.role} is not freed by the plan`);
    if (!this.#live.delete(b)) throw this.#bug(this.#freed.has(b) ? "freed twice" : "freed before it was allocated");
    this.#freed.add(b);
  }

  /** The buffer whose memory this one lives in: its own, an input's, or that of a temp which lives at the same place. */
  #home(b: PlanBuffer): PlanBuffer {
    if (b.donates !== null) return this.#buffer(b.donates);
    if (b.role !== "temp" || this.#allocated.has(b.id)) return b;
    const home = this.#homes.get(b) ?? [...this.#live].find((o) => o.role === "temp" && o.offset === b.offset && o.bytes === b.bytes) ?? b;
    if (home !== b) this.#homes.set(b, home);
    return home;
  }

  #requireLive(b: PlanBuffer): void {
    const home = this.#home(b);
    if (this.#freed.has(home)) throw this.#bug(`%${b.id} is used after it was freed`);
    if (home.role === "temp" && !this.#live.has(home)) throw this.#bug(`%${b.id} is used before it was allocated`);
  }

  #holds(b: PlanBuffer): boolean {
    return b.bytes === 0 || this.#held.get(this.#home(b)) === b;
  }

  #read(b: PlanBuffer): void {
    this.#requireLive(b);
    const home = this.#home(b);
    const holder = this.#held.get(home);
    // what takes over an input begins with what that held; a temp that no step writes is a copy that became no step
    const inherits = holder !== undefined && (holder.id === b.donates || (home !== b && b.role === "temp" && !this.#targets.has(b.id)));
    if (b.bytes === 0 || holder === b || inherits) return;
    const lost = this.#wasWritten.has(b) || b.role === "input";
    throw this.#bug(lost && holder !== undefined ? `%${b.id} is read after %${holder.id} has taken it over` : `%${b.id} is read before it was written`);
  }

  #write(b: PlanBuffer): void {
    this.#requireLive(b);
    if (b.role === "input") throw this.#bug(`%${b.id} is an input and written`);
    this.#held.set(this.#home(b), b);
    this.#wasWritten.add(b);
  }

  /** What a scratch held is lost, and what it holds after is nobody's: only a temp that is not written may be one. */
  #requireScratch(b: PlanBuffer): void {
    this.#requireLive(b);
    if (b.role !== "temp") throw this.#bug(`%${b.id} is an ${b.role} and used as scratch`);
    if (b.bytes > 0 && this.#holds(b)) throw this.#bug(`%${b.id} holds a value and is used as scratch`);
    this.#held.delete(this.#home(b));
  }

  #run(step: Extract<Step, { kind: "kernel" }>, kernel: Kernel): void {
    if (step.buffers.length !== kernel.buffers.length) throw this.#bug(`the kernel takes ${kernel.buffers.length} buffers`);
    this.#verifyScalars(step.scalars, kernel);
    const bound = step.buffers.map((id) => this.#buffer(id));
    // temps are one binding: the arena
    const own = new Set(bound.filter((b) => b.role !== "temp")).size;
    const bindings = own + (bound.some((b) => b.role === "temp") ? 1 : 0);
    if (bindings > this.#maxBindings) throw this.#bug(`binds ${bindings} buffers, the target allows ${this.#maxBindings}`);
    bound.forEach((b, i) => {
      const { name, dtype, size, access } = at(kernel.buffers, i);
      if (b.type.dtype !== dtype || sizeOf(b.type.shape) !== size)
        throw this.#bug(`%${b.id} is ${typeText(b.type)}, the kernel's %${name} is ${dtype}[${size}]`);
      if (access === "read" || access === "update") this.#read(b);
      if (access === "scratch") this.#requireScratch(b);
      if (access !== "read" && bound.indexOf(b) !== bound.lastIndexOf(b)) throw this.#bug(`%${b.id} is written and bound twice`);
    });
    bound.forEach((b, i) => {
      const { access } = at(kernel.buffers, i);
      if (access === "write" || access === "update") this.#write(b);
    });
  }

  #verifyScalars(scalars: readonly number[], kernel: Kernel): void {
    if (scalars.length !== kernel.scalars.length) throw this.#bug(`the kernel takes ${kernel.scalars.length} scalars`);
    scalars.forEach((n, i) => {
      const { name, dtype } = at(kernel.scalars, i);
      const given = this.#plan.scalars[n];
      if (given === undefined || (given !== dtype && registerDType(given) !== dtype))
        throw this.#bug(`scalar ${n} is ${given ?? "not there"}, the kernel's %${name} is ${dtype}`);
    });
  }
}

/** The buffers that a step writes. */
function writtenBy(step: Step, plan: Plan): readonly number[] {
  switch (step.kind) {
    case "kernel":
      return step.buffers.filter((_, i) => plan.kernels[step.kernel]?.buffers[i]?.access === "write");
    case "copy":
      return [step.to];
    case "fill":
      return [step.buffer];
    case "alloc":
    case "free":
      return [];
  }
}
