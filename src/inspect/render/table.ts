/** Tables of text. */
import { at } from "../../../compiler/ir/errors.ts";

/** 12345.5 as `12,345.5`, whatever the locale. */
export function digits(n: number): string {
  const [whole = "", fraction] = String(Math.round(n * 10) / 10).split(".");
  return `${whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",")}${fraction === undefined ? "" : `.${fraction}`}`;
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
