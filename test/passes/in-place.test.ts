/** Which outputs of a kernel may be written over which of its inputs. */
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../compiler/ir/parse-loop.ts";
import { replaceable } from "../../compiler/passes/in-place.ts";

const kernel = (body: string): boolean => replaceable(parseKernel(`kernel @k(%x: f32[600] read, %y: f32[600] write) {\n${body}\n}`)).length === 1;

/** A column is read whole, then written whole. */
const columns = (more: { readonly count?: number; readonly step?: number; readonly first?: string; readonly kind?: string } = {}): string => `
  for %g in 0..30 [grid] {
    ${more.first ?? ""}
    reduce %s = 0f32 by $0 + $1 over %k in 0..20 [${more.kind ?? "serial"}] {
      yield load %x[%k * 30 + %g]
    }
    for %i in 0..${more.count ?? 20} [${more.kind ?? "serial"}] {
      let %t = %i * ${more.step ?? 30}
      store %y[%t + %g] = load %x[%t + %g] * %s
    }
  }`;

describe("in place", () => {
  it.each([
    ["an element in the iteration that stores it", "for %g in 0..600 [grid] {\n store %y[%g] = load %x[%g] * 2f32\n}"],
    [
      "spelled in another way",
      "for %g in 0..20 [grid] {\n let %r = %g * 30\n for %i in 0..30 [serial] {\n let %a = load %x[%r + %i]\n let %b = %i + %r\n store %y[%b] = %a\n}\n}",
    ],
    ["a column that is written after it was read", columns()],
    [
      "all of it, before the first store",
      "reduce %s = 0f32 by $0 + $1 over %k in 0..600 [serial] {\n yield load %x[%k]\n}\nfor %i in 0..600 [serial] {\n store %y[%i] = %s\n}",
    ],
    [
      "the same by lanes, which meet after the sum",
      "reduce %s = 0f32 by $0 + $1 over %k in 0..600 [lane] {\n yield load %x[%k]\n}\nfor %i in 0..600 [lane] {\n store %y[%i] = %s\n}",
    ],
  ])("%s", (_, body) => expect(kernel(body)).toBe(true));

  it.each([
    ["an element that another iteration stores", "for %g in 0..600 [grid] {\n store %y[%g] = load %x[599 - %g]\n}"],
    ["a column of which a part is stored", columns({ count: 10 })],
    ["a column where a row is stored", columns({ step: 1 })],
    [
      "a column that is written before it was read",
      columns({ first: "for %j in 0..20 [serial] {\n store %y[%j * 30 + %g] = load %x[%j * 30 + %g]\n}", count: 0 }),
    ],
    [
      "all of it, by every iteration of a grid",
      "for %g in 0..600 [grid] {\n reduce %s = 0f32 by $0 + $1 over %k in 0..600 [serial] {\n yield load %x[%k]\n}\n store %y[%g] = %s\n}",
    ],
    [
      "a load by lanes that may run behind others",
      "for %k in 0..600 [lane] {\n let %a = load %x[599 - %k]\n}\nfor %i in 0..600 [lane] {\n store %y[%i] = 0f32\n}",
    ],
    ["a store that is guarded", "for %g in 0..600 [grid] {\n store %y[%g if %g < 300] = load %x[%g]\n}"],
  ])("not %s", (_, body) => expect(kernel(body)).toBe(false));
});
