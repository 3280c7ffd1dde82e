/** Kernels in which a name means one thing everywhere: what sibling scopes define under one name gets names of its own. */
import type { Expr } from "./expr.ts";
import { withName } from "./expr.ts";
import type { Axis, Kernel, Reduce, Stmt } from "./loop.ts";
import { statements } from "./loop.ts";
import { exprMapper, mapStatement } from "./loop-walk.ts";

function namesOf(s: Stmt): readonly string[] {
  switch (s.kind) {
    case "for":
      return [s.axis.name];
    case "reduce":
      return [...s.names, ...s.axes.map((a) => a.name)];
    case "let":
    case "carry":
    case "local":
      return [s.name];
    default:
      return [];
  }
}

export function withDistinctNames(kernel: Kernel): Kernel {
  const seen = new Set([...kernel.buffers, ...kernel.scalars].map((b) => b.name));
  const twice = new Set<string>();
  for (const s of statements(kernel.body))
    for (const name of namesOf(s)) {
      if (seen.has(name)) twice.add(name);
      seen.add(name);
    }
  return twice.size === 0 ? kernel : { ...kernel, body: new Renaming(twice, seen).list(kernel.body, new Map()) };
}

type Names = Map<string, string>;

class Renaming {
  readonly #twice: ReadonlySet<string>;
  readonly #seen: Set<string>;
  readonly #counts = new Map<string, number>();

  constructor(twice: ReadonlySet<string>, seen: Set<string>) {
    this.#twice = twice;
    this.#seen = seen;
  }

  /** The list with what it defines renamed; `names` knows of it afterwards. */
  list(list: readonly Stmt[], names: Names): Stmt[] {
    return list.map((s) => this.#statement(s, names));
  }

  #inside(list: readonly Stmt[], names: Names): Stmt[] {
    return this.list(list, new Map(names));
  }

  #statement(s: Stmt, names: Names): Stmt {
    const map = renamer(names);
    const of = (name: string): string => names.get(name) ?? name;
    switch (s.kind) {
      case "for": {
        const own = new Map(names);
        const axis = this.#axis(s.axis, own);
        return { ...s, axis, body: this.list(s.body, own) };
      }
      case "reduce":
        return this.#reduce(s, names);
      case "let": {
        const value = map(s.value);
        return { kind: s.kind, name: this.#define(s.name, names), value };
      }
      case "carry":
        return { ...s, init: map(s.init), name: this.#define(s.name, names) };
      case "local":
        return { ...s, name: this.#define(s.name, names) };
      case "assign":
        return { ...s, value: map(s.value), name: of(s.name) };
      case "store":
        return { ...s, index: map(s.index), value: map(s.value), buffer: of(s.buffer), ...(s.guard ? { guard: map(s.guard) } : {}) };
      default:
        return mapStatement(s, map, (list) => this.#inside(list, names));
    }
  }

  #reduce(s: Reduce, names: Names): Stmt {
    const init = s.init.map(renamer(names));
    const own = new Map(names);
    const axes = s.axes.map((a) => this.#axis(a, own));
    const results = s.names.map((name) => this.#define(name, names));
    const body = this.list(s.body, own);
    return { ...s, names: results, init, axes, body, values: s.values.map(renamer(own)) };
  }

  /** An axis with its name defined in `names`; its bounds do not see it. */
  #axis(a: Axis, names: Names): Axis {
    const map = renamer(names);
    return { ...a, lo: map(a.lo), hi: map(a.hi), name: this.#define(a.name, names) };
  }

  #define(name: string, names: Names): string {
    const unique = this.#twice.has(name) ? this.#fresh(name) : name;
    if (unique === name) names.delete(name);
    else names.set(name, unique);
    return unique;
  }

  #fresh(name: string): string {
    for (;;) {
      const n = (this.#counts.get(name) ?? 0) + 1;
      this.#counts.set(name, n);
      const candidate = n === 1 ? name : `${name}_${n}`;
      if (n > 1 && this.#seen.has(candidate)) continue;
      this.#seen.add(candidate);
      return candidate;
    }
  }
}

const itself = (e: Expr): Expr => e;

const renamer = (names: ReadonlyMap<string, string>): ((e: Expr) => Expr) =>
  names.size === 0
    ? itself
    : exprMapper((e) => {
        const name = e.op === "var" || e.op === "axis" || e.op === "load" ? names.get(e.name) : undefined;
        return name === undefined || name === e.name ? e : withName(e, name);
      });
