import type { Sizes } from "../transformer.ts";
/** Bytes of the WebAssembly memory of jax-js after two training steps; why there are none, where it cannot run. */
export const jaxNeeds: (sizes: Sizes) => Promise<{ readonly reserved: number; readonly losses: readonly number[] } | { readonly missing: string }>;
