/** The body of a function in the making: where instructions go, and its locals. */
import type { Code, Instruction, LocalVariable, ValueType } from "./code.ts";
import type { Op } from "./instructions.ts";
import { instruction } from "./instructions.ts";

// two of three instructions
const localGet = instruction("local.get");
const localSet = instruction("local.set");

export class Body {
  /** The list that instructions go to now. */
  code: Code = [];
  readonly locals: LocalVariable[] = [];
  readonly #taken = new Map<string, number>();

  emit(op: Op, a: number = 0, b: number = 0, data: Instruction["data"] = null): void {
    this.code.push({ row: instruction(op), a, b, data });
  }

  /** An instruction whose name was put together; a CompilerBug where there is none. */
  named(op: string, a: number = 0, b: number = 0): void {
    this.code.push({ row: instruction(op), a, b, data: null });
  }

  /** A new local; where its name was there already it gets a number. */
  local(name: string, type: ValueType): number {
    const times = this.#taken.get(name) ?? 0;
    this.#taken.set(name, times + 1);
    return this.locals.push({ name: times === 0 ? name : `${name}~${times}`, type }) - 1;
  }

  get(local: number): void {
    this.code.push({ row: localGet, a: local, b: 0, data: null });
  }

  set(local: number): void {
    this.code.push({ row: localSet, a: local, b: 0, data: null });
  }

  /** The value on the stack in a new local, taken off it. */
  keep(name: string, type: ValueType): number {
    const local = this.local(name, type);
    this.set(local);
    return local;
  }

  int(value: number): void {
    this.emit("i32.const", value);
  }

  block(op: "block" | "loop" | "if", type: ValueType | null, inside: () => void): void {
    this.emit(op, 0, 0, type);
    inside();
    this.emit("end");
  }

  /** `if … else … end` on the condition on the stack. */
  choose(type: ValueType | null, yes: () => void, no: () => void): void {
    this.emit("if", 0, 0, type);
    yes();
    this.emit("else");
    no();
    this.emit("end");
  }

  /** What `make` emits, as a list of its own. */
  apart(make: () => void): Code {
    const outer = this.code;
    const own: Code = [];
    this.code = own;
    make();
    this.code = outer;
    return own;
  }
}
