/**
 * Regions that are alike: the layers of a model, the updates of its parameters. What they compute differs in what it is computed from
 * only, so their kernels differ in their names only, and are lowered, scheduled and spelled once.
 */
import { at, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { attrsText } from "../../ir/graph.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Node, Value } from "../../ir/node.ts";
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

class Spelling {
  readonly #region: Region;
  /** Of inputs, and of the results of nodes that were spelled. */
  readonly #names = new Map<Value, string>();
  readonly #scalars: Node[] = [];
  readonly #parts: string[] = [];
  #spelled = 0;

  constructor(region: Region) {
    this.#region = region;
    region.inputs.forEach((v, i) => this.#names.set(v, `in${i}`));
  }

  run(): Structure {
    const { inputs, grid, segments, outputs, held, anchors, nodes } = this.#region;
    const parts = this.#parts;
    parts.push(inputs.map((v) => typeKey(v.type)).join(), grid.map((g) => `${g.name}<${g.extent}`).join());
    for (const [name, { offsets, row }] of segments) parts.push(`segment ${name} ${this.#value(offsets)} ${keyOf(row)}`);
    for (const h of held) parts.push(`hold ${this.#value(h.value)} ${formKey(h.form)}`);
    for (const a of anchors) parts.push(`anchor ${this.#value(a.value)} ${formKey(a.form)}`);
    const stored = destinationsOf(outputs);
    for (const o of outputs) {
      const into = o.into === undefined ? "" : ` into ${stored.indexOf(o.into.value)} ${typeKey(o.into.value.type)} ${formKey(o.into.index)}`;
      parts.push(`store ${this.#value(o.value)} ${typeKey(o.value.type)} ${formKey(o.form)}${into}`);
    }
    // what is counted as a use, though nothing that is stored needs it, is told too
    for (const n of nodes) if (n.results.length > 0) this.#value(at(n.results, 0));
    return { key: parts.join("\n"), scalars: this.#scalars };
  }

  /** The name of a value, after its operands were spelled. */
  #value(v: Value): string {
    const known = this.#names.get(v);
    if (known !== undefined) return known;
    this.#spell(v.node);
    return lookup(this.#names, v, "the name of a value");
  }

  #spell(root: Node): void {
    const waiting = [root];
    for (let n = waiting.at(-1); n !== undefined; n = waiting.at(-1)) {
      const { length } = waiting;
      const isSpelled = this.#isSpelled(n);
      if (!isSpelled) this.#askFor(n.args, waiting);
      if (waiting.length > length) continue;
      waiting.pop();
      if (!isSpelled) this.#define(n);
    }
  }

  #askFor(args: readonly Value[], waiting: Node[]): void {
    for (let i = 0; i < args.length; i++) {
      const a = at(args, i);
      if (!this.#names.has(a)) waiting.push(a.node);
    }
  }

  /** Of a node with several results one may be an input. */
  #isSpelled({ results }: Node): boolean {
    for (let i = 0; i < results.length; i++) if (!this.#names.has(at(results, i))) return false;
    return results.length > 0;
  }

  #define(n: Node): void {
    const id = this.#spelled++;
    let types = "";
    for (let i = 0; i < n.results.length; i++) {
      const r = at(n.results, i);
      types += `${typeKey(r.type)} `;
      if (!this.#names.has(r)) this.#names.set(r, `%${id}.${i}`);
    }
    if (isScalarParam(n)) {
      this.#scalars.push(n);
      this.#parts.push(`scalar ${types}`);
      return;
    }
    let operands = "";
    for (let i = 0; i < n.args.length; i++) operands += `${lookup(this.#names, at(n.args, i), "the name of an operand")},`;
    const isOwn = this.#region.nodes.has(n) ? "" : " outside";
    this.#parts.push(`${opId(n.op)}(${operands}){${attrsText(n.attrs)}}${types}${isOwn}`);
  }
}
