/** Host data into GPU memory. */
import { at } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { Storage } from "./buffer.ts";
import type { Memory } from "./memory.ts";
import type { Ask, Attempt, Supply } from "./supply.ts";
import { isSure } from "./supply.ts";

/** An upload that has its turn. The storage is pinned until it is done. */
export interface Upload {
  readonly storage: Storage;
  readonly words: HostArray;
  readonly bytes: number;
  /** For errors: `uploading f32[4]`. */
  readonly what: string;
}

export interface UploadSetting {
  readonly queue: GPUQueue;
  readonly supply: Supply;
}

const asksOf = ({ what, bytes }: Upload): readonly Ask[] => [{ what: () => what, bytes }];

function write(queue: GPUQueue, memory: Memory, { words, bytes }: Upload): void {
  if (bytes > 0) queue.writeBuffer(memory.gpu, 0, words.buffer, words.byteOffset, bytes);
}

/**
 * In its turn. Memory that is new is written before it is known whether the GPU has it, so that many uploads do not wait for one
 * another; what reads the storage waits. Returns a promise where there is no memory yet, and all that follows must wait.
 */
export function fill(upload: Upload, setting: UploadSetting): Promise<void> | undefined {
  const { storage } = upload;
  const first = setting.supply.attempt(asksOf(upload));
  const memory = first.memories[0];
  if (memory !== undefined) write(setting.queue, memory, upload);
  if (memory !== undefined && isSure(first)) {
    storage.room.assign(storage, memory);
    storage.unpin();
    return undefined;
  }
  storage.unsure = settle(upload, setting, first);
  return memory === undefined ? storage.unsure : undefined;
}

async function settle(upload: Upload, { queue, supply }: UploadSetting, first: Attempt): Promise<void> {
  const { storage } = upload;
  try {
    const memory = at(await supply.insist(asksOf(upload), first), 0);
    if (memory !== first.memories[0]) write(queue, memory, upload);
    storage.room.assign(storage, memory);
  } catch (error) {
    storage.fail(await storage.room.loss.blame(upload.what, error));
  } finally {
    storage.unsure = null;
    storage.unpin();
  }
}
