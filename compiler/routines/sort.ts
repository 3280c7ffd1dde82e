/**
 * sort: a bottom-up merge sort of positions, one row a grid point, in one kernel.
 *
 * Runs of 1, 2, 4, … are merged from one scratch of positions to the other and back; equal keys keep their order, NaN goes last
 * (first when descending). Rows are independent, so the same kernel serves every target.
 */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { apply, axisIndex, load, s, variable, withRange } from "../ir/expr.ts";
import { addIndex, divIndex, ix, modIndex, mulIndex } from "../ir/indexing.ts";
import type { Axis, Stmt } from "../ir/loop.ts";
import type { Node } from "../ir/node.ts";
import { flag, int, result } from "../ir/node.ts";
import { isFloat } from "../ir/dtype.ts";
import { sizeOf, tensorType } from "../ir/shape.ts";
import type { Fragment } from "./fragment.ts";
import { ofTemp, ofValue } from "./fragment.ts";

export function sortFragment(node: Node, name: string): Fragment {
  const x = at(node.args, 0);
  const axis = int(node.attrs, "axis");
  const n = at(x.shape, axis);
  const inner = sizeOf(x.shape.slice(axis + 1));
  const rows = sizeOf(x.shape) / Math.max(1, n);
  const row = axisIndex("g0", 0, rows - 1);
  const element = (k: Expr): Expr => addIndex(addIndex(mulIndex(divIndex(row, inner), n * inner), modIndex(row, inner)), mulIndex(k, inner));
  const key = (position: Expr): Expr => load("in0", x.dtype, element(position));
  const slot = (k: Expr): Expr => addIndex(mulIndex(row, n), k);
  const { statements, sorted } = mergePasses(n, slot, (a, b) => before(key(a), key(b), flag(node.attrs, "descending")));
  const k = axisIndex("k", 0, Math.max(0, n - 1));
  const position = variable("p", "int32", 0, Math.max(0, n - 1));
  const finish: Stmt[] = [
    { kind: "let", name: "p", value: load(sorted, "int32", slot(k)) },
    { kind: "store", buffer: "out0", index: element(k), value: key(position) },
    { kind: "store", buffer: "out1", index: element(k), value: position },
  ];
  const body: Stmt[] = [...statements, { kind: "for", axis: serial("k", ix(0), ix(n)), body: finish }];
  const size = sizeOf(x.shape);
  const scratch = (buffer: string) => ({ name: buffer, dtype: "int32", size, access: "scratch" }) as const;
  const out = (i: number) => ({ name: `out${i}`, dtype: result(node, i).dtype, size, access: "write" }) as const;
  const buffers = [{ name: "in0", dtype: x.dtype, size, access: "read" } as const, scratch("from"), scratch("to"), out(0), out(1)];
  const grid: Axis = { name: "g0", kind: "grid", lo: ix(0), hi: ix(rows), step: 1 };
  return {
    temps: [tensorType("int32", x.shape), tensorType("int32", x.shape)],
    before: [],
    launches: [
      {
        kernel: { name, buffers, scalars: [], body: [{ kind: "for", axis: grid, body }] },
        buffers: [ofValue(x), ofTemp(0), ofTemp(1), ofValue(result(node, 0)), ofValue(result(node, 1))],
        scalars: [],
      },
    ],
  };
}

const serial = (name: string, lo: Expr, hi: Expr): Axis => ({ name, kind: "serial", lo, hi, step: 1 });

/** Whether key `a` must stand before key `b`. */
function before(a: Expr, b: Expr, descending: boolean): Expr {
  const [x, y] = descending ? [b, a] : [a, b];
  const less = x.dtype === "bool" ? s.and(s.not(x), y) : s.lt(x, y);
  if (!isFloat(x.dtype)) return less;
  return apply("or", [less, s.and(s.not(s.isnan(x)), s.isnan(y))]);
}

function mergePasses(n: number, slot: (k: Expr) => Expr, isBefore: (a: Expr, b: Expr) => Expr): { statements: Stmt[]; sorted: string } {
  const start = axisIndex("k0", 0, Math.max(0, n - 1));
  const statements: Stmt[] = [{ kind: "for", axis: serial("k0", ix(0), ix(n)), body: [{ kind: "store", buffer: "from", index: slot(start), value: start }] }];
  let [from, to] = ["from", "to"];
  for (let width = 1; width < n; width *= 2) {
    statements.push(mergePass(n, width, from, to, slot, isBefore));
    [from, to] = [to, from];
  }
  return { statements, sorted: from };
}

/** Merges neighbouring runs of `width` positions. */
function mergePass(n: number, width: number, from: string, to: string, slot: (k: Expr) => Expr, isBefore: (a: Expr, b: Expr) => Expr): Stmt {
  const w = `w${width}`;
  const block = axisIndex(`${w}b`, 0, Math.ceil(n / (2 * width)) - 1);
  const lo = mulIndex(block, 2 * width);
  const [mid, hi] = [s.min(addIndex(lo, width), n), s.min(addIndex(lo, 2 * width), n)];
  const int32 = (name: string): Expr => variable(`${w}${name}`, "int32");
  const [left, right, middle, end] = [int32("i"), int32("j"), int32("m"), int32("e")];
  const clamped = (e: Expr): Expr => withRange(s.max(s.min(e, n - 1), 0), 0, n - 1);
  const at0 = load(from, "int32", slot(clamped(left)));
  const at1 = load(from, "int32", slot(clamped(right)));
  const [a, b, takeLeft] = [variable(`${w}x`, "int32", 0, n - 1), variable(`${w}y`, "int32", 0, n - 1), variable(`${w}take`, "bool")];
  const more = s.and(s.lt(left, middle), apply("or", [s.ge(right, end), s.not(isBefore(b, a))]));
  const step = (side: Expr, taken: Expr): Stmt => ({ kind: "assign", name: side.name, value: s.add(side, s.cast(taken, "int32")) });
  const t = axisIndex(`${w}t`, 0, n - 1);
  const merge: Stmt[] = [
    { kind: "let", name: a.name, value: at0 },
    { kind: "let", name: b.name, value: at1 },
    { kind: "let", name: takeLeft.name, value: more },
    { kind: "store", buffer: to, index: slot(t), value: s.select(takeLeft, a, b) },
    step(left, takeLeft),
    step(right, s.not(takeLeft)),
  ];
  const body: Stmt[] = [
    { kind: "let", name: middle.name, value: mid },
    { kind: "let", name: end.name, value: hi },
    { kind: "carry", name: left.name, init: lo },
    { kind: "carry", name: right.name, init: middle },
    { kind: "for", axis: serial(t.name, lo, end), body: merge },
  ];
  return { kind: "for", axis: serial(block.name, ix(0), ix(Math.ceil(n / (2 * width)))), body };
}
