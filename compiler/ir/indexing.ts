/**
 * Index arithmetic that simplifies as it is built. An index is an int32 expression over loop axes, of known bounds, kept as a sum
 * of terms `coefficient · atom` in a fixed order; an atom is an axis, a scalar, or a division or remainder that could not be
 * resolved. So equal indices are usually the same text, `(i*5 + j) / 5` with j in 0..4 is `i`, and reshape after reshape is free.
 */
import type { Expr, Sum, Term } from "./expr.ts";
import { apply, constant, exactValue, findings, indexOperation, withRange } from "./expr.ts";
import { at } from "./errors.ts";
import { exprOrder, mostCalls } from "./expr-order.ts";
import { stridesOf } from "./shape.ts";

/** A text that is equal for equal expressions. */
export function keyOf(e: Expr): string {
  // what is quickly told is not kept
  if (e.args.length === 0) return keyText(e);
  const known = e.found?.key;
  if (known !== undefined && known !== null) return known;
  const key = shortened(keyText(e));
  findings(e).key = key;
  return key;
}

/** Spelled out, an expression whose parts are shared can be exponentially long: beyond this its text is 64 bits of a hash. */
const longestKey = 240;

/** Two multiplicative hashes (FNV-1a's, with two primes). */
function shortened(text: string): string {
  if (text.length <= longestKey) return text;
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x5bd1e995) ^ (b >>> 15);
  }
  return `#${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}`;
}

function keyText(e: Expr): string {
  switch (e.op) {
    case "const":
      return `${Object.is(e.value, -0) ? "-0" : String(exactValue(e))}${e.dtype === "int32" ? "" : e.dtype}`;
    case "var":
    case "axis":
      return `%${e.name}`;
    case "arg":
      return `$${e.value}`;
    case "load":
      return `load:${e.name}(${keysOf(e.args)})`;
    case "cast":
    case "bitcast":
      return `${e.op}:${e.dtype}(${keysOf(e.args)})`;
    default:
      return `${e.op}(${keysOf(e.args)})`;
  }
}

function keysOf(args: readonly Expr[]): string {
  let text = "";
  for (let i = 0; i < args.length; i++) text += i === 0 ? keyOf(at(args, i)) : `,${keyOf(at(args, i))}`;
  return text;
}

/** Small constants are made once, and what is known of them is too. */
const small: Expr[] = [];
const smallBelow = 1024;

/** An int32 constant index. */
export const ix = (n: number): Expr => (n >= 0 && n < smallBelow && Number.isInteger(n) ? (small[n] ??= constant(n, "int32")) : constant(n, "int32"));

const noTerms: readonly Term[] = [];

function toSum(e: Expr): Sum {
  if (e.args.length === 0) return makeSum(e);
  const known = e.found?.sum;
  if (known !== undefined && known !== null) return known;
  const sum = makeSum(e);
  findings(e).sum = sum;
  return sum;
}

function makeSum(e: Expr): Sum {
  if (e.op === "const") return { terms: noTerms, offset: e.value };
  if (e.op === "add") return addSums(toSum(at(e.args, 0)), toSum(at(e.args, 1)), 1);
  if (e.op === "sub") return addSums(toSum(at(e.args, 0)), toSum(at(e.args, 1)), -1);
  if (e.op === "mul") {
    const a = at(e.args, 0);
    const b = at(e.args, 1);
    if (b.op === "const") return scaleSum(toSum(a), b.value);
    if (a.op === "const") return scaleSum(toSum(b), a.value);
  }
  return { terms: [{ atom: e, key: keyOf(e), coefficient: 1 }], offset: 0 };
}

/** One sum and another, or less another: terms that cancel each other out go. */
export function addSums(a: Sum, b: Sum, sign: 1 | -1 = 1): Sum {
  const offset = a.offset + sign * b.offset;
  if (b.terms.length === 0) return offset === a.offset ? a : { terms: a.terms, offset };
  if (a.terms.length === 0 && sign === 1) return { terms: b.terms, offset };
  // sums have a few terms: looking through them costs less than a map
  let { terms } = a;
  for (let k = 0; k < b.terms.length; k++) {
    const t = b.terms[k];
    if (t === undefined) break;
    const i = positionOf(terms, t.key);
    const coefficient = (terms[i]?.coefficient ?? 0) + sign * t.coefficient;
    const term = { atom: t.atom, key: t.key, coefficient };
    // lists that grow would have room for sixteen more
    if (i < 0) terms = [...terms, term];
    else terms = coefficient === 0 ? terms.toSpliced(i, 1) : terms.with(i, term);
  }
  return { terms, offset };
}

function positionOf(terms: readonly Term[], key: string): number {
  for (let i = 0; i < terms.length; i++) if (terms[i]?.key === key) return i;
  return -1;
}

/** A sum times a number. */
export function scaleSum({ terms, offset }: Sum, k: number): Sum {
  if (k === 0 || terms.length === 0) return { terms: noTerms, offset: k === 0 ? 0 : offset * k };
  return { terms: terms.map((t) => ({ atom: t.atom, key: t.key, coefficient: t.coefficient * k })), offset: offset * k };
}

/** A sum that `n` divides, divided; times 1 / n it would not be whole: 49 · (1 / 49) is less than 1. */
const quotientOf = (a: Sum, n: number): Sum => ({
  terms: a.terms.map((t) => ({ atom: t.atom, key: t.key, coefficient: t.coefficient / n })),
  offset: a.offset / n,
});

/** Largest coefficient first, then by text: one order for one sum. */
function fromSum({ terms: given, offset }: Sum): Expr {
  const terms = inOrder(given);
  const e = spelled(terms, offset);
  // most sums are added to another
  if (e.args.length > 0) findings(e).sum = { terms, offset };
  return e;
}

function spelled(terms: readonly Term[], offset: number): Expr {
  let out: Expr | null = null;
  for (let i = 0; i < terms.length; i++) {
    const t = terms[i];
    if (t === undefined) break;
    const term = t.coefficient === 1 ? t.atom : scaled(t.atom, t.coefficient);
    out = out === null ? term : indexOperation("add", out, term, out.lo + term.lo, out.hi + term.hi);
  }
  if (out === null) return ix(offset);
  return offset === 0 ? out : indexOperation("add", out, ix(offset), out.lo + offset, out.hi + offset);
}

function inOrder(terms: readonly Term[]): readonly Term[] {
  for (let i = 1; i < terms.length; i++) if (byCoefficient(at(terms, i - 1), at(terms, i)) > 0) return terms.toSorted(byCoefficient);
  return terms;
}

const byCoefficient = (a: Term, b: Term): number => Math.abs(b.coefficient) - Math.abs(a.coefficient) || (a.key < b.key ? -1 : 1);

function scaled(atom: Expr, k: number): Expr {
  const x = atom.lo * k;
  const y = atom.hi * k;
  return indexOperation("mul", atom, ix(k), Math.min(x, y), Math.max(x, y));
}

const sumOf = (e: Expr | number): Sum => (typeof e === "number" ? { terms: noTerms, offset: e } : toSum(e));

export const addIndex = (a: Expr, b: Expr | number): Expr => fromSum(addSums(toSum(a), sumOf(b), 1));
export const subIndex = (a: Expr, b: Expr | number): Expr => fromSum(addSums(toSum(a), sumOf(b), -1));
export const mulIndex = (a: Expr, k: number): Expr => fromSum(scaleSum(toSum(a), k));

/** Splits a sum into what `n` divides and the rest. */
function splitBy(sum: Sum, n: number): { exact: Sum; rest: Sum } {
  const exact = sum.terms.filter((t) => t.coefficient % n === 0);
  const rest = sum.terms.filter((t) => t.coefficient % n !== 0);
  const offset = Math.floor(sum.offset / n) * n;
  return { exact: { terms: exact, offset }, rest: { terms: rest, offset: sum.offset - offset } };
}

/** floor(a / n) for n ≥ 1. Where a may be negative the division is kept only if its value cannot be. */
export function divIndex(a: Expr, n: number): Expr {
  if (n === 1) return a;
  const { exact, rest } = splitBy(toSum(a), n);
  const remainder = fromSum(rest);
  const quotient = fromSum(quotientOf(exact, n));
  if (remainder.lo >= 0 && remainder.hi < n) return quotient;
  if (remainder.lo < 0) return floorDivide(a, n);
  const inner = withRange(apply("idiv", [remainder, ix(n)]), Math.floor(remainder.lo / n), Math.floor(remainder.hi / n));
  return addIndex(inner, quotient);
}

/** a - n·floor(a / n) for n ≥ 1. */
export function modIndex(a: Expr, n: number): Expr {
  if (n === 1) return ix(0);
  const remainder = fromSum(splitBy(toSum(a), n).rest);
  if (remainder.lo >= 0 && remainder.hi < n) return remainder;
  if (remainder.lo < 0) return subIndex(a, mulIndex(floorDivide(a, n), n));
  return withRange(apply("irem", [remainder, ix(n)]), 0, n - 1);
}

/** A division of an index of which more is known now, so that it may be none. */
export function dividedAgain(e: Expr): Expr {
  const a = e.args[0];
  const b = e.args[1];
  if (a === undefined || b?.op !== "const" || e.dtype !== "int32" || a.lo < 0) return e;
  if (e.op === "idiv") return divIndex(addIndex(a, 0), b.value);
  return e.op === "irem" ? modIndex(addIndex(a, 0), b.value) : e;
}

/** A division whose operand may be negative: shifted up by a multiple of n first, so that truncation is the floor. */
function floorDivide(a: Expr, n: number): Expr {
  const shift = Math.ceil(-a.lo / n);
  const up = addIndex(a, shift * n);
  const quotient = withRange(apply("idiv", [up, ix(n)]), Math.floor(up.lo / n), Math.floor(up.hi / n));
  return addIndex(quotient, -shift);
}

/** The flat row-major position of an index tuple. */
export function flatten(index: readonly Expr[], shape: readonly number[]): Expr {
  const strides = stridesOf(shape);
  let flat: Sum = { terms: noTerms, offset: 0 };
  for (let i = 0; i < index.length; i++) {
    if (at(shape, i) !== 1) flat = addSums(flat, scaleSum(toSum(at(index, i)), at(strides, i)), 1);
  }
  return rejoined(fromSum(flat));
}

/** An index as a sum in its one order, with what was taken apart joined again. */
export const normalIndex = (e: Expr): Expr => (e.op === "axis" ? e : rejoined(fromSum(toSum(e))));

/** n·(x / n) + x rem n is x, whatever x is: what `unflatten` took apart for want of bounds. */
function rejoined(e: Expr): Expr {
  const sum = toSum(e);
  if (!sum.terms.some((t) => t.atom.op === "irem")) return e;
  for (const rest of sum.terms) {
    const [x, n] = rest.atom.args;
    if (rest.atom.op !== "irem" || x === undefined || n?.op !== "const") continue;
    const keys = quotientKeys(x, n.value);
    const whole = sum.terms.find((t) => t.coefficient === rest.coefficient * n.value && keys.includes(t.key));
    if (whole === undefined) continue;
    const others = { terms: sum.terms.filter((t) => t !== rest && t !== whole), offset: sum.offset };
    return rejoined(fromSum(addSums(others, scaleSum(toSum(x), rest.coefficient), 1)));
  }
  return e;
}

/** How x / n may be spelled: (y / m) / n is y / (m·n). */
function quotientKeys(x: Expr, n: number): string[] {
  const own = keyOf(apply("idiv", [x, ix(n)]));
  const [y, m] = x.args;
  return x.op === "idiv" && y !== undefined && m?.op === "const" ? [own, keyOf(apply("idiv", [y, ix(m.value * n)]))] : [own];
}

/** The index tuple of a flat row-major position. */
export function unflatten(flat: Expr, shape: readonly number[]): Expr[] {
  const strides = stridesOf(shape);
  return shape.map((n, i) => {
    if (n === 1) return ix(0);
    const q = divIndex(flat, at(strides, i));
    return q.lo >= 0 && q.hi < n ? q : modIndex(q, n);
  });
}

/** lo <= e < hi as a condition, or undefined where the bounds of `e` already say so. */
export function within(e: Expr, lo: number, hi: number): Expr | undefined {
  const low = e.lo >= lo ? undefined : apply("ge", [e, ix(lo)]);
  const high = e.hi < hi ? undefined : apply("lt", [e, ix(hi)]);
  return conjoin(low, high);
}

/** a and b, either of which may be absent (true). */
export function conjoin(a: Expr | undefined, b: Expr | undefined): Expr | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return keyOf(a) === keyOf(b) ? a : apply("and", [a, b]);
}

const noNames: readonly string[] = [];

/** Names of the axes and scalars that an expression depends on, each once. */
export function namesIn(e: Expr): readonly string[] {
  return e.args.length === 0 ? ownName(e) : (e.found?.names ?? namesOf(e, 0));
}

function namesOf(e: Expr, depth: number): readonly string[] {
  if (e.args.length === 0) return ownName(e);
  const known = e.found?.names;
  if (known !== undefined && known !== null) return known;
  if (depth === mostCalls) for (const part of exprOrder(e.args, unknownOperands)) if (part.args.length > 0) findings(part).names = namesBelow(part, depth);
  const all = namesBelow(e, depth);
  findings(e).names = all;
  return all;
}

const ownName = (e: Expr): readonly string[] => (e.op === "axis" || e.op === "var" ? [e.name] : noNames);

/** Whether an expression depends on any of these. */
export function dependsOn(e: Expr, any: { readonly has: (name: string) => boolean }): boolean {
  if (e.op === "axis" || e.op === "var") return any.has(e.name);
  const all = namesIn(e);
  for (let i = 0; i < all.length; i++) if (any.has(all[i] ?? "")) return true;
  return false;
}

const unknownOperands = (e: Expr): readonly Expr[] => (e.found?.names ? noExprs : e.args);
const noExprs: readonly Expr[] = [];

function namesBelow({ args }: Expr, depth: number): readonly string[] {
  let all = noNames;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === undefined || arg.op === "const") continue;
    const more = namesOf(arg, depth + 1);
    if (more === all) continue;
    if (all.length === 0) {
      all = more;
      continue;
    }
    for (let k = 0; k < more.length; k++) {
      const name = more[k] ?? "";
      if (!all.includes(name)) all = [...all, name];
    }
  }
  return all;
}

/** The same as a set of its own, or added to one. */
export function freeNames(e: Expr, into: Set<string> = new Set()): Set<string> {
  const all = namesIn(e);
  for (let i = 0; i < all.length; i++) into.add(at(all, i));
  return into;
}
