/** What the compiler must know of a target; the only way in which targets differ before code generation. */
import type { DType } from "./ir/dtype.ts";
import { computingDTypes, dtypeInfo } from "./ir/dtype.ts";
import type { ScalarOp } from "./ir/expr.ts";
import type { TensorType } from "./ir/shape.ts";
import { sizeOf } from "./ir/shape.ts";

export interface Target {
  readonly name: "js" | "wasm" | "wgsl";
  /** dtypes that kernels may load, store and compute with. */
  readonly dtypes: ReadonlySet<DType>;
  /** Bytes of one stored bool. */
  readonly boolBytes: 1 | 4;
  /** Scalar operations that the target has no spelling for; `legalize` expands them. */
  readonly lacks: ReadonlySet<ScalarOp>;
  /** What they are expanded to: formulas that give the same bits in JavaScript and WebAssembly, or those that bear with GPUs. */
  readonly formulas: "cpu" | "shader";
  /** Whether grid iterations run on lanes that can share workgroup memory. */
  readonly lanes: number;
  /** Whether neighbouring elements of a vector axis are computed at once. */
  readonly vectors: boolean;
  /** Whether lanes do well to share what they load, and to deal out rows: on hardware; where a CPU plays them, they take long to meet. */
  readonly groupMemoryPays: boolean;
  /** Storage buffers that one kernel may bind. */
  readonly maxBindings: number;
  /** Whether the temporaries that a kernel touches, which lie in one arena, are bound as one. */
  readonly bindsArenaOnce: boolean;
  /** Bytes of scratch that one grid point may use. */
  readonly scratchBytes: number;
  /** Bytes of costly elements of a row that one grid point may keep for its next loop over the row: what a cache near the core holds. */
  readonly rowBytes: number;
  /** Vectors of sums that a contraction's tile keeps: engines differ in how many stay in registers. */
  readonly sumVectors: number;
  /** Scalar operations that one kernel may hold (beyond it engines stop optimising). */
  readonly maxOperations: number;
  /** Nanoseconds to launch one kernel. */
  readonly launchNs: number;
  /** Bytes a nanosecond to and from memory. */
  readonly bandwidth: number;
  /** What stays near the lanes: a kernel that touches no more finds there what the one before it wrote. */
  readonly cacheBytes: number;
  /** Bytes a nanosecond to and from there. */
  readonly cacheBandwidth: number;
  /** Additions, loads and stores a nanosecond, all lanes together. */
  readonly throughput: number;
  /** How many times longer they take in this target's code than `throughput` says. */
  readonly slowdown: number;
  /** Whether the module's memory is shared between threads; for `wasm`. */
  readonly sharedMemory: boolean;
  /** Whether products and sums may be contracted by relaxed SIMD, whose last bits depend on the engine; for `wasm`. */
  readonly relaxed: boolean;
}

const cpuTypes: readonly DType[] = computingDTypes();
const gpuTypes: readonly DType[] = ["bool", "int32", "uint32", "float32"];

/** Functions whose bits JavaScript engines may choose, and which WebAssembly does not have. */
// oxfmt-ignore
const cpuLacks: readonly ScalarOp[] = [
  "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
  "asinh", "acosh", "atanh", "cbrt", "pow",
];

/**
 * Generated JavaScript loops over typed arrays. The rates are WebAssembly's, so that both get the same kernels, as one thread of the
 * machine in bench/RESULTS.md showed them (there: how they were measured); script takes 30 times as long for an operation.
 */
export const js: Target = {
  name: "js",
  dtypes: new Set(cpuTypes),
  boolBytes: 1,
  lacks: new Set(cpuLacks),
  formulas: "cpu",
  lanes: 1,
  vectors: false,
  groupMemoryPays: false,
  maxBindings: 64,
  bindsArenaOnce: false,
  scratchBytes: 32768,
  rowBytes: 262144,
  sumVectors: 8,
  maxOperations: 1200,
  launchNs: 250,
  bandwidth: 40,
  cacheBytes: 32 * 2 ** 20,
  cacheBandwidth: 90,
  throughput: 45,
  slowdown: 30,
  sharedMemory: false,
  relaxed: false,
};

/** Generated WebAssembly with SIMD. All else is as in `js`, so that both get the same kernels and compute the same bits. */
export const wasm: Target = { ...js, name: "wasm", vectors: true, slowdown: 1 };

/**
 * Functions that WGSL has, but promises too little of: nothing for NaN (exp of it is infinite on one device), log only to 2^-21
 * near 1, sin and cos to 2^-11, atan2 to 4096 units in the last place, tanh and pow by way of others that overflow.
 */
const wgslInexact: readonly ScalarOp[] = [
  "exp",
  "log",
  "log2",
  "pow",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
];

/** WebGPU shaders. The rates are a small GPU's: nobody knows which one it will be. */
export const wgsl: Target = {
  name: "wgsl",
  dtypes: new Set(gpuTypes),
  boolBytes: 4,
  lacks: new Set<ScalarOp>(["expm1", "log1p", "log10", "cbrt", "fmod", "nextafter", "copysign", "exp2", ...wgslInexact]),
  formulas: "shader",
  lanes: 64,
  vectors: true,
  groupMemoryPays: true,
  maxBindings: 8,
  bindsArenaOnce: true,
  // of 16384: reductions and loop bounds need some workgroup memory too
  scratchBytes: 15360,
  rowBytes: 15360,
  sumVectors: 8,
  maxOperations: 4000,
  launchNs: 5000,
  bandwidth: 100,
  cacheBytes: 4 * 2 ** 20,
  cacheBandwidth: 300,
  throughput: 1000,
  slowdown: 1,
  sharedMemory: false,
  relaxed: false,
};

/** Invocations in a workgroup, at the most: WebGPU's default limit. */
export const widestWorkgroup = 256;

/** Whether a CPU plays the lanes, as SwiftShader does. */
export const isPlayed = (t: Target): boolean => t.lanes > 1 && !t.groupMemoryPays;

/** The lanes of a workgroup that could use so many: the target's own where that is wider than one may be, or than a CPU that plays it should. */
export const workgroupFor = (lanes: number, target: Target): number =>
  lanes <= (target.groupMemoryPays ? widestWorkgroup : target.lanes) ? lanes : target.lanes;

/** A text that is equal for equal targets: part of the plan cache's key. */
export const targetKey = (t: Target): string =>
  `${t.name} ${t.maxBindings} ${t.sumVectors}${t.groupMemoryPays ? " staged" : ""}${t.sharedMemory ? " shared" : ""}${t.relaxed ? " relaxed" : ""}`;

/** Bytes of a dense buffer of this type on this target. */
export const storedBytes = (t: TensorType, target: Target): number => sizeOf(t.shape) * (t.dtype === "bool" ? target.boolBytes : dtypeInfo(t.dtype).bytes);
