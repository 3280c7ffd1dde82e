/** Arrays and tensors inside lists and plain objects: what functions of many values take. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import { Lazy } from "./handle.ts";

/** Arrays and tensors in any nesting of lists and plain objects. Null, as `x.grad` is before `backward()`, is an error at the call. */
export type Nesting = Lazy | null | readonly Nesting[] | { readonly [key: string]: Nesting };

/** Whether it is an object literal, and no instance of a class. */
export function isPlain(x: unknown): x is Readonly<Record<string, unknown>> {
  if (typeof x !== "object" || x === null) return false;
  const prototype: unknown = Object.getPrototypeOf(x);
  return prototype === Object.prototype || prototype === null;
}

/** All handles below, or an UnsupportedError that names the place of a leaf that is none. `path` names the root. */
export function handlesIn(op: string, root: unknown, path: string): Lazy[] {
  const handles: Lazy[] = [];
  const open = new Set<unknown>();
  const visit = (x: unknown, path: string): void => {
    if (x instanceof Lazy) {
      handles.push(x);
      return;
    }
    if (!Array.isArray(x) && !isPlain(x))
      throw new UnsupportedError(`${op}: ${path} is ${leafText(x)}, not an array or tensor. Give arrays, tensors, and lists and plain objects of them.`);
    if (open.has(x)) throw new UnsupportedError(`${op}: ${path} holds itself.`);
    open.add(x);
    for (const [key, item] of Object.entries(x)) visit(item, Array.isArray(x) ? `${path}[${key}]` : `${path}.${key}`);
    open.delete(x);
  };
  visit(root, path);
  return handles;
}

function leafText(x: unknown): string {
  if (x === null) return "null (a gradient before backward()?)";
  if (typeof x === "object") return `an object (${Object.prototype.toString.call(x)})`;
  return typeof x === "string" ? JSON.stringify(x) : String(x);
}
