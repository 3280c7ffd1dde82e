/**
 * Where statements go. A scope is a loop body under construction. A value is computed in the outermost scope that defines every
 * name its index depends on; the child loop that asked for it is appended to its parent only when it is complete, so whatever is
 * hoisted stands before the loop that uses it. Stages of a kernel fall out of this: a row's maximum depends on the row only, so
 * its loop lands before the loop over the row's elements.
 */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { dependsOn, keyOf } from "../../ir/indexing.ts";
import type { Stmt } from "../../ir/loop.ts";
import type { Value } from "../../ir/node.ts";

export class Scope {
  readonly parent: Scope | null;
  readonly statements: Stmt[] = [];
  readonly #computed = new Map<string, Map<Value, Expr>>();
  readonly #names: Set<string>;

  constructor(parent: Scope | null, names: readonly string[]) {
    this.parent = parent;
    this.#names = new Set(names);
  }

  define(name: string): void {
    this.#names.add(name);
  }

  /** What was computed here at one index, and under one guard; `what` keeps values of another kind apart. */
  at(index: readonly Expr[], guard: Expr | undefined, what: string = ""): Map<Value, Expr> {
    let place = what;
    for (let i = 0; i < index.length; i++) place += `,${keyOf(at(index, i))}`;
    if (guard !== undefined) place += `?${keyOf(guard)}`;
    const known = this.#computed.get(place);
    if (known !== undefined) return known;
    const none = new Map<Value, Expr>();
    this.#computed.set(place, none);
    return none;
  }

  /** The outermost scope, from here up to `top`, below which all names are defined that an index and its guard depend on. */
  home(index: readonly Expr[], guard: Expr | undefined, top: Scope | null = null): Scope {
    let scope: Scope = this;
    while (scope !== top && scope.parent !== null && !scope.#isNeeded(index, guard)) scope = scope.parent;
    return scope;
  }

  #isNeeded(index: readonly Expr[], guard: Expr | undefined): boolean {
    for (let i = 0; i < index.length; i++) {
      const e = index[i];
      if (e !== undefined && e.op !== "const" && dependsOn(e, this.#names)) return true;
    }
    return guard !== undefined && dependsOn(guard, this.#names);
  }

  /** The scope, from here up, that defines this name. */
  owner(name: string): Scope {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) if (scope.#names.has(name)) return scope;
    throw new CompilerBug(`no loop defines %${name}`);
  }
}
