/** How far functions may be off, in units in the last place of the result: the table of docs/accuracy.md. */
export interface Bound {
  readonly name: string;
  readonly float32: number;
  readonly float64: number;
  /** Where it is defined, both ends included, and tested beyond all exponents; everywhere by default. */
  readonly domain?: readonly [number, number];
  /** Values smaller than this count as this large: functions whose relative error grows at their zeros. */
  readonly least?: number;
}

export const bounds: readonly Bound[] = [
  { name: "exp", float32: 2, float64: 4 },
  { name: "exp2", float32: 4, float64: 4 },
  { name: "expm1", float32: 4, float64: 4 },
  { name: "log", float32: 2, float64: 4, domain: [0, Infinity] },
  { name: "log2", float32: 4, float64: 4, domain: [0, Infinity] },
  { name: "log10", float32: 4, float64: 4, domain: [0, Infinity] },
  { name: "log1p", float32: 4, float64: 4, domain: [-1, Infinity] },
  { name: "sin", float32: 2, float64: 4 },
  { name: "cos", float32: 2, float64: 4 },
  { name: "tan", float32: 4, float64: 4 },
  { name: "asin", float32: 4, float64: 4, domain: [-1, 1] },
  { name: "acos", float32: 4, float64: 4, domain: [-1, 1] },
  { name: "atan", float32: 4, float64: 4 },
  { name: "sinh", float32: 4, float64: 4 },
  { name: "cosh", float32: 4, float64: 4 },
  { name: "tanh", float32: 2, float64: 4 },
  { name: "asinh", float32: 4, float64: 4 },
  { name: "acosh", float32: 4, float64: 4, domain: [1, Infinity] },
  { name: "atanh", float32: 4, float64: 4, domain: [-1, 1] },
  { name: "erf", float32: 2, float64: 4 },
  { name: "erfc", float32: 4, float64: 4 },
  { name: "erfinv", float32: 4, float64: 4, domain: [-1, 1] },
  { name: "cbrt", float32: 4, float64: 4 },
  { name: "rsqrt", float32: 4, float64: 4, domain: [0, Infinity] },
  { name: "sigmoid", float32: 4, float64: 4 },
  { name: "lgamma", float32: 4, float64: 4, domain: [0, Infinity], least: 1 },
  { name: "digamma", float32: 4, float64: 4, domain: [0, Infinity], least: 1 },
  { name: "lgamma", float32: 8, float64: 10, domain: [-50, 0], least: 1 },
  { name: "digamma", float32: 12, float64: 12, domain: [-50, 0], least: 1 },
  { name: "pow", float32: 4, float64: 4, domain: [0, Infinity] },
  { name: "atan2", float32: 4, float64: 4 },
];

const domainText = ({ domain }: Bound): string => (domain === undefined ? "all" : `${domain[0]} to ${String(domain[1]).replace("Infinity", "∞")}`);

/** The table of docs/accuracy.md. */
export const tableText = (): string =>
  [
    "| function | domain | float32 | float64 |",
    "|---|---|---|---|",
    ...bounds.map((b) => `| ${b.name} | ${domainText(b)} | ${b.float32} | ${b.float64} |`),
  ].join("\n");
