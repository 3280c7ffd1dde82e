/**
 * Which vector axes are spelled with vectors: those whose iterations all do the same. Of every name in such a loop it is known
 * whether it varies among them. Loops that are longer than some registers hold are cut into shorter ones first.
 */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, dependsOn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { bodiesOf, statements } from "../../ir/loop.ts";
import { mapStatement } from "../../ir/loop-walk.ts";
import { mostLanes } from "../../ir/steps.ts";

/** The lanes of the pieces of longer loops. */
const pieceLanes = 16;

/** A loop that is spelled with vectors. */
export interface VectorLoop {
  readonly axis: Axis;
  readonly lanes: number;
  readonly variance: Variance;
}

/** The iterations of an axis, where they are a known number. */
function extentOf(axis: Axis): number | undefined {
  const length = subIndex(axis.hi, axis.lo);
  return axis.step === 1 && length.op === "const" && length.value > 0 ? length.value : undefined;
}

/** Long vector axes as loops over pieces, and a rest. */
export function withShortVectors(kernel: Kernel): Kernel {
  const isLong = (s: Stmt): boolean => s.kind === "for" && s.axis.kind === "vector" && (extentOf(s.axis) ?? 0) > mostLanes;
  if (!statements(kernel.body).some(isLong)) return kernel;
  const list = (body: readonly Stmt[]): Stmt[] =>
    body.flatMap((s) => {
      const inner = mapStatement(s, (e) => e, list);
      return inner.kind === "for" && isLong(inner) ? inPieces(inner) : [inner];
    });
  return { ...kernel, body: list(kernel.body) };
}

function inPieces(s: For): Stmt[] {
  const { axis } = s;
  const lanes = extentOf(axis) ?? 0;
  const whole = Math.floor(lanes / pieceLanes) * pieceLanes;
  const end = addIndex(axis.lo, whole);
  const from = axisIndex(`${axis.name}_from`, axis.lo.lo, end.hi - pieceLanes);
  const piece: For = { ...s, axis: { ...axis, lo: from, hi: addIndex(from, pieceLanes) } };
  const pieces: For = { kind: "for", axis: { name: from.name, kind: "serial", lo: axis.lo, hi: end, step: pieceLanes }, body: [piece] };
  if (whole === lanes) return [pieces];
  return [pieces, { ...s, axis: { ...axis, lo: end } }];
}

/** The loops that are spelled with vectors. Names are distinct in the kernel. */
export function planVectors(kernel: Kernel): Map<For, VectorLoop> {
  const loops = new Map<For, VectorLoop>();
  const walk = (list: readonly Stmt[]): void => {
    for (const s of list) {
      const loop = s.kind === "for" && s.axis.kind === "vector" ? vectorLoop(s) : undefined;
      if (loop !== undefined && s.kind === "for") loops.set(s, loop);
      else bodiesOf(s).forEach(walk);
    }
  };
  walk(kernel.body);
  return loops;
}

function vectorLoop(s: For): VectorLoop | undefined {
  const lanes = extentOf(s.axis);
  if (lanes === undefined || lanes > mostLanes) return undefined;
  const variance = new Variance(s.axis.name, s.body);
  return isUniform(s.body, variance) ? { axis: s.axis, lanes, variance } : undefined;
}

/** What depends on a vector axis. */
export class Variance {
  readonly names: Set<string>;

  constructor(axis: string, body: readonly Stmt[]) {
    this.names = new Set([axis]);
    const all = statements(body);
    // a variable may vary by what is assigned to it further down
    const goesRound = all.some((s) => s.kind === "assign" || s.kind === "reduce");
    let isOpen = true;
    while (isOpen) {
      const { size } = this.names;
      for (let i = 0; i < all.length; i++) {
        const s = all[i];
        if (s !== undefined) this.#statement(s);
      }
      isOpen = goesRound && size !== this.names.size;
    }
  }

  #statement(s: Stmt): void {
    if (s.kind === "let" || s.kind === "assign") this.#define(s.name, s.value);
    else if (s.kind === "carry") this.#define(s.name, s.init);
    else if (s.kind === "reduce") this.#reduce(s);
  }

  /** A reduction is done for all lanes or for each: one with anything in its body that varies is done for each. */
  #reduce(s: Reduce): void {
    const of = (e: Expr): boolean => this.of(e);
    const isVarying =
      s.init.some(of) || s.values.some(of) || statements(s.body).some((inner) => inner.kind === "store" || ("name" in inner && this.names.has(inner.name)));
    if (isVarying) for (const name of s.names) this.names.add(name);
  }

  #define(name: string, value: Expr): void {
    if (this.of(value)) this.names.add(name);
  }

  of(e: Expr): boolean {
    return dependsOn(e, this.names);
  }
}

/** Whether all iterations take the same way through a body, and none sees what another stores. */
function isUniform(body: readonly Stmt[], variance: Variance): boolean {
  const own = new Set<string>();
  const isFixed = (axes: readonly Axis[]): boolean => axes.every((a) => !variance.of(a.lo) && !variance.of(a.hi));
  for (const s of statements(body)) {
    switch (s.kind) {
      case "for":
        if (!isFixed([s.axis])) return false;
        break;
      case "reduce":
        if (!isFixed(s.axes)) return false;
        break;
      case "carry":
        own.add(s.name);
        break;
      case "assign":
        if (!own.has(s.name)) return false;
        break;
      case "store":
        if (s.atomic !== undefined || !variance.of(s.index)) return false;
        break;
      case "if":
        if (variance.of(s.condition)) return false;
        break;
      case "local":
      case "barrier":
        return false;
      case "let":
    }
  }
  return true;
}

/** Names that a list assigns to, at any depth. */
export function assignedIn(list: readonly Stmt[]): Set<string> {
  const names = new Set<string>();
  for (const s of statements(list)) {
    if (s.kind === "assign") names.add(s.name);
    if (s.kind === "reduce") for (const name of s.names) names.add(name);
  }
  return names;
}
