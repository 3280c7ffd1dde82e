/** The shader that makes every word of a range one value: clearing a range does it only for 0. */
import type { Shader } from "./pipelines.ts";

const lanes = 64;

export const fillShader: Shader = {
  source: `struct Range { base: u32, count: u32, word: u32, pad: u32 }
@group(0) @binding(0) var<uniform> range: Range;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(${lanes}, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < range.count; i += groups.x * ${lanes}u) {
    words[range.base + i] = range.word;
  }
}
`,
  entryPoint: "main",
  bindings: [
    { name: "range", group: 0, binding: 0, access: "uniform", buffers: [], isShared: false },
    { name: "words", group: 0, binding: 1, access: "read_write", buffers: ["words"], isShared: true },
  ],
};

/** Workgroups for a range of words. */
export const fillGroups = (count: number, most: number): number => Math.min(most, Math.ceil(count / lanes));
