/** What a training step of a transformer needs: in place, and little of what its buffers would take by themselves. */
import { expect, it } from "vitest";
import { needsOf } from "../../bench/memory.ts";

// at the full size, batch 8, sequence 256, width 256, 4 blocks: `npm run bench -- memory`
it("a step of a small transformer needs at most 0.6 of the bytes of its buffers, and holds no more after than before", async () => {
  const blocks = 2;
  const { separate, peak, donations, grown } = await needsOf({ batch: 2, sequence: 256, width: 64, heads: 4, blocks });
  expect(grown).toBe(4);
  // of 12 parameters a block and both buffers of AdamW; one whose gradient is made on the way to others is still read after
  expect(donations).toBeGreaterThanOrEqual(blocks * (12 * 3 - 1));
  expect(peak / separate).toBeLessThan(0.6);
});
