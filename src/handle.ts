/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The handle: what a user holds. It names a `Value` of the recorded graph; calls on it record nodes and run nothing.
 *
 * `Lazy` is what both faces share. The free functions in `functions/` are written for it; the classes in `methods/` add them as
 * methods; `NDArray` and `Tensor` are the two ends. So functions never import the faces: a result takes the face of its operands
 * by `wrap`.
 */
import type { DType, Numeric } from "../compiler/ir/dtype.ts";
import { at, CompilerBug, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { HostArray, NumberArray } from "../compiler/ir/host.ts";
import { copyElements } from "../compiler/ir/host.ts";
import type { Value } from "../compiler/ir/node.ts";
import { deviceOf } from "../compiler/ir/node.ts";
import type { Shape, TensorType } from "../compiler/ir/shape.ts";
import { sizeOf, typeText } from "../compiler/ir/shape.ts";
import type { DeviceName } from "./devices.ts";
import { answersNow, evaluate, evaluateSync, pendingNodes, requireSync } from "./evaluate.ts";
import { recordSite } from "./call-site.ts";
import type { Printed } from "./print/format.ts";
import { densePrinted, formatPrinted } from "./print/format.ts";
import { installHooks } from "./print/hooks.ts";
import type { PrintOptions } from "./print/options.ts";
import { optionsFor } from "./print/options.ts";
import type { Rows } from "./ragged/rows.ts";
import type { Relayout } from "./mutation/layout.ts";
import { settings } from "./settings.ts";
import { cpuCode } from "./targets.ts";
import { tracked } from "./tracking.ts";
import { hold, holding, letGo } from "./liveness.ts";
import { readValue, readValueSync, requireOn } from "./slots.ts";

/** `array`: NumPy's habits, float64. `tensor`: PyTorch's habits, float32. */
export type Face = "array" | "tensor";

/** Nested lists of numbers or booleans, as `tolist` gives them. */
export type NestedList = number | boolean | bigint | readonly NestedList[];

/** A lazily computed array or tensor. */
export abstract class Lazy {
  /** Which of the two faces this is. */
  abstract readonly face: Face;
  /** The float dtype that numbers, and integers given to float functions, take on this face. */
  abstract readonly floatDType: "float32" | "float64";
  /** Whether gradients are recorded for it. */
  abstract readonly requiresGrad: boolean;
  /** Where values of this face are computed that were made from nothing which lives anywhere. */
  protected abstract readonly ownDevice: DeviceName;
  #value: Value | null;

  constructor(value: Value) {
    this.#value = value;
    hold(value);
  }

  /** `instanceof`, but at once: every call asks it of every operand. */
  static isHandle(x: unknown): x is Lazy {
    return typeof x === "object" && x !== null && #value in x;
  }

  /** A handle of the same face on `value`. */
  protected abstract make(value: Value): Lazy;

  /** The recorded value; throws an UnsupportedError where the handle was disposed. */
  get value(): Value {
    const value = this.current();
    if (value === null) throw new UnsupportedError(`this ${this.face} was disposed. Keep a handle that was not, or make it again.`);
    return value;
  }

  /** What this stands for now; null once it was disposed. */
  protected current(): Value | null {
    return this.#value;
  }

  /** How rows of different lengths lie in the value; null where each axis has one length, as in every tensor. */
  get rows(): Rows | null {
    return null;
  }

  /** Holds its value no longer: from here on it stands for what `current` says. */
  protected surrender(): void {
    const value = this.#value;
    this.#value = null;
    if (value !== null) letGo(value);
  }

  /** A handle of the same face on `value`, each of whose axes has one length. */
  wrap(value: Value): this {
    return this.adopt(this.make(value));
  }
  /** A handle of the same face on a value with an element for each one of this: in the same rows, where they differ in length. */
  alike(value: Value): this {
    return this.wrap(value);
  }
  /** A handle of the same face on elements that lie in these rows. Only what is ragged itself makes another. */
  onRows(value: Value, rows: Rows): this {
    throw new CompilerBug(`${this.describe()} made ${rows.length} ragged rows of ${typeText(value.type)}`);
  }

  /** A handle that was just made, as one of this face. */
  protected adopt(made: Lazy): this {
    const { node, type } = made.value;
    if (settings().debug) recordSite(node);
    requireOn(made.device, node.definition?.op.name ?? this.face, type);
    if (!sameFace(made, this)) throw new CompilerBug(`a ${this.face} made a handle of another face`);
    return made;
  }

  /**
   * A part or another arrangement of these elements: `read` gives it, `relayout` says where it then lies, null where NumPy copies. Only
   * arrays care: they share memory. What is immutable has no need to. `rows` are those of the result, where they differ in length.
   */
  alias(read: (value: Value) => Value, _relayout: Relayout, rows: Rows | null = null): this {
    const value = read(tracked(this.value));
    return rows === null ? this.wrap(value) : this.onRows(value, rows);
  }

  /** Lets this handle stand for `value`; cells are rebound by it. */
  protected rebind(value: Value): void {
    const old = this.#value;
    this.#value = value;
    hold(value);
    if (old !== null) letGo(old);
  }

  /** The type of the value, known without reading it. */
  get valueType(): TensorType {
    return this.value.type;
  }
  /** Dtype and axis lengths. */
  get type(): TensorType {
    return this.valueType;
  }
  /** `f32[2,3]`: dtype and axis lengths, as errors name them; `~` is the axis of rows that differ in length. */
  get typeName(): string {
    return typeText(this.type);
  }
  /** Axis lengths, outermost first. */
  get shape(): Shape {
    return this.type.shape;
  }
  get dtype(): DType {
    return this.valueType.dtype;
  }
  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }
  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }
  /** The name of the device that holds, or will hold, the elements. */
  get device(): string {
    return deviceOf(this.value) ?? this.ownDevice;
  }
  /** Whether the elements have been computed. */
  get evaluated(): boolean {
    return this.value.slot !== null;
  }

  /** The length of the first axis; a ShapeError where there is none. */
  get length(): number {
    const [first] = this.shape;
    if (first === undefined) throw new ShapeError(`length: ${this.typeName} has no axes. Read it with item().`);
    return first;
  }

  /** Computes the elements, and with them everything they depend on. */
  async eval(): Promise<this> {
    await evaluate([this]);
    return this;
  }
  /** `eval` without waiting; throws a DeviceError on devices that cannot. */
  evalSync(): this {
    evaluateSync([this], { call: "evalSync", instead: "await x.eval()" });
    return this;
  }
  /**
   * The elements in row-major order, as a copy in a typed array of the dtype: bool is a Uint8Array of 0 and 1, float16 a Float32Array of
   * its exact values, int64 and uint64 hold bigints. `into` reuses memory of that kind and length. TypeScript is told of bigints:
   * `x.data<BigInt64Array>()`.
   */
  data(): Promise<NumberArray>;
  data<A extends HostArray>(): Promise<A>;
  data<A extends HostArray>(options: { readonly into: A }): Promise<A>;
  async data(options: { readonly into?: HostArray } = {}): Promise<HostArray> {
    const { value } = this;
    return holding([value], async () => {
      const done = evaluate([this]);
      // a GPU takes the reading at once, behind the work
      if (value.slot === null) await done;
      const [data] = await Promise.all([readValue(value), done]);
      return copyInto(data, options.into, value.type);
    });
  }
  /** `data` without waiting; throws a DeviceError on devices that cannot. */
  dataSync(): NumberArray;
  dataSync<A extends HostArray>(): A;
  dataSync<A extends HostArray>(options: { readonly into: A }): A;
  dataSync(options: { readonly into?: HostArray } = {}): HostArray {
    evaluateSync([this], { call: "dataSync", instead: "await x.data()" });
    return copyInto(readValueSync(this.value), options.into, this.value.type);
  }
  /** The only element: a number, a boolean where the dtype is bool, a bigint where it is int64 or uint64; a ShapeError where there is not exactly one. */
  item(): number | boolean | bigint {
    if (this.size !== 1) throw new ShapeError(`item: ${this.typeName} has ${this.size} elements, not one. Read it with tolist() or dataSync().`);
    requireSync(this, { call: "item", instead: "(await x.data())[0]" });
    const x = at<Numeric>(this.dataSync<HostArray>(), 0);
    return this.dtype === "bool" ? x !== 0 : x;
  }
  /** The elements as nested lists; those of int64 and uint64 are bigints. */
  tolist(): NestedList {
    requireSync(this, { call: "tolist", instead: 'await x.data(), or (await x.toDevice("cpu").eval()).tolist()' });
    return nest(this.dataSync<HostArray>(), this.shape, this.dtype === "bool");
  }
  /** Gives the memory back: the handle is of no more use, nodes recorded from it keep what they need. */
  dispose(): void {
    this.surrender();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The elements as NumPy or PyTorch print them, with these options or those of `setPrintOptions`. Evaluates on the CPU. */
  toString(options: Partial<PrintOptions> = {}): string {
    if (this.current() === null) return `${this.face}(disposed)`;
    if (!answersNow(this)) return this.describe();
    return formatPrinted(this.printed(), optionsFor("toString", this.face, options));
  }
  /** What prints: the elements and how they are nested. Evaluates on the CPU. */
  printed(): Printed {
    return densePrinted(this.face, this.dataSync<HostArray>(), this.type);
  }
  /** What `console.log` shows: the elements where they are on the host already, else a description; it never runs a kernel. */
  preview(): string {
    return this.current()?.slot?.device === "cpu" ? this.toString() : this.describe();
  }
  /** `tensor(f32[2,3], lazy: 4 nodes, js)`: never evaluates. */
  describe(): string {
    const value = this.current();
    if (value === null) return `${this.face}(disposed)`;
    const where = this.device === "cpu" ? cpuCode().runs : this.device;
    const { slot } = value;
    const state = slot === null ? `lazy: ${pendingNodes(value)} nodes, ${where}` : `evaluated, ${slot.device ?? "described"}`;
    return `${this.face}(${this.typeName}, ${state})`;
  }
  static {
    installHooks(this.prototype);
  }
}

/**
 * Whether two handles are of one face: what makes `wrap` honest to the type checker. A face has one type: that rows differ in length
 * is known when a program runs, and no type tells it.
 */
function sameFace<T extends Lazy>(made: Lazy, like: T): made is T {
  return made.face === like.face;
}

function copyInto(data: HostArray, into: HostArray | undefined, type: TensorType): HostArray {
  if (into === undefined) return data;
  const fits = into.length === data.length && Object.getPrototypeOf(into) === Object.getPrototypeOf(data);
  if (!fits) throw new ShapeError(`data: ${typeText(type)} needs a ${data.constructor.name} of ${data.length} elements to be read into.`);
  copyElements(into, data);
  return into;
}

function nest(data: HostArray, shape: Shape, asBoolean: boolean): NestedList {
  let next = 0;
  const level = (axis: number): NestedList => {
    const length = shape[axis];
    if (length === undefined) {
      const x = at<Numeric>(data, next++);
      return asBoolean ? x !== 0 : x;
    }
    return Array.from({ length }, () => level(axis + 1));
  };
  return level(0);
}
