/** Prints the milliseconds that the first compilation of a fresh process takes. */
import { hidden } from "../examples/digits/model.ts";
import { compileTime } from "./digit-step.ts";

console.log(compileTime(hidden));
