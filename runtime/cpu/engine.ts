/** What code the engine runs, and the page allows: found out by trying, when it is first asked. */

const header = [0, 97, 115, 109, 1, 0, 0, 0];
const oneFunction = [3, 2, 1, 0];

const moduleOf = (...sections: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> => Uint8Array.from(sections.flat());

/** (func (param v128) (result v128) local.get 0) */
const vectors = moduleOf(header, [1, 6, 1, 0x60, 1, 0x7b, 1, 0x7b], oneFunction, [10, 6, 1, 4, 0, 0x20, 0, 0x0b]);

/** (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))) */
const fused = moduleOf(
  header,
  [1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b],
  oneFunction,
  [10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b],
);

function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(bytes)) return false;
  try {
    return new WebAssembly.Module(bytes) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

function generates(): boolean {
  try {
    return new Function("return true")() === true;
  } catch {
    return false;
  }
}

/** Asked once, answered ever after. */
function once(ask: () => boolean): () => boolean {
  let known: boolean | null = null;
  return () => (known ??= ask());
}

/** WebAssembly with 128-bit vectors; false also where a content security policy forbids to compile it. */
export const runsWasm: () => boolean = once(() => compiles(vectors));
/** Its relaxed vector operations, as fused multiply-add. Node 20 has them behind `node --experimental-wasm-relaxed-simd`. */
export const runsRelaxed: () => boolean = once(() => compiles(fused));
/** JavaScript from text, by `new Function`. */
export const runsScript: () => boolean = once(generates);
