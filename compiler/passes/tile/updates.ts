/**
 * updates: costly values that are brought to places of their own are computed by vectors, a strip of them, and then stored one by one.
 *
 *   for %j in 0..64 [grid] { store add %out[f(%ids[%j])] = exp(load %x[%j]) }
 *     → for %j in 0..64 step 64 [grid] { local %out_strip: f32[64]
 *         for %ju in 0..64 { store %out_strip[%ju] = exp(load %x[%j + %ju]) }
 *         for %jw in 0..64 { store add %out[f(%ids[%j + %jw])] = load %out_strip[%jw] } }
 *
 * Neighbours go to places that are no neighbours: no vector stores them, and by itself none would compute them. They arrive in their order.
 */
import { load } from "../../ir/expr.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { For, Kernel, Local, Store } from "../../ir/loop.ts";
import { worthKeeping } from "../lower/row-cache.ts";
import { costOf } from "./cost.ts";
import { updatedBuffers } from "./independent.ts";
import { isPlain, strideOf } from "./nest.ts";
import { eachStrip, letsFor, overStrip, straight, stripOf, withStrips } from "./strip.ts";

/** The kernel with strips of updates, or the kernel itself where it has none that are costly. */
export function updatesInStrips(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const list = inner === undefined ? null : straight(inner.body);
  const update = list?.stores.length === 1 ? list.stores[0] : undefined;
  if (inner === undefined || list === null || update === undefined || !isPlain(inner.axis)) return kernel;
  const size = stripOf(inner.axis.hi.value);
  if (size === 0 || !updatedBuffers(kernel).has(update.buffer) || isVector(update, inner.axis.name)) return kernel;
  const { lets } = list;
  const made = letsFor([update.value], lets);
  if (costOf([update.value, ...made.map((l) => l.value)]) < worthKeeping) return kernel;
  const local: Local = { kind: "local", name: `${update.buffer}_strip`, dtype: update.value.dtype, size, space: "scratch" };
  const { axis } = inner;
  const strips = eachStrip(axis, size, (strip) => [
    overStrip(strip, "u", (index) => [...made, { kind: "store", buffer: local.name, index, value: update.value }]),
    overStrip(strip, "w", (index) => [...lets, { ...update, value: load(local.name, local.dtype, index) }]),
  ]);
  return withStrips(kernel, nest, size, [local, ...strips]);
}

/** Whether neighbours are stored as one. */
const isVector = ({ index, atomic }: Store, axis: string): boolean => atomic === undefined && strideOf(addIndex(index, 0), axis) === 1;
