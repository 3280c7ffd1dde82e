/**
 * forward rows: what is made of a row where it is filled needs no row.
 *
 *   reduce %s over %k in 0..64 { let %e = exp(load %x[%k])  store %row[%k] = %e  yield %e }
 *   for %j in 0..64 { store %y[%j] = load %row[%j] }
 *     → reduce %s over %k in 0..64 { let %e = exp(load %x[%k])  store %row[%k] = %e  store %y[%k] = %e  yield %e }
 *
 * The loop that fills a row takes in a later one that walks the same range, reads of the row the element that is just there, and waits for
 * nothing else in between. A row that nobody reads then goes (`share-rows.ts`).
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable, withName } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Let, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import type { Nest } from "./tidy.ts";
import { mergeNests, mutableNames, nestOf, rangeText, readsOf, tidy, touchesAny, writesAny } from "./tidy.ts";

/** The statements of a kernel with such loops together. */
export function forwarded(list: readonly Stmt[]): readonly Stmt[] {
  const together = forwardRows(list);
  return together === list ? list : tidy(together);
}

function forwardRows(list: readonly Stmt[]): readonly Stmt[] {
  const rows = new Set(list.flatMap((s) => (s.kind === "local" && s.space === "scratch" ? [s.name] : [])));
  if (rows.size === 0) return replaceEach(list, (s) => mapBodies(s, forwardRows));
  const out: Stmt[] = [];
  let isSame = true;
  for (const s of list) {
    const found = hostOf(out, s, rows);
    if (found === null) out.push(s);
    else out[found.place] = mergeNests(found.host, found.guest);
    isSame &&= found === null;
  }
  return isSame ? list : out;
}

/** A loop that takes in another, as both are then. */
interface Found {
  readonly place: number;
  readonly host: Nest;
  readonly guest: Nest;
}

/** The loop among those before that fills a row for a loop of stores; null where something is in the way. */
function hostOf(out: readonly Stmt[], s: Stmt, rows: ReadonlySet<string>): Found | null {
  const guest = s.kind === "for" ? nestOf(s) : null;
  if (guest === null || !guest.body.every(isPlain)) return null;
  const reads = readsOf([s]);
  const read = [...reads].filter((name) => rows.has(name));
  if (read.length === 0) return null;
  const changed = mutableNames([s]);
  for (let place = out.length - 1; place >= 0; place--) {
    const candidate = at(out, place);
    const host = nestOf(candidate);
    const filled = host === null || rangeText(host) !== rangeText(guest) ? null : filledIn(host, read);
    if (filled !== null && filled.length > 0 && host !== null) {
      const others = new Set([...reads].filter((name) => !filled.some((store) => store.buffer === name)));
      if (writesAny(candidate, others) || touchesAny(candidate, changed)) return null;
      return withValues({ place, host, guest }, filled);
    }
    if (writesAny(candidate, reads) || touchesAny(candidate, changed)) return null;
  }
  return null;
}

const isPlain = (s: Stmt): s is Let | Store => s.kind === "let" || (s.kind === "store" && s.atomic === undefined && s.guard === undefined);

/** The stores with which a loop fills some rows, one a row; null where there is more in it. */
function filledIn({ body }: Nest, rows: readonly string[]): readonly Store[] | null {
  const stores = body.filter((s) => s.kind === "store").filter((s) => rows.includes(s.buffer));
  return body.every(isPlain) && new Set(stores.map((s) => s.buffer)).size === stores.length ? stores : null;
}

/** Both loops with what rows are filled with under names; null where other elements are read. */
function withValues({ place, host, guest }: Found, filled: readonly Store[]): Found | null {
  const axes = new Map(guest.axes.map((a, i) => [a.name, at(host.axes, i).name]));
  const renamed = exprMapper((e) => (e.op === "axis" && axes.has(e.name) ? withName(e, axes.get(e.name) ?? e.name) : e));
  const values = new Map(filled.map((store) => [store.buffer, { store, name: nameOf(store) }]));
  const isHere = (e: Expr): boolean => {
    const own = values.get(e.name);
    return own === undefined || (e.args.length === 1 && keyOf(renamed(at(e.args, 0))) === keyOf(own.store.index));
  };
  if (!exprOrder(expressionsIn(guest.body)).every((e) => e.op !== "load" || isHere(e))) return null;
  const now = exprMapper((e) => (e.op === "load" ? (values.get(e.name)?.name ?? e) : e));
  const body = host.body.flatMap((s): Stmt[] => {
    const own = s.kind === "store" ? values.get(s.buffer) : undefined;
    return s.kind !== "store" || own?.store !== s || own.name === s.value
      ? [s]
      : [
          { kind: "let", name: own.name.name, value: s.value },
          { ...s, value: own.name },
        ];
  });
  return { place, host: { ...host, body }, guest: { ...guest, body: mapStatements(guest.body, now) } };
}

/** The name of what a row is filled with. */
const nameOf = ({ buffer, value }: Store): Expr => (value.op === "var" ? value : variable(`${buffer}_now`, value.dtype));
