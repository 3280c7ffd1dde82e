/** Loops around a scope: opened before what stands inside is known, closed when it is complete. */
import { at } from "../../ir/errors.ts";
import type { Loop } from "./loop.ts";
import { axisOf } from "./loop.ts";
import { Scope } from "./scope.ts";

/** The scopes of loops inside one another, that around them first. */
export function openNest(around: Scope, names: readonly string[]): Scope[] {
  const scopes = [around];
  for (const name of names) scopes.push(new Scope(innermostOf(scopes), [name]));
  return scopes;
}

/** The innermost of them. */
export const innermostOf = (scopes: readonly Scope[]): Scope => at(scopes, scopes.length - 1);

/** What the axes of loops are called. */
export const namesOf = (loops: readonly Loop[]): string[] => loops.map((l) => l.index.name);

/** Puts each loop behind what stands in the scope around it. */
export function closeNest(loops: readonly Loop[], scopes: readonly Scope[]): void {
  for (let i = loops.length - 1; i >= 0; i--)
    at(scopes, i).statements.push({ kind: "for", axis: axisOf(at(loops, i), "serial"), body: at(scopes, i + 1).statements });
}
