/** Whether attributes have the form that a row declares: asked by the parser and by the verifier. */
import { isDType } from "./dtype.ts";
import type { AttrValue } from "./node.ts";
import type { AttrForm } from "./primitive.ts";

const isInteger = (v: AttrValue): boolean => Number.isSafeInteger(v);
const isIntegers = (v: AttrValue): boolean => Array.isArray(v) && v.every(isInteger);

const forms: Readonly<Record<AttrForm, { readonly what: string; readonly holds: (v: AttrValue) => boolean }>> = {
  int: { what: "an integer", holds: isInteger },
  number: { what: "a number", holds: (v) => typeof v === "number" || typeof v === "bigint" },
  ints: { what: "a list of integers", holds: isIntegers },
  intLists: { what: "a list of lists of integers", holds: (v) => Array.isArray(v) && v.every(isIntegers) },
  text: { what: "a string", holds: (v) => typeof v === "string" },
  flag: { what: "true or false", holds: (v) => typeof v === "boolean" },
  dtype: { what: "a dtype", holds: isDType },
};

/** What the value should be, where it is not of this form; else undefined. */
export const attrProblem = (value: AttrValue, form: AttrForm): string | undefined => (forms[form].holds(value) ? undefined : forms[form].what);
