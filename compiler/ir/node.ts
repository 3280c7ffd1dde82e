/**
 * Nodes and values. A node is an immutable definition (op, operands, attributes) with one value slot per result. The same class
 * serves the graph that a user records and the graphs that passes rewrite.
 *
 * Evaluation fills a slot and drops the definition, unless the node is `tracked`. Plans stop at filled slots; autodiff walks
 * definitions.
 */
import type { Numeric } from "./dtype.ts";
import { CompilerBug, DeviceError } from "./errors.ts";
import type { ParamPrimitive, Primitive } from "./primitive.ts";
import type { TensorType } from "./shape.ts";
import { typeText } from "./shape.ts";

/** Attributes are plain data, so that they print, parse, hash and compare. A bigint is a 64-bit integer that no number holds. */
export type AttrValue = number | bigint | string | boolean | null | readonly AttrValue[];
export type Attrs = Readonly<Record<string, AttrValue>>;
export const noAttrs: Attrs = {};

/** What the runtime puts into a slot: an evaluated buffer. The compiler only asks whether there is one. */
export interface Slot {
  readonly type: TensorType;
  /** The name of the device that holds it; null where it is only described and has no elements. */
  readonly device: string | null;
}

export interface Definition {
  readonly op: Primitive;
  readonly args: readonly Value[];
  readonly attrs: Attrs;
}

/** A result of a node: what ops consume. */
export class Value {
  readonly node: Node;
  readonly index: number;
  readonly type: TensorType;
  /** The evaluated buffer, once there is one. */
  slot: Slot | null = null;
  /** Recorded definitions that read it: its memory may be needed as long as there are any. */
  readers = 0;
  /** Those of them that some plan has computed: they need the memory again only where somebody looks back, at a derivative say. */
  pastReaders = 0;
  /** Handles of the user that stand for it and were not disposed. */
  holders = 0;
  constructor(node: Node, index: number, type: TensorType) {
    this.node = node;
    this.index = index;
    this.type = type;
  }
  get shape(): TensorType["shape"] {
    return this.type.shape;
  }
  get dtype(): TensorType["dtype"] {
    return this.type.dtype;
  }
}

/** Where a constant came from decides whether canonicalize may lift it into a parameter. */
export type Provenance = "user" | "compiler";

/** The op of a node that holds data and nothing else. */
const data: ParamPrimitive = {
  kind: "param",
  name: "data",
  doc: "What was given by the user, or evaluated.",
  attrs: {},
  arity: 0,
  infer: () => {
    throw new CompilerBug("nobody makes a node of data");
  },
  derivative: { by: "zero" },
};

let created = 0;
/** The number of nodes made since the program started. */
export const nodesCreated = (): number => created;

export class Node {
  /** Rises with creation: operands always have smaller ids. Never printed. */
  readonly id: number;
  /** Null where the node is data given by the user, or was evaluated and is not tracked. */
  definition: Definition | null;
  /** That of its definition; by itself, as passes ask for it all the time. */
  op: Primitive;
  readonly results: readonly Value[];
  /** Derived from a `requiresGrad` leaf or from the input of an open transform: keeps its definition after evaluation. */
  readonly tracked: boolean;
  /** `user` on constants that the user passed at a call. */
  readonly provenance: Provenance;
  /** Whether it was made as the identity with an effect: asked of every operand in every traversal. */
  readonly isBarrier: boolean;
  /** The device that the data it was computed from lives on; null where nothing fixes it (numbers, random values). */
  readonly device: string | null;
  /** The user's line that made this node, recorded in debug mode. */
  site: string | null = null;
  /** Whether some plan has computed it, be it on the way to something else. */
  #past = false;
  /** The traversal that saw it last, and what that notes of it: a set of nodes would cost more than the traversal. */
  mark = 0;
  note = 0;

  constructor(definition: Definition | null, types: readonly TensorType[], { tracked, provenance }: Pick<Node, "tracked" | "provenance">) {
    this.id = created++;
    this.definition = definition;
    this.op = definition === null ? data : definition.op;
    const only = types.length === 1 ? types[0] : undefined;
    this.results = only === undefined ? types.map((t, i) => new Value(this, i, t)) : [new Value(this, 0, only)];
    this.tracked = tracked;
    this.provenance = provenance;
    this.isBarrier = definition !== null && definition.op.kind === "barrier";
    this.device = definition === null ? null : placeOf(definition);
    if (definition !== null) for (const a of definition.args) a.readers++;
  }

  /** Reads other operands from now on: the caller knows that nobody who reads this node sees a difference. */
  reread(args: readonly Value[]): void {
    const { op, args: before, attrs } = this.def;
    for (const a of args) a.readers++;
    this.#leave(before);
    this.#past = false;
    this.definition = { op, args, attrs };
  }

  /** Whether some plan has computed it while it kept its definition. */
  get isPast(): boolean {
    return this.#past;
  }

  /** A plan has computed it. */
  notePast(): void {
    if (this.#past || this.definition === null) return;
    this.#past = true;
    for (const a of this.definition.args) a.pastReaders++;
  }

  /** Forgets how the node was computed. */
  drop(): void {
    this.#leave(this.definition?.args ?? []);
    this.definition = null;
    this.op = data;
  }

  #leave(args: readonly Value[]): void {
    for (const a of args) {
      a.readers--;
      if (this.#past) a.pastReaders--;
    }
  }

  get def(): Definition {
    return this.definition ?? this.#dropped();
  }
  get args(): readonly Value[] {
    return (this.definition ?? this.#dropped()).args;
  }
  get attrs(): Attrs {
    return (this.definition ?? this.#dropped()).attrs;
  }

  #dropped(): never {
    throw new CompilerBug(`the definition of an evaluated node (${this.results.map((r) => typeText(r.type)).join(", ")}) was dropped`);
  }
}

/** The device that holds a value, or will. */
export const deviceOf = (v: Value): string | null => (v.slot === null ? v.node.device : (v.slot.device ?? v.node.device));

/** Where a definition is computed: where its operands live, all on one device. */
function placeOf({ op, args, attrs }: Definition): string | null {
  if (op.kind === "barrier" && op.effect === "transfer") return text(attrs, "device");
  let place: string | null = null;
  for (const a of args) {
    const device = deviceOf(a);
    if (device === null || device === place) continue;
    if (place !== null)
      throw new DeviceError(`${op.name}: one operand lives on ${place}, another (${typeText(a.type)}) on ${device}. Move one: x.toDevice("${place}").`);
    place = device;
  }
  return place;
}

/** Makes a node; types are inferred by the op's row, which throws where the operands do not fit. */
export function makeNode(op: Primitive, args: readonly Value[], attrs: Attrs = noAttrs, provenance: Provenance = "compiler"): Node {
  // a loop, not callbacks: a program records millions of nodes
  const given: TensorType[] = [];
  for (const a of args) given.push(a.type);
  return new Node({ op, args, attrs }, op.infer(given, attrs), { tracked: isTracked(op, args), provenance });
}

/** Whether gradients reach what an op makes of these. */
function isTracked(op: Primitive, args: readonly Value[]): boolean {
  for (const a of args) if (a.node.tracked) return !(op.kind === "barrier" && op.effect === "detach");
  return false;
}

/** A node's definition on other operands, of the types that its own have: so are its results, and nothing is inferred again. */
export function makeAlike(node: Node, args: readonly Value[], provenance: Provenance): Node {
  const { op, attrs } = node.def;
  const types = node.results.map((r) => r.type);
  return new Node({ op, args, attrs }, types, { tracked: isTracked(op, args), provenance });
}

/** The first result of a new node. */
export function make(op: Primitive, args: readonly Value[], attrs: Attrs = noAttrs, provenance: Provenance = "compiler"): Value {
  return result(makeNode(op, args, attrs, provenance), 0);
}

export function result(node: Node, index: number): Value {
  const value = node.results[index];
  if (value === undefined) throw new CompilerBug(`a node with ${node.results.length} results has no result ${index}`);
  return value;
}

const wrong = (attrs: Attrs, key: string, want: string): CompilerBug =>
  new CompilerBug(`attribute ${key} should be ${want}: ${JSON.stringify(attrs, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v))}`);

/** A loop, as attributes are read all the time. */
function isInts(v: unknown): v is readonly number[] {
  if (!Array.isArray(v)) return false;
  for (let i = 0; i < v.length; i++) if (typeof v[i] !== "number") return false;
  return true;
}
const isIntLists = (v: unknown): v is readonly (readonly number[])[] => Array.isArray(v) && v.every(isInts);

/** Typed reading of attributes. */
export function int(attrs: Attrs, key: string): number {
  const v = attrs[key];
  if (typeof v !== "number") throw wrong(attrs, key, "a number");
  return v;
}
/** A number, or a bigint where no number holds it. */
export function numeric(attrs: Attrs, key: string): Numeric {
  const v = attrs[key];
  if (typeof v !== "number" && typeof v !== "bigint") throw wrong(attrs, key, "a number");
  return v;
}
export function ints(attrs: Attrs, key: string): readonly number[] {
  const v = attrs[key];
  if (!isInts(v)) throw wrong(attrs, key, "a list of numbers");
  return v;
}
export function intLists(attrs: Attrs, key: string): readonly (readonly number[])[] {
  const v = attrs[key];
  if (!isIntLists(v)) throw wrong(attrs, key, "a list of lists of numbers");
  return v;
}
export function text(attrs: Attrs, key: string): string {
  const v = attrs[key];
  if (typeof v !== "string") throw wrong(attrs, key, "a string");
  return v;
}
export function flag(attrs: Attrs, key: string): boolean {
  const v = attrs[key];
  if (typeof v !== "boolean") throw wrong(attrs, key, "true or false");
  return v;
}
