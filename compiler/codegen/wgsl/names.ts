/** Identifiers: every name of a kernel gets one that WGSL takes, and that means nothing else there. */
import type { Kernel } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { helperNames } from "./prelude.ts";

const keywords = `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop
override requires return struct switch true var while`;

/** Words that the WGSL specification reserves. */
const reserved = `NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become binding_array cast catch
class co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit
crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final
finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match
mediump meta mod module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null
nullptr of operator package packoffset partial pass patch pixelfragment precise precision premerge priv protected pub public readonly ref
regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std
subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use
using varying virtual volatile wgsl where with writeonly yield`;

/** Types and functions that WGSL declares. Shadowing is legal there, but the shader uses many of them. */
const predeclared = `bool f16 f32 i32 u32 array atomic ptr vec2 vec3 vec4 vec2f vec3f vec4f vec2i vec3i vec4i vec2u vec3u vec4u mat2x2 mat3x3
mat4x4 sampler texture_2d function private workgroup storage uniform read write read_write bitcast all any select arrayLength abs acos acosh
asin asinh atan atanh atan2 ceil clamp cos cosh countLeadingZeros countOneBits countTrailingZeros cross degrees determinant distance dot exp
exp2 extractBits faceForward firstLeadingBit firstTrailingBit floor fma fract frexp insertBits inverseSqrt ldexp length log log2 max min mix
modf normalize pow quantizeToF16 radians reflect refract reverseBits round saturate sign sin sinh smoothstep sqrt step tan tanh transpose
trunc atomicLoad atomicStore atomicAdd atomicSub atomicMax atomicMin atomicAnd atomicOr atomicXor atomicExchange atomicCompareExchangeWeak
storageBarrier workgroupBarrier workgroupUniformLoad textureBarrier subgroupAdd subgroupMax subgroupMin`;

/** Names that the shader's own frame uses. */
const frame = "main u Uniforms group groups lane thread slot start point isPoint";

const taken: readonly string[] = [keywords, reserved, predeclared, frame].flatMap((words) => words.split(/\s+/));

/** Every word that no name of a kernel may become, for tests. */
export const reservedWords: readonly string[] = taken;

const cleaned = (name: string): string => {
  const word = name.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[A-Za-z]/.test(word) ? word : `v${word}`;
};

/** The names of scalars, axes and carries in a kernel. */
function scalarNames(kernel: Kernel): Set<string> {
  const found = new Set(kernel.scalars.map((p) => p.name));
  for (const s of statements(kernel.body)) {
    if (s.kind === "for") found.add(s.axis.name);
    if (s.kind === "let" || s.kind === "carry") found.add(s.name);
    if (s.kind === "reduce") [...s.names, ...s.axes.map((a) => a.name)].forEach((name) => found.add(name));
  }
  return found;
}

/** Gives names their identifiers; one identifier belongs to one name. All names of the kernel are given theirs before any fresh one. */
export class Names {
  readonly #used: Set<string> = new Set([...taken, ...helperNames]);
  readonly #byKey: Map<string, string> = new Map();

  constructor(kernel: Kernel) {
    kernel.buffers.forEach((b) => this.memory(b.name));
    for (const s of statements(kernel.body)) if (s.kind === "local") this.memory(s.name);
    scalarNames(kernel).forEach((name) => this.of(name));
  }

  /** The identifier of a scalar, an axis or a carry; or an identifier that `fresh` made. */
  of(name: string): string {
    return this.#get(name, name);
  }

  /** The identifier of a buffer or a local: loads name them beside the scalars, so they never share one. */
  memory(name: string): string {
    return this.#get(`memory ${name}`, name);
  }

  /** A text that `of` gives back as it is: a component of a vector, say. */
  alias(text: string): string {
    this.#byKey.set(text, text);
    return text;
  }

  /** A new identifier like `hint`. */
  fresh(hint: string): string {
    const word = this.#claim(hint);
    this.#byKey.set(word, word);
    return word;
  }

  #get(key: string, name: string): string {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const word = this.#claim(name);
    this.#byKey.set(key, word);
    return word;
  }

  #claim(name: string): string {
    const base = cleaned(name);
    let word = base;
    for (let n = 2; this.#used.has(word); n++) word = `${base}_${n}`;
    this.#used.add(word);
    return word;
  }
}
