/**
 * How much wider than stored the tolerance of a golden may be on a GPU, by function: WGSL promises division to 2.5 units in the last
 * place, square roots and powers of two to a few, where the CPU rounds correctly. A factor of 1 is the tolerance of the CPU; no factor
 * may pass 16. What exp, log, tanh, sin, pow and the like need is spelled by our own polynomials (compiler/passes/legalize-*.ts),
 * whose last bits differ from an adapter's only by its division and square root.
 *
 * A software adapter rounds both correctly, so it gets no allowance at all. The allowance for cards is what WGSL promises for the
 * operations that a function is built on; it has not been measured on a card yet.
 */
export const widest = 16;

/** Functions that divide or take roots as their last step. */
const built: readonly (readonly [string, number])[] = [
  ["divide", 4],
  ["reciprocal", 4],
  ["rsqrt", 4],
  ["sqrt", 4],
  ["hypot", 4],
  ["sigmoid", 4],
  ["silu", 4],
  ["tanh", 4],
  ["softmax", 4],
  ["std", 4],
  ["var", 2],
  ["norm", 4],
  ["layerNorm", 8],
  ["groupNorm", 8],
  ["instanceNorm", 8],
  ["batchNorm", 8],
  ["rmsNorm", 8],
];

export const cardFactors: ReadonlyMap<string, number> = new Map(built);

/** Cases that differ on some adapter that was tested, with the reason. */
export const gpuExceptions: ReadonlyMap<string, string> = new Map([
  ["unary-sign-subnormal", "WGSL lets an implementation take subnormal numbers for zero, and SwiftShader does where it compares them."],
]);
