/**
 * buffers: fragments become a plan. Every stored value gets a buffer, every temporary an interval of the arena.
 *
 *   %0 = kernel k0(x)            alloc b1 @0      kernel k0 b0 b1
 *   %1 = kernel k1(%0)      →    alloc b2 @0      kernel k1 b1 b2      (k1 reads and writes b1 at the same index: in place)
 *   return kernel k2(%1)         kernel k2 b2 b3
 *
 * A kernel writes over a dying input where it reads each element only in the iteration that stores it. A copy of a dying buffer
 * is no copy.
 */
import { at, lookup } from "../ir/errors.ts";
import type { Graph } from "../ir/graph.ts";
import type { Kernel } from "../ir/loop.ts";
import type { Node, Value } from "../ir/node.ts";
import type { Plan, PlanBuffer, PlanOutput, Step } from "../ir/plan.ts";
import { touchedBy } from "../ir/plan.ts";
import type { TensorType } from "../ir/shape.ts";
import type { Fragment, Operand } from "../routines/fragment.ts";
import { packArena } from "./arena.ts";
import type { Replacement } from "./in-place.ts";
import { replaceable } from "./in-place.ts";
import { isScalarParam } from "./region.ts";
import type { Target } from "../target.ts";
import { storedBytes } from "../target.ts";
import { constantOf, storageOf } from "./storage.ts";

/** A buffer while the plan is made. */
export interface Draft {
  readonly id: number;
  readonly type: TensorType;
  readonly bytes: number;
  role: PlanBuffer["role"];
  /** First and last step that touch it. */
  first: number;
  last: number;
  /** The buffer whose memory this one takes over. */
  over: Draft | null;
}

export interface BufferOptions {
  readonly target: Target;
  /** Buffer params (by position among them) whose memory outputs may take over. */
  readonly donated: readonly number[];
  /** What outputs of a kernel may be written over. */
  readonly inPlace?: (kernel: Kernel) => readonly Replacement[];
}

export function assignBuffers(graph: Graph, fragments: readonly Fragment[], options: BufferOptions): Plan {
  return new Assignment(graph, options).run(fragments);
}

class Assignment {
  readonly #graph: Graph;
  readonly #target: Target;
  readonly #drafts: Draft[] = [];
  readonly #byValue = new Map<Value, Draft>();
  readonly #steps: Step[] = [];
  readonly #kernels: Kernel[] = [];
  readonly #scalarIndex = new Map<Node, number>();
  readonly #donated = new Set<Draft>();
  readonly #inPlace: (kernel: Kernel) => readonly Replacement[];
  readonly #inputs: Draft[] = [];

  constructor(graph: Graph, options: BufferOptions) {
    this.#graph = graph;
    this.#target = options.target;
    this.#inPlace = options.inPlace ?? replaceable;
    let scalars = 0;
    for (const p of graph.params) {
      if (isScalarParam(p.node)) this.#scalarIndex.set(p.node, scalars++);
      else this.#inputs.push(this.#draft(p.type, "input", p));
    }
    for (const i of options.donated) this.#donated.add(at(this.#inputs, i));
  }

  run(fragments: readonly Fragment[]): Plan {
    for (const f of fragments) this.#fragment(f);
    const outputs = this.#outputs();
    this.#lifetimes(outputs);
    this.#takeOver();
    const { offsets, bytes } = packArena(
      this.#drafts.filter((d) => d.role === "temp" && d.over === null),
      (d) => d.bytes,
    );
    const stands = this.#standIns();
    const buffers = this.#drafts.flatMap((d): PlanBuffer[] => {
      const home = owner(d);
      const donates = d.role === "output" && home.role === "input" ? home.id : null;
      return stands.has(d.id) ? [] : [{ id: d.id, role: d.role, type: d.type, bytes: d.bytes, offset: offsets.get(home) ?? 0, donates }];
    });
    return {
      name: this.#graph.name,
      buffers,
      kernels: this.#kernels,
      steps: this.#withLifetimes().map((s) => renamed(s, stands)),
      inputs: this.#inputs.map((d) => d.id),
      scalars: [...this.#scalarIndex.keys()].map((n) => at(n.results, 0).dtype),
      outputs,
      arenaBytes: bytes,
    };
  }

  #draft(type: TensorType, role: PlanBuffer["role"], value: Value | null): Draft {
    const draft: Draft = { id: this.#drafts.length, type, bytes: storedBytes(type, this.#target), role, first: -1, last: -1, over: null };
    this.#drafts.push(draft);
    if (value !== null) this.#byValue.set(value, draft);
    return draft;
  }

  /** The buffer of a value that a kernel reads; one that is all one constant is filled when it is first needed. */
  #bufferOf(value: Value): Draft {
    const v = storageOf(value);
    const known = this.#byValue.get(v);
    if (known !== undefined) return known;
    const constant = constantOf(v);
    const draft = this.#draft(v.type, "temp", v);
    if (constant !== null) this.#steps.push({ kind: "fill", buffer: draft.id, value: constant });
    return draft;
  }

  #fragment(f: Fragment): void {
    const temps = f.temps.map((t) => this.#draft(t, "temp", null));
    const operand = (o: Operand): number => (o.of === "temp" ? at(temps, o.temp).id : this.#bufferOf(o.value).id);
    for (const p of f.before) {
      if (p.kind === "copy") this.#steps.push({ kind: "copy", from: this.#bufferOf(p.from).id, to: this.#bufferOf(p.to).id });
      else this.#steps.push({ kind: "fill", buffer: this.#draft(p.to.type, "temp", p.to).id, value: p.value });
    }
    for (const l of f.launches) {
      const buffers = l.buffers.map(operand);
      const scalars = l.scalars.map((n) => lookup(this.#scalarIndex, n, "a scalar param"));
      this.#kernels.push(l.kernel);
      this.#steps.push({ kind: "kernel", kernel: this.#kernels.length - 1, buffers, scalars });
    }
  }

  #outputs(): PlanOutput[] {
    return this.#graph.outputs.map((v) => {
      const draft = this.#bufferOf(v);
      if (draft.role === "temp") draft.role = "output";
      return { buffer: draft.id, type: v.type };
    });
  }

  #lifetimes(outputs: readonly PlanOutput[]): void {
    this.#steps.forEach((s, i) => {
      for (const b of touchedBy(s)) {
        const d = at(this.#drafts, b);
        if (d.first < 0) d.first = i;
        d.last = i;
      }
    });
    for (const o of outputs) at(this.#drafts, o.buffer).last = this.#steps.length;
    for (const d of this.#inputs) if (!this.#donated.has(d)) d.last = this.#steps.length;
  }

  /** Lets a buffer that is born at a step take over the memory of one that dies there. */
  #takeOver(): void {
    const taken = new Set<Draft>();
    const mayTake = (young: Draft, old: Draft, step: number): boolean => {
      const home = owner(old);
      const isFree = !taken.has(home) || old !== home;
      const dies = old.last === step && isFree && (old.role === "temp" || this.#donated.has(old));
      return young.first === step && young.over === null && dies && old.bytes === young.bytes && this.#mayLive(young, old, home, step);
    };
    for (const [i, s] of this.#steps.entries()) {
      if (s.kind === "copy") {
        const [from, to] = [at(this.#drafts, s.from), at(this.#drafts, s.to)];
        if (mayTake(to, from, i)) take(to, from);
      } else if (s.kind === "kernel") this.#takeOverInKernel(s, i, mayTake, take);
    }
    this.#giveBack();
    function take(young: Draft, old: Draft): void {
      young.over = old;
      const home = owner(old);
      home.last = Math.max(home.last, young.last);
      if (home.role === "input") taken.add(home);
    }
  }

  /**
   * Outputs live in memory of inputs, temps in that of temps; but a copy that is written to, as one of a row of updates, may be on the
   * way from an input to an output.
   */
  #mayLive(young: Draft, old: Draft, home: Draft, step: number): boolean {
    if (home.role === "temp") return young.role === "temp";
    if (at(this.#steps, step).kind === "copy") return old.type.dtype === young.type.dtype;
    return young.role === "output" && old === home;
  }

  /** Only an output takes an input's memory for good: temps that no output takes over in the end get memory of their own. */
  #giveBack(): void {
    const kept = new Set(this.#drafts.filter((d) => d.role === "output").map(owner));
    for (const d of this.#drafts) if (d.role === "temp" && d.over !== null && d.over.role === "input" && !kept.has(d.over)) d.over = null;
    for (const d of this.#drafts) if (d.role === "temp" && owner(d).role === "temp") owner(d).last = Math.max(owner(d).last, d.last);
  }

  /** Temps in the memory of an input, and the output that has it in the end: it stands for them. */
  #standIns(): ReadonlyMap<number, number> {
    const outputs = new Map(this.#drafts.flatMap((d) => (d.role === "output" && owner(d).role === "input" ? [[owner(d), d.id] as const] : [])));
    return new Map(this.#drafts.flatMap((d) => (d.role === "temp" && owner(d).role === "input" ? [[d.id, outputs.get(owner(d)) ?? d.id] as const] : [])));
  }

  /** Whether something is born at a step that something else of its size and kind dies at: few kernels need to be looked at. */
  #mayTakeOver(s: Extract<Step, { kind: "kernel" }>, i: number): boolean {
    const bound = s.buffers.map((b) => at(this.#drafts, b));
    const dying = bound.filter((d) => d.last === i && (d.role === "temp" ? d.first < i : this.#donated.has(d)));
    const fits = (young: Draft, old: Draft): boolean => old.bytes === young.bytes && (old.role === "temp") === (young.role === "temp");
    return dying.length > 0 && bound.some((d) => d.role !== "input" && d.first === i && dying.some((old) => fits(d, old)));
  }

  #takeOverInKernel(
    s: Extract<Step, { kind: "kernel" }>,
    i: number,
    mayTake: (y: Draft, o: Draft, step: number) => boolean,
    take: (y: Draft, o: Draft) => void,
  ): void {
    const kernel = at(this.#kernels, s.kernel);
    if (!this.#mayTakeOver(s, i)) return;
    const draftOf = new Map(kernel.buffers.map((b, k) => [b.name, at(this.#drafts, at(s.buffers, k))]));
    const gone = new Set<Draft>();
    for (const { read, written } of this.#inPlace(kernel)) {
      const [old, young] = [lookup(draftOf, read, "a bound buffer"), lookup(draftOf, written, "a bound buffer")];
      const again = [...draftOf.values()].filter((d) => d === old).length > 1;
      if (again || gone.has(old) || !mayTake(young, old, i)) continue;
      gone.add(old);
      take(young, old);
    }
  }

  /** The steps with the birth and death of every temp written between them; copies that became in-place are gone. */
  #withLifetimes(): Step[] {
    const out: Step[] = [];
    const temps = this.#drafts.filter((d) => d.role === "temp" && d.over === null);
    const births: Draft[][] = this.#steps.map(() => []);
    const deaths: Draft[][] = this.#steps.map(() => []);
    for (const d of temps) {
      births[d.first]?.push(d);
      deaths[d.last]?.push(d);
    }
    this.#steps.forEach((s, i) => {
      for (const d of at(births, i)) out.push({ kind: "alloc", buffer: d.id });
      const same = s.kind === "copy" && owner(at(this.#drafts, s.from)) === owner(at(this.#drafts, s.to));
      if (!same) out.push(s);
      for (const d of at(deaths, i)) out.push({ kind: "free", buffer: d.id });
    });
    return out;
  }
}

function renamed(s: Step, names: ReadonlyMap<number, number>): Step {
  const name = (id: number): number => names.get(id) ?? id;
  switch (s.kind) {
    case "kernel":
      return { ...s, buffers: s.buffers.map(name) };
    case "copy":
      return { ...s, from: name(s.from), to: name(s.to) };
    default:
      return { ...s, buffer: name(s.buffer) };
  }
}

/** Whose memory a buffer lives in. */
export function owner(d: Draft): Draft {
  let home = d;
  while (home.over !== null) home = home.over;
  return home;
}
