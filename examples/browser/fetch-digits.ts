/** The digits from the file beside the page. */
import type { Digits } from "../digits/digits.ts";
import { splitDigits } from "../digits/digits.ts";
import { packedName, unpackDigits } from "./packed.ts";

/** Throws where the file is missing or broken. */
export async function fetchDigits(): Promise<Digits> {
  const response = await fetch(new URL(packedName, document.baseURI));
  if (!response.ok || response.body === null) throw new Error(`${packedName} does not load (${response.status} ${response.statusText}).`);
  const bytes = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return splitDigits(unpackDigits(new Uint8Array(bytes)));
}
