/**
 * The laws of the house that a syntax tree can decide. Each carries two small programs: one that breaks it and one beside it
 * that does not, so that a law which no longer bites is itself a failure.
 */
import { wrongImports } from "./layers.ts";
import type { SourceFile, Syntax } from "./source.ts";
import { child, children, textOf } from "./source.ts";

interface Violation {
  readonly start: number;
  readonly why: string;
}

export interface Law {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  readonly check: (file: SourceFile) => readonly Violation[];
  readonly breaks: readonly Example[];
  readonly keeps: readonly Example[];
}

interface Example {
  readonly path: string;
  readonly text: string;
}

const code = (path: string): boolean => /^(src|compiler|runtime|test|bench|examples)\/.*\.ts$/.test(path);
const product = (path: string): boolean => /^(src|compiler|runtime)\/.*\.ts$/.test(path);
const inRoom =
  (...prefixes: readonly string[]) =>
  (path: string): boolean =>
    prefixes.some((prefix) => path.startsWith(prefix));

const where =
  (why: string, test: (node: Syntax) => boolean) =>
  (file: SourceFile): Violation[] =>
    file.nodes.filter(test).map(({ start }) => ({ start, why }));

const example = (path: string, ...texts: readonly string[]): readonly Example[] => texts.map((text) => ({ path, text }));

const isConstAssertion = (node: Syntax): boolean => {
  const type = child(node, "typeAnnotation");
  return type !== null && textOf(child(type, "typeName")) === "const";
};

/** `never` lets a test hand over what the types forbid, which is what bad-input tests are for. */
const isNeverAssertion = (node: Syntax): boolean => child(node, "typeAnnotation")?.type === "TSNeverKeyword";

/** `x.op.name`, `op.name`, `row.name`: the name of an op, as far as spelling tells. */
function isOpName(node: Syntax | null): boolean {
  if (node?.type !== "MemberExpression" || textOf(child(node, "property")) !== "name") return false;
  const owner = child(node, "object");
  const name = owner?.type === "MemberExpression" ? textOf(child(owner, "property")) : textOf(owner);
  return name !== null && /^(op|row|primitive|prim)$|Op$|Primitive$/.test(name);
}

const isText = (node: Syntax | null): boolean => (node?.type === "Literal" && typeof node["value"] === "string") || node?.type === "TemplateLiteral";
const equality = new Set(["===", "!==", "==", "!="]);

function readsOpName(node: Syntax): boolean {
  if (node.type === "SwitchStatement") return isOpName(child(node, "discriminant"));
  if (node.type === "MemberExpression") return node["computed"] === true && isOpName(child(node, "property"));
  if (node.type === "BinaryExpression" && equality.has(String(node["operator"]))) {
    const [left, right] = [child(node, "left"), child(node, "right")];
    return (isOpName(left) && isText(right)) || (isText(left) && isOpName(right));
  }
  if (node.type !== "CallExpression") return false;
  const callee = child(node, "callee");
  if (textOf(callee) === "opNamed") return isText(children(node, "arguments")[0] ?? null);
  if (callee?.type !== "MemberExpression") return false;
  if (isOpName(child(callee, "object"))) return /^(startsWith|endsWith|includes|match)$/.test(textOf(child(callee, "property")) ?? "");
  return /^(has|get|includes)$/.test(textOf(child(callee, "property")) ?? "") && children(node, "arguments").some(isOpName);
}

/** `node.op === exp` with `exp` imported from the op table. */
function comparesRows(file: SourceFile): Violation[] {
  const rows = new Set(file.imports.filter((i) => i.target.startsWith("compiler/ops/")).flatMap((i) => i.names));
  const isOp = (node: Syntax | null): boolean => node?.type === "MemberExpression" && textOf(child(node, "property")) === "op";
  const isRow = (node: Syntax | null): boolean => node?.type === "Identifier" && rows.has(textOf(node) ?? "");
  const compares = (node: Syntax): boolean => {
    if (node.type !== "BinaryExpression" || !equality.has(String(node["operator"]))) return false;
    const [left, right] = [child(node, "left"), child(node, "right")];
    return (isOp(left) && isRow(right)) || (isRow(left) && isOp(right));
  };
  return where("compares an op with a row", compares)(file);
}

const impure = new Set(["process", "Date", "performance", "console", "globalThis", "crypto", "setTimeout", "queueMicrotask", "Promise"]);

/** Names used as values: `x.process`, `{ Date: 1 }` and declarations of types are something else. */
function usesImpure(file: SourceFile): Violation[] {
  const properties = new Set<number>();
  for (const node of file.nodes) {
    if (node.type === "MemberExpression" && node["computed"] !== true) properties.add(child(node, "property")?.start ?? -1);
    if (node.type === "Property" || node.type === "TSPropertySignature") properties.add(child(node, "key")?.start ?? -1);
  }
  const global = (node: Syntax): boolean => node.type === "Identifier" && impure.has(textOf(node) ?? "") && !properties.has(node.start);
  const random = (node: Syntax): boolean =>
    node.type === "MemberExpression" && textOf(child(node, "object")) === "Math" && textOf(child(node, "property")) === "random";
  const waits = (node: Syntax): boolean => node.type === "AwaitExpression" || node["async"] === true;
  return where("is impure", (node) => global(node) || random(node) || waits(node))(file);
}

const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** Functions that other files can call: exported ones, and the methods of classes. */
function callable(file: SourceFile): Syntax[] {
  return file.nodes
    .flatMap((node) => {
      if (node.type === "MethodDefinition") return child(node, "key")?.type === "PrivateIdentifier" ? [] : [child(node, "value")];
      const declared = node.type === "ExportNamedDeclaration" ? child(node, "declaration") : null;
      if (declared === null) return [];
      return declared.type === "VariableDeclaration" ? children(declared, "declarations").map((d) => child(d, "init")) : [declared];
    })
    .filter((node) => node !== null)
    .filter((node) => functions.has(node.type));
}

/** A flag among several positional parameters: the call `f(x, true)` says nothing. */
function takesFlag(node: Syntax): boolean {
  const params = children(node, "params");
  const isFlag = (param: Syntax): boolean => {
    const target = param.type === "AssignmentPattern" ? child(param, "left") : param;
    const annotation = target === null ? null : child(target, "typeAnnotation");
    const byType = annotation !== null && child(annotation, "typeAnnotation")?.type === "TSBooleanKeyword";
    return byType || (param.type === "AssignmentPattern" && typeof child(param, "right")?.["value"] === "boolean");
  };
  return params.length > 1 && params.some(isFlag);
}

const patternFiles = /^compiler\/passes\/(simplify|idiom|decompose)/;
const forbiddenName = /(^|[/.-])(utils?|helpers?|managers?|handlers?|processors?|misc|common)([/.-]|$)/i;

export const laws: readonly Law[] = [
  {
    name: "layers: src → compiler, runtime; passes, autodiff, codegen, routines → ops → ir; targets never import each other",
    applies: code,
    check: wrongImports,
    breaks: [
      ...example("compiler/ir/x.ts", `import { exp } from "../ops/exponential.ts";`),
      ...example("compiler/ops/x.ts", `import type { Pass } from "../passes/fuse.ts";`, `import { readFileSync } from "node:fs";`),
      ...example("compiler/codegen/js/x.ts", `import { emit } from "../wgsl/emit.ts";`),
      ...example("compiler/codegen/wgsl/x.ts", `export { emit } from "../js/emit.ts";`),
      ...example("compiler/pipeline.ts", `import { cpu } from "../runtime/cpu/device.ts";`),
      ...example("runtime/x.ts", `import { exp } from "../compiler/ops/exponential.ts";`, `import type { Primitive } from "../compiler/ir/primitive.ts";`),
      ...example("src/x.ts", `import { readFileSync } from "node:fs";`),
      ...example("examples/x.ts", `import { fuse } from "../compiler/passes/fuse.ts";`),
    ],
    keeps: [
      ...example("compiler/passes/x.ts", `import { exp } from "../ops/exponential.ts";`),
      ...example("runtime/x.ts", `import type { CompiledPlan } from "../compiler/ir/plan.ts";`),
      ...example("src/x.ts", `import { evaluate } from "../runtime/device.ts"; const gpu = await import("webgpu");`),
    ],
  },
  {
    name: "no pass asks for the name of an op",
    applies: inRoom("compiler/passes/", "compiler/autodiff/", "compiler/codegen/", "compiler/routines/", "compiler/interpret", "compiler/pipeline", "runtime/"),
    check: where("asks for the name of an op", readsOpName),
    breaks: example(
      "compiler/passes/x.ts",
      `if (node.op.name === "exp") f();`,
      `if ("exp" !== op.name) f();`,
      `switch (node.op.name) { case "exp": f(); }`,
      `if (fusible.has(node.op.name)) f();`,
      `const cost = costs[node.op.name];`,
      `if (node.op.name.startsWith("reduce")) f();`,
      `const exp = opNamed("exp");`,
    ),
    keeps: example(
      "compiler/passes/x.ts",
      `if (node.op.kind === "elementwise") f();`,
      "const key = `${node.op.name} ${axis.name === 'i'}`;",
      `if (e.op === "mul") f();`,
    ),
  },
  {
    name: "no pass compares an op with a row, outside the patterns of simplify, idiom and decompose",
    applies: (path) => inRoom("compiler/passes/", "compiler/autodiff/", "compiler/codegen/", "runtime/")(path) && !patternFiles.test(path),
    check: comparesRows,
    breaks: example("compiler/passes/x.ts", `import { exp } from "../ops/exponential.ts"; if (node.op === exp) f();`),
    keeps: example("compiler/passes/x.ts", `import { exp } from "../ops/exponential.ts"; if (node.op === other.op) make(exp, [x]);`),
  },
  {
    name: "no any",
    applies: code,
    check: where("any", (node) => node.type === "TSAnyKeyword"),
    breaks: example("src/x.ts", "export const f = (x: any): void => {};", "type T = readonly any[];"),
    keeps: example("src/x.ts", "export const any = (x: unknown): boolean => list.any(x);"),
  },
  {
    name: "no non-null assertion",
    applies: code,
    check: where("!", (node) => node.type === "TSNonNullExpression" || node["definite"] === true),
    breaks: example("src/x.ts", "const x = list[0]!;", "let y!: number;"),
    keeps: example("src/x.ts", "const x = !list[0];"),
  },
  {
    name: "no cast but as const",
    applies: code,
    check: (file) =>
      where("a cast", (node) => {
        if (node.type === "TSTypeAssertion") return true;
        return node.type === "TSAsExpression" && !isConstAssertion(node) && !(file.path.startsWith("test/") && isNeverAssertion(node));
      })(file),
    breaks: [
      ...example("src/x.ts", "const x = y as number;", "const x = y as never;", "const x = <number>y;"),
      ...example("test/x.ts", "const x = y as number;"),
    ],
    keeps: [...example("src/x.ts", "const x = [1] as const; import { a as b } from './y.ts';"), ...example("test/x.ts", "tensor('x' as never);")],
  },
  {
    name: "no suppressed type error",
    applies: code,
    check: (file) => (file.comments.some((c) => /^\s*@ts-(ignore|nocheck)/.test(c)) ? [{ start: 0, why: "suppresses type errors" }] : []),
    breaks: example("src/x.ts", "// @ts-ignore\nf();", "/* @ts-nocheck */"),
    keeps: example("src/x.ts", "// not a @ts-ignore\nf();"),
  },
  {
    name: "no default export",
    applies: (path) => code(path) && !path.endsWith(".config.ts"),
    check: where("a default export", (node) => node.type === "ExportDefaultDeclaration"),
    breaks: example("src/x.ts", "export default 1;"),
    keeps: example("src/x.ts", "export const x = 1;"),
  },
  {
    name: "no file called utils, helper, manager, handler, processor",
    applies: code,
    check: (file) => (forbiddenName.test(file.path) ? [{ start: 0, why: "says nothing" }] : []),
    breaks: ["src/utils.ts", "src/helpers/x.ts", "compiler/ir/shape-util.ts", "runtime/buffer-manager.ts", "src/common.ts"].flatMap((path) =>
      example(path, ""),
    ),
    keeps: ["src/utilisation.ts", "compiler/ops/commonplace.ts"].flatMap((path) => example(path, "")),
  },
  {
    name: "at most 500 lines a file",
    applies: code,
    check: (file) => (file.text.split("\n").length > 501 ? [{ start: 0, why: `has ${file.text.split("\n").length - 1} lines` }] : []),
    breaks: example("src/x.ts", "\n".repeat(501)),
    keeps: example("src/x.ts", "\n".repeat(500)),
  },
  {
    name: "at most 40 lines a function",
    applies: (path) => code(path) && !path.startsWith("test/"),
    check: (file) => {
      const long = (node: Syntax): boolean => functions.has(node.type) && file.text.slice(node.start, node.end).split("\n").length > 40;
      return where("has more than 40 lines", long)(file);
    },
    breaks: example("src/x.ts", `function f() {${"\n".repeat(40)}}`),
    keeps: example("src/x.ts", `function f() {${"\n".repeat(39)}}`),
  },
  {
    name: "a file opens by saying what it is",
    applies: product,
    check: (file) => (/^(#!.*\n|\/\/\/.*\n)*\/\*\*/.test(file.text) ? [] : [{ start: 0, why: "opens without a comment" }]),
    breaks: example("src/x.ts", "export const x = 1;\n/** Late. */"),
    keeps: example("src/x.ts", "/** Says what it is. */\nexport const x = 1;", "#!/usr/bin/env node\n/** A program. */"),
  },
  {
    name: "the compiler is pure",
    applies: inRoom("compiler/"),
    check: usesImpure,
    breaks: example(
      "compiler/passes/x.ts",
      "const now = Date.now();",
      "const x = Math.random();",
      "if (process.env.X) f();",
      "export async function f() {}",
      "console.log(1);",
      "globalThis.x = 1;",
    ),
    keeps: example("compiler/passes/x.ts", "const x = plan.process; const y = { Date: 1 }; // process, Date, console"),
  },
  {
    name: "no boolean among positional parameters",
    applies: product,
    check: (file) =>
      callable(file)
        .filter(takesFlag)
        .map(({ start }) => ({ start, why: "takes a flag by position" })),
    breaks: example(
      "src/x.ts",
      "export function f(x: number, deep: boolean): void {}",
      "export const f = (x: number, deep = false): void => {};",
      "class C { f(x: number, deep: boolean) {} }",
    ),
    keeps: example(
      "src/x.ts",
      "export function f(x: number, options: { deep?: boolean }): void {}",
      "const inner = (x: number, deep: boolean): void => {};",
      "class C { #f(x: number, deep: boolean) {} }",
    ),
  },
];
