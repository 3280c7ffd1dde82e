/** Types of by-hand.js. Results are written into the last argument; what is between is float64, or as wide as the inputs where it is stored. */
export type Floats = Float32Array | Float64Array;

export function chain(x: Floats, a: number, b: number, c: number, out: Floats): void;
export function gelu(x: Floats, out: Floats): void;
export function cheap(x: Floats, y: Floats, out: Floats): void;
export function blackScholes(spot: Floats, strike: Floats, years: Floats, rate: number, sigma: number, out: Floats): void;
export function sum(x: Floats, out: Floats): void;
export function softmax(x: Floats, width: number, out: Floats): void;
export function layerNorm(x: Floats, weight: Floats, bias: Floats, out: Floats): void;
export function variance(x: Floats, width: number, out: Floats): void;
export function argmax(x: Floats, width: number, out: Int32Array): void;

/** Lengths m, k, n of (m,k) · (k,n). */
type Size = readonly [number, number, number];
export function matmul(a: Floats, b: Floats, size: Size, out: Floats): void;
export function batchMatmul(a: Floats, b: Floats, batch: number, size: Size, out: Floats): void;
export function dense(a: Floats, b: Floats, bias: Floats, size: Size, out: Floats): void;

/** One layer's weights (in, out) and bias (out). */
export interface Layer {
  readonly weight: Floats;
  readonly bias: Floats;
}
export function mlpStep(x: Floats, labels: Int32Array, layers: readonly Layer[], rate: number, out: readonly Layer[]): number;

export function attention(q: Floats, k: Floats, v: Floats, size: readonly [length: number, width: number], causal: boolean, out: Floats): void;
export function softmaxGradient(x: Floats, g: Floats, width: number, out: Floats): void;
export function layerNormGradient(x: Floats, weight: Floats, g: Floats, out: readonly [dx: Floats, dWeight: Floats, dBias: Floats]): void;
export function adamw(given: readonly [p: Floats, g: Floats, m: Floats, v: Floats], out: readonly [p: Floats, m: Floats, v: Floats]): void;
export function crossEntropy(x: Floats, labels: Int32Array, width: number, slopes: Floats | null): number;
