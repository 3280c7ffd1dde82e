/**
 * `npm run bench -- peers`: lazuli beside other libraries, one process for each of them. Whole runs are written to
 * peers-ENGINE.json and .svg; runs of chosen peers or cases, and quick ones, are only printed.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chart } from "../chart.ts";
import { machine, writeResult } from "../results.ts";
import { inNode } from "./in-node.ts";
import type { RunSession } from "./in-node.ts";
import { problemsNamed } from "./problems.ts";
import type { CaseResult, Effort } from "./race.ts";
import { packages, portable } from "./registry.ts";
import type { PeerReport } from "./report.ts";
import { bestOf, chartRows, ratioOf, reportText, timeText } from "./report.ts";
import type { Message, Opened, Spec } from "./session.ts";

export interface PeersOptions {
  readonly cases: readonly string[];
  readonly threads: number;
  readonly target: Spec["target"];
  readonly quick: boolean;
  readonly shrink: number;
  readonly folder: string;
  /** A Node to run under; null: this one. */
  readonly node: string | null;
  readonly browser: boolean;
}

const careful: Effort = { samples: 15, sampleTime: 0.01, caseTime: 1, warmUp: 0.3 };
const quick: Effort = { samples: 5, sampleTime: 0.002, caseTime: 0.1, warmUp: 0.15 };

const everywhere: readonly string[] = Object.keys(portable);
const inNodeOnly: readonly string[] = ["numpy", "c"];

/** Those that run where none is named: one-thread says what threads bring, js what the wasm target does. */
function usual({ threads, browser }: PeersOptions): readonly string[] {
  return [...Object.keys(packages), ...(browser ? [] : inNodeOnly), ...(threads > 1 ? ["one-thread"] : [])];
}

/** The peers of these names, or the usual; throws where there is none of a name, or where it is not installed. */
export function peersNamed(names: readonly string[], options: PeersOptions): readonly string[] {
  const all = options.browser ? everywhere : [...everywhere, ...inNodeOnly];
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no peer is called ${unknown.join(" or ")}: there are ${all.join(", ")}`);
  return names.length === 0 ? usual(options) : names;
}

const modules = fileURLToPath(new URL("../node_modules", import.meta.url));

/** The version that is installed of a package. */
function versionOf(name: string): string {
  const parsed: unknown = JSON.parse(readFileSync(`${modules}/${name}/package.json`, "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "of unknown version";
}

/** What was opened, by its package and version where it comes from one. */
function described(peer: string, opened: Opened): Opened {
  const name = packages[peer];
  return name === undefined ? opened : { ...opened, version: `${name} ${versionOf(name)}` };
}

/** One line as soon as a case is done. */
function progress(peer: string, result: CaseResult): string {
  const [ours, theirs, ratio] = [bestOf(result.lazuli), bestOf(result.peer), ratioOf(result)];
  const text = (time: { readonly median: number } | null): string => (time === null ? "-" : timeText(time.median));
  return `${peer} ${result.name}: lazuli ${text(ours)}, ${peer} ${text(theirs)}${ratio === null ? "" : `, ratio ${ratio.toPrecision(3)}`}`;
}

/** Runs a session and keeps what it says. */
export async function reportOf(spec: Spec, run: RunSession): Promise<PeerReport> {
  let opened: Opened | null = null;
  let failure: string | null = null;
  const cases: CaseResult[] = [];
  const hear = (message: Message): void => {
    if (message.kind === "opened") opened = described(spec.peer, message.opened);
    else if (message.kind === "failed") failure ??= message.reason;
    else {
      cases.push(message.result);
      if (message.result.peer.length > 0) console.log(progress(spec.peer, message.result));
    }
  };
  await run(spec, hear);
  return { name: spec.peer, opened, failure, cases };
}

function write(reports: readonly PeerReport[], { threads, target, folder }: PeersOptions): void {
  const opened = reports.find((r) => r.opened !== null)?.opened;
  if (opened === null || opened === undefined) return;
  const name = `peers-${opened.engine.name}${target === null ? "" : `-${target}`}${threads === 1 ? "" : `-${threads}t`}`;
  const { date, lazuli, cpu, cores } = machine();
  writeResult(
    folder,
    `${name}.json`,
    JSON.stringify({ date, lazuli, cpu, cores, engine: opened.engine, target: opened.target, threads, peers: reports }, null, 1),
  );
  const [engine = ""] = opened.engine.version.split(",");
  const title = `lazuli and its peers, ${engine}, ${opened.target}, ${threads} thread${threads === 1 ? "" : "s"}: median milliseconds, logarithmic`;
  writeResult(folder, `${name}.svg`, chart(title, chartRows(reports)));
}

interface Runner {
  readonly run: RunSession;
  readonly close: () => void;
}

/** The tools of a page are loaded for a page only. */
async function runnerFor({ browser, node }: PeersOptions): Promise<Runner> {
  if (!browser) return { run: inNode(node ?? process.execPath), close: () => undefined };
  const { inPage } = await import("./in-page.ts");
  return inPage();
}

/** Runs the peers of these names (the usual where there are none), prints the table and writes whole runs. */
export async function peers(names: readonly string[], options: PeersOptions): Promise<void> {
  const chosen = peersNamed(names, options);
  problemsNamed(options.cases);
  if (chosen.some((name) => name in packages) && !existsSync(modules)) {
    console.error("the peers are not installed: npm ci --prefix bench");
    process.exitCode = 1;
    return;
  }
  const { run, close } = await runnerFor(options);
  const reports: PeerReport[] = [];
  for (const peer of chosen) {
    const spec: Spec = {
      peer,
      cases: options.cases,
      threads: options.threads,
      target: options.target,
      effort: options.quick ? quick : careful,
      shrink: options.shrink,
    };
    reports.push(await reportOf(spec, run));
  }
  close();
  const scale = options.shrink === 1 ? "" : `, lengths over ${options.shrink}: what is promised does not hold for them`;
  console.log(`\n${machine().cpu}${scale}\n${reportText(reports)}\n`);
  const isWhole = names.length === 0 && options.cases.length === 0 && !options.quick && options.shrink === 1;
  if (isWhole) write(reports, options);
}
