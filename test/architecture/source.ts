/** Source files as syntax trees, and walks over them that need no knowledge of a node's type. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A syntax node: a type, where it starts, and fields that the walker finds by itself. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly nodes: readonly Syntax[];
  readonly comments: readonly string[];
  readonly imports: readonly Import[];
}

export interface Import {
  /** A path relative to the root, or the bare specifier of a package. */
  readonly target: string;
  readonly relative: boolean;
  readonly dynamic: boolean;
  /** `import type`: gone at run time. */
  readonly typesOnly: boolean;
  readonly names: readonly string[];
  readonly start: number;
}

const isSyntax = (x: unknown): x is Syntax => typeof x === "object" && x !== null && "type" in x && typeof x.type === "string" && "start" in x;

export function child(node: Syntax, field: string): Syntax | null {
  const value = node[field];
  return isSyntax(value) ? value : null;
}

export function children(node: Syntax, field: string): readonly Syntax[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}

/** The name of an identifier or the text of a string literal. */
export function textOf(node: Syntax | null): string | null {
  if (node === null) return null;
  const value = node.type === "Literal" ? node["value"] : node["name"];
  return typeof value === "string" ? value : null;
}

/** All nodes in source order, without recursion. */
export function walk(tree: Syntax): Syntax[] {
  const out: Syntax[] = [];
  const stack: unknown[] = [tree];
  while (stack.length > 0) {
    const next = stack.pop();
    if (Array.isArray(next)) {
      for (let i = next.length - 1; i >= 0; i--) stack.push(next[i]);
    } else if (isSyntax(next)) {
      out.push(next);
      const fields = Object.keys(next);
      for (let i = fields.length - 1; i >= 0; i--) stack.push(next[fields[i] ?? ""]);
    }
  }
  return out;
}

const importing = new Set(["ImportDeclaration", "ExportNamedDeclaration", "ExportAllDeclaration", "ImportExpression", "TSImportType"]);

function importOf(node: Syntax, path: string): Import | null {
  const target = importing.has(node.type) ? textOf(child(node, "source")) : null;
  if (target === null) return null;
  const isRelative = target.startsWith(".");
  return {
    target: isRelative ? posix.normalize(posix.join(posix.dirname(path), target)) : target,
    relative: isRelative,
    dynamic: node.type === "ImportExpression",
    typesOnly: node["importKind"] === "type" || node["exportKind"] === "type" || node.type === "TSImportType",
    names: children(node, "specifiers").map((s) => textOf(child(s, "local")) ?? ""),
    start: node.start,
  };
}

export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text);
  const first = errors[0];
  if (first !== undefined) throw new Error(`${path} does not parse: ${first.message}`);
  if (!isSyntax(program)) throw new Error(`${path}: no syntax tree`);
  const nodes = walk(program);
  return { path, text, nodes, comments: comments.map((c) => c.value), imports: nodes.map((n) => importOf(n, path)).filter((i) => i !== null) };
}

export const lineOf = (file: { readonly text: string }, position: number): number => file.text.slice(0, position).split("\n").length;

const skipped = new Set([".git", "node_modules", "dist", "coverage", ".docs"]);

/** Every file of the project, walked on disk so that the test needs no git. */
export function projectFiles(): string[] {
  const found: string[] = [];
  const open = [root];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (skipped.has(entry.name)) continue;
      if (entry.isDirectory()) open.push(path);
      else found.push(relative(root, path).split(sep).join("/"));
    }
  }
  return found.toSorted();
}

export const readProjectFile = (path: string): string => readFileSync(join(root, path), "utf8");
