/**
 * Functions that a shader declares for what WGSL has no right spelling of. WGSL promises nothing about NaN, so NaN is found by its
 * bits; its float to integer conversions leave NaN open; its shifts and divisions leave edges open that `ir/expr.ts` closes.
 */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";

interface Helper {
  readonly needs: readonly string[];
  readonly source: string;
}

/** Types and constants of functions of one element, or of four at once. */
interface Width {
  readonly suffix: "" | "_x4";
  readonly f: "f32" | "vec4f";
  readonly i: "i32" | "vec4i";
  readonly u: "u32" | "vec4u";
  readonly b: "bool" | "vec4<bool>";
  readonly fs: (x: string) => string;
  readonly is: (x: string) => string;
  readonly us: (x: string) => string;
}

/** The name that a function of four elements at once has. */
export const wideName = (name: string): string => `${name}_x4`;

const bare = (x: string): string => x;
const one: Width = { suffix: "", f: "f32", i: "i32", u: "u32", b: "bool", fs: bare, is: bare, us: bare };
const four: Width = {
  suffix: "_x4",
  f: "vec4f",
  i: "vec4i",
  u: "vec4u",
  b: "vec4<bool>",
  fs: (x) => `vec4f(${x})`,
  is: (x) => `vec4i(${x})`,
  us: (x) => `vec4u(${x})`,
};

type Named = readonly [string, Helper];

function helper(w: Width, name: string, { needs = [], takes, gives, body }: { needs?: string[]; takes: string; gives: string; body: string[] }): Named {
  const head = `fn ${name}${w.suffix}(${takes}) -> ${gives} {`;
  const source = body.length === 1 ? `${head} ${body.join("")} }` : [head, ...body.map((line) => `  ${line}`), "}"].join("\n");
  return [`${name}${w.suffix}`, { needs, source }];
}

/** NaN if either is NaN; of two zeros min takes a negative one and max a positive one. */
function extremum(w: Width, name: string, { comparison, zeros }: { comparison: string; zeros: string }): Named {
  const { f, u, us } = w;
  const nan = `is_nan${w.suffix}`;
  const body = [
    `let p = bitcast<${u}>(a);`,
    `let q = bitcast<${u}>(b);`,
    `let isZero = ((p | q) & ${us("0x7fffffffu")}) == ${us("0u")};`,
    `let number = select(select(b, a, a ${comparison} b), bitcast<${f}>(p ${zeros} q), isZero);`,
    `return select(select(number, b, ${nan}(b)), a, ${nan}(a));`,
  ];
  return helper(w, name, { needs: [nan], takes: `a: ${f}, b: ${f}`, gives: f, body });
}

/** Without branches, as all of these, so that one text serves both widths. */
function floatHelpers(w: Width): Named[] {
  const { f, i, u, b, fs, is, us } = w;
  const nan = `is_nan${w.suffix}`;
  const toInt = [
    `let high = select(${i}(x), ${is("2147483647i")}, x >= ${fs("2147483648.0f")});`,
    `let low = select(high, ${is("i32(-2147483648)")}, x <= ${fs("-2147483648.0f")});`,
    `return select(low, ${is("0i")}, ${nan}(x));`,
  ];
  const toUint = [
    `let high = select(${u}(x), ${us("4294967295u")}, x >= ${fs("4294967296.0f")});`,
    `return select(high, ${us("0u")}, ${nan}(x) | (x <= ${fs("0.0f")}));`,
  ];
  return [
    helper(w, "is_nan", { takes: `x: ${f}`, gives: b, body: [`return (bitcast<${u}>(x) & ${us("0x7fffffffu")}) > ${us("0x7f800000u")};`] }),
    helper(w, "unordered", { needs: [nan], takes: `a: ${f}, b: ${f}`, gives: b, body: [`return ${nan}(a) | ${nan}(b);`] }),
    extremum(w, "min_f32", { comparison: "<", zeros: "|" }),
    extremum(w, "max_f32", { comparison: ">", zeros: "&" }),
    helper(w, "min_limit", { needs: [nan], takes: `x: ${f}, limit: ${f}`, gives: f, body: [`return select(limit, x, (x < limit) | ${nan}(x));`] }),
    helper(w, "max_limit", { needs: [nan], takes: `x: ${f}, limit: ${f}`, gives: f, body: [`return select(limit, x, (x > limit) | ${nan}(x));`] }),
    helper(w, "f32_to_i32", { needs: [nan], takes: `x: ${f}`, gives: i, body: toInt }),
    helper(w, "f32_to_u32", { needs: [nan], takes: `x: ${f}`, gives: u, body: toUint }),
  ];
}

function integerHelpers(w: Width): Named[] {
  const { i, u, is, us } = w;
  const small = `b < ${us("32u")}`;
  const count = `(b & ${us("31u")})`;
  const signed = (name: string, result: string): Named => helper(w, name, { takes: `a: ${i}, b: ${i}`, gives: i, body: [`return ${result};`] });
  const unsigned = (name: string, result: string): Named => helper(w, name, { takes: `a: ${u}, b: ${u}`, gives: u, body: [`return ${result};`] });
  const shift = (name: string, type: string, result: string): Named =>
    helper(w, name, { takes: `a: ${type}, b: ${u}`, gives: type, body: [`return ${result};`] });
  return [
    signed("div_i32", `select(a / b, ${is("0i")}, b == ${is("0i")})`),
    unsigned("div_u32", `select(a / b, ${us("0u")}, b == ${us("0u")})`),
    signed("rem_i32", `select(a % b, ${is("0i")}, (b == ${is("0i")}) | (b == ${is("-1i")}))`),
    unsigned("rem_u32", `select(a % b, ${us("0u")}, b == ${us("0u")})`),
    shift("shl_i32", i, `select(${is("0i")}, a << ${count}, ${small})`),
    shift("shl_u32", u, `select(${us("0u")}, a << ${count}, ${small})`),
    shift("shr_i32", i, `a >> min(b, ${us("31u")})`),
    shift("shr_u32", u, `select(${us("0u")}, a >> ${count}, ${small})`),
  ];
}

const helpers = (w: Width): Named[] => [...floatHelpers(w), ...integerHelpers(w)];

/** How far the elements of a vector are from its first. */
const steps: Helper = { needs: [], source: "const steps = vec4i(0, 1, 2, 3);" };

const byName: ReadonlyMap<string, Helper> = new Map([["steps", steps], ...helpers(one), ...helpers(four)]);

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
