/** Which line of the user's program made a node: recorded in debug mode, shown by `inspect`. */
import type { Node } from "../compiler/ir/node.ts";

/** This package's own folder: its frames are not the user's. */
const own = new URL("..", import.meta.url).href;
const ownPath = own.replace(/^file:\/\//, "");

function isOwn(frame: string): boolean {
  const inside = frame.includes(own) || frame.includes(ownPath);
  return inside && /[/\\](src|compiler|runtime)[/\\]/.test(frame.slice(frame.lastIndexOf(ownPath) + ownPath.length - 1));
}

/** `file:line:column` of the innermost call from outside the package, or null where the engine tells none. */
function callSite(): string | null {
  const { stackTraceLimit } = Error;
  // gradients of deep compositions are recorded far below the user's call
  Error.stackTraceLimit = 100;
  const frames = (new Error("call site").stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = stackTraceLimit;
  const frame = frames.find((f) => !isOwn(f) && !f.includes("node:internal"));
  return frame === undefined ? null : (/\(?([^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1] ?? null);
}

/** Marks a node, and those that were made with it, with the user's line. */
export function recordSite(node: Node): void {
  if (node.site !== null || node.definition === null) return;
  const site = callSite();
  const pending = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.site !== null || next.definition === null) continue;
    next.site = site ?? "unknown";
    for (const arg of next.args) pending.push(arg.node);
  }
}
