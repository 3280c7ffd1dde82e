/** One self-contained page that shows texts: nothing is loaded, no script runs. */

/** A part of a page: a heading that opens and closes its text. */
export interface Section {
  readonly title: string;
  readonly text: string;
  /** Whether it is open at first. */
  readonly open: boolean;
}

const style = `
  :root { color-scheme: light dark; }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
  summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
  pre { background: color-mix(in srgb, currentColor 7%, transparent); border-radius: 6px; overflow-x: auto; padding: .8rem 1rem; }
`;

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The page as HTML. */
export function htmlPage(title: string, sections: readonly Section[]): string {
  const parts = sections.map((s) => `<details${s.open ? " open" : ""}>\n<summary>${escape(s.title)}</summary>\n<pre>${escape(s.text)}</pre>\n</details>`);
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escape(title)}</title>`,
    `<style>${style}</style>`,
    `<h1>${escape(title)}</h1>`,
    ...parts,
    "</html>",
    "",
  ].join("\n");
}
