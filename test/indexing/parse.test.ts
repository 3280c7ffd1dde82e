import { describe, expect, it } from "vitest";
import { array, slice, tensor, zeros } from "../../src/index.ts";
import type { Index } from "../../src/indexing/parse.ts";
import { basicItems, parseIndex } from "../../src/indexing/parse.ts";

const x = zeros([4, 6, 5]);

/** Items as one line each; an axis that is taken whole is ":". */
const items = (...index: readonly Index[]): string[] =>
  parseIndex("at", x, index).items.map((item) => {
    if (item.kind === "newaxis") return "new";
    if (item.kind === "point") return `${item.axis}@${item.position}`;
    if (item.kind === "span") return `${item.axis}: ${item.start}+${item.size}*${item.step}${item.given ? " given" : ""}`;
    const { from, type } = item.entries;
    return `${item.kind === "mask" ? item.axes.join("&") : item.axis} ${item.kind} ${from} ${type.dtype}[${type.shape.join()}]`;
  });

const whole = ["0: 0+4*1", "1: 0+6*1", "2: 0+5*1"];
const mask = [[true, false, true, false, true, false], ...[1, 2, 3].map(() => [false, false, false, false, false, true])];

describe("parseIndex", () => {
  it.each<[string, readonly Index[], readonly string[]]>([
    ["nothing", [], whole],
    ["a position", [1], ["0@1", ...whole.slice(1)]],
    ["a negative position", ["...", -2], [...whole.slice(0, 2), "2@3"]],
    ["a slice", [slice(1, 3)], ["0: 1+2*1 given", ...whole.slice(1)]],
    ["text", ["::2", "1:5"], ["0: 0+2*2", "1: 1+4*1 given", "2: 0+5*1"]],
    ["falling steps", ["::-1", "4:0:-2"], ["0: 3+4*-1", "1: 4+2*-2 given", "2: 0+5*1"]],
    ["bounds beyond the ends", ["-9:1", "3:99"], ["0: 0+1*1 given", "1: 3+3*1 given", "2: 0+5*1"]],
    ["an empty slice", ["3:1"], ["0: 0+0*1", ...whole.slice(1)]],
    ["new axes", [null, 1, null, "...", null], ["new", "0@1", "new", "1: 0+6*1", "2: 0+5*1", "new"]],
    ["an ellipsis for no axes", [0, 1, "...", 2], ["0@0", "1@1", "2@2"]],
    ["a list", [[0, -1]], ["0 indices list int32[2]", ...whole.slice(1)]],
    ["an empty list", [[]], ["0 indices list int32[0]", ...whole.slice(1)]],
    ["a typed array", [0, Int32Array.of(5)], ["0@0", "1 indices list int32[1]", "2: 0+5*1"]],
    ["an integer array", [array([[0, 1]], { dtype: "int32" })], ["0 indices handle int32[1,2]", ...whole.slice(1)]],
    ["a mask over two axes", [mask, 4], ["0&1 mask list bool[4,6]", "2@4"]],
    ["a mask as a handle", ["...", array([true, false, true, false, true])], [...whole.slice(0, 2), "2 mask handle bool[5]"]],
    ["a boolean", [true, 0], [" mask list bool[]", "0@0", ...whole.slice(1)]],
  ])("%s", (_, index, want) => expect(items(...index)).toEqual(want));

  it("counts negative entries of lists from the end", () => {
    const [item] = parseIndex("at", x, [[0, -1, -4]]).items;
    expect(item?.kind === "indices" && item.entries.from === "list" ? [...item.entries.data] : item).toEqual([0, 3, 0]);
  });

  it("tells views from picks", () => {
    expect(basicItems(parseIndex("at", x, [0, null, "::2"]))?.map((item) => item.kind)).toEqual(["point", "newaxis", "span", "span"]);
    expect(basicItems(parseIndex("at", x, [0, [1]]))).toBeNull();
    expect(basicItems(parseIndex("at", x, [false]))).toBeNull();
  });

  it.each<[readonly Index[], string, string]>([
    [[4], "IndexError", "at: index 4 is out of range for axis 0 with 4 elements."],
    [["...", -6], "IndexError", "at: index -6 is out of range for axis 2 with 5 elements."],
    [[0.5], "IndexError", "index 0.5 is out of range for axis 0"],
    [[0, [1, 6]], "IndexError", "at: index 6 is out of range for axis 1 with 6 elements."],
    [[0, 0, 0, 0], "IndexError", "at: 4 indices for f64[4,6,5], which has 3 axes."],
    [[mask, 0, 0], "IndexError", "at: 4 indices for f64[4,6,5], which has 3 axes."],
    [["...", "..."], "IndexError", 'at: "..." stands twice.'],
    [["a:b"], "IndexError", '"a:b" is no index'],
    [["3"], "IndexError", '"3" is no index'],
    [[[1, true]], "IndexError", "mixes numbers and booleans"],
    [[[0.5]], "IndexError", "0.5 is no index"],
    [[[[0, 1], [2]]], "ShapeError", "a row of 1 elements beside one of 2"],
    [[[[0], 1]], "ShapeError", "a row of 0 elements beside one of 1"],
    [[[0, [1]]], "IndexError", "a list among numbers is no index"],
    [[0, [true, false]], "IndexError", "at: a mask [2] at axis 1 of f64[4,6,5]: axis 1 has 6 elements, the mask 2."],
    [[array([0.5])], "DTypeError", "indices are integers, not f64[1]"],
    [[tensor([0], { dtype: "int32" })], "UnsupportedError", "mixes an array and a tensor"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [[{}], "IndexError", "[object Object] is no index"],
  ])("bad index %#", (index, name, text) =>
    expect(() => parseIndex("at", x, index)).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })),
  );
});
