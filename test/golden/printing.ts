/**
 * What the two habits of JavaScript make of a text that NumPy or PyTorch printed. It is written from the text, not from the printer:
 * numbers that are all whole lose their points and exponents, the others stay as they are; dtypes are named by lazuli's rule.
 */
import { array, arrayToString, tensor } from "../../src/index.ts";
import type { Face } from "../../src/index.ts";
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { densePrinted, formatElements, formatValues } from "../../src/print/format.ts";
import { printOptions } from "../../src/print/options.ts";
import type { GoldenCase, GoldenData } from "./cases.ts";
import { numberOf } from "./cases.ts";

export type Form = "numpyRepr" | "numpyStr" | "torchRepr";
export type Habit = "whole floats" | "dtype";

export interface Expected {
  readonly text: string;
  /** The habits that changed the stored text. */
  readonly habits: readonly Habit[];
}

const forms: readonly Form[] = ["numpyRepr", "numpyStr", "torchRepr"];

export function formOf(c: GoldenCase): Form {
  const form = forms.find((name) => name === c.fn);
  if (form === undefined) throw new Error(`${c.id}: ${c.fn} is no form of printing`);
  return form;
}

const faceOf = (form: Form): Face => (form === "torchRepr" ? "tensor" : "array");
const widths: Readonly<Record<Face, number>> = { array: 75, tensor: 80 };

/** Whether the first habit applies: every element is a whole number that a float holds for sure. */
export const allWhole = (data: GoldenData): boolean => data.dtype.startsWith("float") && data.data.map(numberOf).every(Number.isSafeInteger);

/** The text that lazuli owes where NumPy or PyTorch printed `stored`. */
export function withHabits(form: Form, data: GoldenData, stored: string): Expected {
  const own = /,\s+dtype=[\w.]+\)$/.exec(stored)?.[0] ?? "";
  const elements = form === "numpyStr" ? stored : stored.slice(0, stored.length - Math.max(own.length, 1));
  const whole = allWhole(data);
  const body = whole ? wholeNumbers(elements, form) : elements;
  const text = form === "numpyStr" ? body : `${body}${dtypeNote(form, data)})`;
  const tooWide = text.split("\n").some((line) => line.length > widths[faceOf(form)]);
  if (tooWide) throw new Error("the habits make a line too wide: how it breaks is not written here");
  const noteChanged = form !== "numpyStr" && own !== dtypeNote(form, data).concat(own === "" ? "" : ")");
  return { text, habits: [...(whole && body !== elements ? (["whole floats"] as const) : []), ...(noteChanged ? (["dtype"] as const) : [])] };
}

function dtypeNote(form: Form, { dtype }: GoldenData): string {
  const implied = form === "torchRepr" ? "float32" : "float64";
  return dtype === implied || dtype === "bool" ? "" : `, dtype=${dtype}`;
}

/** Innermost lists anew: `1.000e+00` is `1`, all as wide as the widest, each list on one line. */
function wholeNumbers(text: string, form: Form): string {
  const js = (token: string): string => (Object.is(Number(token), -0) ? "-0" : String(Number(token)));
  const separator = form === "numpyStr" ? " " : ", ";
  const gap = form === "torchRepr" ? " ..." : "...";
  const tokensIn = (list: string): string[] => list.split(/[\s,]+/).filter((token) => token !== "");
  const lists = [...text.matchAll(/\[([^[\]]*)\]/g)].map((match) => tokensIn(match[1] ?? ""));
  if (lists.length === 0) return text.replace(/-?\d[\d.e+-]*/, js);
  const width = Math.max(...lists.flatMap((list) => list.filter((token) => token !== "...").map((token) => js(token).length)));
  return text.replaceAll(/\[([^[\]]*)\]/g, (_, list: string) => {
    const words = tokensIn(list).map((token) => (token === "..." ? gap : js(token).padStart(width)));
    return `[${words.join(separator)}]`;
  });
}

/** What lazuli prints: by the handle where the dtype computes, else by the printer itself. */
export function printCase(form: Form, data: GoldenData): string {
  const { dtype, shape } = data;
  const face = faceOf(form);
  const numbers = data.data.map(numberOf);
  if (dtypeInfo(dtype).computes) {
    const made = face === "array" ? array(numbers, { dtype, shape }) : tensor(numbers, { dtype, shape });
    return form === "numpyStr" ? arrayToString(made) : String(made);
  }
  if (form !== "numpyStr") return formatValues(face, numbers, { dtype, shape });
  return formatElements(densePrinted(face, numbers, { dtype, shape }), printOptions(face), { separator: " ", indent: 0, closing: 0 });
}
