/** How arrays and tensors print: NumPy's options in camelCase, for both faces, each with the defaults of the library it follows. */
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Face } from "../handle.ts";
import { requireOptions } from "../options.ts";

export interface PrintOptions {
  /** Digits after the point: 8 for arrays, 4 for tensors. */
  readonly precision: number;
  /** More elements than this are summarised; `Infinity` prints all. */
  readonly threshold: number;
  /** How many items a summary shows at either end of an axis. */
  readonly edgeitems: number;
  /** Columns of a line: 75 for arrays, 80 for tensors. */
  readonly linewidth: number;
  /** Whether small numbers print as zero rather than with exponents. */
  readonly suppress: boolean;
  /** Whether floats print with exponents; null leaves it to their sizes. */
  readonly sciMode: boolean | null;
  /** What stands before numbers that are not negative: nothing, a plus, or a space where no number is negative. */
  readonly sign: "-" | "+" | " ";
  readonly nanstr: string;
  readonly infstr: string;
  /**
   * How many digits floats show. `fixed`: as `precision` says. `unique`: as many as read back as the same element. `maxprec`: those, at
   * most `precision`. `maxprec_equal`: the same number for all elements. Arrays have `maxprec`, tensors `fixed`.
   */
  readonly floatmode: "fixed" | "unique" | "maxprec" | "maxprec_equal";
}

/** The options of both faces. */
export type PrintSettings = Readonly<Record<Face, PrintOptions>>;

/** Options for both faces, or under `array` and `tensor` for one. A profile, PyTorch's, is taken before them. */
export interface PrintChanges extends Partial<PrintOptions> {
  readonly array?: Partial<PrintOptions>;
  readonly tensor?: Partial<PrintOptions>;
  readonly profile?: "default" | "short" | "full";
}

const common = { threshold: 1000, edgeitems: 3, suppress: false, sciMode: null, sign: "-", nanstr: "nan", infstr: "inf" } as const;
/** What is set before `setPrintOptions` was called. */
export const standardOptions: PrintSettings = {
  array: { ...common, precision: 8, linewidth: 75, floatmode: "maxprec" },
  tensor: { ...common, precision: 4, linewidth: 80, floatmode: "fixed" },
};
const profiles: Readonly<Record<NonNullable<PrintChanges["profile"]>, Partial<PrintOptions>>> = {
  default: {},
  short: { precision: 2, edgeitems: 2 },
  full: { threshold: Infinity },
};

let current: PrintSettings = standardOptions;

/** What is set now for one face. */
export const printOptions = (face: Face): PrintOptions => current[face];

/** No float has more digits after the point than this: the smallest float64 is 2^-1074. */
const mostDigits = 1074;

interface Check {
  readonly accepts: (x: unknown) => boolean;
  readonly rule: string;
}

const oneOf = (...allowed: readonly unknown[]): Check => ({ accepts: (x) => allowed.includes(x), rule: `one of ${allowed.map(shown).join(", ")}` });
const isCount = (x: unknown, least: number): x is number => Number.isInteger(x) && Number(x) >= least;
const text: Check = { accepts: (x) => typeof x === "string", rule: "a string" };

const checks: Readonly<Record<keyof PrintOptions, Check>> = {
  precision: { accepts: (x) => isCount(x, 0) && x <= mostDigits, rule: `an integer from 0 to ${mostDigits}` },
  threshold: { accepts: (x) => typeof x === "number" && x >= 0, rule: "a number from 0 on; Infinity prints every element" },
  edgeitems: { accepts: (x) => isCount(x, 1), rule: "an integer from 1 on" },
  linewidth: { accepts: (x) => x === Infinity || isCount(x, 1), rule: "an integer from 1 on, or Infinity" },
  suppress: oneOf(true, false),
  sciMode: oneOf(true, false, null),
  sign: oneOf("-", "+", " "),
  nanstr: text,
  infstr: text,
  floatmode: oneOf("fixed", "unique", "maxprec", "maxprec_equal"),
};

const names = Object.keys(checks).filter((name): name is keyof PrintOptions => Object.hasOwn(checks, name));

function shown(x: unknown): string {
  return typeof x === "string" ? JSON.stringify(x) : String(x);
}

/** The print options among `changes`, each checked; throws an UnsupportedError that says what it may be. */
function checked(op: string, changes: Partial<PrintOptions>): Partial<PrintOptions> {
  for (const name of names) {
    if (!Object.hasOwn(changes, name) || checks[name].accepts(changes[name])) continue;
    throw new UnsupportedError(`${op}: ${name} is ${checks[name].rule}, not ${shown(changes[name])}.`);
  }
  return Object.fromEntries(names.filter((name) => Object.hasOwn(changes, name)).map((name) => [name, changes[name]]));
}

/** The options of a face with these changes, for one call. */
export function optionsFor(op: string, face: Face, changes: Partial<PrintOptions>): PrintOptions {
  requireOptions(op, changes, names);
  return { ...current[face], ...checked(op, changes) };
}

/**
 * Changes how arrays and tensors print, from now on; gives all options, as `getPrintOptions` does. What is not named stays.
 * Throws an UnsupportedError where an option is unknown or its value is not allowed, and changes nothing then.
 *
 * @example
 * const before = getPrintOptions();
 * setPrintOptions({ precision: 3, tensor: { sciMode: true } });
 * String(array([1 / 3, 0.5])); // → array([0.333, 0.5  ])
 * String(tensor([1 / 3, 0.5])); // → tensor([3.333e-01, 5.000e-01])
 * setPrintOptions(before);
 * String(tensor([1 / 3, 0.5])); // → tensor([0.3333, 0.5000])
 */
export function setPrintOptions(changes: PrintChanges): PrintSettings {
  const op = "setPrintOptions";
  requireOptions(op, changes, [...names, "array", "tensor", "profile"]);
  const { array = {}, tensor = {}, profile, ...both } = changes;
  if (profile !== undefined && !Object.hasOwn(profiles, profile))
    throw new UnsupportedError(`${op}: profile is one of ${Object.keys(profiles).map(shown).join(", ")}, not ${shown(profile)}.`);
  const next = (face: Face, own: Partial<PrintOptions>): PrintOptions => {
    requireOptions(`${op}: ${face}`, own, names);
    const base = profile === undefined ? current[face] : { ...standardOptions[face], ...profiles[profile] };
    return { ...base, ...checked(op, both), ...checked(`${op}: ${face}`, own) };
  };
  current = { array: next("array", array), tensor: next("tensor", tensor) };
  return current;
}

/**
 * How arrays and tensors print now. `setPrintOptions` takes it back.
 *
 * @example
 * getPrintOptions().array.precision; // → 8
 * getPrintOptions().tensor.linewidth; // → 80
 */
export function getPrintOptions(): PrintSettings {
  return current;
}
