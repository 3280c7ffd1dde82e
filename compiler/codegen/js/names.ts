/** JavaScript identifiers for the names of a kernel: valid, never reserved, and never hiding one that is still visible. */
import { lookup } from "../../ir/errors.ts";
import { preludeNames } from "./prelude.ts";

const words =
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield Infinity NaN Math Float32Array Float64Array Int32Array Uint32Array Int16Array Uint16Array Int8Array Uint8Array BigInt64Array BigUint64Array BigInt Number h F32 F64 I64 U64 I32 U32 I16 U16 I8 U8";
const reserved: ReadonlySet<string> = new Set([...words.split(" "), ...preludeNames]);

/** A name as an identifier: what JavaScript does not allow becomes an underscore. */
function spelled(name: string): string {
  const text = name.replace(/[^A-Za-z0-9_$]/g, "_");
  return /^[A-Za-z_$]/.test(text) ? text : `_${text}`;
}

/** Block scopes. A declaration that would hide a visible one, or take its place in its own block, gets a number. */
export class Names {
  readonly #scopes: Map<string, string>[] = [new Map()];
  readonly #visible: Set<string>[] = [new Set()];

  /** Declares a name in the innermost scope and returns its identifier. */
  declare(name: string): string {
    const identifier = this.fresh(name);
    this.#scopes.at(-1)?.set(name, identifier);
    return identifier;
  }

  /** An identifier that no name leads to. */
  fresh(name: string): string {
    const base = spelled(name);
    let identifier = base;
    for (let n = 2; reserved.has(identifier) || this.#visible.some((scope) => scope.has(identifier)); n++) identifier = `${base}_${n}`;
    this.#visible.at(-1)?.add(identifier);
    return identifier;
  }

  /** The identifier of the innermost declaration of a name. */
  of(name: string): string {
    const scope = this.#scopes.findLast((s) => s.has(name)) ?? new Map<string, string>();
    return lookup(scope, name, "a scalar's declaration");
  }

  /** Runs `body` in a scope of its own. */
  within(body: () => void): void {
    this.#scopes.push(new Map());
    this.#visible.push(new Set());
    body();
    this.#scopes.pop();
    this.#visible.pop();
  }
}
