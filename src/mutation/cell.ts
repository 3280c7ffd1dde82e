/**
 * A cell: what an array and all views of it have in common. It holds the base's current value; a write gives it a new one. What was
 * recorded from the old value keeps that.
 */
import { CompilerBug } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { reshape } from "../../compiler/ops/views.ts";
import { flush } from "../evaluate.ts";
import { hold, isGone, letGo, settle } from "../liveness.ts";
import type { Layout } from "./layout.ts";
import { isAll, wholeLayout } from "./layout.ts";
import type { Written } from "./pending.ts";
import { noteWrite } from "./pending.ts";
import { PartReads } from "./reads.ts";

/** So many writes wait for an evaluation; then they are done, so that writing in a loop takes a time that is linear in the writes. */
const mostPending = 16;

export class Cell implements Written {
  #value: Value;
  #version = 0;
  /** Handles that stand for it or a part of it, and were not disposed. */
  #handles = 0;
  #pending: readonly Value[] = [];
  #isInMemory = false;

  readonly #reads = new PartReads();
  readonly #shapes = new Map<string, Value>();
  /** How all of it lies. */
  readonly whole: Layout;

  constructor(value: Value) {
    this.#value = value;
    this.whole = wholeLayout(value.shape);
    hold(value);
  }

  get value(): Value {
    return this.#value;
  }
  /** Rises with every write. */
  get version(): number {
    return this.#version;
  }
  get pending(): readonly Value[] {
    return this.#pending;
  }

  get isInMemory(): boolean {
    return this.#isInMemory;
  }

  /** All of it, in another shape: the same memory once it is evaluated. */
  reshaped(shape: Shape): Value {
    const key = shape.join();
    const known = this.#shapes.get(key);
    if (known !== undefined && !isGone(known)) return known;
    const made = reshape(this.#value, shape);
    if (made !== this.#value) this.#shapes.set(key, made);
    return made;
  }

  /** What to read a part of it from. */
  readPart(layout: Layout): Value {
    return this.#reads.of(this.#value, layout);
  }

  /** Nobody but views stood for the old value in other shapes; they would share its memory for nothing. */
  #dropShapes(): void {
    for (const v of this.#shapes.values()) settle(v);
    this.#shapes.clear();
  }

  /** The new value differs from the old one at most where `layout` is. */
  write(value: Value, layout: Layout): void {
    const old = this.#value;
    if (value === old) return;
    this.#reads.moveOn(old, value, isAll(layout, sizeOf(this.whole.shape)) ? null : layout);
    if (old.slot !== null) {
      this.#pending = [];
      this.#isInMemory = true;
    }
    this.#value = value;
    this.#version++;
    this.#dropShapes();
    hold(value);
    letGo(old);
    // what was written whole does not need what was there before
    this.#pending = isGone(old) ? [value] : [...this.#pending, value];
    noteWrite(value, this);
    if (this.#pending.length >= mostPending && flush(value)) this.#pending = [];
  }

  join(): void {
    this.#handles++;
  }
  /** The last handle that leaves gives the memory back. */
  leave(): void {
    this.#handles--;
    if (this.#handles < 0) throw new CompilerBug("a cell was left by more handles than joined it");
    if (this.#handles > 0) return;
    this.#dropShapes();
    letGo(this.#value);
  }
}
