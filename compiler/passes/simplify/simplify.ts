/**
 * simplify: the rules, applied operands first until none applies.
 *
 *   %0 = const 1; %1 = broadcast %0; %2 = multiply %x, %1; return %2     →     return %x
 *
 * Rules only go downhill, so a node settles after a few applications; the count is reported.
 */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import type { Graph } from "../../ir/graph.ts";
import { Interner, postorder } from "../../ir/graph.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Primitive } from "../../ir/primitive.ts";
import { algebra } from "./algebra.ts";
import { folding } from "./fold.ts";
import { positions } from "./positions.ts";
import type { Rule } from "./rule.ts";
import { isAbout } from "./rule.ts";
import { shapes } from "./shapes.ts";
import { updates } from "./updates.ts";

/** Every rule, in the order of trying. */
export const rules: readonly Rule[] = [...folding, ...algebra, ...shapes, ...positions, ...updates];

export interface Simplified {
  readonly graph: Graph;
  /** Names of the rules that fired, in order. */
  readonly fired: readonly string[];
  readonly visits: number;
}

/** No chain of downhill rules at one node is longer. */
const maxChain = 64;

export function simplify(graph: Graph, options: { readonly unsafe?: boolean } = {}): Simplified {
  return new Simplifier(
    graph,
    rules.filter((r) => options.unsafe === true || r.unsafe !== true),
  ).run();
}

class Simplifier {
  readonly #graph: Graph;
  readonly #rules: readonly Rule[];
  readonly #rulesByOp = new Map<Primitive, readonly Rule[]>();
  readonly #interner = new Interner();
  readonly #done = new Map<Node, readonly Value[]>();
  readonly #fired: string[] = [];
  #visits = 0;

  constructor(graph: Graph, active: readonly Rule[]) {
    this.#graph = graph;
    this.#rules = active;
  }

  run(): Simplified {
    for (const p of this.#graph.params) this.#done.set(p.node, p.node.results);
    const outputs = this.#graph.outputs.map((v) => this.#settle(v));
    return { graph: { ...this.#graph, outputs }, fired: this.#fired, visits: this.#visits };
  }

  /** The simplest form of a value whose definition may hold nodes not met before; those come from the user's line `site`. */
  #settle(root: Value, site: string | null = null): Value {
    for (const node of postorder([root], (v) => this.#done.has(v.node))) {
      this.#visits++;
      const made = this.#onSettled(node);
      made.site ??= node.site ?? site;
      this.#done.set(node, this.#reduce(made, 0));
    }
    return at(lookup(this.#done, root.node, "a settled node"), root.index);
  }

  /** The node on its settled operands. */
  #onSettled(node: Node): Node {
    const settled = node.args.map((v) => at(lookup(this.#done, v.node, "a settled node"), v.index));
    return this.#interner.kept(node, settled);
  }

  #reduce(node: Node, depth: number): readonly Value[] {
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const better = node.results.length === 1 ? this.#apply(node) : null;
    if (depth > maxChain) throw new CompilerBug(`simplify: rules do not settle at ${node.op.name}: ${this.#fired.slice(-4).join(" · ")}`);
    this.#done.set(node, node.results);
    const settled = better === null ? node.results : [this.#settle(better, node.site)];
    this.#done.set(node, settled);
    return settled;
  }

  #apply(node: Node): Value | null {
    const x = at(node.results, 0);
    const { def } = node;
    for (const r of this.#rulesOf(def.op)) {
      const better = r.rewrite(def, x);
      if (better === null || better === x) continue;
      this.#fired.push(r.name);
      return better;
    }
    return null;
  }

  #rulesOf(op: Primitive): readonly Rule[] {
    let own = this.#rulesByOp.get(op);
    if (own === undefined) this.#rulesByOp.set(op, (own = this.#rules.filter((r) => isAbout(r, op))));
    return own;
  }
}
