/**
 * Loop text.
 *
 *     kernel @softmax(%x: f32[4096] read, %y: f32[4096] write, %scale: f32) {
 *       for %i in 0..64 [grid] {
 *         local %row: f32[64] scratch
 *         reduce %m = -Infinity_f32 by max($0, $1) over %j in 0..64 [vector] exact {
 *           yield load %x[%i * 64 + %j]
 *         }
 *         ...
 *
 * In `by`, `$0 …` is one tuple and `$n …` the other. What a statement uses twice, and parts of what is very large, are written above
 * the statement as `#0 = …`; that is notation, not a statement of the kernel.
 */
import { dtypeInfo } from "./dtype.ts";
import { exprOrder } from "./expr-order.ts";
import type { Expr } from "./expr.ts";
import type { Axis, Kernel, Reduce, Stmt } from "./loop.ts";
import { expressionsOf } from "./loop.ts";
import { nameText } from "./parse-core.ts";
import type { Abbreviations } from "./print-expr.ts";
import { exprText } from "./print-expr.ts";

/** The text of a kernel, without a final line break. */
export function printKernel(kernel: Kernel): string {
  const buffers = kernel.buffers.map((b) => `${ref(b.name)}: ${dtypeInfo(b.dtype).short}[${b.size}] ${b.access}`);
  const scalars = kernel.scalars.map((s) => `${ref(s.name)}: ${dtypeInfo(s.dtype).short}`);
  const lines: string[] = [];
  printBody(kernel.body, "  ", lines);
  return [`kernel @${nameText(kernel.name)}(${[...buffers, ...scalars].join(", ")}) {`, ...lines, "}"].join("\n");
}

/** The texts of several kernels, as one file. */
export const printKernels = (kernels: readonly Kernel[]): string => kernels.map((k) => `${printKernel(k)}\n`).join("\n");

const ref = (name: string): string => `%${nameText(name)}`;

function printBody(body: readonly Stmt[], indent: string, lines: string[]): void {
  for (const s of body) printStatement(s, indent, lines);
}

function printStatement(s: Stmt, indent: string, lines: string[]): void {
  const known =
    s.kind === "reduce" ? abbreviate([...s.init, ...s.axes.flatMap((a) => [a.lo, a.hi])], indent, lines) : abbreviate(expressionsOf(s), indent, lines);
  const text = (e: Expr): string => exprText(e, known);
  switch (s.kind) {
    case "for":
      lines.push(`${indent}for ${axisText(s.axis, known)} {`);
      return closeBody(s.body, indent, lines);
    case "let":
      return void lines.push(`${indent}let ${ref(s.name)} = ${text(s.value)}`);
    case "carry":
      return void lines.push(`${indent}carry ${ref(s.name)} = ${text(s.init)}`);
    case "assign":
      return void lines.push(`${indent}${ref(s.name)} = ${text(s.value)}`);
    case "reduce":
      return printReduce(s, indent, lines, known);
    case "store": {
      const how = s.atomic === undefined ? "store" : `store atomic ${s.atomic}`;
      return void lines.push(`${indent}${how} ${ref(s.buffer)}[${text(s.index)}${s.guard ? ` if ${text(s.guard)}` : ""}] = ${text(s.value)}`);
    }
    case "if":
      lines.push(`${indent}if ${text(s.condition)} {`);
      printBody(s.then, `${indent}  `, lines);
      if (s.otherwise.length > 0) lines.push(`${indent}} else {`);
      return closeBody(s.otherwise, indent, lines);
    case "local":
      return void lines.push(`${indent}local ${ref(s.name)}: ${dtypeInfo(s.dtype).short}[${s.size}] ${s.space}`);
    case "barrier":
      return void lines.push(`${indent}barrier`);
  }
}

function closeBody(body: readonly Stmt[], indent: string, lines: string[]): void {
  printBody(body, `${indent}  `, lines);
  lines.push(`${indent}}`);
}

function printReduce(s: Reduce, indent: string, lines: string[], known: Abbreviations): void {
  const init = s.names.map((n, i) => `${ref(n)} = ${textAt(s.init, i, known)}`);
  const combine = s.combine.map((e) => exprText(e));
  const axes = s.axes.map((a) => axisText(a, known));
  const over = axes.length === 0 ? [] : ["over", ...listed(axes)];
  lines.push(filled(["reduce", ...listed(init), "by", ...listed(combine), ...over, ...(s.exact ? ["exact"] : []), "{"], indent));
  const inner = `${indent}  `;
  printBody(s.body, inner, lines);
  const shared = abbreviate(s.values, inner, lines);
  lines.push(filled(["yield", ...listed(s.values.map((e) => exprText(e, shared)))], inner), `${indent}}`);
}

/** A comma after each but the last. */
const listed = (items: readonly string[]): string[] => items.map((t, i) => (i < items.length - 1 ? `${t},` : t));

/** Columns after which a list goes on in the next line. */
const lineWidth = 140;

/** Words with a space between them, in as many lines as they take. */
function filled(words: readonly string[], indent: string): string {
  let text = indent;
  let column = indent.length;
  words.forEach((word, i) => {
    const breaks = i > 0 && column + word.length > lineWidth;
    const gap = breaks ? `\n${indent}    ` : " ";
    text += i === 0 ? word : gap + word;
    column = (breaks ? indent.length + 4 : column + 1) + word.length;
  });
  return text;
}

const textAt = (list: readonly Expr[], i: number, known: Abbreviations): string => {
  const e = list[i];
  return e === undefined ? "?" : exprText(e, known);
};

function axisText(a: Axis, known: Abbreviations): string {
  return `${ref(a.name)} in ${exprText(a.lo, known)}..${exprText(a.hi, known)}${a.step === 1 ? "" : ` step ${a.step}`}${a.about === undefined ? "" : ` about ${a.about}`} [${a.kind}]`;
}

/** Shared expressions larger than this are written once. */
const largeSize = 8;
/** Expressions larger than this are cut, so that lines stay readable and neither reader needs a deep stack. */
const largestSize = 48;

/** Writes what the expressions share as `#0 = …` lines, and says what stands for what. */
function abbreviate(roots: readonly Expr[], indent: string, lines: string[]): Abbreviations {
  const order = exprOrder(roots);
  const uses = new Map<Expr, number>();
  const use = (e: Expr): void => void uses.set(e, (uses.get(e) ?? 0) + 1);
  roots.forEach(use);
  for (const e of order) e.args.forEach(use);
  const known = new Map<Expr, string>();
  const sizes = new Map<Expr, number>();
  for (const e of order) {
    const size = e.args.reduce((n, a) => n + (sizes.get(a) ?? 1), 1);
    const named = size > largestSize || (size > largeSize && (uses.get(e) ?? 0) > 1);
    if (named) {
      lines.push(`${indent}#${known.size} = ${exprText(e, known)}`);
      known.set(e, `#${known.size}`);
    }
    sizes.set(e, named ? 1 : size);
  }
  return known;
}
