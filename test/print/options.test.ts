import { afterEach, describe, expect, it } from "vitest";
import { array, getPrintOptions, setPrintOptions, tensor } from "../../src/index.ts";
import type { PrintChanges } from "../../src/index.ts";

afterEach(() => {
  setPrintOptions({ profile: "default" });
});

const thirds = [1 / 3, 2 / 3];

describe("setPrintOptions", () => {
  it("has the defaults of NumPy for arrays and PyTorch's for tensors", () => {
    expect(getPrintOptions()).toEqual({
      array: {
        precision: 8,
        threshold: 1000,
        edgeitems: 3,
        linewidth: 75,
        suppress: false,
        sciMode: null,
        sign: "-",
        nanstr: "nan",
        infstr: "inf",
        floatmode: "maxprec",
      },
      tensor: {
        precision: 4,
        threshold: 1000,
        edgeitems: 3,
        linewidth: 80,
        suppress: false,
        sciMode: null,
        sign: "-",
        nanstr: "nan",
        infstr: "inf",
        floatmode: "fixed",
      },
    });
  });
  it("changes both faces, or one", () => {
    setPrintOptions({ precision: 2 });
    expect([String(array(thirds)), String(tensor(thirds))]).toEqual(["array([0.33, 0.67])", "tensor([0.33, 0.67])"]);
    setPrintOptions({ precision: 3, tensor: { precision: 1 } });
    expect([String(array(thirds)), String(tensor(thirds))]).toEqual(["array([0.333, 0.667])", "tensor([0.3, 0.7])"]);
    setPrintOptions({ array: { precision: 1 } });
    expect([String(array(thirds)), String(tensor(thirds))]).toEqual(["array([0.3, 0.7])", "tensor([0.3, 0.7])"]);
  });
  it("gives all options, and takes them back", () => {
    const before = getPrintOptions();
    expect(setPrintOptions({ nanstr: "-" })).toBe(getPrintOptions());
    expect(String(array([Number.NaN, 0.5]))).toBe("array([  -, 0.5])");
    setPrintOptions(before);
    expect(getPrintOptions()).toEqual(before);
  });
  it("takes PyTorch's profiles", () => {
    setPrintOptions({ profile: "short", linewidth: 40 });
    expect([getPrintOptions().tensor.precision, getPrintOptions().array.edgeitems, getPrintOptions().array.linewidth]).toEqual([2, 2, 40]);
    setPrintOptions({ profile: "full" });
    expect(String(array(new Float64Array(1001)))).not.toContain("...");
    setPrintOptions({ profile: "default" });
    expect(String(array(new Float64Array(1001)))).toContain("...");
  });
});

describe("each option", () => {
  const rows: readonly (readonly [PrintChanges, string, string])[] = [
    [{ precision: 0 }, "array([ 0.,  2., -3.])", "tensor([ 0,  2, -3])"],
    [{ threshold: 2, edgeitems: 1 }, "array([ 0.25, ..., -2.75])", "tensor([ 0.2500,  ..., -2.7500])"],
    [{ linewidth: 16 }, "array([ 0.25,\n        1.5 ,\n       -2.75])", "tensor([ 0.2500,\n         1.5000,\n        -2.7500])"],
    [{ sciMode: true }, "array([ 2.50e-01,  1.50e+00, -2.75e+00])", "tensor([ 2.5000e-01,  1.5000e+00, -2.7500e+00])"],
    [{ sign: "+" }, "array([+0.25, +1.5 , -2.75])", "tensor([+0.2500, +1.5000, -2.7500])"],
    [{ floatmode: "fixed", precision: 3 }, "array([ 0.250,  1.500, -2.750])", "tensor([ 0.250,  1.500, -2.750])"],
    [{ floatmode: "maxprec_equal" }, "array([ 0.25,  1.50, -2.75])", "tensor([ 0.25,  1.50, -2.75])"],
    [{ floatmode: "unique", precision: 1 }, "array([ 0.25,  1.5 , -2.75])", "tensor([ 0.25,  1.5 , -2.75])"],
  ];
  it.each(rows)("%j", (changes, onArray, onTensor) => {
    setPrintOptions(changes);
    const xs = [0.25, 1.5, -2.75];
    expect([String(array(xs)), String(tensor(xs))]).toEqual([onArray, onTensor]);
  });
  it("suppress prints small numbers as zero", () => {
    expect([String(array([1e-10, 0.5])), String(tensor([1e-10, 0.5]))]).toEqual(["array([1.e-10, 5.e-01])", "tensor([1.0000e-10, 5.0000e-01])"]);
    setPrintOptions({ suppress: true });
    expect([String(array([1e-10, 0.5])), String(tensor([1e-10, 0.5]))]).toEqual(["array([0. , 0.5])", "tensor([0.0000, 0.5000])"]);
  });
  it("sciMode false keeps large numbers whole", () => {
    setPrintOptions({ sciMode: false });
    expect([String(array([1e20, 0.5])), String(tensor([1e20, 0.5]))]).toEqual([
      "array([100000000000000000000. ,                     0.5])",
      "tensor([100000002004087734272.0000,                     0.5000])",
    ]);
  });
  it("infstr and a space for the sign", () => {
    setPrintOptions({ infstr: "oo", sign: " " });
    expect([String(array([Infinity, 0.5])), String(array([1, 2])), String(array([-1, 2]))]).toEqual([
      "array([  oo,  0.5])",
      "array([ 1,  2])",
      "array([-1,  2])",
    ]);
  });
  it("leaves whole floats whole, except where digits or exponents are asked for", () => {
    expect(array([1, 20]).toString({ precision: 3 })).toBe("array([ 1, 20])");
    expect(array([1, 20]).toString({ precision: 2, floatmode: "fixed" })).toBe("array([ 1.00, 20.00])");
    expect(array([1, 20]).toString({ sciMode: true })).toBe("array([1.e+00, 2.e+01])");
    expect(tensor([1, 20]).toString({ sciMode: true, precision: 1 })).toBe("tensor([1.0e+00, 2.0e+01])");
    expect(array([1, 20]).toString({ sign: "+" })).toBe("array([ +1, +20])");
  });
});

describe("what is not allowed is said, and changes nothing", () => {
  const rows: readonly (readonly [string, unknown, string])[] = [
    ["precision", -1, "setPrintOptions: precision is an integer from 0 to 1074, not -1."],
    ["precision", 1.5, "setPrintOptions: precision is an integer from 0 to 1074, not 1.5."],
    ["precision", Infinity, "setPrintOptions: precision is an integer from 0 to 1074, not Infinity."],
    ["threshold", Number.NaN, "setPrintOptions: threshold is a number from 0 on; Infinity prints every element, not NaN."],
    ["edgeitems", 0, "setPrintOptions: edgeitems is an integer from 1 on, not 0."],
    ["linewidth", "wide", 'setPrintOptions: linewidth is an integer from 1 on, or Infinity, not "wide".'],
    ["suppress", 1, "setPrintOptions: suppress is one of true, false, not 1."],
    ["sciMode", "auto", 'setPrintOptions: sciMode is one of true, false, null, not "auto".'],
    ["sign", "?", 'setPrintOptions: sign is one of "-", "+", " ", not "?".'],
    ["nanstr", 0, "setPrintOptions: nanstr is a string, not 0."],
    ["infstr", null, "setPrintOptions: infstr is a string, not null."],
    ["floatmode", "short", 'setPrintOptions: floatmode is one of "fixed", "unique", "maxprec", "maxprec_equal", not "short".'],
    ["profile", "tiny", 'setPrintOptions: profile is one of "default", "short", "full", not "tiny".'],
    ["tensor", { precision: "4" }, 'setPrintOptions: tensor: precision is an integer from 0 to 1074, not "4".'],
  ];
  it.each(rows)("%s: %j", (name, value, message) => {
    const before = getPrintOptions();
    const changes: PrintChanges = Object.fromEntries([[name, value]]);
    expect(() => setPrintOptions(changes)).toThrow(message);
    expect(getPrintOptions()).toBe(before);
  });
  it("a name that is no option", () => {
    const changes: PrintChanges = Object.fromEntries([["digits", 3]]);
    expect(() => setPrintOptions(changes)).toThrow(/^setPrintOptions: there is no option digits\. There are precision, threshold/);
    expect(() => array([1]).toString(changes)).toThrow(/^toString: there is no option digits/);
  });
});
