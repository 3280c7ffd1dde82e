/** The texts of loops. */
import type { Axis } from "../../ir/loop.ts";
import { bare } from "./expression.ts";
import { tripsOf, tripsOfAll } from "./lanes.ts";

/** Lines one level deeper. */
export const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

export const block = (head: string, lines: readonly string[]): string[] => [head === "" ? "{" : `${head} {`, ...indent(lines), "}"];

/** The lines of a bare block: at the end of a list its names meet no others. */
export function unblocked(lines: readonly string[]): readonly string[] {
  const inner = lines.slice(1, -1);
  const isBlock = lines.length > 2 && lines[0] === "{" && lines.at(-1) === "}" && inner.every((line) => line.startsWith("  "));
  return isBlock ? inner.map((line) => line.slice(2)) : lines;
}

/** An axis with the texts of its name and bounds. */
export interface SpelledAxis {
  readonly axis: Axis;
  readonly ident: string;
  readonly lo: string;
  readonly hi: string;
}

export function serialLoop(a: SpelledAxis, body: readonly string[]): string[] {
  return block(`for (var ${a.ident} = ${bare(a.lo)}; ${a.ident} < ${a.hi}; ${a.ident} += ${a.axis.step}i)`, body);
}

const scaled = (text: string, factor: number): string => (factor === 1 ? text : `${text} * ${factor}i`);
const shifted = (a: SpelledAxis, text: string): string => (a.axis.lo.op === "const" && a.axis.lo.value === 0 ? text : `${a.lo} + ${text}`);

/** `let i = …; let j = …;` from a flat position, last axis fastest. */
export function decodeLines(flat: string, axes: readonly SpelledAxis[]): string[] {
  let inner = tripsOfAll(axes.map((a) => a.axis));
  return axes.map((a, i) => {
    const trips = tripsOf(a.axis);
    inner /= trips;
    const quotient = inner === 1 ? flat : `(${flat} / ${inner}i)`;
    const position = i === 0 ? quotient : `(${quotient} % ${trips}i)`;
    return `let ${a.ident} = ${bare(shifted(a, scaled(position, a.axis.step)))};`;
  });
}

/** Iterations dealt out to lanes: lane l takes l, l + lanes, … of the flat space. `flat` is a new name for the position in it. */
export function laneLoop(axes: readonly SpelledAxis[], lanes: number, flat: string, body: readonly string[]): string[] {
  const trips = tripsOfAll(axes.map((a) => a.axis));
  const [first] = axes;
  if (first !== undefined && axes.length === 1 && trips > lanes) {
    const { ident, hi, axis } = first;
    return block(`for (var ${ident} = ${shifted(first, scaled("i32(lane)", axis.step))}; ${ident} < ${hi}; ${ident} += ${lanes * axis.step}i)`, body);
  }
  if (trips > lanes) return block(`for (var ${flat} = i32(lane); ${flat} < ${trips}i; ${flat} += ${lanes}i)`, [...decodeLines(flat, axes), ...body]);
  const once = axes.length === 1 ? decodeLines("i32(lane)", axes) : [`let ${flat} = i32(lane);`, ...decodeLines(flat, axes)];
  return block(trips === lanes ? "" : `if (lane < ${trips}u)`, [...once, ...body]);
}
