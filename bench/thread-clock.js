/** The main thread's own clock. Plain JavaScript, as `cold.js` is. */
import { readFileSync } from "node:fs";

export function threadMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
  } catch {
    return null;
  }
}
