/** What every schedule owes: the bits of the other CPU target, the interpreter's values, and kernels that the verifier takes. */
import { expect } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { js, wasm } from "../../compiler/target.ts";
import { runCompiled } from "../../src/cli/run.ts";
import type { Tensor } from "../../src/index.ts";
import { expectClose } from "../filetests/close.ts";
import { recorded } from "../recorded.ts";

/** Throws unless wasm and js give the same bits for the results, and the interpreter about as much. */
export function expectSame(x: Tensor | readonly Tensor[], what: string): void {
  const { graph, inputs } = recorded(...[x].flat());
  const found = runCompiled(graph, inputs, { target: wasm, verify: true });
  expect(found).toEqual(runCompiled(graph, inputs, { target: js, verify: true }));
  expectClose(found, interpretGraph(graph, inputs), what, 4);
}
