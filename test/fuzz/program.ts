/**
 * A program in the making. Every node is computed by the interpreter when it is made, so that choices can look at values: an index
 * may fall outside, a float sum may be known to be exact. That gives each value the error that it may have when its sums are
 * computed in another order: 0 for nearly all.
 */
import { asNumbers } from "../../compiler/ir/host.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import { broadcastShapes, sameShape, sameType, sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { interpretValues } from "../../compiler/interpret.ts";
import { cast } from "../../compiler/ops/arithmetic.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { broadcastTo, fill, reshape } from "../../compiler/ops/views.ts";
import type { Genes } from "./genes.ts";
import type { DataKind } from "./numbers.ts";
import { numbersOf } from "./numbers.ts";

export interface Item {
  readonly value: Value;
  readonly data: HostData;
  /** How far a result may be off; 0: not by a bit. */
  readonly error: number;
}

/** What programs may hold. */
export interface World {
  readonly dtypes: readonly DType[];
  readonly kinds: readonly DataKind[];
  /** Which elementwise rows. */
  readonly takes: (op: Primitive) => boolean;
  readonly sorts: boolean;
  /** Whether most steps are about rows of differing lengths. */
  readonly ragged: boolean;
  /** Lengths of inputs' axes: the first one of each rank, and the others. */
  readonly lengths: { readonly first: readonly number[]; readonly others: readonly number[] };
  /** Larger values are not made. */
  readonly maxElements: number;
}

export interface Program {
  readonly graph: Graph;
  readonly inputs: readonly HostData[];
  readonly outputs: readonly Item[];
}

export class Builder {
  readonly world: World;
  readonly items: Item[] = [];
  readonly #data = new Map<Value, HostData>();
  readonly #params: Value[] = [];
  readonly #offsets: Value[] = [];

  constructor(world: World) {
    this.world = world;
  }

  input(type: TensorType, kind: DataKind, seed: number, space: "buffer" | "scalar"): void {
    const letter = space === "buffer" ? "x" : "s";
    const value = paramValue(`${letter}${this.#params.length}`, type, space);
    this.#params.push(value);
    this.#keep(value, numbersOf(type, kind, seed), 0);
  }

  /** Offsets of rows that hold `size` elements: those of another value of that length, or new ones. */
  offsets(genes: Genes, size: number): Value {
    const known = this.#offsets.filter((o) => at(asNumbers(this.dataOf(o).data), at(o.shape, 0) - 1) === size);
    if (known.length > 0 && !genes.oneIn(4)) return genes.from(known);
    const rows = size === 0 ? genes.from([1, 3, 0]) : genes.from([3, 1, 5, 2, 9]);
    const cuts = Array.from({ length: Math.max(0, rows - 1) }, () => genes.below(size + 1)).sort((a, b) => a - b);
    const value = paramValue(`o${this.#params.length}`, tensorType("int32", [rows + 1]), "buffer");
    this.#params.push(value);
    this.#data.set(value, { type: value.type, data: Int32Array.from(rows === 0 ? [0] : [0, ...cuts, size]) });
    this.#offsets.push(value);
    return value;
  }

  /** Known offsets of this many rows, or null. */
  offsetsOf(genes: Genes, rows: number): Value | null {
    const known = this.#offsets.filter((o) => at(o.shape, 0) === rows + 1);
    return known.length === 0 ? null : genes.from(known);
  }

  /** Adds the results of a node, unless they are too large. */
  add(made: Node | Value, error: number | ((data: HostData) => number) = 0): void {
    const node = "node" in made ? made.node : made;
    if (node.results.some((r) => sizeOf(r.shape) > this.world.maxElements) || this.#data.has(at(node.results, 0))) return;
    for (const value of node.results) {
      const data = this.dataOf(value);
      this.#keep(value, data, typeof error === "number" ? error : error(data));
    }
  }

  /** An exact value that the predicate likes; null where there is none. */
  pick(genes: Genes, likes: (item: Item) => boolean = () => true): Item | null {
    return this.pickAny(genes, (item) => item.error === 0 && likes(item));
  }

  /** Recent values are likelier, so that programs grow deep as well as wide. */
  pickAny(genes: Genes, likes: (item: Item) => boolean = () => true): Item | null {
    const list = this.items.filter(likes);
    if (list.length === 0) return null;
    const back = Math.min(genes.below(list.length), genes.below(list.length));
    return at(list, list.length - 1 - back);
  }

  /** Another exact value, made to fit a type: cast, broadcast or reshaped; a number where nothing fits. */
  fitting(genes: Genes, type: TensorType): Value {
    const other = this.pick(genes, ({ value }) => fits(value.shape, type.shape));
    if (other === null || genes.oneIn(6)) return fill(genes.from([0, 1, 2, 3]), type);
    const x = cast(other.value, type.dtype);
    return sizeOf(x.shape) === sizeOf(type.shape) ? reshape(x, type.shape) : broadcastTo(x, type.shape);
  }

  dataOf(value: Value): HostData {
    const known = this.#data.get(value);
    if (known !== undefined) return known;
    const data = at(
      interpretValues([value], (v) => this.#data.get(v) ?? null),
      0,
    );
    this.#data.set(value, data);
    return data;
  }

  /** The last values, and some before them. */
  finish(genes: Genes): Program {
    const computed = this.items.filter(({ value }) => !this.#params.includes(value));
    const outputs = computed.filter((_, i) => i === computed.length - 1 || genes.oneIn(4));
    return { graph: { name: "random", params: this.#params, outputs: outputs.map((o) => o.value) }, inputs: this.#params.map((p) => this.dataOf(p)), outputs };
  }

  #keep(value: Value, data: HostData, error: number): void {
    this.#data.set(value, data);
    this.items.push({ value, data, error });
  }
}

function fits(from: Shape, to: Shape): boolean {
  if (sizeOf(from) === sizeOf(to)) return true;
  const both = broadcastShapes(from, to);
  return both !== undefined && sameShape(both, to);
}

export const sameTypeAs =
  (type: TensorType) =>
  ({ value }: Item): boolean =>
    sameType(value.type, type);

export const isFloatItem = ({ value }: Item): boolean => isFloat(value.dtype);
export const hasAxes = ({ value }: Item): boolean => value.shape.length > 0;
