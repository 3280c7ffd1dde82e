/** The WebGPU device on a software Vulkan, where the machine has one. */
import { fork } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { forkable, openPlayer } from "./open.ts";
import { scenarios } from "./scenarios.ts";

const player = await openPlayer();
afterAll(() => player?.close());

describe.skipIf(player === null)("a WebGPU device", () => {
  it.each([...scenarios.keys()])("%s", async (name) => {
    expect(await player?.play(name)).toBeNull();
  });

  it("lets Node end by itself, without being destroyed", async () => {
    const program = forkable(new URL("exit-process.ts", import.meta.url));
    const child = fork(program?.path ?? "", program?.options);
    const said: unknown[] = [];
    child.on("message", (message) => said.push(message));
    const timer = setTimeout(() => child.kill(), 20_000);
    const code = await new Promise((resolve) => child.once("exit", resolve));
    clearTimeout(timer);
    expect([said, code]).toEqual([[42], 0]);
  });
});
