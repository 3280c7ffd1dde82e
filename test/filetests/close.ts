/** Whether two computations gave the same values: integers and bools exactly, floats as far as another order of sums allows. */
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { sameType, typeText } from "../../compiler/ir/shape.ts";

/** Throws an error that names the first element that differs; with `slack`, by so many times more than floats usually may. */
export function expectClose(found: readonly HostData[], wanted: readonly HostData[], what: string, slack: number = 1): void {
  if (found.length !== wanted.length) throw new Error(`${what}: ${found.length} outputs, expected ${wanted.length}`);
  found.forEach((f, k) => {
    const w = at(wanted, k);
    if (!sameType(f.type, w.type)) throw new Error(`${what}: output ${k} is ${typeText(f.type)}, expected ${typeText(w.type)}`);
    const tolerance = slack * toleranceOf(f.type.dtype);
    const elements = Array.from<Numeric>(w.data);
    const scale = elements.reduce<number>((m, x) => (Number.isFinite(Number(x)) ? Math.max(m, Math.abs(Number(x))) : m), 0);
    elements.forEach((x, i) => {
      const y = at<Numeric>(f.data, i);
      const same = Object.is(x, y) || x === y || (typeof x === "number" && Math.abs(x - Number(y)) <= tolerance * scale);
      if (!same) throw new Error(`${what}: element ${i} of output ${k} is ${y}, expected ${x}`);
    });
  });
}

function toleranceOf(dtype: string): number {
  if (dtype === "float16") return 1e-3;
  if (dtype === "float32") return 2e-6;
  return dtype === "float64" ? 1e-14 : 0;
}
