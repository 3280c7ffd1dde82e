/** Functions of neural networks: activations of distributions, normalisations, layers, losses, attention. */
export { scaledDotProductAttention } from "./attention.ts";
export type { AttentionOptions } from "./attention.ts";
export { crossEntropy, nllLoss } from "./cross-entropy.ts";
export type { CrossEntropyOptions, NllOptions } from "./cross-entropy.ts";
export { dropout } from "./dropout.ts";
export type { DropoutOptions } from "./dropout.ts";
export { cosineSimilarity, embedding, linear, normalize } from "./layers.ts";
export type { EmbeddingOptions, LinearOptions } from "./layers.ts";
export { bceLoss, bceWithLogits, huberLoss, klDiv, l1Loss, mseLoss, smoothL1Loss } from "./losses.ts";
export type { BceWithLogitsOptions, KlDivOptions, LossOptions, Reduction } from "./losses.ts";
export { batchNorm, groupNorm, instanceNorm, layerNorm, rmsNorm } from "./norms.ts";
export type { BatchNormOptions, NormOptions } from "./norms.ts";
export { logSoftmax, softmax, softmin } from "./softmax.ts";
