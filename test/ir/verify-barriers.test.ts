/** Lanes that share memory wait for each other: what the verifier asks of group locals. */
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../compiler/ir/parse-loop.ts";
import { verifyKernel } from "../../compiler/ir/verify-loop.ts";

const verify = (body: string): void => verifyKernel(parseKernel(`kernel @k(%x: f32[8] read, %y: f32[8] write) { local %t: f32[8] group ${body} }`));
const fill = "for %a in 0..8 [lane] { store %t[%a] = load %x[%a] }";
const use = "for %b in 0..8 [lane] { store %y[%b] = load %t[7 - %b] }";
const turns = (body: string): string => `for %n in 0..3 [serial] { ${body} }`;

describe("verifyKernel accepts", () => {
  it.each([
    ["a barrier between stores and loads", `${fill} barrier ${use}`],
    [
      "turns with a barrier after the loads too",
      `${turns(`${fill} barrier for %b in 0..8 [lane] { let %v = load %t[7 - %b] } barrier`)} ${fill} barrier ${use}`,
    ],
    ["a lane that loads what it stored in the same turn", "for %a in 0..8 [lane] { store %t[%a] = load %x[%a] store %y[%a] = load %t[%a] }"],
    ["loads after loads", `${fill} barrier ${use} reduce %s = 0f32 by $0 + $1 over %c in 0..8 [lane] { yield load %t[%c] }`],
    ["a barrier on both sides of a condition", `${fill} if 1 < 2 { barrier } else { barrier } ${use}`],
  ])("%s", (_, body) => {
    expect(() => verify(body)).not.toThrow();
  });

  it("grid points, which do not meet", () => {
    const body = `for %g in 0..2 [grid] { local %t: f32[8] group ${fill} barrier for %b in 0..8 [lane] { store %y[%g * 8 + %b] = load %t[7 - %b] } }`;
    expect(() => verifyKernel(parseKernel(`kernel @k(%x: f32[8] read, %y: f32[16] write) { ${body} }`))).not.toThrow();
  });
});

describe("verifyKernel refuses", () => {
  it.each([
    ["loads right after stores", `${fill} ${use}`, "%t is used after lanes stored to it"],
    ["stores right after stores", `${fill} for %c in 0..8 [lane] { store %t[7 - %c] = 0f32 } barrier ${use}`, "%t is used after lanes stored to it"],
    [
      "a reduction right after stores",
      `${fill} reduce %s = 0f32 by $0 + $1 over %c in 0..8 [lane] { yield load %t[%c] }`,
      "%t is used after lanes stored to it",
    ],
    ["stores right after loads", `${fill} barrier ${use} for %c in 0..8 [lane] { store %t[%c] = 0f32 }`, "%t is stored to while other lanes may still load"],
    ["a next turn that meets the last one's loads", turns(`${fill} barrier for %b in 0..8 [lane] { let %v = load %t[7 - %b] }`), "%t is stored to while"],
    ["a barrier on one side of a condition only", `${fill} if 1 < 2 { barrier } ${use}`, "%t is used after lanes stored to it"],
    ["a load outside of lane loops", `${fill} let %v = load %t[3]`, "%t is used after lanes stored to it"],
  ])("%s", (_, body, message) => {
    expect(() => verify(body)).toThrow(message);
  });

  it("an element stored twice by steps of a grid", () => {
    const kernel = (step: number): string => `kernel @k(%x: f32[8] read, %y: f32[8] write) {
      for %g in 0..8 step ${step} [grid] { for %a in 0..4 [lane] { if %g + %a < 8 { store %y[%g + %a] = load %x[%a] } } }
    }`;
    expect(() => verifyKernel(parseKernel(kernel(4)))).not.toThrow();
    expect(() => verifyKernel(parseKernel(kernel(3)))).toThrow("of %y is stored twice");
  });
});
