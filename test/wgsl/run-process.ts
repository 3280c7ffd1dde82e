/** The process behind run.ts: says whether it has a GPU, then plays each script it is sent. Ends with its parent. */
import { openDawn } from "./dawn.ts";
import type { Answer } from "./run.ts";
import { play } from "./script.ts";
import type { Script } from "./script.ts";

const session = await openDawn("swiftshader");

async function answer(script: Script): Promise<Answer> {
  if (session === null) return { error: "no device" };
  session.device.pushErrorScope("validation");
  const memory = await play(session.device, script);
  const error = await session.device.popErrorScope();
  return error === null ? { memory } : { error: error.message };
}

process.on("disconnect", () => process.exit(0));
process.on("message", (script: Script) => {
  void answer(script)
    .catch((e: unknown): Answer => ({ error: String(e) }))
    .then((result) => process.send?.(result));
});
process.send?.(session !== null);
