/**
 * Evaluates reductions and prefixes: one running tuple a result, elements in row-major order. A block holds many results side by
 * side, each with its own order kept.
 */
import { at } from "./ir/errors.ts";
import { argument } from "./ir/expr.ts";
import type { HostData } from "./ir/host.ts";
import { hostArray, asNumbers, setElement } from "./ir/host.ts";
import type { Node } from "./ir/node.ts";
import { flag, int, ints } from "./ir/node.ts";
import type { Monoid, PrefixPrimitive, ReductionPrimitive, SegmentPrimitive } from "./ir/primitive.ts";
import { sizeOf, stridesOf } from "./ir/shape.ts";
import type { Shape, TensorType } from "./ir/shape.ts";
import { blockWidth, eachBlock, noBuffer, put, stored } from "./interpret-elementwise.ts";
import type { AnyColumn, Column } from "./interpret-program.ts";
import { columnFor, columnOf, compileProgram, copyColumn, elementAt, numberAt } from "./interpret-program.ts";

/** Flat positions of all indices over some axes of a shape (the other axes at 0), in row-major order. */
export function offsetsOver(shape: Shape, axes: readonly number[]): Column {
  const strides = stridesOf(shape);
  let offsets = new Float64Array(1);
  for (const axis of axes) {
    const [length, stride] = [at(shape, axis), at(strides, axis)];
    const next = new Float64Array(offsets.length * length);
    offsets.forEach((base, i) => {
      for (let k = 0; k < length; k++) next[i * length + k] = base + k * stride;
    });
    offsets = next;
  }
  return offsets;
}

/** A monoid's tuples over a block. */
interface Accumulator {
  readonly reset: () => void;
  /** Takes one element of each source for each of the first `count` tuples. */
  readonly take: (sources: readonly AnyColumn[], bases: Column, offset: number, position: number, count: number) => void;
  /** The results of the tuples as they stand. */
  readonly finish: (count: number) => readonly AnyColumn[];
}

function accumulator(monoid: Monoid, operands: readonly TensorType[], width: number): Accumulator {
  const n = monoid.dtypes.length;
  const tuple = monoid.dtypes.map((d) => columnFor(d, width));
  const elements = operands.map((t) => columnFor(t.dtype, width));
  const position = new Float64Array(width);
  const leaves = [...tuple, ...elements, position];
  const bindings = { leaf: (e: { readonly value: number }): AnyColumn => at(leaves, e.value), buffer: noBuffer };
  const running = monoid.dtypes.map((d, i) => argument(i, d));
  const init = compileProgram(monoid.init, width, bindings);
  const given = operands.map((t, i) => argument(n + i, t.dtype));
  const step = compileProgram(monoid.combine(running, monoid.seed(given, argument(n + operands.length, "int32"))), width, bindings);
  const end = compileProgram(monoid.finish(running), width, bindings);
  return {
    reset: () => {
      init.run(width);
      tuple.forEach((t, i) => copyColumn(t, at(init.results, i)));
    },
    take: (sources, bases, offset, where, count) => {
      elements.forEach((element, k) => {
        const source = at(sources, k);
        for (let i = 0; i < count; i++) setElement(element, i, elementAt(source, numberAt(bases, i) + offset));
      });
      position.fill(where, 0, count);
      step.run(count);
      tuple.forEach((t, i) => copyColumn(t, at(step.results, i).subarray(0, count)));
    },
    finish: (count) => {
      end.run(count);
      return end.results;
    },
  };
}

const otherAxes = (shape: Shape, axes: readonly number[]): number[] => shape.map((_, i) => i).filter((i) => !axes.includes(i));

/** Combines all elements along `attrs.axes`; where there are none, the neutral element. */
export function reduce(op: ReductionPrimitive, node: Node, args: readonly HostData[]): HostData[] {
  const { type, data } = at(args, 0);
  const axes = ints(node.attrs, "axes");
  const kept = offsetsOver(type.shape, otherAxes(type.shape, axes));
  const reduced = offsetsOver(type.shape, axes);
  const source = columnOf({ type, data });
  const outputs = node.results.map((r): HostData => ({ type: r.type, data: hostArray(r.dtype, kept.length) }));
  const acc = accumulator(op.monoid(type, node.attrs), [type], blockWidth(kept.length));
  eachBlock(kept.length, (start, count) => {
    const bases = kept.subarray(start, start + count);
    acc.reset();
    for (let k = 0; k < reduced.length; k++) acc.take([source], bases, numberAt(reduced, k), k, count);
    const results = acc.finish(count);
    outputs.forEach((o, i) => put(o, start, at(results, i), count));
  });
  return outputs;
}

/** Combines the elements of each row between its offsets, which are read within bounds. */
export function reduceSegments(op: SegmentPrimitive, node: Node, args: readonly HostData[]): HostData[] {
  const [{ type, data }, offsets] = [at(args, 0), at(args, 1)];
  const offsetNumbers = asNumbers(offsets.data);
  const [length, rows] = [at(type.shape, 0), offsetNumbers.length - 1];
  const inner = offsetsOver(type.shape, otherAxes(type.shape, [0]));
  const source = columnOf({ type, data });
  const outputs = node.results.map((r): HostData => ({ type: r.type, data: hostArray(r.dtype, rows * inner.length) }));
  const acc = accumulator(op.monoid(type, node.attrs), [type], blockWidth(inner.length));
  const bound = (row: number): number => Math.min(Math.max(at(offsetNumbers, row), 0), length);
  for (let row = 0; row < rows; row++) {
    const [first, end] = [bound(row), bound(row + 1)];
    eachBlock(inner.length, (start, count) => {
      const bases = inner.subarray(start, start + count);
      acc.reset();
      for (let k = first; k < end; k++) acc.take([source], bases, k * inner.length, k - first, count);
      const results = acc.finish(count);
      outputs.forEach((o, i) => put(o, row * inner.length + start, at(results, i), count));
    });
  }
  return outputs;
}

/** Running combination along `attrs.axis`, first element included. */
export function prefix(op: PrefixPrimitive, node: Node, args: readonly HostData[]): HostData[] {
  const { type } = at(args, 0);
  const axis = int(node.attrs, "axis");
  const sources = args.map(columnOf);
  const outputs = node.results.map((r): HostData => ({ type: r.type, data: hostArray(r.dtype, sizeOf(type.shape)) }));
  if (sizeOf(type.shape) === 0) return outputs;
  const lines = offsetsOver(type.shape, otherAxes(type.shape, [axis]));
  const along = offsetsOver(type.shape, [axis]);
  const types = args.map((arg) => arg.type);
  const acc = accumulator(op.monoid(type, node.attrs), types, blockWidth(lines.length));
  const reverse = flag(node.attrs, "reverse");
  eachBlock(lines.length, (start, count) => {
    const bases = lines.subarray(start, start + count);
    acc.reset();
    for (let k = 0; k < along.length; k++) {
      const where = reverse ? along.length - 1 - k : k;
      acc.take(sources, bases, numberAt(along, where), where, count);
      const results = acc.finish(count);
      for (let i = 0; i < count; i++) {
        const flat = numberAt(bases, i) + numberAt(along, where);
        outputs.forEach((o, r) => setElement(o.data, flat, stored(o.type.dtype, elementAt(at(results, r), i))));
      }
    }
  });
  return outputs;
}
