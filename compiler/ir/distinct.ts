/** Kernels in which a name means one thing everywhere: what sibling scopes define under one name gets names of its own. */
import { at } from "./errors.ts";
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
  const all = statements(kernel.body);
  for (let i = 0; i < all.length; i++) {
    const names = namesOf(at(all, i));
    for (let k = 0; k < names.length; k++) {
      const name = at(names, k);
      if (seen.has(name)) twice.add(name);
      seen.add(name);
    }
  }
  return twice.size === 0 ? kernel : { ...kernel, body: new Renaming(twice, seen).list(kernel.body, new Names(new Map())) };
}

/** What names stand for in a list, and what an expression is with them: one mapper serves until another name is defined. */
class Names {
  readonly #others: Map<string, string>;
  #map: ((e: Expr) => Expr) | null = null;

  constructor(others: Map<string, string>) {
    this.#others = others;
  }

  /** For a list inside, which may define more. */
  inner(): Names {
    return new Names(new Map(this.#others));
  }

  of(name: string): string {
    return this.#others.get(name) ?? name;
  }

  get map(): (e: Expr) => Expr {
    this.#map ??= renamer(this.#others);
    return this.#map;
  }

  define(name: string, unique: string): void {
    if (this.of(name) === unique) return;
    if (unique === name) this.#others.delete(name);
    else this.#others.set(name, unique);
    this.#map = null;
  }
}

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
    return this.list(list, names.inner());
  }

  #statement(s: Stmt, names: Names): Stmt {
    const { map } = names;
    switch (s.kind) {
      case "for": {
        const own = names.inner();
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
        return { ...s, value: map(s.value), name: names.of(s.name) };
      case "store":
        return { ...s, index: map(s.index), value: map(s.value), buffer: names.of(s.buffer), ...(s.guard ? { guard: map(s.guard) } : {}) };
      default:
        return mapStatement(s, map, (list) => this.#inside(list, names));
    }
  }

  #reduce(s: Reduce, names: Names): Stmt {
    const init = s.init.map(names.map);
    const own = names.inner();
    const axes = s.axes.map((a) => this.#axis(a, own));
    const results = s.names.map((name) => this.#define(name, names));
    const body = this.list(s.body, own);
    return { ...s, names: results, init, axes, body, values: s.values.map(own.map) };
  }

  /** An axis with its name defined in `names`; its bounds do not see it. */
  #axis(a: Axis, names: Names): Axis {
    const { map } = names;
    return { ...a, lo: map(a.lo), hi: map(a.hi), name: this.#define(a.name, names) };
  }

  #define(name: string, names: Names): string {
    const unique = this.#twice.has(name) ? this.#fresh(name) : name;
    names.define(name, unique);
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
