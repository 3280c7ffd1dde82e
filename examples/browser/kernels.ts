/** The kernels of a training step, as the compiler reports them. */
import { configure, inspect } from "lazuli";
import type { Inspection, KernelReport } from "lazuli";
import type { Examples } from "../digits/training.ts";
import { pendingStep } from "../digits/training.ts";
import { make } from "./elements.ts";

const count = (n: number): string => n.toLocaleString("en");

/** How many kernels a step takes, and each with its code. */
export async function kernelView(data: Examples, seed: number): Promise<readonly Node[]> {
  const step = await pendingStep(data, seed);
  const fused = inspect(step);
  const unfused = withoutFusion(() => inspect(step));
  return [summary(fused, unfused), table(fused.kernels), ...fused.kernels.map(source)];
}

/** For as long as the call takes: training goes on fused. */
function withoutFusion<T>(f: () => T): T {
  configure({ fusion: false });
  try {
    return f();
  } finally {
    configure({ fusion: true });
  }
}

function summary(fused: Inspection, unfused: Inspection): Node {
  const saved = `${fused.kernels.length} kernels; without fusion, one for each operation, it would be ${unfused.kernels.length}.`;
  return make("p", { class: "quiet" }, [`Forward pass, gradients and update of a batch take ${saved}`]);
}

function table(kernels: readonly KernelReport[]): Node {
  const head = ["Kernel", "Computes", "Results", "Operations"].map((title, i) => make("th", i > 2 ? { class: "number" } : {}, [title]));
  const rows = kernels.map((k) =>
    make("tr", {}, [
      make("td", {}, [make("code", {}, [k.name])]),
      make("td", {}, [opsOf(k)]),
      make("td", {}, [k.outputs.map((o) => o.type).join(", ")]),
      make("td", { class: "number" }, [count(k.operations)]),
    ]),
  );
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Kernels" }, [
    make("table", {}, [make("thead", {}, [make("tr", {}, head)]), make("tbody", {}, rows)]),
  ]);
}

/** `dot, where ×2`; views and constants cost nothing and are left out. */
function opsOf(kernel: KernelReport): string {
  const times = new Map<string, number>();
  for (const { op, kind } of kernel.nodes) if (kind !== "view" && kind !== "source") times.set(op, (times.get(op) ?? 0) + 1);
  return [...times].map(([op, n]) => (n === 1 ? op : `${op} ×${n}`)).join(", ");
}

const source = (kernel: KernelReport): Node =>
  make("details", {}, [make("summary", {}, ["Code of ", make("code", {}, [kernel.name])]), make("pre", { tabindex: 0 }, [make("code", {}, [kernel.source])])]);
