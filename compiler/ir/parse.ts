/** Graph text to graphs; `print.ts` shows the form. Whatever does not parse is a ParseError with its line and column. */
import { attrProblem } from "./attributes.ts";
import { CompilerBug, DTypeError, IndexError, ParseError, ShapeError, UnsupportedError } from "./errors.ts";
import type { Graph } from "./graph.ts";
import type { Attrs, AttrValue, Provenance, Value } from "./node.ts";
import { makeNode, result } from "./node.ts";
import type { Token } from "./parse-core.ts";
import { parseCount, parseDType, parseList, parseNumeric, parseType, shown, Tokens } from "./parse-core.ts";
import { graphTextVersion, schemaForms } from "./print.ts";
import type { AttrForm, ParamPrimitive, Primitive } from "./primitive.ts";
import type { TensorType } from "./shape.ts";
import { sameType, tensorType, typeText } from "./shape.ts";

/** The one graph of a text; a ParseError where there is none, or more than one. */
export function parseGraph(text: string, ops: readonly Primitive[]): Graph {
  const [graph, second] = parseGraphs(text, ops);
  if (graph === undefined) throw new ParseError("there is no graph in the text", 1, 1);
  if (second !== undefined) throw new ParseError(`expected one graph, found a second one: @${second.name}`, 1, 1);
  return graph;
}

/** All graphs of a text, which may open with `version 1`. */
export function parseGraphs(text: string, ops: readonly Primitive[]): Graph[] {
  const tokens = new Tokens(text);
  parseVersion(tokens);
  const table = new Map(ops.map((op) => [op.name, op]));
  const graphs: Graph[] = [];
  const names = new Set<string>();
  while (tokens.peek.kind !== "end") {
    tokens.expect("graph", "at the start of a graph");
    const at = tokens.peek;
    const graph = new GraphParser(tokens, table).parse();
    if (names.has(graph.name)) throw tokens.error(`there are two graphs @${graph.name}`, at);
    names.add(graph.name);
    graphs.push(graph);
  }
  return graphs;
}

function parseVersion(tokens: Tokens): void {
  if (!tokens.take("version")) return;
  const token = tokens.peek;
  const version = parseCount(tokens, "a version");
  if (version !== graphTextVersion) throw tokens.error(`this reads version ${graphTextVersion} of Graph text, not ${version}`, token);
}

class GraphParser {
  readonly #tokens: Tokens;
  readonly #table: ReadonlyMap<string, Primitive>;
  readonly #values = new Map<string, readonly Value[]>();

  constructor(tokens: Tokens, table: ReadonlyMap<string, Primitive>) {
    this.#tokens = tokens;
    this.#table = table;
  }

  parse(): Graph {
    const t = this.#tokens;
    const name = t.expectKind("global", "the graph's name, as @loss").name;
    t.expect("(", "before the params");
    const params = parseList(t, ")", "after the params", () => this.#param());
    t.expect("->", "before the types of the outputs");
    const typesAt = t.peek;
    const types = t.take("(") ? parseList(t, ")", "after the types of the outputs", () => parseType(t)) : [parseType(t)];
    t.expect("{", "before the graph's nodes");
    while (!t.sees("return")) this.#node();
    const outputs = this.#outputs(types, typesAt);
    t.expect("}", "after the graph's outputs");
    return { name, params, outputs };
  }

  #outputs(types: readonly TensorType[], typesAt: Token): Value[] {
    const t = this.#tokens;
    t.expect("return", "before the outputs");
    const outputs: Value[] = [];
    const output = (): void => {
      const token = t.peek;
      const value = this.#use();
      const want = types[outputs.length];
      if (want !== undefined && !sameType(want, value.type))
        throw t.error(`${shown(token)} is ${typeText(value.type)}, the graph returns ${typeText(want)}`, token);
      outputs.push(value);
    };
    if (!t.sees("}")) output();
    while (t.take(",")) output();
    if (outputs.length !== types.length) throw t.error(`the graph declares ${types.length} outputs and returns ${outputs.length}`, typesAt);
    return outputs;
  }

  #param(): Value {
    const t = this.#tokens;
    const token = this.#freshName("a param, as %x");
    t.expect(":", "before the param's type");
    const scalar = t.take("scalar");
    const type = scalar ? tensorType(parseDType(t), []) : parseType(t);
    const attrs = { name: token.name, dtype: type.dtype, shape: type.shape, space: scalar ? "scalar" : "buffer" };
    const node = makeNode(this.#paramRow(token), [], attrs);
    this.#values.set(token.name, node.results);
    return result(node, 0);
  }

  #paramRow(token: Token): ParamPrimitive {
    for (const op of this.#table.values()) if (op.kind === "param") return op;
    throw this.#tokens.error("the op table has no row for params", token);
  }

  /** A name that is not taken. */
  #freshName(what: string): Token {
    const token = this.#tokens.expectKind("ref", what);
    if (token.suffix !== "") throw this.#tokens.error(`a name to define has no .${token.suffix}: ${token.text}`, token);
    if (this.#values.has(token.name)) throw this.#tokens.error(`${token.text} is defined twice`, token);
    return token;
  }

  /** `%2`, or `%3.1` of a node with several results. */
  #use(): Value {
    const t = this.#tokens;
    const token = t.expectKind("ref", "a value, as %0");
    const results = this.#values.get(token.name);
    if (results === undefined) throw t.error(`unknown value ${token.text}`, token);
    if (token.suffix === "" && results.length > 1) throw t.error(`${token.text} has ${results.length} results: write ${token.text}.0`, token);
    const value = results[Number(token.suffix)];
    if (value === undefined) throw t.error(`${token.text}: there are ${results.length} results, counted from 0`, token);
    return value;
  }

  #node(): void {
    const t = this.#tokens;
    const name = this.#freshName("a node, as %0 =, or return");
    const count = t.take(":") ? parseCount(t, "the number of results") : 1;
    t.expect("=", "before the op");
    const opAt = t.peek;
    const op = this.#op();
    const args = t.peek.kind === "ref" ? this.#args() : [];
    if (op.arity !== "any" && op.arity !== args.length) throw t.error(`${op.name} takes ${op.arity} operands, not ${args.length}`, opAt);
    const attrs = this.#attrs(op, opAt);
    t.expect(":", "before the type of the result");
    const typesAt = t.peek;
    const types = [parseType(t)];
    while (t.take(",")) types.push(parseType(t));
    const provenance: Provenance = t.take("user") ? "user" : "compiler";
    const results = this.#make(op, args, attrs, provenance, opAt);
    const inferred = results.map((r) => typeText(r.type)).join(", ");
    const written = types.map(typeText).join(", ");
    if (inferred !== written) throw t.error(`${op.name} gives ${inferred}, the text says ${written}`, typesAt);
    if (count !== results.length) throw t.error(`${op.name} has ${results.length} results, the text says ${count}`, name);
    this.#values.set(name.name, results);
  }

  #make(op: Primitive, args: readonly Value[], attrs: Attrs, provenance: Provenance, opAt: Token): readonly Value[] {
    try {
      return makeNode(op, args, attrs, provenance).results;
    } catch (e) {
      const expected =
        e instanceof ShapeError || e instanceof DTypeError || e instanceof IndexError || e instanceof UnsupportedError || e instanceof CompilerBug;
      if (expected) throw this.#tokens.error(e.message, opAt);
      throw e;
    }
  }

  /** The op's words run up to an operand, attributes or the type. */
  #op(): Primitive {
    const t = this.#tokens;
    const first = t.peek;
    const words: string[] = [];
    while (t.peek.kind === "word") words.push(t.next().text);
    const name = words.join(" ");
    if (name === "") throw t.error(`expected an op, found ${shown(first)}`, first);
    const op = this.#table.get(name);
    if (op === undefined) throw t.error(`unknown op ${name}`, first);
    if (op.kind === "param") throw t.error("params stand in the graph's header", first);
    return op;
  }

  #args(): Value[] {
    const args = [this.#use()];
    while (this.#tokens.take(",")) args.push(this.#use());
    return args;
  }

  #attrs(op: Primitive, opAt: Token): Attrs {
    const t = this.#tokens;
    const forms = schemaForms(op.attrs);
    const attrs: Record<string, AttrValue> = {};
    const item = (): void => {
      const key = t.expectKind("word", "an attribute's name");
      const form = forms.get(key.name)?.form;
      if (form === undefined) throw t.error(`${op.name} has no attribute ${key.name}; it has ${[...forms.keys()].join(", ") || "none"}`, key);
      if (attrs[key.name] !== undefined) throw t.error(`attribute ${key.name} is given twice`, key);
      t.expect("=", `after ${key.name}`);
      const valueAt = t.peek;
      const value = this.#attr(form);
      const problem = attrProblem(value, form);
      if (problem !== undefined) throw t.error(`${op.name}: attribute ${key.name} should be ${problem}`, valueAt);
      attrs[key.name] = value;
    };
    if (t.take("{")) parseList(t, "}", "after the attributes", item);
    for (const [key, { optional }] of forms) if (!optional && attrs[key] === undefined) throw t.error(`${op.name} needs attribute ${key}`, opAt);
    // long digits are a bigint in 64-bit integers only
    const isBig = attrs["dtype"] === "int64" || attrs["dtype"] === "uint64";
    for (const [key, value] of Object.entries(attrs)) if (typeof value === "bigint" && !isBig) attrs[key] = Number(value);
    return attrs;
  }

  /** `depth` lists may still open: no attribute nests deeper, and garbage must not exhaust the stack. */
  #attr(form: AttrForm, depth: number = 2): AttrValue {
    const t = this.#tokens;
    if (form === "dtype") return parseDType(t);
    if (depth > 0 && t.take("[")) return parseList(t, "]", "after a list", () => this.#attr("number", depth - 1));
    if (t.take("true")) return true;
    if (t.take("false")) return false;
    return t.peek.kind === "string" ? t.next().name : parseNumeric(t);
  }
}
