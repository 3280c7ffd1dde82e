/** The tensor face: PyTorch's habits. */
import { isFloat } from "../compiler/ir/dtype.ts";
import { at, DeviceError, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import { postorder } from "../compiler/ir/graph.ts";
import type { Node, Value } from "../compiler/ir/node.ts";
import { deviceOf } from "../compiler/ir/node.ts";
import { sameType, typeText } from "../compiler/ir/shape.ts";
import { add } from "../compiler/ops/arithmetic.ts";
import { differentiate, leafOf, trackedLeaves, withoutHistory } from "./differentiate.ts";
import type { DeviceName } from "./devices.ts";
import type { Lazy } from "./handle.ts";
import { PlaceMethods } from "./methods/places.ts";
import { Past } from "./rebinding.ts";
import { settings } from "./settings.ts";
import { isOverwritten, requireKept } from "./slots.ts";

export interface BackwardOptions {
  /** The cotangent of this tensor; needed where it has more than one element. */
  readonly gradient?: Tensor;
  /** Whether the gradients are recorded, so that they can be differentiated again. */
  readonly createGraph?: boolean;
}

/** The cell that a tracked leaf belongs to: where `backward` puts its gradient. */
const cells = new WeakMap<Node, Tensor>();

/** Throws where something that these are computed from was written over. */
function requireAll(values: readonly Value[]): void {
  for (const node of postorder(values, (v) => v.slot !== null)) node.args.forEach(requireKept);
}

/** An immutable, differentiable tensor: float32 by default, on any device. Make one with `tensor(data)`. */
export class Tensor extends PlaceMethods {
  readonly face = "tensor";
  readonly floatDType = "float32";
  protected get ownDevice(): DeviceName {
    return settings().device;
  }
  /** The gradient that `backward` added up, for cells; null before. */
  grad: Tensor | null = null;
  #cell = false;
  #past: Past | null = null;

  protected readonly isMutable = false;

  protected override make(value: Value): Lazy {
    return new Tensor(value);
  }
  protected override store(_op: string, value: Value): this {
    return this.wrap(value);
  }

  /** Whether this is a cell of differentiation, or computed from one. */
  get requiresGrad(): boolean {
    return this.#cell || this.value.node.tracked;
  }

  /** Makes this handle a cell: a leaf of differentiation, which `assign` rebinds. Floats only. */
  requireGrad(): this {
    if (!isFloat(this.dtype))
      throw new DTypeError(`requiresGrad: ${typeText(this.type)} has no gradient: only floats are differentiated. Convert with astype("float32") first.`);
    if (!this.#cell) this.#bindCell(this.value);
    return this;
  }

  #bindCell(value: Value): void {
    const leaf = leafOf(value, { tracked: true });
    this.#cell = true;
    cells.set(leaf.node, this);
    this.rebind(leaf);
  }

  /**
   * Lets this handle stand for another value of the same shape and dtype. What was recorded from the old value keeps it until it is
   * computed; then the new value may be written over it, see rebinding.ts.
   */
  assign(value: Tensor): this {
    const next = value.value;
    const mismatch = `assign: ${typeText(next.type)} to a tensor ${typeText(this.type)}`;
    if (next.dtype !== this.dtype) throw new DTypeError(`${mismatch}. Convert it with astype("${this.dtype}") first.`);
    if (!sameType(next.type, this.type)) throw new ShapeError(`${mismatch}. The shape of a tensor stays; reshape the value first.`);
    const [here, there] = [deviceOf(this.value), deviceOf(next)];
    if (here !== null && there !== null && here !== there)
      throw new DeviceError(`${mismatch}: it lives on ${there}, this on ${here}. Move it: x.toDevice("${here}").`);
    const old = this.value;
    if (this.#cell) this.#bindCell(next);
    else this.rebind(withoutHistory(next));
    this.#past ??= new Past();
    if (this.value !== old) this.#past.rebound(old, this.value);
    return this;
  }

  /** The same value without its history: gradients do not flow through it. */
  detach(): Tensor {
    return new Tensor(withoutHistory(this.value));
  }

  /**
   * Adds the gradient of this tensor to `.grad` of every cell it was computed from. A graph transform: nothing runs.
   * Throws a ShapeError where it has more than one element and no `gradient` is given, an UnsupportedError where no cell is reached, or
   * where a step wrote over the value of one that is needed.
   */
  backward(options: BackwardOptions = {}): void {
    const leaves = trackedLeaves(this.value).filter((leaf) => cells.has(leaf.node));
    if (leaves.length === 0)
      throw new UnsupportedError("backward: this tensor was not computed from one with requiresGrad. Make one with tensor(data, { requiresGrad: true }).");
    const gradients = differentiate("backward", this, leaves, { ...options, createGraph: options.createGraph ?? false });
    if (leaves.some(isOverwritten)) requireAll(gradients);
    leaves.forEach((leaf, i) => cells.get(leaf.node)?.accumulate(at(gradients, i)));
  }

  private accumulate(gradient: Value): void {
    this.grad = new Tensor(this.grad === null ? gradient : add(this.grad.value, gradient));
  }
}
