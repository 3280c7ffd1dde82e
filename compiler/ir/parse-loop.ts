/** Loop text to kernels; `print-loop.ts` shows the form. Whatever does not parse is a ParseError with its line and column. */
import type { DType } from "./dtype.ts";
import { registerDType } from "./dtype.ts";
import { ParseError } from "./errors.ts";
import type { Expr } from "./expr.ts";
import { axisIndex, variable } from "./expr.ts";
import type { Axis, AxisKind, Kernel, KernelBuffer, KernelScalar, Local, Reduce, Stmt, Store } from "./loop.ts";
import type { Token } from "./parse-core.ts";
import { parseCount, parseDType, parseList, shown, Tokens } from "./parse-core.ts";
import { parseExpr } from "./parse-expr.ts";

/** The one kernel of a text. */
export function parseKernel(text: string): Kernel {
  const [kernel, second] = parseKernels(text);
  if (kernel === undefined) throw new ParseError("there is no kernel in the text", 1, 1);
  if (second !== undefined) throw new ParseError(`expected one kernel, found a second one: @${second.name}`, 1, 1);
  return kernel;
}

/** All kernels of a text. */
export function parseKernels(text: string): Kernel[] {
  const tokens = new Tokens(text);
  const kernels: Kernel[] = [];
  while (tokens.peek.kind !== "end") kernels.push(parseKernelHere(tokens));
  return kernels;
}

/** One kernel, from the word `kernel` on. */
export function parseKernelHere(tokens: Tokens): Kernel {
  tokens.expect("kernel", "at the start of a kernel");
  return new KernelParser(tokens).parse();
}

const accesses: ReadonlyMap<string, KernelBuffer["access"]> = new Map([
  ["read", "read"],
  ["write", "write"],
  ["update", "update"],
  ["scratch", "scratch"],
]);
const axisKinds: ReadonlyMap<string, AxisKind> = new Map<string, AxisKind>((["grid", "group", "lane", "vector", "serial"] as const).map((k) => [k, k]));
const spaces: ReadonlyMap<string, Local["space"]> = new Map([
  ["scratch", "scratch"],
  ["group", "group"],
]);
const combinations: ReadonlyMap<string, NonNullable<Store["atomic"]>> = new Map((["add", "mul", "min", "max"] as const).map((k) => [k, k]));

/** A name means a scalar or axis (an expression), or a buffer or local (a dtype). */
type Meaning = { readonly scalar: Expr } | { readonly buffer: DType };

class KernelParser {
  readonly #tokens: Tokens;
  readonly #scopes: Map<string, Meaning>[] = [new Map()];
  readonly #abbreviations = new Map<number, Expr>();

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  parse(): Kernel {
    const t = this.#tokens;
    const name = t.expectKind("global", "the kernel's name, as @sum").name;
    t.expect("(", "before the buffers");
    const buffers: KernelBuffer[] = [];
    const scalars: KernelScalar[] = [];
    parseList(t, ")", "after the buffers and scalars", () => this.#operand(buffers, scalars));
    const body = this.#block("before the kernel's body");
    return { name, buffers, scalars, body };
  }

  #operand(buffers: KernelBuffer[], scalars: KernelScalar[]): void {
    const t = this.#tokens;
    const token = t.expectKind("ref", "a buffer or scalar, as %x");
    t.expect(":", "before a type");
    const dtype = parseDType(t);
    if (!t.sees("[")) {
      this.#define(token, { scalar: variable(token.name, dtype) });
      scalars.push({ name: token.name, dtype });
      return;
    }
    if (scalars.length > 0) throw t.error("buffers stand before scalars", token);
    const size = this.#size();
    this.#define(token, { buffer: dtype });
    buffers.push({ name: token.name, dtype, size, access: this.#oneOf(accesses, "an access: read, write, update or scratch") });
  }

  #size(): number {
    this.#tokens.expect("[", "before a size");
    const size = parseCount(this.#tokens, "a number of elements");
    this.#tokens.expect("]", "after a size");
    return size;
  }

  #oneOf<T>(words: ReadonlyMap<string, T>, what: string): T {
    const token = this.#tokens.next();
    const found = token.kind === "word" ? words.get(token.name) : undefined;
    if (found === undefined) throw this.#tokens.error(`expected ${what}, found ${shown(token)}`, token);
    return found;
  }

  #define(token: Token, meaning: Meaning): void {
    if (token.suffix !== "") throw this.#tokens.error(`a name to define has no .${token.suffix}: ${token.text}`, token);
    if (this.#meaning(token.name) !== undefined) throw this.#tokens.error(`${token.text} is defined twice`, token);
    this.#scopes.at(-1)?.set(token.name, meaning);
  }

  #meaning(name: string): Meaning | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  #expr(args: readonly DType[] = []): Expr {
    const scalar = (name: string): Expr | undefined => {
      const meaning = this.#meaning(name);
      return meaning !== undefined && "scalar" in meaning ? meaning.scalar : undefined;
    };
    return parseExpr(this.#tokens, { scalar, buffer: (name) => this.#bufferType(name), abbreviations: this.#abbreviations, args });
  }

  #bufferType(name: string): DType | undefined {
    const meaning = this.#meaning(name);
    return meaning !== undefined && "buffer" in meaning ? meaning.buffer : undefined;
  }

  #scoped<T>(read: () => T): T {
    if (this.#scopes.length > 200) throw this.#tokens.error("the statements nest too deep");
    this.#scopes.push(new Map());
    const found = read();
    this.#scopes.pop();
    this.#abbreviations.clear();
    return found;
  }

  #block(where: string): Stmt[] {
    this.#tokens.expect("{", where);
    return this.#scoped(() => {
      const body = this.#statements();
      this.#tokens.expect("}", "after a body");
      return body;
    });
  }

  #statements(): Stmt[] {
    const t = this.#tokens;
    const body: Stmt[] = [];
    while (!t.sees("}") && !t.sees("yield")) {
      if (t.take("#")) this.#abbreviation();
      else body.push(this.#statement());
    }
    return body;
  }

  #abbreviation(): void {
    const n = parseCount(this.#tokens, "the number of an abbreviation");
    this.#tokens.expect("=", "after an abbreviation");
    this.#abbreviations.set(n, this.#expr());
  }

  #statement(): Stmt {
    const t = this.#tokens;
    const token = t.next();
    if (token.kind === "ref") return this.#assign(token);
    switch (token.kind === "word" ? token.name : "") {
      case "for":
        return this.#scoped(() => ({ kind: "for", axis: this.#axis(), body: this.#block("before a loop's body") }));
      case "let":
        return this.#binding("let");
      case "carry":
        return this.#binding("carry");
      case "reduce":
        return this.#reduce();
      case "store":
        return this.#store();
      case "if":
        return this.#if();
      case "local":
        return this.#local();
      case "barrier":
        return { kind: "barrier" };
      default:
        throw t.error(`expected a statement, found ${shown(token)}`, token);
    }
  }

  #binding(kind: "let" | "carry"): Stmt {
    const t = this.#tokens;
    const token = t.expectKind("ref", "a name, as %s");
    t.expect("=", `after the name of a ${kind}`);
    const value = this.#expr();
    const { dtype, lo, hi } = value;
    // a carry changes, so its first value does not bound it
    this.#define(token, { scalar: kind === "let" ? variable(token.name, dtype, lo, hi) : variable(token.name, dtype) });
    return kind === "let" ? { kind, name: token.name, value } : { kind, name: token.name, init: value };
  }

  #assign(token: Token): Stmt {
    const meaning = this.#meaning(token.name);
    if (meaning === undefined || !("scalar" in meaning)) throw this.#tokens.error(`unknown scalar ${token.text}`, token);
    this.#tokens.expect("=", `after ${token.text}`);
    const valueAt = this.#tokens.peek;
    const value = this.#expr();
    if (value.dtype !== meaning.scalar.dtype) throw this.#tokens.error(`${token.text} is ${meaning.scalar.dtype}, its new value is ${value.dtype}`, valueAt);
    return { kind: "assign", name: token.name, value };
  }

  #axis(): Axis {
    const t = this.#tokens;
    const token = t.expectKind("ref", "an axis, as %i");
    t.expect("in", "after an axis");
    const lo = this.#expr();
    t.expect("..", "between the bounds of an axis");
    const hi = this.#expr();
    const step = t.take("step") ? parseCount(t, "a step") : 1;
    if (step < 1) throw t.error("a step is 1 or more", token);
    const about = t.take("about") ? { about: parseCount(t, "a number of iterations") } : {};
    t.expect("[", "before the kind of an axis");
    const kind = this.#oneOf(axisKinds, "an axis kind: grid, group, lane, vector or serial");
    t.expect("]", "after the kind of an axis");
    this.#define(token, { scalar: axisIndex(token.name, lo.lo, hi.hi - 1) });
    return { name: token.name, kind, lo, hi, step, ...about };
  }

  #reduce(): Reduce {
    const t = this.#tokens;
    const results: Token[] = [];
    const init: Expr[] = [];
    do {
      results.push(t.expectKind("ref", "the name of a result, as %s"));
      t.expect("=", "after the name of a result");
      init.push(this.#expr());
    } while (t.take(","));
    const types = init.map((e) => e.dtype);
    t.expect("by", "before the combination");
    const combine = this.#tuple(types, () => this.#expr([...types, ...types]), "the combination");
    const inner = this.#scoped(() => {
      const axes: Axis[] = [];
      if (t.take("over"))
        do axes.push(this.#axis());
        while (t.take(","));
      const exact = t.take("exact");
      t.expect("{", "before the body of a reduction");
      const body = this.#statements();
      t.expect("yield", "at the end of the body of a reduction");
      const values = this.#tuple(types, () => this.#expr(), "yield");
      t.expect("}", "after yield");
      return { axes, exact, body, values };
    });
    results.forEach((token, i) => this.#define(token, { scalar: variable(token.name, types[i] ?? "int32") }));
    return { kind: "reduce", names: results.map((r) => r.name), init, combine, ...inner };
  }

  /** As many expressions as the reduction has results, of their dtypes. */
  #tuple(types: readonly DType[], item: () => Expr, what: string): Expr[] {
    const t = this.#tokens;
    const list: Expr[] = [];
    do {
      const token = t.peek;
      const e = item();
      const want = types[list.length];
      if (want === undefined) throw t.error(`${what} has more values than the reduction has results (${types.length})`, token);
      if (e.dtype !== want) throw t.error(`${what} gives ${e.dtype} where the result is ${want}`, token);
      list.push(e);
    } while (t.take(","));
    if (list.length < types.length) throw t.error(`${what} gives ${list.length} values, the reduction has ${types.length} results`);
    return list;
  }

  #store(): Store {
    const t = this.#tokens;
    const atomic = t.take("atomic") ? this.#oneOf(combinations, "how an atomic store combines: add, mul, min or max") : undefined;
    const token = t.expectKind("ref", "a buffer, as %y");
    const dtype = this.#bufferType(token.name);
    if (dtype === undefined) throw t.error(`unknown buffer or local ${token.text}`, token);
    t.expect("[", "before an index");
    const index = this.#expr();
    const guard = t.take("if") ? this.#expr() : undefined;
    t.expect("]", "after an index");
    t.expect("=", "before the stored value");
    const valueAt = t.peek;
    const value = this.#expr();
    if (value.dtype !== dtype && value.dtype !== registerDType(dtype))
      throw t.error(`${token.text} holds ${dtype}, the stored value is ${value.dtype}`, valueAt);
    return { kind: "store", buffer: token.name, index, value, ...(guard ? { guard } : {}), ...(atomic ? { atomic } : {}) };
  }

  #if(): Stmt {
    const condition = this.#expr();
    const then = this.#block("before what happens if the condition holds");
    const otherwise = this.#tokens.take("else") ? this.#block("after else") : [];
    return { kind: "if", condition, then, otherwise };
  }

  #local(): Stmt {
    const t = this.#tokens;
    const token = t.expectKind("ref", "a name, as %row");
    t.expect(":", "before a type");
    const dtype = parseDType(t);
    const size = this.#size();
    const space = this.#oneOf(spaces, "a space: scratch or group");
    this.#define(token, { buffer: dtype });
    return { kind: "local", name: token.name, dtype, size, space };
  }
}
