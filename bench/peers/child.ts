/** The process in which lazuli and one peer run. Started by in-node.ts with the spec as its argument. */
import type { Open } from "./peer.ts";
import { native, numpy } from "./programs.ts";
import { portable } from "./registry.ts";
import type { Message, Spec } from "./session.ts";
import { session } from "./session.ts";

const opens: Readonly<Record<string, Open>> = { ...portable, numpy, c: native };

const spec: Spec = JSON.parse(process.argv[2] ?? "");
const send = (message: Message): void => void process.send?.(message);
const open = opens[spec.peer];
const [major] = process.versions.node.split(".");
const engine = { name: `node${major}`, version: `Node ${process.versions.node}, V8 ${process.versions.v8}` };

if (open === undefined) send({ kind: "failed", reason: `there is no peer ${spec.peer}` });
else await session(spec, open, { engine, base: null, send });
// Peers keep workers and timers that would hold the process; what was sent must leave it first.
process.disconnect();
process.exit();
