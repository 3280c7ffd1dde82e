/** Programs of NumPy's mutation (area 6): views, writes and reads in order, and which arrays share memory in the end. */
import { array, copy, NDArray, sharesMemory } from "../../src/index.ts";
import type { GoldenCase } from "./cases.ts";
import { numberOf } from "./cases.ts";
import type { Context, Program } from "./run.ts";
import { indexOf, invoke } from "./run.ts";

type Fields = Readonly<Record<string, unknown>>;
const isRecord = (x: unknown): x is Fields => typeof x === "object" && x !== null && !Array.isArray(x);

/** Whether an entry picks elements: `a[i] += 1` counts repeated ones once, which `add` at such a place does not. */
const picks = (index: unknown): boolean => Array.isArray(index) && index.some((item) => isRecord(item) && "ref" in item);

/** The arrays of a program by name. */
class Memory {
  readonly #arrays = new Map<string, NDArray>();
  readonly #refs: readonly NDArray[];
  readonly #context: Context;

  constructor(c: GoldenCase, context: Context) {
    this.#context = context;
    // NumPy's arrays in float32 too: tensors have no memory to share
    this.#refs = c.inputs.map(({ data, dtype, shape }) => array(data.map(numberOf), { dtype: dtype === "float64" ? context.dtype : "int32", shape }));
    for (const [name, ref] of Object.entries(c.vars ?? {})) this.#arrays.set(name, this.#input(ref));
  }

  #input(ref: Fields): NDArray {
    const input = typeof ref["ref"] === "number" ? this.#refs[ref["ref"]] : undefined;
    if (input === undefined) throw new Error(`no input ${JSON.stringify(ref)}`);
    return input;
  }

  get(name: unknown): NDArray {
    const found = typeof name === "string" ? this.#arrays.get(name) : undefined;
    if (found === undefined) throw new Error(`no array ${String(name)}`);
    return found;
  }

  #at(x: NDArray, index: unknown): NDArray {
    const entries = index === undefined ? [] : indexOf({ index }, this.#refs, this.#context.dtype);
    const part: unknown = Reflect.apply(x.at, x, entries);
    if (part instanceof NDArray) return part;
    throw new Error("at gave no array");
  }

  /** What is written, computed before the write. */
  #value(given: unknown): NDArray | number {
    if (typeof given === "number") return given;
    if (!isRecord(given)) throw new Error(`no value: ${JSON.stringify(given)}`);
    if ("ref" in given) return this.#input(given);
    if ("var" in given) return given["index"] === undefined ? this.get(given["var"]) : this.#at(this.get(given["var"]), given["index"]);
    const args = Array.isArray(given["args"]) ? given["args"].map((a) => this.#value(a)) : [];
    const made = invoke(String(given["fn"]), args);
    if (made instanceof NDArray) return made;
    throw new Error(`${String(given["fn"])} gave no array`);
  }

  run(step: Fields): void {
    switch (step["op"]) {
      case "getitem":
        return this.#bind(step["out"], this.#at(this.get(step["src"]), step["index"]));
      case "call":
        return this.#bind(step["out"], this.#called(step));
      case "setitem":
        return void this.#at(this.get(step["dst"]), step["index"]).set(this.#value(step["value"]));
      default:
        return this.#combine(step, String(step["op"]));
    }
  }

  #combine({ dst, index, value }: Fields, op: string): void {
    const place = this.#at(this.get(dst), index);
    const y = this.#value(value);
    const methods = { iadd: "add", isub: "sub", imul: "mul" } as const;
    const name = Object.entries(methods).find(([key]) => key === op)?.[1];
    if (name === undefined) throw new Error(`no step ${op}`);
    if (picks(index)) place.apply((x) => x[name](y));
    else place[name](y);
  }

  #called({ src, method, args, pick }: Fields): NDArray {
    const given: readonly unknown[] = Array.isArray(args) ? args : [];
    const options = method === "slidingWindowView" ? [{ writeable: true }] : [];
    const made = invoke(String(method), [this.get(src), ...given, ...options]);
    const chosen: unknown = Array.isArray(made) && typeof pick === "number" ? made[pick] : made;
    if (chosen instanceof NDArray) return chosen;
    throw new Error(`${String(method)} gave no array`);
  }

  #bind(name: unknown, x: NDArray): void {
    this.#arrays.set(String(name), x);
  }
}

const program: Program = (c, context) => {
  const memory = new Memory(c, context);
  for (const step of c.steps ?? []) memory.run(step);
  for (const [a, b, shared] of c.sharesMemory ?? []) {
    if (sharesMemory(memory.get(a), memory.get(b)) !== shared) throw new Error(`${a} and ${b} ${shared ? "share no" : "share"} memory`);
  }
  // the state at the end, so that reading one output changes none
  return (c.outputNames ?? []).map((name) => copy(memory.get(name)));
};

/** How area 6 runs what is no function of the library. */
export const programs: Readonly<Record<string, Program>> = { program };
