/**
 * How a plan uses memory, as comments beneath its text: what it needs and would need, and where each temporary lies from which step to
 * which. Steps are launches, copies and fills, counted from 0.
 *
 *     ; memory: 13344 bytes, of 13344 for every buffer by itself: inputs 9248, outputs 2048, arena 2048
 *     ; the arena is fullest at step 0, run @k0_dot: 2048 bytes live
 *     ; temp  offset  bytes  steps  type
 *     ; %3         0   2048  0..1   f32[64,8]
 */
import { at } from "./errors.ts";
import type { Plan, PlanBuffer, Step } from "./plan.ts";
import { touchedBy } from "./plan.ts";
import { peakBytes, stepText } from "./print-plan.ts";
import { typeText } from "./shape.ts";

/** First and last step that touch a buffer. */
interface Life {
  readonly first: number;
  readonly last: number;
}

/** Bytes of all buffers, were none in the memory of another. */
export const separateBytes = (plan: Pick<Plan, "buffers">): number => plan.buffers.reduce((n, b) => n + b.bytes, 0);

/** The lines, each with its line break. */
export function memoryText(plan: Plan): string {
  const sum = (role: PlanBuffer["role"]): number => plan.buffers.reduce((n, b) => n + (b.role === role && b.donates === null ? b.bytes : 0), 0);
  const donated = plan.buffers.filter((b) => b.donates !== null).length;
  const inPlace = donated === 0 ? "" : ` (and ${donated} in the memory of inputs)`;
  const lines = [
    `memory: ${peakBytes(plan)} bytes, of ${separateBytes(plan)} for every buffer by itself: inputs ${sum("input")}, outputs ${sum("output")}${inPlace}, arena ${plan.arenaBytes}`,
    ...budgetText(plan),
    ...arenaText(plan),
  ];
  return lines.map((l) => `; ${l}\n`).join("");
}

function budgetText(plan: Plan): string[] {
  if (plan.budget === undefined) return [];
  const over = peakBytes(plan) - plan.budget;
  return [`budget: ${plan.budget} bytes, ${over > 0 ? `passed by ${over}: no order of the steps that was tried needs less` : "kept"}`];
}

function arenaText(plan: Plan): string[] {
  const temps = plan.buffers.filter((b) => b.role === "temp").sort((a, b) => a.offset - b.offset || a.id - b.id);
  if (temps.length === 0) return [];
  const steps = plan.steps.filter((s) => s.kind !== "alloc" && s.kind !== "free");
  const lives = livesOf(steps);
  const [full, bytes] = fullest(plan);
  const rows = temps.map((b) => {
    const life = lives.get(b.id);
    return [`%${b.id}`, `${b.offset}`, `${b.bytes}`, life === undefined ? "none" : `${life.first}..${life.last}`, typeText(b.type)];
  });
  return [`the arena is fullest at step ${full}, ${stepText(at(steps, full), plan).split("(")[0] ?? ""}: ${bytes} bytes live`, ...table(rows)];
}

function livesOf(steps: readonly Step[]): ReadonlyMap<number, Life> {
  const lives = new Map<number, Life>();
  steps.forEach((s, i) => {
    for (const id of touchedBy(s)) lives.set(id, { first: lives.get(id)?.first ?? i, last: i });
  });
  return lives;
}

/** The step at which most bytes of the arena are allocated, and how many. */
function fullest(plan: Plan): readonly [number, number] {
  const bytesOf = new Map(plan.buffers.map((b) => [b.id, b.bytes]));
  let [step, live, full, most] = [0, 0, 0, 0];
  for (const s of plan.steps) {
    if (s.kind === "alloc") live += bytesOf.get(s.buffer) ?? 0;
    else if (s.kind === "free") live -= bytesOf.get(s.buffer) ?? 0;
    else {
      if (live > most) [full, most] = [step, live];
      step++;
    }
  }
  return [full, most];
}

const head: readonly string[] = ["temp", "offset", "bytes", "steps", "type"];
const isNumber = (column: number): boolean => column === 1 || column === 2;

function table(rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...all.map((r) => at(r, c).length)));
  return all.map((r) =>
    r
      .map((cell, c) => (isNumber(c) ? cell.padStart(at(widths, c)) : cell.padEnd(at(widths, c))))
      .join("  ")
      .trimEnd(),
  );
}
