/**
 * Graph text.
 *
 *     graph @loss(%x: f32[128,784], %lr: scalar f32) -> f32[] {
 *       %0 = reduce sum %x {axes=[0,1]} : f32[]
 *       %1 = multiply %0, %lr : f32[]
 *       return %1
 *     }
 *
 * Values are numbered in the order of printing. A node with several results prints `%3:2 = sort …` and is used as `%3.0`, `%3.1`.
 * `user` after the types marks what the user passed at a call, so that canonicalize may lift it. People keep this text in tests:
 * its form only changes with `graphTextVersion`.
 */
import { dtypeInfo, isDType } from "./dtype.ts";
import { lookup } from "./errors.ts";
import type { Graph } from "./graph.ts";
import { postorder } from "./graph.ts";
import type { Attrs, AttrValue, Node, Value } from "./node.ts";
import { nameText, numberText } from "./parse-core.ts";
import type { AttrForm, AttrSchema } from "./primitive.ts";
import { typeText } from "./shape.ts";

/** The version of Graph text; a file may open with `version 1`. */
export const graphTextVersion = 1;

/** A graph with the names that its text gives to its values. */
export interface NamedGraph {
  /** Params, then data that stands for itself, in the order of the header. */
  readonly leaves: readonly Value[];
  /** The nodes in the order of the text. */
  readonly nodes: readonly Node[];
  /** `%x`, `%0` or `%3.1`. */
  readonly of: (value: Value) => string;
  /** `%3` for a node of any number of results. */
  readonly ofNode: (node: Node) => string;
}

/** The names of a graph's values, as `printGraph` writes them. Nodes that hold data are named as params: `data`, `data_1` … */
export function nameGraph(graph: Graph): NamedGraph {
  const reached = postorder(graph.outputs, isData);
  const leaves = [...graph.params, ...dataOf(reached, graph)];
  const names = new Names();
  for (const p of leaves) names.leaf(p, leafName(p));
  const nodes = reached.filter((n) => !names.has(n));
  for (const n of nodes) names.node(n);
  return { leaves, nodes, of: (v) => names.of(v), ofNode: (n) => names.ofNode(n) };
}

/** The text of a graph, without a final line break. */
export function printGraph(graph: Graph): string {
  const named = nameGraph(graph);
  const params = named.leaves.map((p) => `${named.of(p)}: ${leafType(p)}`).join(", ");
  const lines = named.nodes.map((n) => `  ${nodeText(n, named)}\n`).join("");
  const types = graph.outputs.map((o) => typeText(o.type)).join(", ");
  const result = graph.outputs.length === 1 ? types : `(${types})`;
  const outputs = graph.outputs.map((o, i) => `${i > 0 ? "," : ""} ${named.of(o)}`).join("");
  return `graph @${nameText(graph.name)}(${params}) -> ${result} {\n${lines}  return${outputs}\n}`;
}

/** The texts of several graphs, as one file. */
export const printGraphs = (graphs: readonly Graph[]): string => graphs.map((g) => `${printGraph(g)}\n`).join("\n");

const isData = (v: Value): boolean => v.node.definition === null;

/** Values of data nodes that are used, in order of use. */
function dataOf(nodes: readonly Node[], graph: Graph): Value[] {
  const params = new Set(graph.params);
  const found = new Set<Value>();
  const see = (v: Value): void => {
    if (isData(v) && !params.has(v)) found.add(v);
  };
  for (const n of nodes) n.args.forEach(see);
  graph.outputs.forEach(see);
  return [...found];
}

/** Gives every value of one graph its name in the text. */
class Names {
  readonly #names = new Map<Node | Value, string>();
  readonly #taken = new Set<string>();
  #next = 0;

  has(node: Node): boolean {
    return this.#names.has(node);
  }

  /** Names a param or a data value; a name that is taken gets a number. */
  leaf(value: Value, wanted: string): void {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    this.#names.set(isData(value) ? value : value.node, `%${nameText(name)}`);
  }

  node(node: Node): void {
    this.#names.set(node, `%${this.#next++}`);
  }

  ofNode(node: Node): string {
    return lookup(this.#names, node, "a printed node");
  }

  of(value: Value): string {
    if (isData(value)) return lookup(this.#names, value, "a data value of a graph");
    const text = this.ofNode(value.node);
    return value.node.results.length === 1 ? text : `${text}.${value.index}`;
  }
}

function leafName(value: Value): string {
  if (isData(value)) return "data";
  const { name } = value.node.attrs;
  return typeof name === "string" ? name : "p";
}

function leafType(value: Value): string {
  const scalar = !isData(value) && value.node.attrs["space"] === "scalar" && value.shape.length === 0;
  return scalar ? `scalar ${dtypeInfo(value.dtype).short}` : typeText(value.type);
}

/** `%3 = exp %2 : f32[4]`, with the names that `named` gives. */
export function nodeText(node: Node, named: Pick<NamedGraph, "of" | "ofNode">): string {
  const args = node.args.map((a) => named.of(a)).join(", ");
  const count = node.results.length === 1 ? "" : `:${node.results.length}`;
  const types = node.results.map((r) => typeText(r.type)).join(", ");
  const mark = node.provenance === "user" ? " user" : "";
  const parts = [node.op.name, args, attrsText(node.attrs, node.op.attrs)].filter((p) => p !== "").join(" ");
  return `${named.ofNode(node)}${count} = ${parts} : ${types}${mark}`;
}

/** `{axes=[1], dtype=f32}` in the order of the row's schema; nothing where there are none. */
export function attrsText(attrs: Attrs, schema: AttrSchema): string {
  const forms = schemaForms(schema);
  const rest = Object.keys(attrs).filter((k) => !forms.has(k));
  const keys = [...forms.keys(), ...rest.sort()].filter((k) => attrs[k] !== undefined);
  if (keys.length === 0) return "";
  return `{${keys.map((k) => `${k}=${attrText(attrs[k] ?? null, forms.get(k)?.form)}`).join(", ")}}`;
}

/** A row's attributes by name; `?` at the end of a name in the schema marks one that may be absent. */
export function schemaForms(schema: AttrSchema): Map<string, { readonly form: AttrForm; readonly optional: boolean }> {
  return new Map(
    Object.entries(schema).map(([key, form]) => {
      const optional = key.endsWith("?");
      return [optional ? key.slice(0, -1) : key, { form, optional }];
    }),
  );
}

function attrText(value: AttrValue, form: AttrForm | undefined): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return form === "dtype" && isDType(value) ? dtypeInfo(value).short : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((v: AttrValue) => attrText(v, undefined)).join(",")}]`;
  return String(value);
}
