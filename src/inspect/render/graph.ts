/** A graph for other programs to draw or read: Graphviz, Mermaid, JSON. */
import type { Graph } from "../../../compiler/ir/graph.ts";
import type { AttrValue, Node, Value } from "../../../compiler/ir/node.ts";
import { numberText } from "../../../compiler/ir/parse-core.ts";
import type { NamedGraph } from "../../../compiler/ir/print.ts";
import { attrsText, nameGraph } from "../../../compiler/ir/print.ts";
import { typeText } from "../../../compiler/ir/shape.ts";

/** The graph in the language of Graphviz: `dot -Tsvg`. */
export function graphDot(graph: Graph): string {
  const named = nameGraph(graph);
  const quote = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  const boxes = [
    ...named.leaves.map((p) => `  ${quote(idOf(p, named))} [shape=ellipse, label=${quote(`${named.of(p)}\n${typeText(p.type)}`)}];`),
    ...named.nodes.map((n) => `  ${quote(named.ofNode(n))} [label=${quote(labelOf(n, named))}];`),
    ...graph.outputs.map((_, i) => `  ${quote(`return ${i}`)} [shape=plaintext];`),
  ];
  const edges = edgesOf(graph, named).map((e) => `  ${quote(e.from)} -> ${quote(e.to)}${e.label === "" ? "" : ` [label=${quote(e.label)}]`};`);
  return [`digraph ${quote(graph.name)} {`, "  node [shape=box];", ...boxes, ...edges, "}", ""].join("\n");
}

/** The graph as a Mermaid flowchart. */
export function graphMermaid(graph: Graph): string {
  const named = nameGraph(graph);
  const ids = new Map<string, string>();
  const id = (name: string): string => {
    const known = ids.get(name) ?? `n${ids.size}`;
    ids.set(name, known);
    return known;
  };
  const quote = (text: string): string => `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll("\n", "<br>")}"`;
  const boxes = [
    ...named.leaves.map((p) => `  ${id(idOf(p, named))}([${quote(`${named.of(p)}\n${typeText(p.type)}`)}])`),
    ...named.nodes.map((n) => `  ${id(named.ofNode(n))}[${quote(labelOf(n, named))}]`),
    ...graph.outputs.map((_, i) => `  ${id(`return ${i}`)}[[${quote(`return ${i}`)}]]`),
  ];
  const edges = edgesOf(graph, named).map((e) => `  ${id(e.from)} -->${e.label === "" ? "" : `|${e.label}|`} ${id(e.to)}`);
  return ["flowchart TD", ...boxes, ...edges, ""].join("\n");
}

/** A node of a graph as plain data. */
export interface NodeJson {
  readonly name: string;
  readonly op: string;
  readonly args: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly types: readonly string[];
  /** The user's line that made it, where that was recorded. */
  readonly site: string | null;
}

/** A graph as plain data that survives `JSON.stringify`: -0, NaN and the infinities stand as strings. */
export interface GraphJson {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: string; readonly space: string }[];
  readonly nodes: readonly NodeJson[];
  readonly outputs: readonly { readonly value: string; readonly type: string }[];
}

/** The graph as plain data. */
export function graphJson(graph: Graph): GraphJson {
  const named = nameGraph(graph);
  return {
    name: graph.name,
    params: named.leaves.map((p) => ({
      name: named.of(p),
      type: typeText(p.type),
      space: p.node.definition?.attrs["space"] === "scalar" ? "scalar" : "buffer",
    })),
    nodes: named.nodes.map((n) => ({
      name: named.ofNode(n),
      op: n.op.name,
      args: n.args.map(named.of),
      attrs: Object.fromEntries(Object.entries(n.attrs).map(([k, v]) => [k, plain(v)])),
      types: n.results.map((r) => typeText(r.type)),
      site: n.site,
    })),
    outputs: graph.outputs.map((o) => ({ value: named.of(o), type: typeText(o.type) })),
  };
}

function plain(v: AttrValue): AttrValue {
  if (typeof v === "number") return Number.isFinite(v) && !Object.is(v, -0) ? v : numberText(v);
  return Array.isArray(v) ? v.map(plain) : v;
}

/** A leaf is a box of its own, a result belongs to the box of its node. */
const idOf = (v: Value, named: NamedGraph): string => (v.node.definition === null ? named.of(v) : named.ofNode(v.node));

function labelOf(node: Node, named: NamedGraph): string {
  const attrs = attrsText(node.attrs, node.op.attrs);
  return `${named.ofNode(node)} ${node.op.name}${attrs === "" ? "" : `\n${attrs}`}\n${node.results.map((r) => typeText(r.type)).join(", ")}`;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Which operand and which result, where there are several. */
  readonly label: string;
}

function edgesOf(graph: Graph, named: NamedGraph): Edge[] {
  const resultOf = (v: Value): string => (v.node.results.length > 1 ? `.${v.index}` : "");
  const inner = named.nodes.flatMap((n) =>
    n.args.map((a, i): Edge => ({
      from: idOf(a, named),
      to: named.ofNode(n),
      label: `${resultOf(a)}${n.args.length > 1 ? `${resultOf(a) === "" ? "" : " "}${i}` : ""}`,
    })),
  );
  return [...inner, ...graph.outputs.map((o, i): Edge => ({ from: idOf(o, named), to: `return ${i}`, label: resultOf(o) }))];
}
