/** The dumps of ARCHITECTURE.md and docs/reading-dumps.md: examples taken through the compiler for JavaScript, each stage as it prints. */
import { inspect, softmax, tensor } from "lazuli";
import type { Inspection, Tensor } from "lazuli";
import { at } from "../../compiler/ir/errors.ts";
import { isStage } from "../../src/inspect/render/stages.ts";

/** A loss and its gradient, in one kernel. */
function loss(): Inspection {
  const x = tensor(
    [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
    { requiresGrad: true },
  );
  const made = x.mul(0.5).square().mean();
  made.backward();
  return inspect([made, x.grad], { target: "js" });
}

/** A layer, wide enough to have a kernel of its own, and a softmax: two kernels and a buffer between them. */
function layer(): Inspection {
  const f = (x: Tensor, w: Tensor, b: Tensor): Tensor => softmax(x.matmul(w).add(b).mul(0.5), { axis: 1 });
  return inspect(f, "f32[64,256]", "f32[256,8]", "f32[8]", { target: "js" });
}

const examples: ReadonlyMap<string, () => Inspection> = new Map([
  ["loss", loss],
  ["layer", layer],
]);

/** A stage, `explain`, `diff PASS`, or `loops` or `source` of one kernel. */
function textOf(example: string, stage: string, part: string | undefined): string {
  const made = examples.get(example)?.();
  if (made === undefined) throw new Error(`the page asks for the example ${example}`);
  if (stage === "explain") return made.explain();
  if (stage === "diff")
    return at(
      made.passes.filter((p) => p.name === part),
      0,
    ).diff();
  if (!isStage(stage)) throw new Error(`the page asks for a dump of ${stage}`);
  if (part === undefined || (stage !== "loops" && stage !== "source")) return made.text(stage);
  return at(made.kernels, Number(part))[stage];
}

/** The page with every block after `<!-- dump EXAMPLE STAGE -->` replaced by what that stage prints now. */
export function withDumps(page: string): string {
  return page.replaceAll(
    /(<!-- dump (\w+) (\w+)(?: (\w+))? -->\n```\w*\n)[\s\S]*?(```\n)/g,
    (_, opening: string, example: string, stage: string, part: string | undefined, closing: string) =>
      `${opening}${textOf(example, stage, part).trimEnd()}\n${closing}`,
  );
}
