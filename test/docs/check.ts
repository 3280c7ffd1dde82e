/** What the claims of an example become. */
import { inspect } from "node:util";
import { expect } from "vitest";

const squeeze = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** Text as it is, handles as they print, the rest as Node shows it. */
function shown(value: unknown): string {
  if (typeof value === "string") return value;
  const prints = typeof value === "object" && value !== null && "evalSync" in value;
  return prints ? String(value) : inspect(value, { depth: 10, breakLength: Infinity, compact: true });
}

/** `…` in a claim stands for any text. */
export function $gives(value: unknown, claim: string): void {
  const [text, wanted] = [squeeze(shown(value)), squeeze(claim)];
  const parts = wanted.split("…").map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (parts.length === 1) expect(text).toBe(wanted);
  else expect(text).toMatch(new RegExp(`^${parts.join("[^]*")}$`));
}

export async function $throws(run: () => unknown, claim: string): Promise<void> {
  const outcome = await Promise.resolve()
    .then(run)
    .then(
      () => "nothing",
      (error: unknown) => String(error),
    );
  expect(squeeze(outcome)).toContain(squeeze(claim));
}
