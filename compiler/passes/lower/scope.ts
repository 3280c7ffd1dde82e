/**
 * Where statements go. A scope is a loop body under construction. A value is computed in the outermost scope that defines every
 * name its index depends on; the child loop that asked for it is appended to its parent only when it is complete, so whatever is
 * hoisted stands before the loop that uses it. Stages of a kernel fall out of this: a row's maximum depends on the row only, so
 * its loop lands before the loop over the row's elements.
 */
import { CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Stmt } from "../../ir/loop.ts";

export class Scope {
  readonly parent: Scope | null;
  readonly statements: Stmt[] = [];
  /** Computed values by value and index. */
  readonly memo: Map<string, Expr> = new Map();
  readonly #names: Set<string>;

  constructor(parent: Scope | null, names: readonly string[]) {
    this.parent = parent;
    this.#names = new Set(names);
  }

  define(name: string): void {
    this.#names.add(name);
  }

  /** The outermost scope, from here up, below which all of `names` are defined. */
  home(names: ReadonlySet<string>): Scope {
    let scope: Scope = this;
    while (scope.parent !== null && !scope.#definesAny(names)) scope = scope.parent;
    return scope;
  }

  #definesAny(names: ReadonlySet<string>): boolean {
    for (const n of names) if (this.#names.has(n)) return true;
    return false;
  }

  /** The scope, from here up, that defines this name. */
  owner(name: string): Scope {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) if (scope.#names.has(name)) return scope;
    throw new CompilerBug(`no loop defines %${name}`);
  }
}
