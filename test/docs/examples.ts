/**
 * Examples in prose and docstrings, turned into modules that check themselves.
 *
 * A line says what it gives in a comment after it, and may go on over comment lines of its own:
 *
 *     String(tensor([1, 2])); // → tensor([1, 2])
 *     const y = await x.item(); // → 3
 *     tensor([[1], [1, 2]]); // throws ShapeError: rows differ
 *
 * White space counts once; of an error the text after `throws` need only be a part.
 */
import { posix } from "node:path";
import type { SourceFile, Syntax } from "../architecture/source.ts";
import { child, children, lineOf, parseSource, textOf, walk } from "../architecture/source.ts";

export interface Example {
  /** File and line, e.g. `README.md:12`. */
  readonly place: string;
  readonly code: string;
}

/** The fenced `ts` blocks of a page, or those that need a GPU (```` ```ts gpu ````); ```` ```ts no-run ```` is only for reading. */
export function examplesInMarkdown(path: string, text: string, needs: "nothing" | "gpu" = "nothing"): Example[] {
  const fence = needs === "gpu" ? /^```ts gpu\n([\s\S]*?)^```$/gm : /^```ts\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].map((m) => ({ place: `${path}:${lineOf({ text }, m.index) + 1}`, code: m[1] ?? "" }));
}

/** The `@example` parts of docstrings, up to the next tag or the end. */
export function examplesInSource(path: string, text: string): Example[] {
  const comments = [...text.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)];
  return comments.flatMap((comment) => {
    const body = comment[0].replace(/\*\/$/, "").replaceAll(/^[ \t]*\/?\*+ ?/gm, "");
    return [...body.matchAll(/@example[^\S\n]*\n?([\s\S]*?)(?=^\s*@[a-z]|$(?![\s\S]))/gm)].map((m) => ({
      place: `${path}:${lineOf({ text }, comment.index + comment[0].indexOf("@example"))}`,
      code: `${(m[1] ?? "").replaceAll(/^```(ts)?$/gm, "").trim()}\n`,
    }));
  });
}

interface Claim {
  readonly kind: "gives" | "throws";
  readonly text: string;
}

/** What the comment after a statement claims, with the comment lines that continue it. */
function claimAfter(code: string, end: number): Claim | null {
  const match = /^[ \t]*\/\/ (→|throws) ?(.*(?:\n[ \t]*\/\/.*)*)/.exec(code.slice(end));
  if (match === null) return null;
  const text = (match[2] ?? "").replaceAll(/\n[ \t]*\/\//g, "\n");
  return { kind: match[1] === "throws" ? "throws" : "gives", text };
}

/** `console.log(x)` stands for x. */
function subject(expression: Syntax): Syntax {
  const callee = child(expression, "callee");
  const [only, ...more] = children(expression, "arguments");
  const logs = callee?.type === "MemberExpression" && textOf(child(callee, "object")) === "console" && textOf(child(callee, "property")) === "log";
  return logs && only !== undefined && more.length === 0 ? only : expression;
}

/** The statement with its claim checked, or as it stands. */
function checked(code: string, statement: Syntax): string {
  const source = code.slice(statement.start, statement.end);
  const claim = claimAfter(code, statement.end);
  if (claim === null) return source;
  const claimed = JSON.stringify(claim.text);
  const expression = child(statement, "expression");
  if (expression !== null) {
    const target = claim.kind === "throws" ? expression : subject(expression);
    const inner = code.slice(target.start, target.end);
    return claim.kind === "throws" ? `await $throws(async () => (${inner}), ${claimed});` : `$gives((${inner}), ${claimed});`;
  }
  const declared = children(statement, "declarations").at(-1);
  const name = declared === undefined ? null : textOf(child(declared, "id"));
  if (name === null || claim.kind === "throws") throw new Error(`a claim after something that has no value: ${source}`);
  return `${source} $gives(${name}, ${claimed});`;
}

/** An import that is relative to the page, from where the module will stand: three folders below the root. */
function rebased(file: SourceFile, statement: Syntax): string {
  const source = file.text.slice(statement.start, statement.end);
  const found = file.imports.find((i) => i.start === statement.start && i.relative);
  return found === undefined ? source : source.replace(/(["'])\.[^"']*\1/, `"../../../${found.target}"`);
}

/** An example as a module: its imports, those public names that it uses without importing them, and its claims as checks. */
export function moduleOf(example: Example, publicNames: readonly string[]): string {
  const file = parseSource(posix.join(posix.dirname(example.place), "example.ts"), example.code);
  const program = file.nodes[0];
  if (program === undefined) throw new Error(`${example.place}: empty`);
  const properties = new Set(file.nodes.filter((n) => n.type === "MemberExpression" && n["computed"] !== true).map((n) => child(n, "property")?.start));
  const used = new Set(file.nodes.filter((n) => n.type === "Identifier" && !properties.has(n.start)).map(textOf));
  const bound = new Set(file.imports.flatMap((i) => i.names));
  const patterns = file.nodes.filter((n) => n.type === "VariableDeclarator").map((n) => child(n, "id"));
  for (const pattern of patterns) if (pattern !== null) for (const node of walk(pattern)) bound.add(textOf(node) ?? "");
  const missing = publicNames.filter((name) => used.has(name) && !bound.has(name));
  const body = children(program, "body").map((statement) =>
    statement.type === "ImportDeclaration" ? rebased(file, statement) : checked(example.code, statement),
  );
  return [
    `import { $gives, $throws } from "../../docs/check.ts";`,
    ...(missing.length > 0 ? [`import { ${missing.join(", ")} } from "lazuli";`] : []),
    ...body,
    "export {};",
    "",
  ].join("\n");
}
