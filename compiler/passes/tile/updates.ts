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
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { For, Kernel, Local, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { costOf } from "./cost.ts";
import { isPlain, strideOf } from "./nest.ts";
import { letsFor, overStrip, stripOf, withStrips } from "./strip.ts";

/** Operations of a value that are worth a store and a load more. */
const costly = 8;

/** The kernel with strips of updates, or the kernel itself where it has none that are costly. */
export function updatesInStrips(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const update = inner?.body.at(-1);
  if (inner === undefined || update?.kind !== "store" || !isPlain(inner.axis) || inner.axis.hi.op !== "const") return kernel;
  const lets = inner.body.filter((s) => s.kind === "let");
  const isAlone = lets.length === inner.body.length - 1 && kernel.buffers.some((b) => b.name === update.buffer && b.access === "update");
  const made = letsFor([update.value], lets);
  const size = stripOf(inner.axis.hi.value);
  if (!isAlone || size === 0 || isVector(update, inner.axis.name) || readsOwn(update, inner.body)) return kernel;
  if (costOf([update.value, ...made.map((l) => l.value)]) < costly) return kernel;
  const local: Local = { kind: "local", name: `${update.buffer}_strip`, dtype: update.value.dtype, size, space: "scratch" };
  return withStrips(kernel, nest, size, [
    local,
    overStrip(inner.axis, size, "u", (index) => [...made, { kind: "store", buffer: local.name, index, value: update.value }]),
    overStrip(inner.axis, size, "w", (index) => [...lets, { ...update, value: load(local.name, local.dtype, index) }]),
  ]);
}

/** Whether neighbours are stored as one. */
const isVector = ({ index, atomic }: Store, axis: string): boolean => atomic === undefined && strideOf(addIndex(index, 0), axis) === 1;

/** Whether updates are made of what others have stored before them. */
const readsOwn = ({ buffer }: Store, body: readonly Stmt[]): boolean =>
  body.some((s) => exprOrder(expressionsIn([s])).some((e) => e.op === "load" && e.name === buffer));
