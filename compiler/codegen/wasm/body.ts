/** The body of a function in the making: where instructions go, and its locals. */
import type { Code, Instruction, LocalVariable, ValueType } from "./code.ts";
import type { Op } from "./instructions.ts";
import { instruction, instructionRows } from "./instructions.ts";

// half of all instructions
const localGet = instruction("local.get");
const localSet = instruction("local.set");

/** Instructions without operands: one object serves all places. */
const bare: ReadonlyMap<string, Instruction> = new Map(instructionRows.map((row) => [row.name, { row, a: 0, b: 0, data: null }]));

export class Body {
  /** The list that instructions go to now. */
  code: Code = [];
  readonly locals: LocalVariable[] = [];
  /** By local. */
  readonly #gets: Instruction[] = [];

  emit(op: Op, a: number = 0, b: number = 0, data: Instruction["data"] = null): void {
    this.named(op, a, b, data);
  }

  /** An instruction whose name was put together; a CompilerBug where there is none. */
  named(op: string, a: number = 0, b: number = 0, data: Instruction["data"] = null): void {
    const plain = bare.get(op);
    // an operand may be -0
    const isBare = plain !== undefined && data === null && b === 0 && Object.is(a, 0);
    this.code.push(isBare ? plain : { row: plain?.row ?? instruction(op), a, b, data });
  }

  /** A new local; its name may be there already. */
  local(name: string, type: ValueType): number {
    return this.locals.push({ name, type }) - 1;
  }

  get(local: number): void {
    this.code.push((this.#gets[local] ??= { row: localGet, a: local, b: 0, data: null }));
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
