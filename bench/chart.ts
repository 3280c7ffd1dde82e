/** A static chart: for each case one bar a variant, on a logarithmic axis of milliseconds. */
export interface Bar {
  readonly variant: string;
  readonly milliseconds: number;
}

export interface ChartRow {
  readonly name: string;
  readonly bars: readonly Bar[];
}

const colours = ["#2458d3", "#8fb0f2", "#9a9a9a", "#c98a2b", "#4f9d69", "#b5527c", "#6b4fa0", "#40a4b5"] as const;
const left = 150;
const width = 560;
const barHeight = 11;
const rowGap = 12;
const top = 64;

const escape = (s: string): string => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (x: number): string => String(Math.round(x * 10) / 10);

/** Three digits that count. */
const brief = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3));

/** Powers of ten around all bars. */
function decades(rows: readonly ChartRow[]): { readonly from: number; readonly to: number } {
  const logs = rows.flatMap((row) => row.bars.map((b) => Math.log10(b.milliseconds)));
  return { from: Math.floor(Math.min(...logs)), to: Math.ceil(Math.max(...logs)) };
}

const text = (x: number, y: number, content: string, more: string = ""): string => `<text x="${round(x)}" y="${round(y)}"${more}>${escape(content)}</text>`;

function legend(names: readonly string[]): string[] {
  const step = Math.min(130, (width + 60) / Math.max(1, names.length));
  return names.flatMap((name, i) => {
    const x = left + i * step;
    return [`<rect x="${round(x)}" y="34" width="11" height="11" fill="${colours[i % colours.length]}"/>`, text(x + 16, 44, name)];
  });
}

/** The chart as SVG text; deterministic in its rows. */
export function chart(title: string, rows: readonly ChartRow[]): string {
  const { from, to } = decades(rows);
  const x = (ms: number): number => left + ((Math.log10(ms) - from) / (to - from)) * width;
  const names = [...new Set(rows.flatMap((row) => row.bars.map((b) => b.variant)))];
  const colourOf = (variant: string): string => colours[names.indexOf(variant) % colours.length] ?? colours[0];
  const parts: string[] = [];
  let y = top;
  for (const row of rows) {
    parts.push(text(left - 8, y + (row.bars.length * barHeight) / 2 + 4, row.name, ' text-anchor="end" font-weight="bold"'));
    row.bars.forEach((bar) => {
      const end = x(bar.milliseconds);
      parts.push(`<rect x="${left}" y="${y}" width="${round(Math.max(1, end - left))}" height="${barHeight - 1}" fill="${colourOf(bar.variant)}"/>`);
      parts.push(text(end + 4, y + barHeight - 2, brief(bar.milliseconds), ' fill="#555"'));
      y += barHeight;
    });
    y += rowGap;
  }
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((decade) => {
    const at = round(x(10 ** decade));
    return [
      `<line x1="${at}" x2="${at}" y1="${top - 6}" y2="${y - 4}" stroke="#ddd"/>`,
      text(Number(at), y + 10, `${10 ** decade} ms`, ' text-anchor="middle" fill="#555"'),
    ];
  });
  const size = `width="${left + width + 60}" height="${y + 24}"`;
  const heading = text(12, 22, title, ' font-size="14" font-weight="bold"');
  const body = [heading, ...legend(names), ...ticks, ...parts].join("\n  ");
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">\n  <rect width="100%" height="100%" fill="white"/>\n  ${body}\n</svg>\n`;
}
