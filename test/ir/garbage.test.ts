/** Texts that were damaged at random read as something else, or give a ParseError that points into the text: never anything else. */
import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ParseError } from "../../compiler/ir/errors.ts";
import { parseKernels } from "../../compiler/ir/parse-loop.ts";
import { parsePlan } from "../../compiler/ir/parse-plan.ts";
import { parseGraphs } from "../../compiler/ir/parse.ts";
import { opTable } from "../../compiler/ops/table.ts";

const folder = new URL("../filetests/print/", import.meta.url);
const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8").split("; expect\n")[1] ?? "");
const starting = (word: string): string[] => texts.filter((t) => t.startsWith(word));

/** One change: at a place (a share of the text), so many characters become these. */
const change = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(6),
  fc.constantFrom("", " ", "(", "]", "}", "{", "%", "%0", ",", ":", "1", "-", "0.5", "f32", "NaN", '"', "\\", "\n", ";", "=", "#1", "$9", "..", "é", "\u0000"),
);

function damaged(text: string, changes: readonly (readonly [number, number, string])[]): string {
  return changes.reduce((t, [share, length, put]) => {
    const place = Math.floor(share * t.length);
    return t.slice(0, place) + put + t.slice(place + length);
  }, text);
}

describe.each([
  ["graph", (text: string): unknown => parseGraphs(text, opTable)],
  ["kernel", (text: string): unknown => parseKernels(text)],
  ["plan", (text: string): unknown => parsePlan(text)],
] as const)("%s", (word, parse) => {
  const sources = starting(word);

  test("texts that are whole parse", () => {
    expect(sources.length).toBeGreaterThan(0);
    for (const text of sources) parse(text);
  });

  test("damaged texts", () => {
    fc.assert(
      fc.property(fc.constantFrom(...sources), fc.array(change, { minLength: 1, maxLength: 3 }), (source, changes) => {
        const text = damaged(source, changes);
        const lines = text.split("\n");
        try {
          parse(text);
        } catch (e) {
          if (!(e instanceof ParseError)) throw e;
          expect(e.line).toBeGreaterThanOrEqual(1);
          expect(e.line).toBeLessThanOrEqual(lines.length);
          expect(e.column).toBeGreaterThanOrEqual(1);
          expect(e.column).toBeLessThanOrEqual((lines[e.line - 1]?.length ?? 0) + 1);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const many = (piece: string): string => piece.repeat(20_000);

describe("what nests too deep", () => {
  test.each([
    ["brackets", many("(")],
    ["signs", many("-")],
    ["operands", many("1 + (")],
    ["calls", many("exp(")],
    ["indices", many("load %x[")],
  ])("%s of an expression", (_, text) => {
    expect(() => parseKernels(`kernel @k(%x: i32[4] read) { let %y = ${text}`)).toThrow("1:");
    expect(() => parseKernels(`kernel @k(%x: i32[4] read) { let %y = ${text}`)).toThrow("the expression nests too deep");
  });

  test("statements", () => {
    expect(() => parseKernels(`kernel @k() { ${many("if true { ")}`)).toThrow("the statements nest too deep");
  });

  test("lists of an attribute", () => {
    expect(() => parseGraphs(`graph @g() -> () { %0 = iota {shape=${many("[")}`, opTable)).toThrow(ParseError);
  });
});
