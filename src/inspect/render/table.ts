/** Tables of text. */
import { at } from "../../../compiler/ir/errors.ts";

/** 12345.5 as `12,345.5`, whatever the locale. */
export function digits(n: number): string {
  const [whole = "", fraction] = String(Math.round(n * 10) / 10).split(".");
  return `${whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",")}${fraction === undefined ? "" : `.${fraction}`}`;
}

const units: readonly (readonly [string, number])[] = [
  ["ns", 1],
  ["µs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
];

/** 1234 nanoseconds as `1.23 µs`: three digits that count. */
export function duration(ns: number): string {
  if (Number.isNaN(ns)) return "?";
  const [unit, size] = units.findLast(([, n]) => Math.abs(ns) >= n) ?? ["ns", 1];
  const value = ns / size;
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** A text in lines of at most `width` characters, broken between words; what is indented belongs to the line above. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

/** Columns as wide as what stands in them, those in `right` to the right; ends with a line break. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((r) => at(r, i).length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(at(widths, i)) : cell.padEnd(at(widths, i))))
      .join("  ")
      .trimEnd();
  return [head, ...rows].map((r) => `${line(r)}\n`).join("");
}
