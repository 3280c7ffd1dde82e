/**
 * distribute: a loop around contractions, as a loop around each.
 *
 *   for %f { reduce %a { … }  store %x[%f] = %a  reduce %b { … }  store %y[%f] = %b }     →     for %f { … %a … }  for %f { … %b … }
 *
 * `lower` puts loops over one range together, which saves loads where they are light; contractions want all registers for themselves.
 */
import { exprOrder } from "../../ir/expr-order.ts";
import type { Stmt } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";

/** The parts of a loop that need nothing of one another, if one of them is a reduction; else the loop itself. */
export function distributed(s: Stmt): readonly Stmt[] {
  if (s.kind !== "for" || s.axis.kind !== "serial") return [s];
  const only = s.body.length === 1 ? s.body[0] : undefined;
  if (only?.kind === "for") return distributed(only).map((part) => (part === only ? s : { ...s, body: [part] }));
  if (!s.body.some((one) => one.kind === "reduce") || !s.body.every((one) => one.kind === "let" || one.kind === "reduce" || one.kind === "store")) return [s];
  const groups = groupsOf(s.body);
  return groups.length < 2 ? [s] : groups.map((body) => ({ ...s, body }));
}

/** Statements that share names, or memory that one of them writes, in their order. */
function groupsOf(body: readonly Stmt[]): Stmt[][] {
  const written = new Set(body.flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  const named = new Set(body.flatMap(definedBy));
  const groups: { readonly keys: Set<string>; readonly list: number[] }[] = [];
  body.forEach((s, i) => {
    const keys = new Set([...definedBy(s), ...readBy(s).filter((name) => named.has(name) || written.has(name)), ...(s.kind === "store" ? [s.buffer] : [])]);
    const joined = groups.filter((g) => [...keys].some((k) => g.keys.has(k)));
    const [into] = joined;
    if (into === undefined) return void groups.push({ keys, list: [i] });
    for (const g of joined) {
      for (const k of g.keys) into.keys.add(k);
      if (g !== into) {
        into.list.push(...g.list);
        groups.splice(groups.indexOf(g), 1);
      }
    }
    for (const k of keys) into.keys.add(k);
    into.list.push(i);
  });
  return groups.map(({ list }) => list.toSorted((a, b) => a - b).flatMap((i) => body[i] ?? []));
}

function definedBy(s: Stmt): readonly string[] {
  if (s.kind === "let") return [s.name];
  return s.kind === "reduce" ? s.names : [];
}

const readBy = (s: Stmt): string[] => exprOrder(expressionsIn([s])).flatMap((e) => (e.op === "var" || e.op === "load" ? [e.name] : []));
