/** The process behind run.ts: says whether it has a GPU, then runs each job it is sent. Ends with its parent. */
import { openDawn } from "./dawn.ts";
import type { Answer, Job } from "./run.ts";
import { runOn } from "./run.ts";

const session = await openDawn("swiftshader");

async function answer(job: Job): Promise<Answer> {
  if (session === null) return { error: "no device" };
  session.device.pushErrorScope("validation");
  const memory = await runOn(session.device, job.shader, job.memory, job.scalars);
  const error = await session.device.popErrorScope();
  return error === null ? { memory } : { error: error.message };
}

process.on("disconnect", () => process.exit(0));
process.on("message", (job: Job) => {
  void answer(job)
    .catch((e: unknown): Answer => ({ error: String(e) }))
    .then((result) => process.send?.(result));
});
process.send?.(session !== null);
