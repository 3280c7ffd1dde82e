/**
 * The inputs of graphs in an IR file: `; input %x = [[1, 2], [3, 4]]` lines, and a fixed random choice where there is none.
 * Whatever does not fit is a ParseError with its line and column.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat, roundTo } from "../../compiler/ir/dtype.ts";
import { ParseError } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostArray, HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { parseNumber, shown, Tokens } from "../../compiler/ir/parse-core.ts";
import type { Token } from "../../compiler/ir/parse-core.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";

/** An input as the file writes it: numbers in row-major order, their nesting, where they stand. */
interface Given {
  readonly numbers: readonly number[];
  readonly shape: Shape;
  readonly at: Token;
}

const inputLine = /^(?<lead>\s*;\s*input\b)(?<rest>.*)$/;

/** The input lines of a text, by param name. */
function givenInputs(text: string): Map<string, Given> {
  const given = new Map<string, Given>();
  text.split("\n").forEach((line, i) => {
    const found = inputLine.exec(line)?.groups;
    if (found === undefined) return;
    // what stands before is blanked out, so that errors name the line and column of the file
    const tokens = new Tokens("\n".repeat(i) + " ".repeat(found["lead"]?.length ?? 0) + (found["rest"] ?? ""));
    const at = tokens.expectKind("ref", "a param, as %x");
    if (given.has(at.name)) throw tokens.error(`${at.text} is given twice`, at);
    tokens.expect("=", "before the input's elements");
    const numbers: number[] = [];
    const shape = parseElements(tokens, numbers);
    if (tokens.peek.kind !== "end") throw tokens.error(`expected the end of the line, found ${shown(tokens.peek)}`);
    given.set(at.name, { numbers, shape, at });
  });
  return given;
}

/** Reads a number or a list of lists; gives its shape. */
function parseElements(tokens: Tokens, numbers: number[], depth: number = 0): number[] {
  if (depth > 32) throw tokens.error("lists nest too deep");
  if (!tokens.take("[")) {
    if (tokens.sees("true") || tokens.sees("false")) numbers.push(tokens.next().text === "true" ? 1 : 0);
    else numbers.push(parseNumber(tokens));
    return [];
  }
  let inner: number[] | undefined;
  let count = 0;
  if (!tokens.sees("]")) {
    do {
      const at = tokens.peek;
      const shape = parseElements(tokens, numbers, depth + 1);
      if (inner !== undefined && String(inner) !== String(shape)) throw tokens.error("rows differ in length", at);
      inner = shape;
      count++;
    } while (tokens.take(","));
  }
  tokens.expect("]", "after a list");
  return [count, ...(inner ?? [])];
}

/** For each graph the data of its params, in their order. */
export function graphInputs(text: string, graphs: readonly Graph[]): HostData[][] {
  const given = givenInputs(text);
  const wanted = new Set(graphs.flatMap((g) => g.params.map(paramName)));
  for (const [name, { at }] of given) if (!wanted.has(name)) throw new ParseError(`no graph has a param ${at.text}`, at.line, at.column);
  return graphs.map((g) =>
    g.params.map((p, i) => {
      const found = given.get(paramName(p));
      return { type: p.type, data: found === undefined ? randomData(p, i) : elements(p, found) };
    }),
  );
}

const paramName = (p: Value): string => String(p.node.attrs["name"]);

function elements(param: Value, { numbers, shape, at }: Given): HostArray {
  const { type } = param;
  const fits = String(shape) === String(type.shape) || (numbers.length === 0 && sizeOf(type.shape) === 0);
  if (!fits) throw new ParseError(`${at.text} is ${typeText(type)}, the input has shape [${shape.join(",")}]`, at.line, at.column);
  const data = hostArray(type.dtype, numbers.length);
  numbers.forEach((x, i) => {
    const stored = roundTo(type.dtype, x);
    if (!isFloat(type.dtype) && stored !== x) throw new ParseError(`${at.text} is ${typeText(type)}: ${x} is no ${type.dtype}`, at.line, at.column);
    data[i] = stored;
  });
  return data;
}

/** Floats in -2 … 2 with two decimals, integers in 0 … 9, bools; the same for the same place in the params. */
function randomData(param: Value, place: number): HostArray {
  const { dtype, shape } = param.type;
  const data = hostArray(dtype, sizeOf(shape));
  let state = (place + 1) * 2654435769;
  for (let i = 0; i < data.length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = randomElement(dtype, (state >>> 0) / 4294967296);
  }
  return data;
}

function randomElement(dtype: DType, u: number): number {
  if (dtype === "bool") return u < 0.5 ? 0 : 1;
  return isFloat(dtype) ? Math.round(u * 400 - 200) / 100 : Math.floor(u * 10);
}
