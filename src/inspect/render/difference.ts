/**
 * What a pass did to a graph, node by node.
 *
 *     - %2' = multiply %1, %0 : f32[4]
 *     - %3 = exp %2' : f32[4]
 *     + %3 = exp %1 : f32[4]
 *
 * Nodes of both graphs are paired in order where op, attributes and types agree; what is paired has the name that it has after the
 * pass, what is gone keeps its old name with a prime. Pairs whose operands agree too are shown only next to a change.
 */
import { at } from "../../../compiler/ir/errors.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import type { Node, Value } from "../../../compiler/ir/node.ts";
import type { NamedGraph } from "../../../compiler/ir/print.ts";
import { attrsText, nameGraph, nodeText } from "../../../compiler/ir/print.ts";
import { typeText } from "../../../compiler/ir/shape.ts";

interface Line {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

/** The difference of two graphs as lines that begin with `-`, `+` or a space; empty where there is none. */
export function graphDifference(before: Graph, after: Graph): string {
  const [old, now] = [nameGraph(before), nameGraph(after)];
  const partner = withoutStrangers(pairs(old.nodes, now.nodes), old, now);
  const names = oldNames(old, now, partner);
  const lines = [...linesOf(old, now, partner, names), ...returns(before, after, now, names)];
  return shorten(lines)
    .map((l) => `${l.mark} ${l.text}\n`)
    .join("");
}

/** Names in the old graph, told in those of the new one. */
function oldNames(old: NamedGraph, now: NamedGraph, partner: ReadonlyMap<Node, Node>): Pick<NamedGraph, "of" | "ofNode"> {
  const isLeaf = new Set(old.leaves.map((v) => v.node));
  const ofNode = (n: Node): string => {
    const paired = partner.get(n);
    if (paired !== undefined) return now.ofNode(paired);
    return isLeaf.has(n) ? old.ofNode(n) : `${old.ofNode(n)}'`;
  };
  const of = (v: Value): string => {
    if (isLeaf.has(v.node)) return old.of(v);
    return v.node.results.length === 1 ? ofNode(v.node) : `${ofNode(v.node)}.${v.index}`;
  };
  return { of, ofNode };
}

/** Old and new nodes in one order: what is gone stands before what came in its place. */
function linesOf(old: NamedGraph, now: NamedGraph, partner: ReadonlyMap<Node, Node>, names: Pick<NamedGraph, "of" | "ofNode">): Line[] {
  const lines: Line[] = [];
  const paired = new Map([...partner].map(([a, b]) => [b, a]));
  let next = 0;
  const removed = (): void => {
    for (let n = old.nodes[next]; n !== undefined && !partner.has(n); n = old.nodes[++next]) lines.push({ mark: "-", text: nodeText(n, names) });
  };
  for (const node of now.nodes) {
    removed();
    const was = paired.get(node);
    const text = nodeText(node, now);
    if (was !== undefined) {
      next++;
      const before = nodeText(was, names);
      if (before !== text) lines.push({ mark: "-", text: before });
      lines.push({ mark: before === text ? " " : "+", text });
    } else lines.push({ mark: "+", text });
  }
  removed();
  return lines;
}

function returns(before: Graph, after: Graph, now: NamedGraph, names: Pick<NamedGraph, "of">): Line[] {
  const [was, is] = [before.outputs.map(names.of), after.outputs.map(now.of)].map((list) => `return ${list.join(", ")}`);
  if (was === undefined || is === undefined || was === is) return [];
  return [
    { mark: "-", text: was },
    { mark: "+", text: is },
  ];
}

/** Changed lines with one line of context on either side; `…` stands for what is left out. */
function shorten(lines: readonly Line[]): Line[] {
  const near = (i: number): boolean => [i - 1, i, i + 1].some((k) => (lines[k]?.mark ?? " ") !== " ");
  const kept: Line[] = [];
  lines.forEach((l, i) => {
    if (near(i)) kept.push(l);
    else if (i > 0 && near(i - 1) && lines.slice(i).some((_, k) => near(i + k))) kept.push({ mark: " ", text: "…" });
  });
  return kept;
}

/** The pairs without those of two operands or more that have none in common: they only look alike. */
function withoutStrangers(partner: Map<Node, Node>, old: NamedGraph, now: NamedGraph): Map<Node, Node> {
  const isLeaf = new Set(old.leaves.map((v) => v.node));
  const same = (a: Value, b: Value): boolean => (isLeaf.has(a.node) ? old.of(a) === now.of(b) : partner.get(a.node) === b.node);
  for (const n of old.nodes) {
    const other = partner.get(n);
    if (other !== undefined && n.args.length > 1 && n.args.every((a, i) => !same(a, at(other.args, i)))) partner.delete(n);
  }
  return partner;
}

const signature = (n: Node): string => `${n.op.name}|${attrsText(n.attrs, n.op.attrs)}|${n.results.map((r) => typeText(r.type)).join()}|${n.args.length}`;

/** More cells than this are not filled: nodes are then paired with one of the next few. */
const largestTable = 1 << 22;

/** The longest common subsequence of two lists of nodes, by signature. */
function pairs(a: readonly Node[], b: readonly Node[]): Map<Node, Node> {
  const [x, y] = [a.map(signature), b.map(signature)];
  const found = new Map<Node, Node>();
  let start = 0;
  while (start < a.length && start < b.length && x[start] === y[start]) found.set(at(a, start), at(b, start++));
  let [m, n] = [a.length, b.length];
  while (m > start && n > start && x[m - 1] === y[n - 1]) found.set(at(a, --m), at(b, --n));
  const table = (m - start) * (n - start) <= largestTable ? commonLengths(x.slice(start, m), y.slice(start, n)) : null;
  let [i, k] = [start, start];
  while (i < m && k < n) {
    if (x[i] === y[k]) found.set(at(a, i++), at(b, k++));
    else if (table === null ? soonIn(x, y[k], i) : table(i + 1 - start, k - start) >= table(i - start, k + 1 - start)) i++;
    else k++;
  }
  return found;
}

/** Whether a signature comes within the next few: what a pass moves, it moves little. */
const soonIn = (list: readonly string[], wanted: string | undefined, from: number): boolean => list.slice(from, from + 32).some((s) => s === wanted);

/** For each pair of positions the length of the longest common subsequence of what follows. */
function commonLengths(x: readonly string[], y: readonly string[]): (i: number, k: number) => number {
  const width = y.length + 1;
  const table = new Uint32Array((x.length + 1) * width);
  const cell = (i: number, k: number): number => table[i * width + k] ?? 0;
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = y.length - 1; k >= 0; k--) table[i * width + k] = x[i] === y[k] ? cell(i + 1, k + 1) + 1 : Math.max(cell(i + 1, k), cell(i, k + 1));
  }
  return cell;
}
