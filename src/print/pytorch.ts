/** Elements as PyTorch prints them: its `_Formatter`, where numbers are spelled by Python's `format`. */
import { isFloat } from "../../compiler/ir/dtype.ts";
import { exactDecimal, exponentText, positionalText, roundAt, roundTotal } from "./digits.ts";
import { floatWords } from "./numpy.ts";
import type { PrintOptions } from "./options.ts";
import type { Shown, Words } from "./words.ts";
import { aligned, areWhole, longest, magnitudes, nonFiniteText, signed, wholeWords } from "./words.ts";

export function pytorchWords(shown: Shown): Words {
  const { values, dtype, options } = shown;
  if (dtype === "bool") return aligned(values, (x) => (x === 0 ? "False" : "True"));
  if (!isFloat(dtype)) return wholeWords(shown);
  // Who asks for exponents gets them.
  if (areWhole(shown) && options.sciMode !== true) return wholeWords(shown);
  return options.floatmode === "fixed" ? formatterWords(values, options) : floatWords(shown);
}

/** Zeros, NaN and infinities do not decide how many columns a number has. */
function formatterWords(values: readonly number[], options: PrintOptions): Words {
  const counted = values.filter((x) => x !== 0 && Number.isFinite(x));
  const spell = spelling(counted, options);
  const finite = (x: number): string => signed(x, spell(x), options.sign);
  const width = Math.max(
    1,
    longest(counted, (x) => finite(x).length),
  );
  return { of: (x) => (Number.isFinite(x) ? finite(x) : nonFiniteText(x, options)).padStart(width), width };
}

/** How magnitudes are spelled: with exponents, whole with a point, or with as many digits as the precision says. */
function spelling(counted: readonly number[], options: PrintOptions): (x: number) => string {
  const { precision, sciMode } = options;
  if (sciMode ?? usesExponent(counted, options)) {
    return (x) => bare(exponentText(roundTotal(exactDecimal(x), precision + 1), precision, 2), precision);
  }
  if (counted.every(Number.isInteger)) return (x) => positionalText(roundAt(exactDecimal(x), 0));
  return (x) => bare(positionalText(roundAt(exactDecimal(x), precision)), precision);
}

function usesExponent(counted: readonly number[], { suppress }: PrintOptions): boolean {
  const sizes = magnitudes(counted);
  if (sizes === null) return false;
  const { least, most } = sizes;
  return most > 1e8 || (!suppress && (least < 1e-4 || most / least > 1000));
}

/** Python writes no point where no digit follows it. */
const bare = (text: string, precision: number): string => (precision === 0 ? text.replace(".", "") : text);
