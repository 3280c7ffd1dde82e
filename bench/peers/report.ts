/** What was measured, as a table for the terminal and rows of a chart. */
import type { ChartRow } from "../chart.ts";
import { median } from "../median.ts";
import { table } from "../table.ts";
import type { CaseResult, Outcome, Time } from "./race.ts";
import type { Opened } from "./session.ts";
import { limitOf, targetRatio } from "./targets.ts";

/** One peer's run. */
export interface PeerReport {
  readonly name: string;
  /** Null where it could not be opened. */
  readonly opened: Opened | null;
  /** Why the run ended early. */
  readonly failure: string | null;
  readonly cases: readonly CaseResult[];
}

const isTime = (outcome: Outcome): outcome is Time => "median" in outcome;

/** The fastest way that gave right results; null where there is none. */
export function bestOf(outcomes: readonly Outcome[]): Time | null {
  return outcomes.filter(isTime).reduce<Time | null>((best, t) => (best === null || t.median < best.median ? t : best), null);
}

/** Ratio of medians of one run, peer over lazuli; null where either has none. */
export function ratioOf(result: CaseResult): number | null {
  const [ours, theirs] = [bestOf(result.lazuli), bestOf(result.peer)];
  return ours === null || theirs === null ? null : theirs.median / ours.median;
}

const resultOf = (report: PeerReport, name: string): CaseResult | undefined => report.cases.find((c) => c.name === name);

/** lazuli's time for a case: the median over the runs beside each peer. */
export function lazuliTime(reports: readonly PeerReport[], name: string): number | null {
  const times = reports.map((r) => bestOf(resultOf(r, name)?.lazuli ?? [])?.median).filter((t) => t !== undefined);
  return times.length === 0 ? null : median(times);
}

/** Milliseconds with three digits that count; what is short in µs, and says so. */
export function timeText(seconds: number): string {
  const [value, unit] = seconds < 1e-4 ? [seconds * 1e6, " µs"] : [seconds * 1e3, ""];
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}${unit}`;
}

const ratioText = (ratio: number): string => (ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3));
const mark = (reached: boolean): string => (reached ? "✓" : "✗");

/** Why a cell has no time: wrong, failed, or nothing that it could do. */
function missing(outcomes: readonly Outcome[]): string {
  const failures = outcomes.flatMap((o) => ("failure" in o ? [o.failure] : []));
  if (failures.length === 0) return "-";
  return failures.some((f) => f.startsWith("wrong")) ? "wrong" : "failed";
}

function peerCells(report: PeerReport, name: string): string[] {
  const result = resultOf(report, name);
  if (result === undefined) return ["-", ""];
  const [best, ratio] = [bestOf(result.peer), ratioOf(result)];
  const target = targetRatio(report.name, name);
  const promised = target === null ? "" : ` ≥${ratioText(target)} ${ratio === null ? "" : mark(ratio >= target)}`;
  return [best === null ? missing(result.peer) : timeText(best.median), ratio === null ? "" : `${ratioText(ratio)}${promised}`];
}

function lazuliCells(reports: readonly PeerReport[], name: string, threads: number): string[] {
  const time = lazuliTime(reports, name);
  const limit = limitOf(name, threads);
  const failed = reports.flatMap((r) => resultOf(r, name)?.lazuli ?? []);
  const promised = limit === null ? "" : `≤ ${limit.text}${time === null ? "" : ` ${mark(time <= limit.seconds)}`}`;
  return [time === null ? missing(failed) : timeText(time), promised];
}

/** The cases that some peer computes. */
function namesOf(reports: readonly PeerReport[]): string[] {
  const tried = reports.flatMap((r) => r.cases.filter((c) => c.peer.length > 0).map((c) => c.name));
  return [...new Set(reports.flatMap((r) => r.cases.map((c) => c.name)))].filter((name) => tried.includes(name));
}

/** Those that ran. */
const present = (reports: readonly PeerReport[]): PeerReport[] => reports.filter((r) => r.opened !== null);

/** The targets that these reports speak of: all, and those that were not reached, in words. */
export function reached(reports: readonly PeerReport[]): { readonly of: number; readonly missed: readonly string[] } {
  const all = present(reports).flatMap((report) =>
    report.cases.flatMap((c) => {
      const [target, ratio] = [targetRatio(report.name, c.name), ratioOf(c)];
      return target === null || ratio === null ? [] : [{ text: `${c.name} ${ratioText(ratio)} of ${ratioText(target)} (${report.name})`, ok: ratio >= target }];
    }),
  );
  return { of: all.length, missed: all.filter((t) => !t.ok).map((t) => t.text) };
}

function heading(report: PeerReport): string[] {
  const threads = report.opened?.threads ?? 1;
  return [`${report.name}${threads > 1 ? ` ${threads}t` : ""} ms`, "ratio"];
}

/** Each peer and why it is not in the table, or what of it failed. */
function remarks(reports: readonly PeerReport[]): string[] {
  return reports.flatMap((report) => {
    const cases = report.cases.flatMap((c) =>
      [...c.lazuli.map((o) => ({ o, who: "lazuli" })), ...c.peer.map((o) => ({ o, who: report.name }))].flatMap(({ o, who }) =>
        "failure" in o ? [`${c.name}, ${who} ${o.name}: ${o.failure}`] : [],
      ),
    );
    return [...(report.failure === null ? [] : [`${report.name}: ${report.failure}`]), ...cases];
  });
}

/** The whole report as text. */
export function reportText(reports: readonly PeerReport[]): string {
  const shown = present(reports);
  const first = shown[0]?.opened ?? null;
  const lines = remarks(reports);
  if (first === null) return [...lines, "no peer ran"].join("\n");
  const { engine, target, lazuliThreads } = first;
  const rows = namesOf(shown).map((name) => [name, ...lazuliCells(shown, name, lazuliThreads), ...shown.flatMap((r) => peerCells(r, name))]);
  const head = ["case", "lazuli ms", "at most", ...shown.flatMap(heading)];
  const { of, missed } = reached(reports);
  return [
    `lazuli, ${target}, ${lazuliThreads} thread${lazuliThreads === 1 ? "" : "s"}, ${engine.version}`,
    ...shown.map((r) => `${r.name}: ${r.opened?.version}`),
    "",
    table([head, ...rows]),
    "",
    `ratio: the peer's median over lazuli's, timed in turns; ${of - missed.length} of ${of} ratios reached`,
    ...missed.map((text) => `  not reached: ${text}`),
    ...lines.map((line) => `  ${line}`),
  ].join("\n");
}

/** A bar for lazuli and each peer. */
export function chartRows(reports: readonly PeerReport[]): ChartRow[] {
  const shown = present(reports);
  return namesOf(shown).map((name) => {
    const bar = (variant: string, seconds: number | null | undefined): ChartRow["bars"] =>
      seconds === null || seconds === undefined ? [] : [{ variant, milliseconds: seconds * 1000 }];
    return { name, bars: [...bar("lazuli", lazuliTime(shown, name)), ...shown.flatMap((r) => bar(r.name, bestOf(resultOf(r, name)?.peer ?? [])?.median))] };
  });
}
