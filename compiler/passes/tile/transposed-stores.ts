/**
 * transposed stores: results that lie across the order in which they are computed wait in scratch for some rows, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { for %j in 0..256 [grid] { let %e = exp(load %x[%i * 256 + %j])  store %y[%i * 256 + %j] = %e  store %t[%j * 512 + %i] = %e } }
 *     → for %i in 0..512 step 16 [grid] { local %t_block: f32[4096]
 *         for %ib in 0..16 { for %j in 0..256 { let %e = …  store %y[(%i + %ib) * 256 + %j] = %e  store %t_block[%ib * 256 + %j] = %e } }
 *         for %j in 0..256 { for %in in 0..16 { store %t[%j * 512 + %i + %in] = load %t_block[%in * 256 + %j] } } }
 *
 * Stored one by one, each element takes a line of memory of its own, which the next row finds driven out again where rows are a power of
 * two apart. Both parts are scheduled as kernels of their own would be. No bit changes.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex } from "../../ir/indexing.ts";
import { mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import type { Axis, For, Kernel, Local, Stmt, Store } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsIn, statements } from "../../ir/loop.ts";
import { tidy } from "../lower/tidy.ts";
import { hasFunction } from "./cost.ts";
import { copied } from "./copy.ts";
import { isFar, lineElements } from "./grid-order.ts";
import { joinNest } from "./join.ts";
import { isPlain, loopsOver, pointsOf, readsAny, strideOf } from "./nest.ts";
import type { Given } from "./part.ts";
import { inLoops, scratchApart } from "./part.ts";
import type { Strip } from "./strip.ts";
import { countOf, eachStrip, stripOf } from "./strip.ts";
import { crossedAxis } from "./widen.ts";

/** Bytes that may wait, at the most: they stay in a near cache. */
const mostBytes = 1 << 18;
/** Columns of grid points that wait at once. */
const columns = 256;

/** A store that lies across, and the loops inside of a grid point around it. */
interface Across {
  readonly store: Store;
  readonly loops: readonly Axis[];
}

/** The kernel with rows that wait, or the kernel itself where nothing it stores lies across beside others that do not. */
export function transposedStores(kernel: Kernel, given: readonly For[], { schedule }: Given): Kernel {
  const joined = joinNest(given);
  if (joined.length === 0 || !joined.every((f) => isPlain(f.axis))) return kernel;
  const nest = inOrderOfLoads(joined);
  const { body } = at(nest, nest.length - 1);
  const hasLoops = body.some((s) => axesOf(s).length > 0);
  const axes = nest.map((f) => f.axis);
  const stored = storesIn(body, []).filter(({ loops }) => loops.length > 0 === hasLoops);
  const row = stored.map((one) => rowOf(one, axes)).find((a) => a !== null);
  if (row === undefined) return kernel;
  const found = stored.filter((one) => rowOf(one, axes) === row && isAlone(one, body));
  if (found.length === 0 || (!hasLoops && found.length === stored.length && nest === joined)) return kernel;
  const waiting = new Waiting(kernel, { row, column: hasLoops ? null : at(axes, axes.length - 1), axes, body, found, schedule });
  return waiting.kernel();
}

/** Functions of what is loaded across are computed in the order in which that lies there, if all of it lies so; else loops stay as they are. */
function inOrderOfLoads(nest: readonly For[]): readonly For[] {
  const { body } = at(nest, nest.length - 1);
  const across = crossedAxis(nest, body);
  if (across === null || !hasFunction(expressionsIn(body))) return nest;
  const turned = [...nest.filter((f) => f.axis !== across), { kind: "for", axis: across, body } as const];
  return crossedAxis(turned, body) === null ? turned : nest;
}

/** Stores that happen in any case, with the loops around them. */
function storesIn(list: readonly Stmt[], loops: readonly Axis[]): readonly Across[] {
  return list.flatMap((s) => {
    if (s.kind === "store") return s.atomic === undefined ? [{ store: s, loops }] : [];
    const own = axesOf(s);
    return own.length > 0 && own.every(isPlain) ? bodiesOf(s).flatMap((inner) => storesIn(inner, [...loops, ...own])) : [];
  });
}

/** The grid axis along which the elements of a store are neighbours, if those of the innermost loop around it are far apart; else null. */
function rowOf({ store, loops }: Across, grid: readonly Axis[]): Axis | null {
  const index = addIndex(store.index, 0);
  const walk = loops.at(-1) ?? at(grid, grid.length - 1);
  if (!isFar(index, walk)) return null;
  // threads share blocks of rows, where there are no blocks of columns
  const fewest = loops.length === 0 ? lineElements : 2 * lineElements;
  return grid.find((a) => a !== walk && a.hi.value >= fewest && strideOf(index, a.name) === 1) ?? null;
}

/** Whether nobody else reads or writes the memory of a store. */
const isAlone = ({ store }: Across, body: readonly Stmt[]): boolean =>
  !readsAny(body, new Set([store.buffer])) && statements(body).every((s) => s === store || s.kind !== "store" || s.buffer !== store.buffer);

interface Rows {
  readonly row: Axis;
  /** The columns of grid points that are no more than that; null where grid points walk rows. */
  readonly column: Axis | null;
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly found: readonly Across[];
  readonly schedule: Given["schedule"];
}

class Waiting {
  readonly #kernel: Kernel;
  readonly #rows: Rows;
  readonly #names: ReadonlyMap<Store, string>;
  /** Columns of a strip; 0 where there are none, or too few. */
  readonly #width: number;

  constructor(kernel: Kernel, rows: Rows) {
    this.#kernel = kernel;
    this.#rows = rows;
    this.#width = rows.column === null ? 0 : stripOf(rows.column.hi.value, columns);
    this.#names = new Map(rows.found.map(({ store }) => [store, `${store.buffer}_block`]));
  }

  kernel(): Kernel {
    const { row, column, axes } = this.#rows;
    const [count, width] = [countOf(row.hi.value, lineElements), this.#width];
    const locals = this.#locals(count);
    const bytes = locals.reduce((n, l) => n + l.size * dtypeInfo(l.dtype).bytes, 0);
    if (bytes > mostBytes || (column !== null && width === 0)) return this.#kernel;
    const rows = (across: Strip | null): readonly Stmt[] => eachStrip(row, count, (strip) => [...this.#first(strip, across), ...this.#second(strip, across)]);
    const { list, scratch } = scratchApart(column === null ? rows(null) : eachStrip(column, width, rows));
    const others = axes.filter((a) => a !== row && a !== column);
    const blocks =
      column === null
        ? [{ ...row, step: count }]
        : [
            { ...column, step: width },
            { ...row, step: count },
          ];
    return { ...this.#kernel, body: tidy(loopsOver([...others, ...blocks], [...locals, ...scratch, ...list])) };
  }

  #locals(count: number): readonly Local[] {
    return this.#rows.found.map(({ store, loops }) => ({
      kind: "local",
      name: this.#nameOf(store),
      dtype: store.value.dtype,
      size: count * (this.#rows.column === null ? pointsOf(loops) : this.#width),
      space: "scratch",
    }));
  }

  #nameOf = (store: Store): string => this.#names.get(store) ?? store.buffer;

  /** What is computed for some rows, of which some results wait. */
  #first(strip: Strip, across: Strip | null): readonly Stmt[] {
    const { body, found } = this.#rows;
    const [rows, row] = within(strip, "b");
    const columns = across === null ? null : within(across, "b");
    const loopsOf = new Map(found.map(({ store, loops }) => [store, loops]));
    const waiting = (list: readonly Stmt[]): readonly Stmt[] =>
      replaceEach(list, (s) => {
        const loops = s.kind === "store" ? loopsOf.get(s) : undefined;
        if (s.kind !== "store" || loops === undefined) return mapBodies(s, waiting);
        return { ...s, buffer: this.#nameOf(s), index: placeOf(row, columns === null ? loops : [columns[0]]) };
      });
    return this.#part(waiting(body), strip, { across, axes: columns === null ? [rows] : [rows, columns[0]], name: "first" });
  }

  /** They are stored where they lie, neighbours together. */
  #second(strip: Strip, across: Strip | null): readonly Stmt[] {
    return this.#rows.found.flatMap(({ store, loops }) => {
      const [rows, row] = within(strip, "b");
      const walked = across === null ? loops : [within(across, "b")[0]];
      const value = load(this.#nameOf(store), store.value.dtype, placeOf(row, walked));
      return this.#part([{ ...store, value }], strip, { across, axes: [...walked, rows], name: store.buffer });
    });
  }

  /** What is done for each point of a block. */
  #part(
    list: readonly Stmt[],
    strip: Strip,
    { across, axes, name }: { readonly across: Strip | null; readonly axes: readonly Axis[]; readonly name: string },
  ): readonly Stmt[] {
    const places = [strip, ...(across === null ? [] : [across])].map((one): [string, Expr] => [one.axis.name, addIndex(one.first, within(one, "b")[1])]);
    const { body } = copied({ body: list, values: [] }, { suffix: "", axes: new Map(places) });
    // names of the last columns are no others' where both the last columns and the last rows are fewer
    const suffix = across === null || across.size === this.#width ? `_${name}` : `_${name}_l`;
    return inLoops({ kernel: this.#kernel, axes, body, suffix }, this.#rows.schedule);
  }
}

/** The points of a strip, and which of them a loop over them is at. */
function within({ axis, size }: Strip, suffix: string): readonly [Axis, Expr] {
  const name = `${axis.name}${suffix}`;
  return [{ ...axis, name, hi: ix(size) }, axisIndex(name, 0, size - 1)];
}

/** Where an element of a row waits: row by row, in the order of the loops around it. */
const placeOf = (row: Expr, loops: readonly Axis[]): Expr =>
  loops.reduce<Expr>((place, a) => addIndex(mulIndex(place, a.hi.value), axisIndex(a.name, 0, a.hi.value - 1)), row);
