/**
 * Regions that are alike: the layers of a model, the updates of its parameters. What they compute differs in what it is computed from
 * only, so their kernels differ in their names only, and are lowered, scheduled and spelled once.
 */
import { at, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { attrsText, postorder } from "../../ir/graph.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Node, Value } from "../../ir/node.ts";
import { noAttrs } from "../../ir/node.ts";
import type { Primitive } from "../../ir/primitive.ts";
import type { TensorType } from "../../ir/shape.ts";
import type { Region } from "../region.ts";
import { destinationsOf, isScalarParam } from "../region.ts";

/** The text of a region's structure, equal for regions that are alike; and its scalar params, in an order that the text fixes. */
export interface Structure {
  readonly key: string;
  readonly scalars: readonly Node[];
}

export function structureOf(region: Region): Structure {
  return new Spelling(region).run();
}

const opIds = new WeakMap<Primitive, number>();
let ops = 0;

/** Ops of one name may be several: a test adds its own. */
function opId(op: Primitive): number {
  let id = opIds.get(op);
  if (id === undefined) opIds.set(op, (id = ++ops));
  return id;
}

const typeKey = ({ dtype, shape }: TensorType): string => `${dtype}[${shape.join()}]`;
const formKey = (form: readonly Expr[]): string => form.map((e) => `${keyOf(e)}<${e.hi}`).join();

/** Spells inputs and results by numbers, in the order in which they are met; a result's type follows from the operands'. */
class Spelling {
  readonly #region: Region;
  readonly #numbers = new Map<Value, number>();
  readonly #scalars: Node[] = [];
  readonly #words: (string | number)[] = [];
  #numbered: number;

  constructor(region: Region) {
    this.#region = region;
    region.inputs.forEach((v, i) => this.#numbers.set(v, i));
    this.#numbered = region.inputs.length;
  }

  run(): Structure {
    const { inputs, grid, segments, outputs, held, anchors, nodes } = this.#region;
    const words = this.#words;
    for (const v of inputs) words.push(typeKey(v.type));
    for (const g of grid) words.push(g.name, g.extent);
    for (const [name, { offsets, row }] of segments) words.push("segment", name, this.#value(offsets), keyOf(row));
    for (const h of held) words.push("hold", this.#value(h.value), formKey(h.form));
    for (const a of anchors) words.push("anchor", this.#value(a.value), formKey(a.form));
    const stored = destinationsOf(outputs);
    for (const { value, form, into } of outputs) {
      words.push("store", this.#value(value), typeKey(value.type), formKey(form));
      if (into !== undefined) words.push("into", stored.indexOf(into.value), typeKey(into.value.type), formKey(into.index));
    }
    // what is counted as a use, though nothing that is stored needs it, is told too
    for (const n of nodes) if (n.results.length > 0) this.#value(at(n.results, 0));
    return { key: words.join(" "), scalars: this.#scalars };
  }

  /** The number of a value, after what it is made of was spelled. */
  #value(v: Value): number {
    const known = this.#numbers.get(v);
    if (known !== undefined) return known;
    const nodes = postorder([v], (x) => this.#numbers.has(x));
    for (let i = 0; i < nodes.length; i++) this.#define(at(nodes, i));
    return lookup(this.#numbers, v, "the number of a value");
  }

  #define(n: Node): void {
    const words = this.#words;
    if (isScalarParam(n)) {
      this.#scalars.push(n);
      words.push("scalar", typeKey(at(n.results, 0).type));
    } else {
      const { op, args, attrs } = n.def;
      words.push(this.#region.nodes.has(n) ? "inside" : "outside", opId(op));
      for (let i = 0; i < args.length; i++) words.push(lookup(this.#numbers, at(args, i), "the number of an operand"));
      if (attrs !== noAttrs) words.push(attrsText(attrs));
    }
    for (let i = 0; i < n.results.length; i++) {
      const r = at(n.results, i);
      if (!this.#numbers.has(r)) this.#numbers.set(r, this.#numbered + i);
    }
    this.#numbered += n.results.length;
  }
}
