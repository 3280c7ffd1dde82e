/**
 * Common subexpressions and loop invariants of statements.
 *
 * Every statement list is a level. An expression that stands twice in a level gets a name there; one that uses nothing of its level
 * moves to the level around it, in front of the loop. Loads stay where they are: `lower` has placed them, perhaps behind a condition.
 */
import type { DType, Numeric } from "../../ir/dtype.ts";
import { dtypes } from "../../ir/dtype.ts";
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import type { Expr, ExprOp } from "../../ir/expr.ts";
import { isScalarOp, mapOperands, scalarOps, variable } from "../../ir/expr.ts";
import { namesIn } from "../../ir/indexing.ts";
import type { Stmt } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import { mapAxis, mapStatement } from "../../ir/loop-walk.ts";

/** Numbers of expressions are below this, so that two of them and an operation make one number that is exact. */
const most = 2 ** 21;

/** Operations by their positions, from 1 on; leaves by theirs, two numbers each, as loads may widen. */
const operations = new Map<ExprOp, number>([...scalarOps, "load" as const].map((op, i) => [op, i + 1]));
const leaves = new Map<ExprOp, number>((["const", "arg", "axis", "var", "load"] as const).map((op, i) => [op, 2 * i]));
const types = new Map<DType, number>(dtypes.map((d, i) => [d, i]));

/** Maps take -0 for 0. */
const numberOf = ({ value, wide }: Expr): string | Numeric => (Object.is(value, -0) ? "-0" : (wide ?? value));

/** A value that may differ where it is read next, and one that loads. */
const changing = 1;
const loading = 2;

/** Numbers expressions so that equal ones have equal numbers: linear in the size of the graph of sub-expressions. */
class Numbering {
  /** By what they are; of leaves then by their names or numbers, and of operations by the numbers of two operands: texts would be much garbage. */
  readonly #leaves: Map<string | Numeric, number>[] = [];
  readonly #ids = new Map<number, number>();
  readonly #known = new Map<Expr, number>();
  /** Names that stand for another name. */
  readonly #same = new Map<string, string>();
  readonly #mutable: ReadonlySet<string>;
  /** By number: what is said of a value, as bits that an operation has from its operands. Nothing has the number 0. */
  readonly #bits: number[] = [0];

  /** `mutable`: names whose value changes, and buffers that are stored to. */
  constructor(mutable: ReadonlySet<string>) {
    this.#mutable = mutable;
  }

  of(e: Expr): number {
    const known = this.#known.get(e);
    if (known !== undefined) return known;
    const id = e.args.length === 0 ? this.#leaf(e) : this.#operation(e);
    this.#known.set(e, id);
    return id;
  }

  isStable(id: number): boolean {
    return ((this.#bits[id] ?? 0) & changing) === 0;
  }

  loads(id: number): boolean {
    return ((this.#bits[id] ?? 0) & loading) !== 0;
  }

  /** What has no operands; of a load, the memory that it reads. */
  #leaf(e: Expr): number {
    const isNumber = e.op === "const" || e.op === "arg";
    const widens = e.op === "load" && e.value === 1 ? 1 : 0;
    const what = (lookup(leaves, e.op, "a leaf") + widens) * dtypes.length + lookup(types, e.dtype, "a dtype");
    const ids = (this.#leaves[what] ??= new Map());
    const key = isNumber ? numberOf(e) : (this.#same.get(e.name) ?? e.name);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const isMutable = (e.op === "var" || e.op === "load") && this.#mutable.has(e.name);
    const id = this.#add((isMutable ? changing : 0) | (e.op === "load" ? loading : 0));
    ids.set(key, id);
    return id;
  }

  #operation(e: Expr): number {
    const what = lookup(operations, e.op, "an operation") * dtypes.length + lookup(types, e.dtype, "a dtype");
    const isLoad = e.op === "load";
    const first = isLoad ? this.#leaf(e) : this.of(at(e.args, 0));
    let next = isLoad ? 0 : 1;
    let id = this.#join(what, first, next < e.args.length ? this.of(at(e.args, next)) : 0);
    // three operands are two, and then one more
    for (next++; next < e.args.length; next++) id = this.#join(0, id, this.of(at(e.args, next)));
    return id;
  }

  #join(what: number, a: number, b: number): number {
    const key = (what * most + a) * most + b;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#add((this.#bits[a] ?? 0) | (this.#bits[b] ?? 0));
    this.#ids.set(key, id);
    return id;
  }

  #add(bits: number): number {
    const id = this.#bits.length;
    if (id === most) throw new CompilerBug(`a kernel of more than ${most} expressions`);
    this.#bits.push(bits);
    return id;
  }

  equate(name: string, other: string): void {
    this.#same.set(name, other);
  }
}

/** A statement list under construction. */
interface Level {
  readonly around: Level | null;
  /** Of a condition: it runs no more often than what is around it. */
  readonly isBranch: boolean;
  /** Names that this level defines: what uses one of them cannot move out. */
  readonly own: Set<string>;
  /** Expressions that have a name here. */
  readonly named: Map<number, Expr>;
  readonly counts: Map<number, number>;
  /** What was rewritten here already: shared parts are walked once. */
  readonly done: Map<Expr, Expr>;
  readonly out: Stmt[];
}

export class Sharing {
  readonly #numbering: Numbering;
  readonly #aliases = new Map<string, Expr>();
  /** Expressions that have had a name in some level: few. */
  readonly #everNamed = new Set<number>();
  #fresh = 0;

  /** `mutable`: names whose value changes, and buffers that are stored to. */
  constructor(mutable: ReadonlySet<string>) {
    this.#numbering = new Numbering(mutable);
  }

  /** `taken`: names that stand for something already, beside those that the list defines. */
  list(list: readonly Stmt[], taken: ReadonlySet<string>): Stmt[] {
    const all = statements(list);
    for (let i = 0; i < all.length; i++) {
      const s = at(all, i);
      if (s.kind === "let") this.#pass(s.name);
    }
    taken.forEach((name) => this.#pass(name));
    return this.#level(list, { around: null, isBranch: false }, [], []);
  }

  /** Fresh names come after this one. */
  #pass(name: string): void {
    if (name.startsWith("t")) this.#fresh = Math.max(this.#fresh, 1 + Number(/^t(\d+)$/.exec(name)?.[1] ?? -1));
  }

  /** `loops`: axes whose iterations run this list. `tail`: values read at its end, rewritten in place. */
  #level(list: readonly Stmt[], { around, isBranch }: Pick<Level, "around" | "isBranch">, loops: readonly string[], tail: Expr[]): Stmt[] {
    // spelled out: engines make a hidden class of its own for each object that begins as a copy and is given more
    const level: Level = { around, isBranch, own: new Set(loops), named: new Map(), counts: this.#count(list, tail), done: new Map(), out: [] };
    // by position, here and below: until engines have optimised a function, iterators and what they return are much of its time
    for (let i = 0; i < list.length; i++) addNames(at(list, i), level.own);
    for (let i = 0; i < list.length; i++) this.#statement(at(list, i), level);
    for (let i = 0; i < tail.length; i++) tail[i] = this.#rewrite(at(tail, i), level);
    return level.out;
  }

  #statement(s: Stmt, level: Level): void {
    if (s.kind === "let") {
      if (this.#aliases.has(s.name)) return;
      const value = this.#children(s.value, level);
      level.out.push({ kind: "let", name: s.name, value });
      const id = this.#numbering.of(s.value);
      if (this.#numbering.isStable(id)) this.#nameHere(id, variable(s.name, value.dtype, value.lo, value.hi), level);
    } else if (s.kind === "reduce") {
      const values = [...s.values];
      const init = s.init.map((e) => this.#rewrite(e, level));
      const axes = s.axes.map((a) => mapAxis(a, (e) => this.#rewrite(e, level)));
      const body = this.#level(
        s.body,
        { around: level, isBranch: false },
        s.axes.map((a) => a.name),
        values,
      );
      level.out.push({ kind: "reduce", names: s.names, init, axes, body, values, combine: s.combine, exact: s.exact });
    } else {
      const loops = s.kind === "for" ? [s.axis.name] : [];
      const next = mapStatement(
        s,
        // what a branch asks is no value that waits in a register
        (e) => this.#rewrite(e, s.kind === "if" ? { ...level, isBranch: false } : level),
        (inner) => this.#level(inner, { around: level, isBranch: s.kind === "if" }, loops, []),
      );
      level.out.push(next);
    }
  }

  /** How often each sub-expression stands in this list itself; a repeated parent hides its children. Equal lets become one. */
  #count(list: readonly Stmt[], tail: readonly Expr[]): Map<number, number> {
    const counts = new Map<number, number>();
    const lets = new Map<number, string>();
    for (let i = 0; i < list.length; i++) {
      const s = at(list, i);
      if (s.kind !== "let") {
        this.#tallyAll(s.kind === "reduce" ? s.init : expressionsOf(s), counts);
        continue;
      }
      this.#tally(s.value, counts);
      const id = this.#numbering.of(s.value);
      if (!this.#numbering.isStable(id)) continue;
      const first = lets.get(id);
      if (first === undefined) lets.set(id, s.name);
      else {
        this.#numbering.equate(s.name, first);
        this.#aliases.set(s.name, variable(first, s.value.dtype, s.value.lo, s.value.hi));
      }
    }
    this.#tallyAll(tail, counts);
    return counts;
  }

  #tallyAll(list: readonly Expr[], counts: Map<number, number>): void {
    for (let i = 0; i < list.length; i++) this.#tally(at(list, i), counts);
  }

  #tally(e: Expr, counts: Map<number, number>): void {
    if (e.args.length === 0) return;
    const id = this.#numbering.of(e);
    const n = (counts.get(id) ?? 0) + 1;
    counts.set(id, n);
    if (n > 1) return;
    for (let i = 0; i < e.args.length; i++) {
      const a = e.args[i];
      if (a !== undefined && a.args.length > 0) this.#tally(a, counts);
    }
  }

  #rewrite(e: Expr, level: Level): Expr {
    if (e.op === "var") return this.#aliases.get(e.name) ?? e;
    if (e.args.length === 0) return e;
    const id = this.#numbering.of(e);
    for (let l = this.#everNamed.has(id) ? level : null; l !== null; l = l.around) {
      const name = l.named.get(id);
      if (name !== undefined) return name;
    }
    let known = level.done.get(e);
    // what has no name may be asked for again by what has moved here since
    if (known === undefined || (isScalarOp(known.op) && this.#standsTwice(id, level))) {
      known = this.#rewritten(e, id, level);
      level.done.set(e, known);
    }
    return known;
  }

  /** Whether one value stands twice in a level. */
  #standsTwice(id: number, level: Level): boolean {
    return (level.counts.get(id) ?? 0) > 1 && this.#numbering.isStable(id);
  }

  #rewritten(e: Expr, id: number, level: Level): Expr {
    const mayMove = level.around !== null && this.#numbering.isStable(id) && !this.#numbering.loads(id) && isScalarOp(e.op);
    if (mayMove && !this.#uses(e, level.own) && !this.#isOfBranch(e, level)) return this.#hoist(e, id, level.around);
    const next = this.#children(e, level);
    return this.#standsTwice(id, level) ? this.#name(e, id, next, level) : next;
  }

  /** Whether a comparison changes with the loop right around its branch: in front of the branch it would only take registers. */
  #isOfBranch(e: Expr, { isBranch, around }: Level): boolean {
    return isBranch && e.dtype === "bool" && around !== null && (around.isBranch || this.#uses(e, around.own));
  }

  /** Names an invariant in the outermost level that defines what it uses. */
  #hoist(e: Expr, id: number, level: Level): Expr {
    if (level.around !== null && !this.#uses(e, level.own)) return this.#hoist(e, id, level.around);
    const known = level.named.get(id);
    if (known !== undefined) return known;
    this.#tally(e, level.counts);
    return this.#name(e, id, this.#children(e, level), level);
  }

  #name(e: Expr, id: number, rewritten: Expr, level: Level): Expr {
    if (rewritten.args.length === 0) return rewritten;
    const v = variable(`t${this.#fresh++}`, e.dtype, e.lo, e.hi);
    level.out.push({ kind: "let", name: v.name, value: rewritten });
    level.own.add(v.name);
    this.#nameHere(id, v, level);
    return v;
  }

  #nameHere(id: number, name: Expr, level: Level): void {
    level.named.set(id, name);
    this.#everNamed.add(id);
  }

  #children(e: Expr, level: Level): Expr {
    if (e.args.length === 0) return this.#rewrite(e, level);
    return mapOperands(e, (a) => (a.op === "const" || a.op === "axis" ? a : this.#rewrite(a, level)));
  }

  #uses(e: Expr, names: ReadonlySet<string>): boolean {
    const all = namesIn(e);
    for (let i = 0; i < all.length; i++) {
      const n = all[i] ?? "";
      if (names.has(n)) return true;
      const alias = this.#aliases.get(n);
      if (alias !== undefined && names.has(alias.name)) return true;
    }
    return false;
  }
}

/** The names that a statement defines in its list. */
function addNames(s: Stmt, into: Set<string>): void {
  if (s.kind === "let" || s.kind === "carry") into.add(s.name);
  else if (s.kind === "reduce") for (let i = 0; i < s.names.length; i++) into.add(at(s.names, i));
}
