/** The elements of the page, found and made. */

/** The element of the page with this id; throws where it is missing or of another kind. */
export function element<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} called ${id}`);
}

type Attributes = Readonly<Record<string, string | number>>;
type Content = readonly (Node | string)[];

/** A new element with these attributes and this content. */
export function make<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Attributes = {}, content: Content = []): HTMLElementTagNameMap[K] {
  return filled(document.createElement(name), attributes, content);
}

/** The same for drawings. */
export function draw<K extends keyof SVGElementTagNameMap>(name: K, attributes: Attributes = {}, content: Content = []): SVGElementTagNameMap[K] {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, content);
}

function filled<T extends Element>(made: T, attributes: Attributes, content: Content): T {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...content);
  return made;
}

export function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext("2d", { willReadFrequently: true });
  if (found === null) throw new Error("this browser draws nothing on a canvas");
  return found;
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
