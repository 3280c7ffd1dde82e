/** What a training step of a transformer needs: in place, and little of what its buffers would take by themselves. */
import { expect, it } from "vitest";
import { needsOf } from "../../bench/memory.ts";

// at the full size, batch 8, sequence 256, width 256, 4 blocks: `npm run bench -- memory`
it("a step of a small transformer needs at most 0.6 of the bytes of its buffers, and allocates its loss", async () => {
  const { separate, peak, donations, allocated } = await needsOf({ batch: 4, sequence: 64, width: 64, heads: 4, blocks: 2 });
  expect(allocated).toBe(4);
  // parameters and both buffers of AdamW
  expect(donations).toBe(2 * 12 * 3);
  expect(peak / separate).toBeLessThan(0.6);
});
