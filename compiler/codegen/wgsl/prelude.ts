/**
 * Functions that a shader declares for what WGSL has no right spelling of. WGSL promises nothing about NaN, so NaN is found by its
 * bits; its float to integer conversions leave NaN open; its shifts and divisions leave edges open that `ir/expr.ts` closes.
 */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";

interface Helper {
  readonly needs: readonly string[];
  readonly source: string;
}

const table: Readonly<Record<string, Helper>> = {
  is_nan: { needs: [], source: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }" },
  unordered: { needs: ["is_nan"], source: "fn unordered(a: f32, b: f32) -> bool { return is_nan(a) || is_nan(b); }" },
  min_f32: { needs: ["is_nan"], source: extremum("min_f32", "<", "|") },
  max_f32: { needs: ["is_nan"], source: extremum("max_f32", ">", "&") },
  f32_to_i32: {
    needs: ["is_nan"],
    source: `fn f32_to_i32(x: f32) -> i32 {
  if (is_nan(x)) { return 0i; }
  if (x >= 2147483648.0f) { return 2147483647i; }
  if (x <= -2147483648.0f) { return i32(-2147483648); }
  return i32(x);
}`,
  },
  f32_to_u32: {
    needs: ["is_nan"],
    source: `fn f32_to_u32(x: f32) -> u32 {
  if (is_nan(x) || x <= 0.0f) { return 0u; }
  if (x >= 4294967296.0f) { return 4294967295u; }
  return u32(x);
}`,
  },
  div_i32: { needs: [], source: "fn div_i32(a: i32, b: i32) -> i32 { return select(a / b, 0i, b == 0i); }" },
  div_u32: { needs: [], source: "fn div_u32(a: u32, b: u32) -> u32 { return select(a / b, 0u, b == 0u); }" },
  rem_i32: { needs: [], source: "fn rem_i32(a: i32, b: i32) -> i32 { return select(a % b, 0i, b == 0i || b == -1i); }" },
  rem_u32: { needs: [], source: "fn rem_u32(a: u32, b: u32) -> u32 { return select(a % b, 0u, b == 0u); }" },
  shl_i32: { needs: [], source: "fn shl_i32(a: i32, b: u32) -> i32 { return select(0i, a << (b & 31u), b < 32u); }" },
  shl_u32: { needs: [], source: "fn shl_u32(a: u32, b: u32) -> u32 { return select(0u, a << (b & 31u), b < 32u); }" },
  shr_i32: { needs: [], source: "fn shr_i32(a: i32, b: u32) -> i32 { return a >> min(b, 31u); }" },
  shr_u32: { needs: [], source: "fn shr_u32(a: u32, b: u32) -> u32 { return select(0u, a >> (b & 31u), b < 32u); }" },
};

/** NaN if either is NaN; of two zeros min takes a negative one and max a positive one. */
function extremum(name: string, comparison: string, zeros: string): string {
  return `fn ${name}(a: f32, b: f32) -> f32 {
  let p = bitcast<u32>(a);
  let q = bitcast<u32>(b);
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  if (((p | q) & 0x7fffffffu) == 0u) { return bitcast<f32>(p ${zeros} q); }
  return select(b, a, a ${comparison} b);
}`;
}

const byName: ReadonlyMap<string, Helper> = new Map(Object.entries(table));

/** The names that these functions take. */
export const helperNames: readonly string[] = [...byName.keys()];

/** The declarations of the functions named and of those they call, callees first. */
export function prelude(names: Iterable<string>): string[] {
  const order = new Set<string>();
  const open = [...names].sort();
  for (let turns = 0; open.length > 0; turns++) {
    if (turns > 10_000) throw new CompilerBug("the functions of the prelude call each other in a circle");
    const name = at(open, open.length - 1);
    const missing = lookup(byName, name, "a function of the prelude").needs.filter((n) => !order.has(n));
    if (missing.length === 0) order.add(open.pop() ?? name);
    else open.push(...missing);
  }
  return [...order].map((name) => lookup(byName, name, "a function of the prelude").source);
}
