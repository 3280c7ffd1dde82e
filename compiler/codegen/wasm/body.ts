/** The body of a function in the making: where instructions go, and its locals. */
import { at } from "../../ir/errors.ts";
import type { Code, InstructionData, LocalVariable, ValueType } from "./code.ts";
import { unsigned } from "./bytes.ts";
import { encodeInstruction } from "./encode.ts";
import type { Op } from "./instructions.ts";
import { instruction } from "./instructions.ts";

const localGet = instruction("local.get").opcode;
const localSet = instruction("local.set").opcode;

export class Body {
  /** Where instructions go now: to the last of its lists. */
  #code: Code = [];
  #bytes: number[] = [];
  readonly locals: LocalVariable[] = [];

  constructor() {
    this.#code.push(this.#bytes);
  }

  get code(): Code {
    return this.#code;
  }

  emit(op: Op, a: number = 0, b: number = 0, data: InstructionData = null): void {
    encodeInstruction(this.#bytes, instruction(op), a, b, data);
  }

  /** An instruction whose name was put together; a CompilerBug where there is none. */
  named(op: string, a: number = 0, b: number = 0): void {
    encodeInstruction(this.#bytes, instruction(op), a, b, null);
  }

  /** A new local; its name may be there already. */
  local(name: string, type: ValueType): number {
    return this.locals.push({ name, type }) - 1;
  }

  // these two are half of all instructions
  get(local: number): void {
    this.#bytes.push(localGet);
    unsigned(this.#bytes, local);
  }

  set(local: number): void {
    this.#bytes.push(localSet);
    unsigned(this.#bytes, local);
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

  /** What `make` emits, by itself. */
  apart(make: () => void): Code {
    const outer = this.#code;
    const before = this.#bytes;
    this.#bytes = [];
    this.#code = [this.#bytes];
    make();
    const own = this.#code;
    this.#code = outer;
    this.#bytes = before;
    return own;
  }

  /** Code that was made apart, complete by now. */
  append(code: Code): void {
    // one by one: what a call is given lies on the stack
    for (let i = 0; i < code.length; i++) this.#code.push(at(code, i));
    this.#bytes = [];
    this.#code.push(this.#bytes);
  }
}
