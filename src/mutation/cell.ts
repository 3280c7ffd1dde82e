/**
 * A cell: what an array and all views of it have in common. It holds the base's current value; a write gives it a new one. What was
 * recorded from the old value keeps that.
 */
import type { Value } from "../../compiler/ir/node.ts";
import { hold, letGo } from "../slots.ts";

export class Cell {
  #value: Value;
  #version = 0;
  /** Handles that stand for it or a part of it, and were not disposed. */
  #handles = 0;

  constructor(value: Value) {
    this.#value = value;
    hold(value);
  }

  get value(): Value {
    return this.#value;
  }
  /** Rises with every write. */
  get version(): number {
    return this.#version;
  }

  write(value: Value): void {
    const old = this.#value;
    this.#value = value;
    this.#version++;
    hold(value);
    letGo(old);
  }

  join(): void {
    this.#handles++;
  }
  /** The last handle that leaves gives the memory back. */
  leave(): void {
    this.#handles--;
    if (this.#handles === 0) letGo(this.#value);
  }
}
