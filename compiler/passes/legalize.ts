/**
 * Makes a kernel one that its target can spell: scalar operations that the target lacks become expressions of others, dtypes that
 * it lacks are refused, and narrow ones are computed in wider registers.
 */
import type { DType } from "../ir/dtype.ts";
import { isFloat } from "../ir/dtype.ts";
import { CompilerBug, lookup, UnsupportedError } from "../ir/errors.ts";
import type { Expr, ScalarOp } from "../ir/expr.ts";
import { isScalarOp, substitute } from "../ir/expr.ts";
import { exprOrder } from "../ir/expr-order.ts";
import { keyOf } from "../ir/indexing.ts";
import type { Kernel, Stmt } from "../ir/loop.ts";
import { expressionsIn, statements } from "../ir/loop.ts";
import { exprMapper, mapStatement } from "../ir/loop-walk.ts";
import type { Target } from "../target.ts";
import { functionExpansion } from "./functions/expansions.ts";
import { expansions } from "./legalize-float32.ts";
import { dtypesOf, widen } from "./legalize-narrow.ts";

/** Throws an UnsupportedError that names the dtype and the way out, where the target lacks it. */
export function requireDType(dtype: DType, target: Target, where: string): void {
  if (target.dtypes.has(dtype)) return;
  const way = target.dtypes.has("float32") ? `Convert with astype("float32"), or evaluate on the cpu.` : "Evaluate on the cpu.";
  throw new UnsupportedError(`${where} is ${dtype}, which ${target.name} does not have. ${way}`);
}

interface Contents {
  /** Every statement, every expression in them, and what dtypes these have. */
  readonly all: readonly Stmt[];
  readonly order: readonly Expr[];
  readonly held: ReadonlySet<DType>;
}

function requireDTypes(kernel: Kernel, { all, order, held }: Contents, target: Target): void {
  // the text is made where it is wanted: there is one question an expression
  const check = (dtype: DType, what: string, name: string): void => {
    if (!target.dtypes.has(dtype)) requireDType(dtype, target, `kernel ${kernel.name}: ${what} ${name}`);
  };
  for (const b of kernel.buffers) check(b.dtype, "buffer", b.name);
  for (const p of kernel.scalars) check(p.dtype, "scalar", p.name);
  for (const s of all) if (s.kind === "local") check(s.dtype, "local", s.name);
  if (![...held].every((dtype) => target.dtypes.has(dtype))) for (const e of order) check(e.dtype, "the result of", e.op);
}

/** What stands for `op` on operands of the dtype: itself where the target has it, else its template, made of what the target has. */
type Templates = (op: ScalarOp, dtype: DType) => Expr | undefined;

const formulaOf = (op: ScalarOp, dtype: DType, target: Target): Expr | undefined =>
  target.formulas === "shader" ? lookup(expansions, op, `an expansion of ${op}, which ${target.name} lacks`) : functionExpansion(op, dtype);

/** Templates are made once for all targets that lack the same. */
const knownTemplates = new WeakMap<Target["lacks"], Map<string, Expr>>();

function templatesFor(target: Target): Templates {
  const known = knownTemplates.get(target.lacks) ?? new Map<string, Expr>();
  knownTemplates.set(target.lacks, known);
  const open = new Set<string>();
  const template = (op: ScalarOp, dtype: DType): Expr | undefined => {
    if (!target.lacks.has(op)) return undefined;
    const key = `${op} ${dtype}`;
    const made = known.get(key);
    if (made !== undefined) return made;
    if (open.has(key)) throw new CompilerBug(`the expansions of ${[...open].join(", ")} need each other, and ${target.name} lacks them all`);
    const formula = formulaOf(op, dtype, target);
    if (formula === undefined) return undefined;
    open.add(key);
    const expanded = exprMapper((e) => replace(e, template))(formula);
    open.delete(key);
    known.set(key, expanded);
    return expanded;
  };
  return template;
}

/** The operations that something is spelled with. */
const operations = new WeakMap<Expr, ReadonlySet<string>>();

/** Those of an operation that a target lacks, by their texts; null where it has it. */
function spelledOf(e: Expr, target: Target): ReadonlySet<string> | null {
  const dtype = e.args[0]?.dtype;
  const expanded = dtype === undefined || !isScalarOp(e.op) || !isFloat(dtype) ? undefined : templatesFor(target)(e.op, dtype);
  if (expanded === undefined) return null;
  const known = operations.get(expanded) ?? new Set(exprOrder([expanded]).flatMap((x) => (x.args.length > 0 ? [keyOf(x)] : [])));
  operations.set(expanded, known);
  return known;
}

/** Operations that an operation is spelled with where the target lacks it; 1 where it has it. */
export const spelledLength = (e: Expr, target: Target): number => spelledOf(e, target)?.size ?? 1;

/** How many of them two operations have in common where their operands are the same. */
export function spelledInCommon(a: Expr, b: Expr, target: Target): number {
  const [own, others] = [spelledOf(a, target), spelledOf(b, target)];
  return own === null || others === null ? 0 : [...own].filter((key) => others.has(key)).length;
}

function replace(e: Expr, template: Templates): Expr {
  const dtype = e.args[0]?.dtype;
  if (dtype === undefined || !isScalarOp(e.op) || !isFloat(dtype)) return e;
  const expanded = template(e.op, dtype);
  return expanded === undefined ? e : substitute(expanded, e.args);
}

/** Every expression of a list mapped, combinations of reductions included. */
function mapAll(list: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  return list.map((s) => {
    const mapped = mapStatement(s, f, (inner) => mapAll(inner, f));
    return mapped.kind === "reduce" ? { ...mapped, combine: mapped.combine.map(f) } : mapped;
  });
}

function isLacking(all: readonly Stmt[], order: readonly Expr[], { lacks }: Target): boolean {
  const lacked: ReadonlySet<string> = lacks;
  const isLacked = (e: Expr): boolean => lacked.has(e.op);
  return order.some(isLacked) || all.some((s) => s.kind === "reduce" && exprOrder(s.combine).some(isLacked));
}

/** The kernel in the words of the target; throws an UnsupportedError for a dtype that the target lacks. */
export function legalize(given: Kernel, target: Target): Kernel {
  const all = statements(given.body);
  const order = exprOrder(expressionsIn(given.body));
  const held = dtypesOf(order);
  requireDTypes(given, { all, order, held }, target);
  const kernel = widen(given, held);
  if (target.lacks.size === 0 || (kernel === given && !isLacking(all, order, target))) return kernel;
  const template = templatesFor(target);
  const body = mapAll(
    kernel.body,
    exprMapper((e) => replace(e, template)),
  );
  return { ...kernel, body };
}
