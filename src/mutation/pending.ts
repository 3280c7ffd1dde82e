/**
 * Cells with writes that are not computed yet. Whatever is computed from such a cell computes the cell too: its memory is written
 * where it lies, and the next plan does not write it again.
 */
import type { Node, Value } from "../../compiler/ir/node.ts";

/** What evaluation needs to know of a cell. */
export interface Written {
  /** The values that writes gave it and that are not evaluated, oldest first; the last is its value now. */
  readonly pending: readonly Value[];
  /** Whether the oldest of them writes over memory that is there. */
  readonly isInMemory: boolean;
}

const cells = new WeakMap<Node, Written>();
let any = false;

/** The cell's value was written over memory; from now on evaluation finds the cell by it. */
export function noteWrite(value: Value, cell: Written): void {
  any = true;
  cells.set(value.node, cell);
}

/** Whether any cell was ever written: most programs write none. */
export const anyWritten = (): boolean => any;

/** Whether this is the value now of a cell that was written. */
export const isCellValue = (v: Value): boolean => any && cells.get(v.node)?.pending.at(-1)?.node === v.node;

/** The cells in memory whose value now is among what these nodes compute. What is tracked is not written over. */
export function writtenCells(nodes: readonly Node[]): readonly Written[] {
  if (!any) return [];
  return nodes.flatMap((node) => {
    const cell = cells.get(node);
    return cell?.isInMemory === true && !node.tracked && cell.pending.at(-1)?.node === node ? [cell] : [];
  });
}
