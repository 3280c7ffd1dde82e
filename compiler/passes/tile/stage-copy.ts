/** Expressions in another place: axes become positions there, names get new ones, staged values are loaded. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable, withOperands } from "../../ir/expr.ts";
import { addIndex, freeNames, ix, keyOf, unflatten } from "../../ir/indexing.ts";
import type { Let, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import type { Span } from "./stage-find.ts";

/** Hands out names that a kernel does not use. */
export class FreshNames {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  of(hint: string): string {
    let name = hint;
    for (let n = 2; this.#taken.has(name); n++) name = `${hint}_${n}`;
    this.#taken.add(name);
    return name;
  }
}

/** What stands for what in the other place. */
export interface Renaming {
  readonly axes: ReadonlyMap<string, Expr>;
  /** By the text of an expression. */
  readonly values: ReadonlyMap<string, Expr>;
}

/** Maps expressions; those of `values` as a whole, and indices into their normal form. */
export function copier({ axes, values }: Renaming): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const known = done.get(e) ?? values.get(keyOf(e));
    if (known !== undefined) return known;
    const args = e.args.map((a, i) => (e.op === "load" && i === 0 ? addIndex(map(a), 0) : map(a)));
    const plain = e.op === "axis" ? (axes.get(e.name) ?? e) : e;
    const out = args.every((a, i) => a === e.args[i]) ? plain : withOperands(e, args);
    done.set(e, out);
    return out;
  };
  return map;
}

/** The lets, in their order, under new names and mapped, and how to map what reads them. */
export function copyLets(lets: readonly Let[], renaming: Renaming, names: FreshNames): { readonly lets: Let[]; readonly map: (e: Expr) => Expr } {
  const values = new Map(renaming.values);
  const own = { axes: renaming.axes, values };
  const copies: Let[] = [];
  for (const s of lets) {
    const { value } = s;
    const key = keyOf(variable(s.name, value.dtype));
    if (values.has(key)) continue;
    const name = names.of(s.name);
    copies.push({ kind: "let", name, value: copier(own)(value) });
    values.set(key, variable(name, value.dtype, value.lo, value.hi));
  }
  return { lets: copies, map: copier(own) };
}

/** The lets that these statements and expressions read, and those that such lets read. */
export function onlyRead(lets: readonly Let[], body: readonly Stmt[], roots: readonly Expr[] = []): Let[] {
  const read = new Set<string>();
  for (const e of [...roots, ...expressionsIn(body)]) freeNames(e, read);
  return lets
    .toReversed()
    .filter((s) => {
      if (read.has(s.name)) freeNames(s.value, read);
      return read.has(s.name);
    })
    .toReversed();
}

/** What the axes of spans are at positions of them. */
export function decoded(places: readonly (readonly [Span, Expr])[], names: FreshNames): { readonly lets: Let[]; readonly axes: Map<string, Expr> } {
  const lets: Let[] = [];
  const axes = new Map<string, Expr>();
  for (const [span, position] of places) {
    const extents = span.runs.map((run) => run.reduce((n, a) => n * a.hi.value, 1));
    unflatten(position, extents).forEach((e, i) => {
      const run = at(span.runs, i);
      const simple = e.args.length === 0;
      const value = simple ? e : variable(names.of(run.map((a) => a.name).join("")), "int32", e.lo, e.hi);
      if (!simple) lets.push({ kind: "let", name: value.name, value: e });
      run.forEach((a, k) => axes.set(a.name, k === run.length - 1 ? value : ix(0)));
    });
  }
  return { lets, axes };
}

/** Every name that a list defines. */
export function namesIn(list: readonly Stmt[]): string[] {
  return statements(list).flatMap((s) => {
    if (s.kind === "for") return [s.axis.name];
    if (s.kind === "reduce") return [...s.names, ...s.axes.map((a) => a.name)];
    return s.kind === "let" || s.kind === "carry" || s.kind === "local" ? [s.name] : [];
  });
}
