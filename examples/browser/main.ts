/** The page's beginning: loads the digits, finds a device, and hands both to the page. */
import { findGpu } from "./devices.ts";
import { element } from "./elements.ts";
import { fetchDigits } from "./fetch-digits.ts";
import { Page } from "./page.ts";
import { parametersOf } from "./parameters.ts";

async function begin(): Promise<void> {
  const [digits, found] = await Promise.all([fetchDigits(), findGpu()]);
  new Page(digits, found, parametersOf(location.search)).open();
}

begin().catch((error: unknown) => {
  console.error(error);
  element("page", HTMLElement).dataset["state"] = "failed";
  element("status", HTMLParagraphElement).textContent = error instanceof Error ? error.message : String(error);
});
