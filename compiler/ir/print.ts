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

/** The text of a graph, without a final line break. Nodes that hold data print as params named `data`, `data_1` … */
export function printGraph(graph: Graph): string {
  const nodes = postorder(graph.outputs, isData);
  const names = new Names();
  const data = dataOf(nodes, graph);
  const params = [...graph.params.map((p) => paramText(p, names)), ...data.map((d) => `${names.leaf(d, "data")}: ${typeText(d.type)}`)];
  const lines = nodes.filter((n) => !names.has(n)).map((n) => `  ${nodeText(n, names)}\n`);
  const outputs = graph.outputs.map((o) => names.of(o));
  const types = graph.outputs.map((o) => typeText(o.type)).join(", ");
  const result = outputs.length === 1 ? types : `(${types})`;
  return `graph @${nameText(graph.name)}(${params.join(", ")}) -> ${result} {\n${lines.join("")}  return${outputs.map((o, i) => `${i > 0 ? "," : ""} ${o}`).join("")}\n}`;
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
  leaf(value: Value, wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    const text = `%${nameText(name)}`;
    this.#names.set(value.node.definition === null ? value : value.node, text);
    return text;
  }

  node(node: Node): string {
    const text = `%${this.#next++}`;
    this.#names.set(node, text);
    return text;
  }

  of(value: Value): string {
    if (isData(value)) return lookup(this.#names, value, "a data value of a graph");
    const text = lookup(this.#names, value.node, "a printed node");
    return value.node.results.length === 1 ? text : `${text}.${value.index}`;
  }
}

function paramText(value: Value, names: Names): string {
  if (isData(value)) return `${names.leaf(value, "data")}: ${typeText(value.type)}`;
  const { attrs } = value.node;
  const name = names.leaf(value, typeof attrs["name"] === "string" ? attrs["name"] : "p");
  if (attrs["space"] === "scalar" && value.shape.length === 0) return `${name}: scalar ${dtypeInfo(value.dtype).short}`;
  return `${name}: ${typeText(value.type)}`;
}

function nodeText(node: Node, names: Names): string {
  const args = node.args.map((a) => names.of(a)).join(", ");
  const count = node.results.length === 1 ? "" : `:${node.results.length}`;
  const types = node.results.map((r) => typeText(r.type)).join(", ");
  const mark = node.provenance === "user" ? " user" : "";
  const parts = [node.op.name, args, attrsText(node.attrs, node.op.attrs)].filter((p) => p !== "").join(" ");
  return `${names.node(node)}${count} = ${parts} : ${types}${mark}`;
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
