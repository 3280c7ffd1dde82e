/**
 * Models of ONNX as bytes, as many fields of its protocol buffers as these need (onnx.proto3 of ONNX 1.16; the encoding is that of
 * https://protobuf.dev/programming-guides/encoding). Field numbers stand beside the names that onnx.proto3 gives them.
 */
import type { Input } from "./peer.ts";

type Bytes = readonly number[] | Uint8Array;

const opset = 20;
const elementTypes = { float32: 1, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

/** Negative numbers are spelled as 64 bits of two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) + 128);
  return [...bytes, Number(rest)];
}

/** A message of parts, without spreading them: tensors are long. */
function joined(...parts: readonly Bytes[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: Bytes): Bytes => joined(varint(field * 8 + 2), varint(content.length), content);
const text = (field: number, content: string): Bytes => bytes(field, new TextEncoder().encode(content));
const single = (field: number, value: number): Bytes => joined(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: Attribute): Bytes {
  const head = text(1, name);
  if (typeof value === "number") return joined(head, integer(3, value), integer(20, 2));
  if (typeof value === "string") return joined(head, text(4, value), integer(20, 3));
  if ("float" in value) return joined(head, single(2, value.float), integer(20, 1));
  return joined(head, ...value.map((v) => integer(8, v)), integer(20, 7));
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
function initializer(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): Bytes {
  return joined(...shape.map((length) => integer(1, length)), integer(2, elementTypes[type]), text(8, name), bytes(9, data));
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
function valueInfo(name: string, type: ElementType, shape: readonly number[] | null): Bytes {
  const dims = shape === null ? [] : [bytes(2, joined(...shape.map((length) => bytes(1, integer(1, length)))))];
  return joined(text(1, name), bytes(2, bytes(1, joined(integer(1, elementTypes[type]), ...dims))));
}

/** Builds a graph node by node; values are known by their names. */
export class Graph {
  readonly #nodes: Bytes[] = [];
  readonly #initializers: Bytes[] = [];
  #count = 0;

  #fresh(): string {
    return `v${this.#count++}`;
  }

  /** One node and its result. NodeProto: input 1, output 2, op_type 4, attribute 5. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = this.#fresh();
    const fields = Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value)));
    this.#nodes.push(joined(...inputs.map((input) => text(1, input)), text(2, output), text(4, type), ...fields));
    return output;
  }

  /** A number, float32. */
  number(value: number): string {
    const name = this.#fresh();
    this.#initializers.push(initializer(name, "float32", [], new Uint8Array(Float32Array.of(value).buffer)));
    return name;
  }

  /** Axes, int64. */
  axes(...values: readonly number[]): string {
    const name = this.#fresh();
    this.#initializers.push(initializer(name, "int64", [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer)));
    return name;
  }

  /** An operand that never changes: a weight. */
  weight({ name, shape, data }: Input): void {
    this.#initializers.push(initializer(name, "float32", shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  }

  /**
   * ModelProto: ir_version 1, graph 7, opset_import 8 { domain 1, version 2 }; GraphProto: node 1, name 2, initializer 5, input 11,
   * output 12.
   */
  model(inputs: readonly Input[], output: string, type: ElementType): Uint8Array {
    const nodes = this.#nodes.map((node) => bytes(1, node));
    const initializers = this.#initializers.map((tensor) => bytes(5, tensor));
    const operands = inputs.map(({ name, shape }) => bytes(11, valueInfo(name, "float32", shape)));
    const graph = joined(...nodes, text(2, "case"), ...initializers, ...operands, bytes(12, valueInfo(output, type, null)));
    return joined(integer(1, 9), bytes(7, graph), bytes(8, joined(text(1, ""), integer(2, opset))));
  }
}
