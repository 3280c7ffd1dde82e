/** Elements as NumPy 1.24 prints them: `array2string` with its formatters for floats, integers and bool. */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { isFloat, roundTo } from "../../compiler/ir/dtype.ts";
import type { Decimal } from "./digits.ts";
import { exactDecimal, exponentText, isNegative, positionalText, powerOf, roundAt, roundTotal, shortestDecimal, withoutZeros } from "./digits.ts";
import type { PrintOptions } from "./options.ts";
import { standardOptions } from "./options.ts";
import type { Shown, Words } from "./words.ts";
import { areWhole, longest, magnitudes, nonFiniteText, signed, wholeWords } from "./words.ts";

/** The words of elements; `rank` is 0 where there is only one, which needs no alignment. */
export function numpyWords(shown: Shown, rank: number): Words {
  const { dtype, options } = shown;
  if (dtype === "bool") return boolWords(rank);
  if (!isFloat(dtype)) return wholeWords(shown);
  // Who asks for digits or exponents gets them.
  if (areWhole(shown) && options.floatmode !== "fixed" && options.sciMode !== true) return wholeWords(shown);
  return floatWords(shown);
}

/** True is as wide as False even where no element is false. */
function boolWords(rank: number): Words {
  const width = rank === 0 ? 0 : "False".length;
  return { of: (x) => (x === 0 ? "False" : "True").padStart(width), width };
}

/** How finite floats print: the columns left and right of the point, and the text between. */
interface Columns {
  readonly left: number;
  readonly right: number;
  readonly of: (x: number) => string;
}

/** NumPy's `FloatingFormat`. */
export function floatWords(shown: Shown): Words {
  const { values, options } = shown;
  const finite = values.filter(Number.isFinite);
  const columns = finiteColumns({ ...shown, values: finite });
  const room = options.sign === " " && !finite.some(isNegative) ? 1 : 0;
  const left = Math.max(columns.left + room, finite.length === values.length ? 0 : nonFiniteWidth(shown) - columns.right - 1);
  const width = left + 1 + columns.right;
  const of = (x: number): string => {
    if (!Number.isFinite(x)) return nonFiniteText(x, options).padStart(width);
    const text = columns.of(x);
    return text.padStart(text.length + left - text.indexOf(".")).padEnd(width);
  };
  return { of, width };
}

function nonFiniteWidth({ values, options }: Shown): number {
  const signs = options.sign !== "-" || values.includes(-Infinity) ? 1 : 0;
  return Math.max(options.nanstr.length, options.infstr.length + signs);
}

function finiteColumns(shown: Shown): Columns {
  if (shown.values.length === 0) return { left: 0, right: 0, of: () => "" };
  const { floatmode, precision } = shown.options;
  // Sizes are compared before digits are counted: exponents are for very large, very small and very different numbers.
  const digits: Digits = { exact: floatmode === "fixed", least: null, most: floatmode === "unique" ? Infinity : precision };
  return usesExponent(shown) ? exponentColumns(shown, digits) : pointColumns(shown, digits);
}

function usesExponent({ values, dtype, options }: Shown): boolean {
  if (options.sciMode !== null) return options.sciMode;
  const sizes = magnitudes(values);
  if (sizes === null) return false;
  const { least, most } = sizes;
  // NumPy divides in the dtype of the elements.
  return most >= 1e8 || (!options.suppress && (least < 1e-4 || roundTo(dtype, most / least) > 1000));
}

/** How many digits after the point are printed: exactly `most`, or as many as the element needs between `least` and `most`. */
interface Digits {
  readonly exact: boolean;
  readonly least: number | null;
  readonly most: number;
}

function pointColumns({ values, dtype, options }: Shown, digits: Digits): Columns {
  const spell = (x: number, asked: Digits): string => {
    const d = pointDecimal(x, dtype, asked);
    return signed(x, positionalText(asked.exact ? d : trimmed(d, asked.least)), options.sign === "+" ? "+" : "-");
  };
  const texts = values.map((x) => spell(x, digits));
  const left = texts.reduce((most, t) => Math.max(most, t.indexOf(".")), 0);
  const right = texts.reduce((most, t) => Math.max(most, t.length - t.indexOf(".") - 1), 0);
  // Digits before the point are printed to the last, even where fewer would read back.
  const least = options.floatmode === "maxprec_equal" ? right : 0;
  const most = options.floatmode === "maxprec_equal" ? right : digits.most;
  return { left, right, of: (x) => spell(x, { exact: digits.exact, least, most }) };
}

const trimmed = (d: Decimal, least: number | null): Decimal => (least === null || least === 0 ? withoutZeros(d) : d);

function pointDecimal(x: number, dtype: DType, { exact, least, most }: Digits): Decimal {
  if (exact) return roundAt(exactDecimal(x), most);
  const d = shortestDecimal(x, dtype);
  if (d.scale > most) return roundAt(exactDecimal(x), most);
  return least !== null && d.scale < least ? roundAt(exactDecimal(x), least) : d;
}

function exponentColumns({ values, dtype, options }: Shown, digits: Digits): Columns {
  const decimals = values.map((x) => exponentDecimal(x, dtype, digits));
  const needed = decimals.map((d) => (digits.exact ? digits.most : d.digits.replace(/0+$/, "").length - 1));
  const places = longest(needed, (n) => n);
  const exponentDigits = decimals.reduce((most, d) => Math.max(most, String(Math.abs(powerOf(d))).length), 2);
  const of = (x: number): string => {
    const d = exponentDecimal(x, dtype, { exact: digits.exact, least: places, most: places });
    return signed(x, exponentText(d, places, exponentDigits), options.sign === "+" ? "+" : "-");
  };
  const left = 1 + (options.sign === "+" || values.some(isNegative) ? 1 : 0);
  return { left, right: places + "e+".length + exponentDigits, of };
}

function exponentDecimal(x: number, dtype: DType, { exact, least, most }: Digits): Decimal {
  const d = shortestDecimal(x, dtype);
  const places = d.digits.length - 1;
  const wanted = exact || places > most ? most : Math.max(least ?? 0, places);
  return places === wanted ? d : roundTotal(exactDecimal(x), wanted + 1);
}

/** One element as NumPy prints scalars: with every digit that it needs, whatever the options say. */
export function numpyScalar(element: Numeric, dtype: DType): string {
  if (typeof element === "bigint") return String(element);
  const x = element;
  const size = Math.abs(x);
  const whole = areWhole({ values: [x], dtype, options: standardOptions.array });
  const sciMode = isFloat(dtype) && !whole && Number.isFinite(x) && (size < 1e-4 || size >= 1e16);
  const options: PrintOptions = { ...standardOptions.array, floatmode: "unique", sciMode };
  return numpyWords({ values: [x], dtype, options }, 0)
    .of(x)
    .replace(/\.(?=e|$)/, "");
}
