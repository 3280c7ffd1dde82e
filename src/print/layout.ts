/** Brackets, lines and gaps: where NumPy and PyTorch put the texts of elements. */
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";

/** How elements are nested. The items along an axis are numbered through all their parents; those of the last axis are the elements. */
export interface Nesting {
  readonly rank: number;
  readonly size: number;
  /** The items along `axis` in item `parent` of the axis before: they follow one another. */
  readonly span: (axis: number, parent: number) => Span;
}

export interface Span {
  readonly first: number;
  readonly length: number;
}

export function denseNesting(shape: Shape): Nesting {
  return {
    rank: shape.length,
    size: sizeOf(shape),
    span: (axis, parent) => ({ first: parent * at(shape, axis), length: at(shape, axis) }),
  };
}

/** The items of a span that are printed; null stands for the gap. `edge` is null where nothing is left out. */
function itemsOf({ first, length }: Span, edge: number | null): (number | null)[] {
  const run = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + from + i);
  if (edge === null || length <= 2 * edge) return run(0, length);
  return [...run(0, edge), null, ...run(length - edge, edge)];
}

/** The positions of the elements that are printed. */
export function visibleElements(nesting: Nesting, edge: number | null): number[] {
  let items = [0];
  for (let axis = 0; axis < nesting.rank; axis++) {
    items = items.flatMap((parent) => itemsOf(nesting.span(axis, parent), edge).filter((i) => i !== null));
  }
  return items;
}

export interface Layout {
  /** The text of the element at a position. */
  readonly word: (position: number) => string;
  readonly separator: string;
  /** Columns that what stands before takes. */
  readonly indent: number;
  readonly linewidth: number;
  readonly edge: number | null;
}

/** What stands between two items along this axis: each further axis inside adds a line break. */
const lineBreak = (rank: number, axis: number, separator: string): string => separator.trimEnd() + "\n".repeat(rank - axis - 1);

/** NumPy's `_formatArray`: lines are filled word by word. */
export function numpyLayout(nesting: Nesting, layout: Layout): string {
  const { rank, span } = nesting;
  const level = (axis: number, item: number): string => {
    if (axis === rank) return layout.word(item);
    const indent = " ".repeat(layout.indent + axis + 1);
    const items = itemsOf(span(axis, item), layout.edge);
    const texts = items.map((i) => (i === null ? "..." : level(axis + 1, i)));
    if (axis < rank - 1) return `[${texts.join(lineBreak(rank, axis, layout.separator) + indent)}]`;
    // One column for each bracket that closes an axis further out, and one for what follows the word.
    const width = layout.linewidth - axis - Math.max(layout.separator.trimEnd().length, 1);
    return `[${fillLines(texts, layout.separator, indent, width)}]`;
  };
  return level(0, 0);
}

function fillLines(words: readonly string[], separator: string, indent: string, width: number): string {
  const lines: string[] = [];
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > width && line.length > indent.length) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += i === words.length - 1 ? word : word + separator;
  });
  return [...lines, line].join("\n").slice(indent.length);
}

/** PyTorch's `_tensor_str_with_formatter`: each line has the same number of elements, found from the width of one. */
export function pytorchLayout(nesting: Nesting, layout: Layout & { readonly wordWidth: number }): string {
  const { rank, span } = nesting;
  const level = (axis: number, item: number): string => {
    if (axis === rank) return layout.word(item);
    const indent = layout.indent + axis;
    const column = " ".repeat(indent + 1);
    const items = itemsOf(span(axis, item), layout.edge);
    if (axis < rank - 1) {
      const texts = items.map((i) => (i === null ? "..." : level(axis + 1, i)));
      return `[${texts.join(lineBreak(rank, axis, layout.separator) + column)}]`;
    }
    const words = items.map((i) => (i === null ? " ..." : level(axis + 1, i)));
    const perLine = Math.max(1, Math.floor((layout.linewidth - indent) / (layout.wordWidth + layout.separator.length)));
    const lines: string[] = [];
    for (let i = 0; i < words.length; i += perLine) lines.push(words.slice(i, i + perLine).join(layout.separator));
    return `[${lines.join(`${layout.separator.trimEnd()}\n${column}`)}]`;
  };
  return level(0, 0);
}
