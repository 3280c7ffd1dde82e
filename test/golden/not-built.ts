/** Functions that goldens name and that are not built yet. A test fails where a listed one exists, or where a missing one is not listed. */
import * as lazuli from "../../src/index.ts";
import type { GoldenCase } from "./cases.ts";

export const notBuilt: readonly string[] = [
  // area 7: decompositions
  "cholesky",
  "det",
  "eigvalsh",
  "inv",
  "lstsq",
  "matrixExp",
  "matrixRank",
  "pinv",
  "qr",
  "slogdet",
  "solve",
  "solveTriangular",
  "svdvals",
];

/** Names of the goldens that are no functions of the library: they say how the runner uses others. */
const forms = new Set([
  "expr",
  "getitem",
  "setitem",
  "atAdd",
  "atMultiply",
  "program",
  "grad",
  "hessian",
  "hvp",
  "jvp",
  "vjp",
  "jacobian",
  "nthDerivative",
  "directionalDerivatives",
  "gradPenalty",
]);

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null && !Array.isArray(x);

function namesIn(x: unknown): string[] {
  if (Array.isArray(x)) return x.flatMap(namesIn);
  if (!isRecord(x)) return [];
  const own = typeof x["fn"] === "string" ? [x["fn"]] : [];
  return [...own, ...namesIn(x["args"]), ...namesIn(x["kwargs"])];
}

/** Every function that a case needs. */
export function functionsOf(c: GoldenCase): string[] {
  return [...new Set([c.fn, ...namesIn(c.args), ...namesIn(c.kwargs), ...namesIn(c.expr)])].filter((name) => !forms.has(name));
}

/** Whether the library has a function of this name, at the top or in a namespace. */
export function exists(name: string): boolean {
  const homes: unknown[] = [lazuli, ...["linalg", "fft", "special", "nn", "random", "optim"].map((n): unknown => Reflect.get(lazuli, n))];
  return homes.some((home) => typeof home === "object" && home !== null && typeof Reflect.get(home, name) === "function");
}
