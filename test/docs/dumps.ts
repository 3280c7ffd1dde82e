/** The dumps of ARCHITECTURE.md: one example, taken through the compiler, each stage as it prints. */
import { tensor } from "lazuli";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js } from "../../compiler/target.ts";
import { isStage, stageText } from "../../src/inspect/render/stages.ts";

/** The example that the page shows first. */
export function traced(): Compilation {
  const x = tensor(
    [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
    { requiresGrad: true },
  );
  const loss = x.mul(0.5).square().mean();
  loss.backward();
  if (x.grad === null) throw new Error("backward() gave no gradient");
  return compileGraph(canonicalize([loss.value, x.grad.value]).build(), js);
}

/** The page with every block after `<!-- dump STAGE -->` replaced by what that stage prints now. */
export function withDumps(page: string, compilation: Compilation): string {
  return page.replaceAll(/(<!-- dump (\w+) -->\n```\w*\n)[\s\S]*?(```\n)/g, (_, opening: string, stage: string, closing: string) => {
    if (!isStage(stage)) throw new Error(`the page asks for a dump of ${stage}`);
    return `${opening}${stageText(compilation, stage).trimEnd()}\n${closing}`;
  });
}
