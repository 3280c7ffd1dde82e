/** The heap of JavaScript, measured after a collection that the test asks for: what V8 had not yet collected says nothing. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes that JavaScript holds when nothing dead is left. */
export function heapAfterCollection(): number {
  if (typeof collect !== "function") throw new Error("this engine has no gc()");
  collect();
  return process.memoryUsage().heapUsed;
}
