/**
 * register tile: a contraction by blocks of results that stay in registers, on CPUs with vectors.
 *
 *   for %i [grid] { for %j [grid] { reduce over %k { load %a[%i,%k] * load %b[%k,%j] } … } }
 *     → for %j step 8 { for %i step 4 { for %jv in 0..8 [vector] { reduce of 4 sums over %k { 4 single loads, one vector } … } } }
 *
 * Sums keep their order, so this changes no bit. The seam for packed operands is `registerTile`: what it makes of the nest reads `a`
 * and `b` where they are.
 */
import { at } from "../../ir/errors.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex } from "../../ir/expr.ts";
import { addIndex, freeNames, ix } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Reduce, Stmt } from "../../ir/loop.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop, vector } from "./copy.ts";
import { registerBytes, tupleBytes } from "./cost.ts";
import { goesTogether } from "./independent.ts";
import { isPlain, soleReduce } from "./nest.ts";
import { sharedAxes } from "./order.ts";

/** Registers for the sums of a tile, and bytes of one. */
const registers = 8;
const register = 16;
/** Vectors side by side in a tile. */
const across = 2;
/** Bytes that stay in a cache near by while a tile goes down the rows. */
const nearby = 1 << 18;

/** `nest`: the grid loops of a contraction. */
export function registerTile(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = at(nest, nest.length - 1);
  const reduce = soleReduce(inner.body);
  const [row, column] = reduce === null ? [] : sharedAxes(nest, reduce);
  if (reduce === null || row === undefined || column === undefined || !goesTogether(inner.body, column.name)) return kernel;
  const bytes = reduce.init.map((e) => registerBytes(e.dtype));
  const perRegister = register / Math.max(...bytes, ...loadedBytes(reduce));
  const lanes = Math.max(4, column.hi.value >= perRegister * across ? perRegister * across : perRegister);
  const times = Math.min(row.hi.value, Math.max(1, Math.floor((registers * register) / (lanes * tupleBytes(reduce.init.map((e) => e.dtype))))));
  const body = blockOf({ body: inner.body, row, column, lanes, times });
  const step = new Map([
    [row.name, times],
    [column.name, lanes],
  ]);
  const loops = inOrder(nest, { row, column, reduce, kernel }).map((f) => ({ ...f, axis: { ...f.axis, step: step.get(f.axis.name) ?? f.axis.step } }));
  const around = loops.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: below }], body);
  return { ...kernel, body: tidy(around) };
}

const loadedBytes = (r: Reduce): number[] => exprOrder([...r.values]).flatMap((e) => (e.op === "load" ? [Math.min(8, dtypeInfo(e.dtype).bytes)] : []));

interface Block {
  readonly body: readonly Stmt[];
  readonly row: Axis;
  readonly column: Axis;
  readonly lanes: number;
  readonly times: number;
}

/** The block at the corner that the grid axes are at, less of it at the edges. */
function blockOf({ body, row, column, lanes, times }: Block): readonly Stmt[] {
  const rows = row.hi.value;
  const whole = Math.floor(rows / times) * times;
  const corner = axisIndex(row.name, 0, whole - times);
  const rowsOf = (list: readonly Expr[], suffix: string): Stmt[] => columnsOf({ body, row, column, lanes, times }, list, suffix);
  const all = rowsOf(
    Array.from({ length: times }, (_, i) => addIndex(corner, i)),
    "",
  );
  if (whole === rows) return all;
  const single = axisIndex(`${row.name}e`, whole, rows - 1);
  const edge = loop("serial", { name: single.name, lo: ix(whole), hi: ix(rows) }, 1, rowsOf([single], "_e"));
  return [{ kind: "if", condition: apply("le", [axisIndex(row.name, 0, rows - 1), ix(whole - times)]), then: all, otherwise: [edge] }];
}

/** Some rows of a block: a vector of columns, or what is left of them. */
function columnsOf({ body, row, column, lanes }: Block, rows: readonly Expr[], suffix: string): Stmt[] {
  const n = column.hi.value;
  const whole = Math.floor(n / lanes) * lanes;
  const piece = (index: Expr, own: string): Stmt[] =>
    rows.flatMap((r, i) => [
      ...copied(
        { body, values: [] },
        {
          suffix: `${suffix}${own}_${i}`,
          axes: new Map([
            [row.name, r],
            [column.name, index],
          ]),
        },
      ).body,
    ]);
  const from = axisIndex(column.name, 0, whole - lanes);
  const all = vector(`${column.name}v`, lanes, (lane) => piece(addIndex(from, lane), ""));
  if (whole === n) return [all];
  const fours = Math.floor((n - whole) / 4) * 4;
  const edge: Stmt[] = fours === 0 ? [] : [vector(`${column.name}v`, fours, (lane) => piece(addIndex(lane, whole), "_r"))];
  const single = axisIndex(`${column.name}e`, whole + fours, n - 1);
  if (whole + fours < n) edge.push(loop("serial", { name: single.name, lo: ix(whole + fours), hi: ix(n) }, 1, piece(single, "_s")));
  const fits = apply("le", [axisIndex(column.name, 0, n - 1), ix(whole - lanes)]);
  return [{ kind: "if", condition: fits, then: [all], otherwise: edge }];
}

/**
 * Down the rows first, so that the columns of an operand stay near by; across the columns first where all of that operand does and the
 * other one is best read once.
 */
function inOrder(nest: readonly For[], { row, column, reduce, kernel }: { row: Axis; column: Axis; reduce: Reduce; kernel: Kernel }): readonly For[] {
  const [i, j] = [row, column].map((a) => nest.findIndex((f) => f.axis.name === a.name));
  if (i === undefined || j === undefined || j !== i + 1) return nest;
  const read = new Set(exprOrder(reduce.values).flatMap((e) => (e.op === "load" && freeNames(e).has(column.name) ? [e.name] : [])));
  const held = reduce.axes.reduce((n, a) => n * (isPlain(a) ? a.hi.value : 1), column.hi.value);
  const bytes = kernel.buffers.reduce((n, b) => n + (read.has(b.name) ? Math.min(b.size, held) * dtypeInfo(b.dtype).bytes : 0), 0);
  return bytes <= nearby ? nest : [...nest.slice(0, i), at(nest, j), at(nest, i), ...nest.slice(j + 1)];
}
