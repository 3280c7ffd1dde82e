/** Types of by-hand.js. Results are written into the last argument. */
export function chain(x: Float32Array, a: number, b: number, c: number, out: Float32Array): void;
export function gelu(x: Float32Array, out: Float32Array): void;
export function cheap(x: Float32Array, y: Float32Array, out: Float32Array): void;
export function blackScholes(spot: Float32Array, strike: Float32Array, years: Float32Array, rate: number, sigma: number, out: Float32Array): void;
export function sum(x: Float32Array, out: Float32Array): void;
export function softmax(x: Float32Array, width: number, out: Float32Array): void;
export function layerNorm(x: Float32Array, weight: Float32Array, bias: Float32Array, out: Float32Array): void;
export function variance(x: Float32Array, width: number, out: Float32Array): void;
export function argmax(x: Float32Array, width: number, out: Int32Array): void;

/** Lengths m, k, n of (m,k) · (k,n). */
type Size = readonly [number, number, number];
export function matmul(a: Float32Array, b: Float32Array, size: Size, out: Float32Array): void;
export function batchMatmul(a: Float32Array, b: Float32Array, batch: number, size: Size, out: Float32Array): void;
export function dense(a: Float32Array, b: Float32Array, bias: Float32Array, size: Size, out: Float32Array): void;

/** One layer's weights (in, out) and bias (out). */
export interface Layer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}
export function mlpStep(x: Float32Array, labels: Int32Array, layers: readonly Layer[], rate: number, out: readonly Layer[]): number;
