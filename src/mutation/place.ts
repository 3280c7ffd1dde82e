/** A part of a value that can be read, and replaced: what is at a place of a base, in ops of the graph. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { add, multiply } from "../../compiler/ops/arithmetic.ts";
import { gather, scatter } from "../../compiler/ops/gather.ts";
import { constantValue, iotaValue } from "../../compiler/ops/source.ts";
import * as views from "../../compiler/ops/views.ts";
import { writeAll } from "../indexing/basic.ts";
import { hold } from "../liveness.ts";
import type { Box, GridAxis } from "./box.ts";
import { boxOf } from "./box.ts";
import type { Layout } from "./layout.ts";
import { isAll } from "./layout.ts";

export interface Place {
  readonly shape: Shape;
  /** What is there. */
  readonly read: (base: Value) => Value;
  /** `base` with `part`, of this shape and the base's dtype, there instead. */
  readonly replace: (base: Value, part: Value) => Value;
}

const line = (base: Value): Value => views.reshape(base, [sizeOf(base.shape)]);

/** Where a view of a base of this shape lies. */
export function placeOf(base: Shape, layout: Layout): Place {
  const { shape, strides } = layout;
  if (sizeOf(shape) === 0) return { shape, read: (x) => views.reshape(views.slice(line(x), [0], [0]), shape), replace: (x) => x };
  if (isAll(layout, sizeOf(base))) return { shape, read: (x) => views.reshape(x, shape), replace: (x, part) => writeAll(x, views.reshape(part, x.shape)) };
  if (strides.some((s, i) => s === 0 && at(shape, i) !== 1)) return repeatedPlace(base, layout);
  const box = boxOf(base, layout);
  return box === null ? scatteredPlace(layout) : boxPlace(shape, box);
}

/** Broadcast: read once, then repeated. It is read-only. */
function repeatedPlace(base: Shape, layout: Layout): Place {
  const { shape, strides } = layout;
  const once = placeOf(base, { ...layout, shape: shape.map((n, i) => (at(strides, i) === 0 ? 1 : n)) });
  return { shape, read: (x) => views.broadcastTo(once.read(x), shape), replace: (x) => x };
}

/** A place may be used again and again, whatever was evaluated in between. */
function kept(value: Value): Value {
  hold(value);
  return value;
}

// ---- boxes

function boxPlace(shape: Shape, { grid, walks }: Box): Place {
  const axes = grid.flatMap((g, k) => (g.size < g.extent ? [k] : []));
  const chosen = axes.map((k): GridAxis => at(grid, k));
  // one value a start for reading and writing: so a pass sees that an update goes where it came from
  const starts = chosen.map((g) => kept(constantValue(g.start, "int32", "user")));
  const sizes = chosen.map((g) => g.size);
  const steps = chosen.map((g) => g.step);
  const boxShape = grid.map((g) => g.size);
  const gridShape = grid.map((g) => g.extent);
  // the box without its axes of length 1 is the view without its own, in the order of the grid
  const walked = walks.map((w) => at(boxShape, w.grid));
  const places = walks.map((_, i) => i).sort((i, j) => at(walks, i).axis - at(walks, j).axis);
  const turned = walks.flatMap((w, i) => (w.reversed ? [i] : []));
  return {
    shape,
    read: (base) => {
      const cut = views.dynamicSlice(views.reshape(base, gridShape), axes, starts, sizes, steps);
      return views.reshape(views.permute(views.flip(views.reshape(cut, walked), turned), places), shape);
    },
    replace: (base, part) => {
      const inViewOrder = views.reshape(
        part,
        places.map((i) => at(walked, i)),
      );
      const inGridOrder = views.flip(views.permute(inViewOrder, inverse(places)), turned);
      const update = views.reshape(inGridOrder, boxShape);
      return views.reshape(views.dynamicUpdate(views.reshape(base, gridShape), update, axes, starts, steps), base.shape);
    },
  };
}

function inverse(order: readonly number[]): number[] {
  const out: number[] = [];
  order.forEach((a, i) => void (out[a] = i));
  return out;
}

// ---- everything else

/** Element by element, at places that are computed; where several elements are one, the last one counts. */
function scatteredPlace({ offset, shape, strides }: Layout): Place {
  const start = views.broadcastTo(constantValue(offset, "int32", "user"), shape);
  const steps = strides.flatMap((s, axis) => (at(shape, axis) === 1 ? [] : [multiply(iotaValue(shape, axis, "int32"), s)]));
  const places = kept(steps.reduce(add, start));
  return {
    shape,
    read: (base) => gather(line(base), places, 0),
    replace: (base, part) => views.reshape(scatter(line(base), line(places), line(part), 0, "set"), base.shape),
  };
}
