/** Memory of evaluated values on a GPU: one 4-byte word an element, bool as 0 or 1. */
import { DeviceError } from "../../compiler/ir/errors.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";
import type { DeviceBuffer } from "../device.ts";
import type { Loss } from "./loss.ts";
import type { Memory, MemoryPool } from "./memory.ts";

/** Bytes that a value takes on the GPU. */
export const wordBytes = (type: TensorType): number => 4 * sizeOf(type.shape);

/** Makes storages of one pool; where their last handle was dropped without release, collection gives their memory back. */
export class StorageRoom {
  readonly pool: MemoryPool;
  /** Takes back the memory of storages that were collected. */
  readonly collected: FinalizationRegistry<Memory>;
  /** Of the device of this room. */
  readonly loss: Loss;
  constructor(pool: MemoryPool, loss: Loss) {
    this.pool = pool;
    this.loss = loss;
    this.collected = new FinalizationRegistry(pool.give);
  }
  /** From now on the storage owns the memory. */
  assign(storage: Storage, memory: Memory): void {
    storage.memory = memory;
    this.collected.register(storage, memory, storage);
  }
  /** The storage's memory, which it no longer owns. */
  withdraw(storage: Storage): Memory | null {
    const { memory } = storage;
    if (memory === null) return null;
    this.collected.unregister(storage);
    storage.memory = null;
    return memory;
  }
}

/** The memory of one value. It goes back when no handle owns it and no work that waits for its turn pins it. */
export class Storage {
  readonly room: StorageRoom;
  /** Null until the run or upload that makes the value had its turn, and after a failure. */
  memory: Memory | null = null;
  owners = 0;
  #pins = 0;
  /** Why there is no value. */
  failure: Error | null = null;
  /** Of an output: settles when it is known whether the value could be made. */
  made: Promise<void> | null = null;
  /** Of an upload whose memory may not be there: resolves when `memory` or `failure` is set. */
  unsure: Promise<void> | null = null;

  constructor(room: StorageRoom) {
    this.room = room;
  }
  retain(): void {
    this.owners++;
  }
  release(): void {
    this.owners--;
    this.#giveIfUnused();
  }
  pin(): void {
    this.#pins++;
  }
  unpin(): void {
    this.#pins--;
    this.#giveIfUnused();
  }
  /** Whether one piece of work is all that this memory is still there for. */
  get isLastUse(): boolean {
    return this.owners === 0 && this.#pins === 1;
  }
  /** There will be no value; what its memory holds means nothing. */
  fail(error: Error): void {
    this.failure ??= error;
    this.#give();
  }

  #giveIfUnused(): void {
    if (this.owners === 0 && this.#pins === 0) this.#give();
  }
  #give(): void {
    const memory = this.room.withdraw(this);
    if (memory !== null) this.room.pool.give(memory);
  }
}

/**
 * A handle on GPU memory. Every handle owns one count when it is made; `retain` adds one. At zero the memory goes back and every
 * further use throws a DeviceError.
 */
export class WebGpuBuffer implements DeviceBuffer {
  readonly type: TensorType;
  readonly device = "webgpu";
  /** Where its memory is from: that of the device that it lives on. */
  readonly room: StorageRoom;
  /** Null once this handle was consumed by a run. */
  #storage: Storage | null;

  constructor(type: TensorType, storage: Storage) {
    this.type = type;
    this.room = storage.room;
    this.#storage = storage;
    storage.retain();
  }

  get bytes(): number {
    return wordBytes(this.type);
  }
  get freed(): boolean {
    return this.#storage === null || this.#storage.owners === 0;
  }
  get owners(): number {
    return this.#storage?.owners ?? 0;
  }
  /** Throws a DeviceError after the last release. */
  get storage(): Storage {
    return this.#live("used");
  }

  /** The same memory as another type of as many elements: one more handle, one more owner. */
  view(type: TensorType): WebGpuBuffer {
    const storage = this.#live("viewed");
    if (wordBytes(type) !== this.bytes)
      throw new DeviceError(`webgpu: a buffer of ${typeText(this.type)} has ${this.bytes} bytes and cannot be seen as ${typeText(type)}`);
    return new WebGpuBuffer(type, storage);
  }
  retain(): void {
    this.#live("retained").retain();
  }
  release(): void {
    this.#live("released").release();
  }
  /** Ends this handle, whatever it counted for; gives what undoes that, for a run that did not come to touch the memory. */
  consume(): () => void {
    const storage = this.#live("donated");
    this.#storage = null;
    storage.release();
    return () => {
      if (storage.memory === null) return;
      this.#storage = storage;
      storage.retain();
    };
  }

  #live(verb: string): Storage {
    const storage = this.#storage;
    if (storage !== null && storage.owners > 0) return storage;
    throw new DeviceError(
      `a buffer of ${typeText(this.type)} was ${verb} after it was freed. Keep what you still need: dispose() and assign() end the old value.`,
    );
  }
}
