/** Plan text to plans; `print-plan.ts` shows the form. Whatever does not parse is a ParseError with its line and column. */
import type { DType } from "./dtype.ts";
import { lookup } from "./errors.ts";
import type { Kernel } from "./loop.ts";
import type { Token } from "./parse-core.ts";
import { parseCount, parseDType, parseList, parseNumber, parseType, shown, Tokens } from "./parse-core.ts";
import { parseKernelHere } from "./parse-loop.ts";
import type { Plan, PlanBuffer, PlanOutput, Step } from "./plan.ts";
import { peakBytes } from "./print-plan.ts";
import { bytesOf, sizeOf } from "./shape.ts";

/** The plan of a text. Its kernels follow it in the text, or are given. */
export function parsePlan(text: string, kernels: readonly Kernel[] = []): Plan {
  const tokens = new Tokens(text);
  tokens.expect("plan", "at the start of a plan");
  const parser = new PlanParser(tokens);
  const draft = parser.parse();
  const all = [...kernels];
  while (tokens.peek.kind !== "end") {
    const at = tokens.peek;
    const kernel = parseKernelHere(tokens);
    if (all.some((k) => k.name === kernel.name)) throw tokens.error(`there are two kernels @${kernel.name}`, at);
    all.push(kernel);
  }
  return { ...draft, kernels: all, steps: draft.steps.map((s) => parser.resolve(s, all)) };
}

/** A step that runs a kernel which is known by its name so far. */
interface Run {
  readonly kind: "run";
  readonly kernel: Token;
  readonly buffers: readonly number[];
  readonly scalars: readonly number[];
}
type Draft = Omit<Plan, "steps" | "kernels"> & { readonly steps: readonly (Step | Run)[] };

const roles: ReadonlyMap<string, PlanBuffer["role"]> = new Map((["input", "output", "temp"] as const).map((r) => [r, r]));

class PlanParser {
  readonly #tokens: Tokens;
  readonly #buffers = new Map<number, PlanBuffer>();
  /** Where buffers are named that may be defined further down. */
  readonly #donors: { readonly id: number; readonly token: Token }[] = [];

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  parse(): Draft {
    const t = this.#tokens;
    const name = t.expectKind("global", "the plan's name, as @loss").name;
    t.expect("(", "before the inputs");
    const inputTokens: Token[] = [];
    const inputs = parseList(t, ")", "after the inputs", () => {
      inputTokens.push(t.peek);
      return this.#id();
    });
    const scalars: DType[] = [];
    if (t.take("scalars"))
      do scalars.push(parseDType(t));
      while (t.take(","));
    t.expect("{", "before the plan's buffers");
    while (roles.has(t.peek.text)) this.#buffer();
    for (const { id, token } of this.#donors) if (!this.#buffers.has(id)) throw t.error(`unknown buffer ${token.text}`, token);
    inputs.forEach((id, i) => {
      if (this.#buffers.get(id)?.role !== "input") throw t.error(`%${id} is no input of the plan`, inputTokens[i]);
    });
    const arenaBytes = this.#arena();
    const steps: (Step | Run)[] = [];
    while (!t.sees("return")) steps.push(this.#step(scalars));
    const outputs = this.#outputs();
    t.expect("}", "after the plan's outputs");
    return { name, buffers: [...this.#buffers.values()], steps, inputs, scalars, outputs, arenaBytes };
  }

  /** A number that names a buffer. */
  #id(): number {
    const token = this.#tokens.expectKind("ref", "a buffer, as %0");
    if (!/^%\d+$/.test(token.text)) throw this.#tokens.error(`buffers of plans have numbers, as %0, not ${token.text}`, token);
    return Number(token.name);
  }

  #known(): PlanBuffer {
    const token = this.#tokens.peek;
    const buffer = this.#buffers.get(this.#id());
    if (buffer === undefined) throw this.#tokens.error(`unknown buffer ${token.text}`, token);
    return buffer;
  }

  #bytes(): number {
    const bytes = parseCount(this.#tokens, "a number of bytes");
    this.#tokens.expect("bytes", "after their number");
    return bytes;
  }

  #buffer(): void {
    const t = this.#tokens;
    const role = lookup(roles, t.next().text, "a role");
    const token = t.peek;
    const id = this.#id();
    if (this.#buffers.has(id)) throw t.error(`${token.text} is defined twice`, token);
    t.expect(":", "before the buffer's type");
    const type = parseType(t);
    t.expect(",", "after the buffer's type");
    const bytesAt = t.peek;
    const bytes = this.#bytes();
    if (bytes < bytesOf(type)) throw t.error(`${token.text} needs ${bytesOf(type)} bytes, the text says ${bytes}`, bytesAt);
    if (role === "temp") t.expect("at", "before the offset of a temp");
    const offset = role === "temp" ? parseCount(t, "an offset in bytes") : 0;
    const donates = role === "output" && t.take("donates") ? this.#donor() : null;
    this.#buffers.set(id, { id, role, type, bytes, offset, donates });
  }

  #donor(): number {
    const token = this.#tokens.peek;
    const id = this.#id();
    this.#donors.push({ id, token });
    return id;
  }

  #arena(): number {
    const t = this.#tokens;
    t.expect("arena", "(its bytes) or another buffer");
    const arenaBytes = this.#bytes();
    t.expect(",", "before the peak");
    t.expect("peak", "after the arena");
    const token = t.peek;
    const peak = peakBytes({ buffers: [...this.#buffers.values()], arenaBytes });
    const written = this.#bytes();
    if (written !== peak) throw t.error(`the plan needs ${peak} bytes, the text says ${written}`, token);
    return arenaBytes;
  }

  #step(scalars: readonly DType[]): Step | Run {
    const t = this.#tokens;
    const token = t.next();
    switch (token.kind === "word" ? token.name : "") {
      case "alloc":
        return { kind: "alloc", buffer: this.#known().id };
      case "free":
        return { kind: "free", buffer: this.#known().id };
      case "copy": {
        const from = this.#known().id;
        t.expect("to", "between the buffers of a copy");
        return { kind: "copy", from, to: this.#known().id };
      }
      case "fill": {
        const buffer = this.#known().id;
        t.expect("with", "before the value of a fill");
        return { kind: "fill", buffer, value: parseNumber(t) };
      }
      case "run":
        return this.#run(scalars);
      default:
        throw t.error(`expected a step or return, found ${shown(token)}`, token);
    }
  }

  #run(known: readonly DType[]): Run {
    const t = this.#tokens;
    const kernel = t.expectKind("global", "a kernel's name, as @sum");
    t.expect("(", "before the buffers of a kernel");
    const buffers = parseList(t, ")", "after the buffers of a kernel", () => this.#known().id);
    const scalars: number[] = [];
    const scalar = (): void => {
      const token = t.peek;
      const n = parseCount(t, "the position of a scalar");
      if (n >= known.length) throw t.error(`the plan has ${known.length} scalars, counted from 0: there is no ${n}`, token);
      scalars.push(n);
    };
    if (t.take("scalars"))
      do scalar();
      while (t.take(","));
    return { kind: "run", kernel, buffers, scalars };
  }

  #outputs(): PlanOutput[] {
    const t = this.#tokens;
    t.expect("return", "before the outputs");
    const output = (): PlanOutput => {
      const token = t.peek;
      const buffer = this.#known();
      t.expect(":", "before the type of an output");
      const type = parseType(t);
      if (sizeOf(type.shape) !== sizeOf(buffer.type.shape) || type.dtype !== buffer.type.dtype)
        throw t.error("an output has the elements of its buffer", token);
      return { buffer: buffer.id, type };
    };
    const outputs: PlanOutput[] = [];
    if (!t.sees("}"))
      do outputs.push(output());
      while (t.take(","));
    return outputs;
  }

  /** The step with its kernel found by name. */
  resolve(step: Step | Run, kernels: readonly Kernel[]): Step {
    if (step.kind !== "run") return step;
    const { kernel: token, buffers, scalars } = step;
    const index = kernels.findIndex((k) => k.name === token.name);
    const kernel = kernels[index];
    if (kernel === undefined) throw this.#tokens.error(`unknown kernel ${token.text}`, token);
    if (buffers.length !== kernel.buffers.length)
      throw this.#tokens.error(`${token.text} takes ${kernel.buffers.length} buffers, not ${buffers.length}`, token);
    if (scalars.length !== kernel.scalars.length)
      throw this.#tokens.error(`${token.text} takes ${kernel.scalars.length} scalars, not ${scalars.length}`, token);
    return { kind: "kernel", kernel: index, buffers, scalars };
  }
}
