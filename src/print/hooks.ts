/** How consoles and notebooks show handles. Each of these takes what `preview` gives, so that none runs a kernel. */

/** What a notebook may show, by MIME type. */
export interface MediaBundle {
  readonly "text/plain": string;
  readonly "text/html": string;
}

interface Previewed {
  preview(): string;
}

/** Node and Bun, Deno's `console.log` and `Deno.inspect`: both take the text that the method gives, whatever they pass to it. */
const inspectors = [Symbol.for("nodejs.util.inspect.custom"), Symbol.for("Deno.customInspect")];
/** Deno's Jupyter kernel. */
const display = Symbol.for("Jupyter.display");

const entities: readonly (readonly [string, string])[] = [
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
];

function mediaOf(text: string): MediaBundle {
  const escaped = entities.reduce((html, [mark, entity]) => html.replaceAll(mark, entity), text);
  return { "text/plain": text, "text/html": `<pre>${escaped}</pre>` };
}

/** Lets every object of this prototype be shown by its `preview`. The hooks are not enumerable. */
export function installHooks(prototype: Previewed): void {
  function inspect(this: Previewed): string {
    return this.preview();
  }
  function show(this: Previewed): MediaBundle {
    return mediaOf(this.preview());
  }
  for (const hook of inspectors) Object.defineProperty(prototype, hook, { value: inspect });
  Object.defineProperty(prototype, display, { value: show });
}
