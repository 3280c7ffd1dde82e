/** Reading einsum equations: `"...ij,jk->...ik"` and the operands' shapes become lists of labels. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { shapeText } from "../../compiler/ir/shape.ts";
import type { Label } from "./contract.ts";

/** What an equation says: a label for each axis of each operand, and those of the result. */
export interface Equation {
  readonly operands: readonly (readonly Label[])[];
  readonly output: readonly Label[];
}

/** Axes behind an ellipsis are labelled from the right, so that they broadcast as NumPy's rule says. */
const ellipsisLabels = (rank: number): Label[] => Array.from({ length: rank }, (_, i) => `...${rank - 1 - i}`);

/** A term split at its ellipsis: the labels before and after it, or all before and null. */
interface Term {
  readonly before: readonly Label[];
  readonly after: readonly Label[] | null;
}

function parseTerm(text: string, equation: string): Term {
  const parts = text.split("...");
  if (parts.length > 2) throw new ShapeError(`einsum: "${text}" in "${equation}" has more than one ellipsis. Write "..." once a term.`);
  const labels = parts.map((part) => {
    const bad = /[^a-zA-Z]/.exec(part);
    if (bad !== null) throw new ShapeError(`einsum: "${bad[0]}" in "${equation}" is no axis label. Use letters, "...", "," and "->".`);
    return [...part];
  });
  return { before: at(labels, 0), after: labels[1] ?? null };
}

function axisLabels(term: Term, text: string, shape: Shape, operand: number): Label[] {
  const named = term.before.length + (term.after?.length ?? 0);
  const hidden = shape.length - named;
  if (hidden < 0 || (hidden > 0 && term.after === null)) {
    throw new ShapeError(`einsum: "${text}" names ${named} axes, operand ${operand} is ${shapeText(shape)}. Name each axis, or write "..." for the others.`);
  }
  return [...term.before, ...ellipsisLabels(hidden), ...(term.after ?? [])];
}

/** Without `->`: the ellipsis axes, then the labels that occur once, in alphabetical order. */
function implicitOutput(operands: readonly (readonly Label[])[], hidden: number): Label[] {
  const counts = new Map<Label, number>();
  for (const label of operands.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const single = [...counts].filter(([label, n]) => n === 1 && label.length === 1).map(([label]) => label);
  return [...ellipsisLabels(hidden), ...single.sort((x, y) => (x < y ? -1 : 1))];
}

function explicitOutput(text: string, operands: readonly (readonly Label[])[], hidden: number, equation: string): Label[] {
  const term = parseTerm(text, equation);
  if (hidden > 0 && term.after === null)
    throw new ShapeError(`einsum: the result "${text}" of "${equation}" leaves out the ellipsis. Write "..." on the right of "->" too.`);
  const labels = [...term.before, ...(term.after === null ? [] : ellipsisLabels(hidden)), ...(term.after ?? [])];
  const known = new Set(operands.flat());
  for (const label of labels) {
    if (!known.has(label)) throw new ShapeError(`einsum: the result of "${equation}" has axis "${label}", which no operand has.`);
  }
  if (new Set(labels).size !== labels.length) throw new ShapeError(`einsum: the result "${text}" of "${equation}" names one axis twice. Name each axis once.`);
  return labels;
}

/** Checks that one label means one length (1 broadcasts between operands, not within one). */
function checkLengths(operands: readonly (readonly Label[])[], shapes: readonly Shape[], equation: string): void {
  const sizes = new Map<Label, number>();
  operands.forEach((labels, k) => {
    const own = new Map<Label, number>();
    labels.forEach((label, i) => {
      const length = at(at(shapes, k), i);
      const other = own.get(label);
      const known = sizes.get(label) ?? 1;
      const differs = (other !== undefined && other !== length) || (length !== 1 && known !== 1 && known !== length);
      if (differs)
        throw new ShapeError(
          `einsum: axis "${label}" of "${equation}" has lengths ${other ?? known} and ${length} (operands ${shapes.map(shapeText).join(", ")}).`,
        );
      own.set(label, length);
      if (length !== 1) sizes.set(label, length);
    });
  });
}

/** Reads an equation for operands of these shapes; a ShapeError says what does not fit. */
export function parseEquation(equation: string, shapes: readonly Shape[]): Equation {
  const plain = equation.replaceAll(/\s/g, "");
  const [inputs, output, ...more] = plain.split("->");
  if (inputs === undefined || more.length > 0) throw new ShapeError(`einsum: "${equation}" has more than one "->".`);
  const terms = inputs.split(",");
  if (terms.length !== shapes.length) throw new ShapeError(`einsum: "${equation}" is for ${terms.length} operands, got ${shapes.length}.`);
  const operands = terms.map((text, k) => axisLabels(parseTerm(text, equation), text, at(shapes, k), k));
  checkLengths(operands, shapes, equation);
  const hidden = Math.max(0, ...operands.map((labels) => labels.filter((label) => label.startsWith("...")).length));
  return { operands, output: output === undefined ? implicitOutput(operands, hidden) : explicitOutput(output, operands, hidden, equation) };
}
