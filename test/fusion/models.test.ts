/** Whole models through the public interface: kernels on each target, and values. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { wasm } from "../../compiler/target.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { inspect } from "../../src/index.ts";
import { expectClose } from "../filetests/close.ts";
import { recorded } from "../recorded.ts";
import { models } from "./models.ts";

describe.each(models)("$name", ({ outputs, smaller, aim, today, slack }) => {
  const made = outputs();

  test.each(["js", "wasm", "wgsl"] as const)("kernels on %s", (target) => {
    const count = inspect([...made], { target }).kernels.length;
    expect(count).toBe(today[target] ?? aim);
  });

  test("values", () => {
    const { graph, inputs } = recorded(...smaller());
    const expected = interpretGraph(graph, inputs);
    expectClose(runCompiled(graph, inputs, { verify: true }), expected, "js", slack);
    expectClose(runCompiled(graph, inputs, { verify: true, target: wasm }), expected, "wasm", slack);
  });
});
