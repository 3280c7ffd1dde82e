/** The page in which lazuli and one peer run. in-page.ts calls `runSession` and listens through `hear`. */
import { portable } from "../registry.ts";
import type { Engine, Message, Spec } from "../session.ts";
import { session } from "../session.ts";

type Hear = (message: Message) => void;

/** Runs a session; resolves when it is over. */
async function runSession(spec: Spec, engine: Engine, hear: Hear): Promise<void> {
  const open = portable[spec.peer];
  if (open === undefined) hear({ kind: "failed", reason: `there is no peer ${spec.peer} in a page` });
  else await session(spec, open, { engine, base: new URL("/modules/", location.href).href, send: hear });
}

Object.assign(globalThis, { runSession });
document.title = "ready";
