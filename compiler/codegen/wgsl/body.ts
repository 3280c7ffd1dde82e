/**
 * Statements. A kernel without lane axes runs one grid point an invocation ("alone"). With lane axes a workgroup runs one grid
 * point: statements outside lane loops run on all lanes alike ("together"), those inside on the lane whose turn it is ("lane").
 */
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Axis, For, If, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { bodiesOf, expressionsOf, statements } from "../../ir/loop.ts";
import { Pending, touchedBy, touching } from "./barriers.ts";
import type { Touched } from "./barriers.ts";
import { bare, spell } from "./expression.ts";
import { dealsLanes, laneNest, reduceLanes, tripsOfAll } from "./lanes.ts";
import { block, indent, laneLoop, serialLoop, unblocked } from "./loops.ts";
import type { SpelledAxis } from "./loops.ts";
import { lanePlaces } from "./packing.ts";
import type { Shader } from "./shader.ts";
import { arrayType } from "./shader.ts";
import type { Spelling } from "./spelling.ts";
import { assignAll } from "./spelling.ts";
import { unrolled, unrolls } from "./unroll.ts";
import { FourAtOnce } from "./vector-spelling.ts";
import type { VectorLoop } from "./vectors.ts";

/** How the statements of a list run. */
export interface Place {
  readonly by: "alone" | "together" | "lane";
  /** What lanes touched since the last barrier; only counts where they run together. */
  readonly pending: Pending;
  /** Names that are equal on all lanes by the rules of the shader compiler, which barriers in loops and branches need. */
  readonly uniform: ReadonlySet<string>;
  readonly spelling: Spelling;
}

/** The lines of a reduction before its loops, of one turn and after them. */
interface ReduceLines {
  readonly before: readonly string[];
  readonly turn: (place: Place) => string[];
  readonly after: readonly string[];
}

export class BodyWriter {
  readonly #shader: Shader;
  /** Barriers written so far: a loop or branch in which the count rose holds one. */
  #barriers = 0;

  constructor(shader: Shader) {
    this.#shader = shader;
  }

  list(list: readonly Stmt[], place: Place): string[] {
    return list.flatMap((s, i) => {
      const lines = this.#statement(s, place);
      return i === list.length - 1 ? unblocked(lines) : lines;
    });
  }

  #statement(s: Stmt, place: Place): string[] {
    if (place.by !== "together" || s.kind === "barrier") return this.#spelled(s, place);
    const touched = touchedBy([s], (name) => this.#shader.isShared(name));
    const wait = this.#waitFor(touched, place.pending);
    if (s.kind === "for" && s.axis.kind === "lane") place.pending.add(touched);
    const lines = [...wait, ...this.#spelled(s, place)];
    if (!dealsLanes(s)) place.pending.add(bodiesOf(s).length === 0 ? touched : this.#ownReads(s));
    return lines;
  }

  /** What a statement with a body reads itself: bounds, conditions, the values of a reduction. */
  #ownReads(s: Stmt): Touched {
    const loads = exprOrder(expressionsOf(s)).filter((e) => e.op === "load" && this.#shader.isShared(e.name));
    return touching({ reads: loads.map((e) => e.name) });
  }

  #spelled(s: Stmt, place: Place): string[] {
    switch (s.kind) {
      case "let":
        return place.spelling.let(s);
      case "carry":
        return place.spelling.carry(s);
      case "assign":
        return place.spelling.assign(s);
      case "local":
        return this.#local(s.name, s.size);
      case "barrier":
        return this.#barrier(place);
      case "store":
        return this.#store(s, place);
      case "if":
        return this.#if(s, place);
      case "for":
        return this.#for(s, place);
      case "reduce":
        return place.by === "together" && dealsLanes(s) ? this.#laneReduce(s, place) : this.#serialReduce(s, place);
    }
  }

  #local(name: string, size: number): string[] {
    const m = this.#shader.memory(name);
    return m.space === "function" ? [`var ${m.ident}: ${arrayType(m, size)};`] : [];
  }

  /** A barrier that the schedule asks for; none where no lane has touched workgroup memory since the last. */
  #barrier(place: Place): string[] {
    if (place.by === "lane") throw new CompilerBug(`kernel ${this.#shader.kernel.name} has a barrier inside a lane loop`);
    if (place.by === "alone") return [];
    const { reads, writes, lone } = place.pending.touched();
    const touched = [...reads, ...writes, ...lone].filter((name) => !this.#isStorage(name));
    return this.#barrierOver(touched, place.pending);
  }

  #isStorage(name: string): boolean {
    return this.#shader.kernel.buffers.some((b) => b.name === name);
  }

  #waitFor(next: Touched, pending: Pending): string[] {
    return this.#barrierOver(pending.meets(next), pending);
  }

  #barrierOver(names: readonly string[], pending: Pending): string[] {
    const storage = names.some((name) => this.#isStorage(name));
    const workgroup = names.some((name) => !this.#isStorage(name));
    if (storage || workgroup) this.#barriers++;
    pending.clear((name) => (this.#isStorage(name) ? storage : workgroup));
    return [...(workgroup ? ["workgroupBarrier();"] : []), ...(storage ? ["storageBarrier();"] : [])];
  }

  /** Lanes that run together store once: lane 0 does, unless each has a copy of its own. A slot without a point stores nothing. */
  #store(s: Store, place: Place): string[] {
    const lines = place.spelling.store(s);
    const { space } = this.#shader.memory(s.buffer);
    const tests = [place.by === "together" && space !== "function" ? ["lane == 0u"] : [], this.#shader.leavesSlots && space === "storage" ? ["isPoint"] : []];
    return tests.flat().length === 0 ? lines : block(`if (${tests.flat().join(" && ")})`, lines);
  }

  /** Branches with a barrier inside need a condition that the shader compiler knows to be equal on all lanes. */
  #if(s: If, place: Place): string[] {
    const before = this.#barriers;
    const sides = [s.then, s.otherwise].map((list) => {
      const pending = new Pending(place.pending.touched());
      return { pending, lines: this.list(list, { ...place, pending }) };
    });
    const lines: string[] = [];
    const condition = this.#barriers === before ? place.spelling.condition(s.condition, lines) : this.uniformText(s.condition, place, lines);
    for (const side of sides) place.pending.add(side.pending.touched());
    const [then, otherwise] = [at(sides, 0).lines, at(sides, 1).lines];
    return [...lines, ...block(`if (${bare(condition)})`, then), ...(otherwise.length > 0 ? block("else", otherwise) : [])];
  }

  #for(s: For, place: Place): string[] {
    if (place.by === "together" && s.axis.kind === "lane") {
      const { axes, body } = laneNest(s);
      return this.#dealt(axes, this.list(body, { ...place, by: "lane" }));
    }
    const vector = this.#shader.vectorLoop(s.axis);
    if (vector !== undefined) return this.#vector(s, vector, place);
    if (unrolls(s)) return unrolled(s, (turn) => this.list(turn, place));
    return this.#serial([s.axis], place, (inner) => this.list(s.body, inner), s.body);
  }

  /** Names in the body of a vector loop are its own, hence the block. */
  #vector(s: For, loop: VectorLoop, place: Place): string[] {
    const lines: string[] = [];
    const spelling = this.#fourAtOnce(loop, s.axis, lines);
    return block("", [...lines, ...this.list(s.body, { ...place, spelling })]);
  }

  #fourAtOnce(loop: VectorLoop, axis: Axis, lines: string[]): FourAtOnce {
    const text = at(spell([axis.lo], this.#shader, lines), 0);
    const first = axis.lo.args.length === 0 ? text : this.#shader.names.of(axis.name);
    if (first !== text) lines.push(`let ${first} = ${bare(text)};`);
    return new FourAtOnce(this.#shader, loop, { axis, first });
  }

  /** Axes dealt out to lanes around the lines of one iteration. */
  #dealt(axes: readonly Axis[], body: readonly string[]): string[] {
    const lines: string[] = [];
    const spelled = axes.map((a) => this.#bounds(a, lines));
    return [...lines, ...laneLoop(spelled, this.#shader.lanes, this.#shader.names.fresh("turn"), body)];
  }

  /**
   * Serial loops, outer axis first. Where lanes run together, the next iteration may meet the last one's accesses: then the body
   * ends with a barrier, and the bounds must be equal on all lanes.
   */
  #serial(axes: readonly Axis[], place: Place, write: (place: Place) => string[], body: readonly Stmt[]): string[] {
    const [axis, ...rest] = axes;
    if (axis === undefined) return write(place);
    const before = this.#barriers;
    const pending = new Pending(place.pending.touched());
    const inner = this.#serial(rest, { ...place, pending, uniform: new Set([...place.uniform, axis.name]) }, write, body);
    if (place.by === "together") inner.push(...this.#waitFor(this.#nextTurn(body, pending), pending));
    place.pending.add(pending.touched());
    const lines: string[] = [];
    const uniformly = this.#barriers !== before;
    const spelled = uniformly ? this.#uniformBounds(axis, place, lines) : this.#bounds(axis, lines);
    return [...lines, ...serialLoop(spelled, inner)];
  }

  /** What the next iteration of a body touches; its reductions write their partial tuples again. */
  #nextTurn(body: readonly Stmt[], pending: Pending): Touched {
    const touched = touchedBy(body, (name) => this.#shader.isShared(name));
    const reduces = [...statements(body)].some((s) => s.kind === "reduce" && dealsLanes(s));
    const partials = reduces ? [...pending.touched().reads].filter((name) => this.#shader.isPartial(name)) : [];
    return { ...touched, writes: new Set([...touched.writes, ...partials]) };
  }

  #bounds(axis: Axis, lines: string[]): SpelledAxis {
    const [lo = "", hi = ""] = spell([axis.lo, axis.hi], this.#shader, lines);
    return this.#withBounds(axis, lo, hi, lines);
  }

  #uniformBounds(axis: Axis, place: Place, lines: string[]): SpelledAxis {
    return this.#withBounds(axis, this.uniformText(axis.lo, place, lines), this.uniformText(axis.hi, place, lines), lines);
  }

  /** The upper bound is computed once. */
  #withBounds(axis: Axis, lo: string, hi: string, lines: string[]): SpelledAxis {
    const { names } = this.#shader;
    const ident = names.of(axis.name);
    if (axis.hi.args.length === 0) return { axis, ident, lo, hi };
    const end = names.fresh(`${axis.name}_end`);
    lines.push(`let ${end} = ${bare(hi)};`);
    return { axis, ident, lo, hi: end };
  }

  /** The text of an expression in uniform control flow; lane 0 tells the others where the shader compiler could not see that it is equal. */
  uniformText(e: Expr, place: Place, lines: string[]): string {
    const text = at(spell([e], this.#shader, lines), 0);
    if (exprOrder([e]).every((n) => this.#isUniform(n, place))) return text;
    const told = this.#shader.workgroupVariable("told", e.dtype);
    const word = this.#shader.names.fresh("known");
    lines.push(...block("if (lane == 0u)", [`${told} = ${bare(text)};`]), `let ${word} = workgroupUniformLoad(&${told});`);
    this.#barriers++;
    return word;
  }

  #isUniform(e: Expr, place: Place): boolean {
    if (e.op === "var" || e.op === "axis") return place.uniform.has(e.name);
    if (e.op !== "load") return true;
    return this.#shader.memory(e.name).isConstant;
  }

  #serialReduce(s: Reduce, place: Place): string[] {
    const vector = this.#shader.vectorLoop(s.axes.at(-1));
    if (vector !== undefined) {
      const own = s.names.map((name) => this.#shader.names.fresh(`${name}_four`));
      const { before, turn, after } = this.#vectorReduce(s, vector, { own, results: s.names, place });
      return [...before, ...this.#serial(s.axes.slice(0, -1), place, turn, [{ ...s, axes: [] }]), ...after];
    }
    const contribution = { ...s, axes: [] };
    const turn = (inner: Place): string[] => [...this.list(s.body, inner), ...place.spelling.combined(s, s.names)];
    return [...place.spelling.accumulators(s.names, s.init), ...this.#serial(s.axes, place, turn, [contribution])];
  }

  /** Each lane combines its share from the neutral element on; the lanes' partial tuples are combined as a tree in workgroup memory. */
  #laneReduce(s: Reduce, place: Place): string[] {
    const { names } = this.#shader;
    const dealt = reduceLanes(s);
    const own = s.names.map((name) => names.fresh(`${name}_lane`));
    const last = s.axes.at(-1);
    const vector = this.#shader.vectorLoop(last);
    const single: ReduceLines = {
      before: place.spelling.accumulators(own, s.init),
      turn: (inner) => [...this.list(s.body, inner), ...place.spelling.combined(s, own)],
      after: [],
    };
    const given = { own: s.names.map((name) => names.fresh(`${name}_four`)), results: own, place };
    const { before, turn, after } = vector === undefined ? single : this.#vectorReduce(s, vector, given);
    const serial = s.axes.filter((a) => !dealt.includes(a) && (vector === undefined || a !== last));
    const loop = this.#dealt(dealt, this.#serial(serial, { ...place, by: "lane" }, turn, []));
    place.pending.add(touchedBy([s], (name) => this.#shader.isShared(name)));
    return [...before, ...loop, ...after, ...this.#tree(s, own, place)];
  }

  /** A reduction of four elements a turn: `own` are vectors, `results` what their components combine to. */
  #vectorReduce(
    s: Reduce,
    loop: VectorLoop,
    given: { readonly own: readonly string[]; readonly results: readonly string[]; readonly place: Place },
  ): ReduceLines {
    const lines: string[] = [];
    const spelling = this.#fourAtOnce(loop, at(s.axes, s.axes.length - 1), lines);
    return {
      before: spelling.accumulators(given.own, s.init),
      turn: (inner) => [...lines, ...this.list(s.body, { ...inner, spelling }), ...spelling.contributed(s, given.own)],
      after: spelling.folded(s, given.own, given.results),
    };
  }

  #tree(s: Reduce, own: readonly string[], place: Place): string[] {
    const { names, lanes } = this.#shader;
    const { spelling } = place;
    const slots = new Map<string, number>();
    const partials = s.init.map((e) => {
      const n = slots.get(e.dtype) ?? 0;
      slots.set(e.dtype, n + 1);
      return this.#shader.partials(e.dtype, n, spelling);
    });
    const wait = this.#waitFor(touching({ writes: partials }), place.pending);
    const far = names.fresh("far");
    // the others have nothing but the neutral element
    const busy = Math.min(lanes, 2 ** Math.ceil(Math.log2(tripsOfAll(reduceLanes(s)))));
    const [near, other] = [own.map(() => names.fresh("a")), own.map(() => names.fresh("b"))];
    const items = lanePlaces(this.#shader.packing);
    const lines = partials.flatMap((p, k) => [`let ${at(near, k)} = ${p}[${items.own}];`, `let ${at(other, k)} = ${p}[${items.other(far)}];`]);
    const texts = spelling.combination(s, near, other, lines);
    const places = partials.map((p) => `${p}[${items.own}]`);
    lines.push(...assignAll(places, texts, names));
    this.#barriers++;
    place.pending.clear((name) => !this.#isStorage(name));
    place.pending.add(touching({ reads: partials }));
    return [
      ...wait,
      ...partials.map((p, k) => `${p}[${items.own}] = ${at(own, k)};`),
      "workgroupBarrier();",
      `for (var ${far} = ${Math.floor(busy / 2)}u; ${far} > 0u; ${far} >>= 1u) {`,
      ...indent([...block(`if (lane < ${far})`, lines), "workgroupBarrier();"]),
      "}",
      ...s.names.map((name, k) => `let ${names.of(name)} = ${at(partials, k)}[${items.first}];`),
    ];
  }
}
