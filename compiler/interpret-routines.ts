/** The meaning of routines, by the name that a row gives. */
import type { Numeric } from "./ir/dtype.ts";
import { at, CompilerBug } from "./ir/errors.ts";
import type { HostData } from "./ir/host.ts";
import { hostArray, setElement } from "./ir/host.ts";
import type { Node } from "./ir/node.ts";
import { flag, int } from "./ir/node.ts";
import { offsetsOver } from "./interpret-reduction.ts";
import { columnOf, elementAt, numberAt } from "./interpret-program.ts";

type Routine = (node: Node, args: readonly HostData[]) => readonly HostData[];

const routines: ReadonlyMap<string, Routine> = new Map([["sort", sort]]);

export function routineNamed(name: string): Routine {
  const routine = routines.get(name);
  if (routine === undefined) throw new CompilerBug(`the interpreter has no routine ${name}`);
  return routine;
}

/** NaN after every number; -0 equals 0. */
function compare(a: Numeric, b: Numeric): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return Number(a > b) - Number(a < b);
}

/** Stable sort along `attrs.axis`: values, and the int32 positions that they had. Descending reverses the order, NaN first. */
function sort(node: Node, args: readonly HostData[]): readonly HostData[] {
  const { type, data } = at(args, 0);
  const axis = int(node.attrs, "axis");
  const sign = flag(node.attrs, "descending") ? -1 : 1;
  const source = columnOf({ type, data });
  const [values, positions] = node.results.map((r): HostData => ({ type: r.type, data: hostArray(r.dtype, source.length) }));
  if (values === undefined || positions === undefined) throw new CompilerBug("sort has two results");
  const along = offsetsOver(type.shape, [axis]);
  const lines = offsetsOver(
    type.shape,
    type.shape.map((_, i) => i).filter((i) => i !== axis),
  );
  for (const line of source.length === 0 ? [] : lines) {
    const read = (k: number): Numeric => elementAt(source, line + numberAt(along, k));
    const order = Array.from(along, (_, k) => k).sort((a, b) => sign * compare(read(a), read(b)) || a - b);
    order.forEach((from, to) => {
      setElement(values.data, line + numberAt(along, to), read(from));
      setElement(positions.data, line + numberAt(along, to), from);
    });
  }
  return [values, positions];
}
