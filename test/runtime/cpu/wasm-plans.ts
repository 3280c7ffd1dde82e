/** Small WebAssembly plans, written out byte by byte: what the runtime does with modules needs no compiler. */
import type { KernelBuffer } from "../../../compiler/ir/loop.ts";
import type { CompiledPlan, WasmKernel } from "../../../compiler/ir/plan.ts";
import type { TensorType } from "../../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, tensorType } from "../../../compiler/ir/shape.ts";

export const f32 = (...shape: readonly number[]): TensorType => tensorType("float32", shape);

function leb(n: number): number[] {
  const bytes: number[] = [];
  for (let rest = n; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content];
const name = (text: string): number[] => [...leb(text.length), ...Array.from(text, (c) => c.charCodeAt(0))];

const header = [0, 97, 115, 109, 1, 0, 0, 0];

/** Locals of every kernel here: lo 0, hi 1, scratch 2, x 3, y 4, s 5. */
const signature = [0x60, 6, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7d, 0];

/** A module over memory that is shared, or not, with a kernel for each body. */
function moduleOf(bodies: readonly (readonly number[])[], shared: boolean): Uint8Array<ArrayBuffer> {
  const memory = [...name("env"), ...name("memory"), 2, shared ? 3 : 1, 1, ...leb(65536)];
  const constants = [...name("env"), ...name("constants"), 3, 0x7f, 0];
  const codes = bodies.map((body) => {
    const code = [0, ...body, 0x0b];
    return [...leb(code.length), ...code];
  });
  return Uint8Array.from([
    ...header,
    ...section(1, vector([signature])),
    ...section(2, vector([memory, constants])),
    ...section(3, vector(bodies.map(() => [0]))),
    ...section(7, vector(bodies.map((_, i) => [...name(`k${i}`), 0, ...leb(i)]))),
    ...section(10, vector(codes)),
  ]);
}

const address = (local: number): number[] => [0x20, local, 0x20, 0, 0x41, 2, 0x74, 0x6a];

/** `while (lo < hi) { body; lo++; }` */
const turnsOf = (body: readonly number[]): number[] =>
  [[0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x20, 1, 0x4f, 0x0d, 1], body, [0x20, 0, 0x41, 1, 0x6a, 0x21, 0, 0x0c, 0, 0x0b, 0x0b]].flat();

const product = [...address(3), 0x2a, 2, 0, 0x20, 5, 0x94];
const store = [0x38, 2, 0];

/** y[i] = x[i] * s */
export const scale: readonly number[] = turnsOf([...address(4), ...product, ...store]);
/** y[i] = x[i] * s + (the first constant) */
export const scaleAndShift: readonly number[] = turnsOf([...address(4), ...product, 0x23, 0, 0x2a, 2, 0, 0x92, ...store]);
/** scratch[0] = x[i] * s; y[i] = scratch[0] */
export const throughScratch: readonly number[] = turnsOf([0x20, 2, ...product, ...store, ...address(4), 0x20, 2, 0x2a, 2, 0, ...store]);
/** Fails. */
export const unreachable: readonly number[] = [0x00];

/** The word before x: 1 is taken once. */
const flag = [0x20, 3, 0x41, 0x40, 0x6a];
/**
 * `scale`, but the first chunk waits until the word 64 bytes before x, which is 1, was taken by another one, and who takes it never ends.
 * The caller always runs the first chunk, so another thread takes it.
 */
export const stuck: readonly number[] = [
  // if (lo == 0) while (load(flag) == 1);  else if (exchange(flag, 0) == 1) for (;;);
  [0x20, 0, 0x45, 0x04, 0x40],
  [0x03, 0x40, ...flag, 0xfe, 0x10, 2, 0, 0x41, 1, 0x46, 0x0d, 0, 0x0b],
  [0x05, ...flag, 0x41, 0, 0xfe, 0x41, 2, 0, 0x41, 1, 0x46, 0x04, 0x40, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, 0x0b],
  scale,
].flat();

export interface Wanted {
  readonly size?: number;
  readonly shared?: boolean;
  readonly kernel?: Partial<WasmKernel>;
  readonly constants?: readonly number[];
  /** What y is to the kernel. */
  readonly access?: KernelBuffer["access"];
  /** Whether y takes the memory of x. */
  readonly inPlace?: boolean;
}

/** A plan y = body(x, s) over f32[size], of one turn an element. */
export function planOf(
  body: readonly number[],
  { size = 4, shared = true, kernel = {}, constants = [], access = "write", inPlace = false }: Wanted = {},
): CompiledPlan {
  const type = f32(size);
  const buffer = { type, bytes: bytesOf(type), offset: 0 };
  const plan = {
    name: "test",
    buffers: [
      { ...buffer, id: 0, role: "input" as const, donates: null },
      { ...buffer, id: 1, role: "output" as const, donates: inPlace ? 0 : null },
    ],
    kernels: [
      {
        name: "k0",
        buffers: [
          { name: "x", dtype: "float32" as const, size: sizeOf(type.shape), access: "read" as const },
          { name: "y", dtype: "float32" as const, size: sizeOf(type.shape), access },
        ],
        scalars: [{ name: "s", dtype: "float32" as const }],
        body: [],
      },
    ],
    steps: [{ kind: "kernel" as const, kernel: 0, buffers: [0, 1], scalars: [0] }],
    inputs: [0],
    scalars: ["float32" as const],
    outputs: [{ buffer: 1, type }],
    arenaBytes: 0,
  };
  const vectors = new Uint8Array(constants.length * 16);
  constants.forEach((c, i) => void new Float32Array(vectors.buffer).fill(c, i * 4, i * 4 + 4));
  const kernels = [{ name: "k0", turns: size, turnNs: 1, scratchBytes: 0, ...kernel }];
  return { plan, language: "wasm", sources: [], shaders: [], wasm: { binary: moduleOf([body], shared), constants: vectors, kernels, imports: [] } };
}
