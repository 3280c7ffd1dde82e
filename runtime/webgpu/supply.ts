/** Memory for runs and uploads: all that one asks for or nothing, and a second try once room was made. */
import { DeviceError } from "../../compiler/ir/errors.ts";
import type { Caught } from "./errors.ts";
import { scoped } from "./errors.ts";
import type { Memory, MemoryPool } from "./memory.ts";

export interface Ask {
  /** Who asks, for an error: `plan step: the value f32[4] that kernel k0_exp stores`. */
  readonly what: () => string;
  readonly bytes: number;
}

/** Why there is no memory: the limit leaves no room (null), or what the GPU said. */
interface Refusal {
  readonly ask: Ask;
  readonly said: Caught | null;
}

/** A try. Where nothing is refused and nothing in doubt, its memory may be used at once. */
export interface Attempt {
  /** Empty where the limit leaves no room. */
  readonly memories: readonly Memory[];
  readonly refused: Refusal | null;
  /** What the GPU will say about memory that is new. */
  readonly doubts: readonly Promise<Refusal | null>[];
}

export const isSure = ({ refused, doubts }: Attempt): boolean => refused === null && doubts.length === 0;

export interface SupplyOptions {
  readonly device: GPUDevice;
  readonly pool: MemoryPool;
  /** Gives back what can be given back. */
  readonly makeRoom: () => Promise<void>;
}

export class Supply {
  readonly #device: GPUDevice;
  readonly #pool: MemoryPool;
  readonly #makeRoom: () => Promise<void>;

  constructor({ device, pool, makeRoom }: SupplyOptions) {
    this.#device = device;
    this.#pool = pool;
    this.#makeRoom = makeRoom;
  }

  attempt(asks: readonly Ask[]): Attempt {
    const memories: Memory[] = [];
    const doubts: Promise<Refusal | null>[] = [];
    for (const ask of asks) {
      const ready = this.#pool.reuse(ask.bytes);
      if (ready === null && !this.#pool.fits(ask.bytes)) {
        this.#discard(memories);
        return { memories: [], refused: { ask, said: null }, doubts: [] };
      }
      memories.push(ready ?? this.#create(ask, doubts));
    }
    return { memories, refused: null, doubts };
  }

  /** Memory that the GPU has, be it after making room and asking again; rejects with a DeviceError where there is none then. */
  async insist(asks: readonly Ask[], first: Attempt): Promise<readonly Memory[]> {
    const refused = await this.#refusal(first);
    if (refused === null) return first.memories;
    if (refused.said !== null && refused.said.kind !== "out-of-memory") throw this.#error(refused);
    await this.#makeRoom();
    const second = this.attempt(asks);
    const again = await this.#refusal(second);
    if (again === null) return second.memories;
    throw this.#error(again);
  }

  #create(ask: Ask, doubts: Promise<Refusal | null>[]): Memory {
    const { value, caught } = scoped(this.#device, () => this.#pool.create(ask.bytes));
    doubts.push(caught.then((said) => (said === null ? null : { ask, said })));
    return value;
  }

  /** Why the attempt failed, if it did; then nothing of it is kept. */
  async #refusal({ memories, refused, doubts }: Attempt): Promise<Refusal | null> {
    const found = refused ?? (await Promise.all(doubts)).find((r) => r !== null) ?? null;
    if (found !== null) this.#discard(memories);
    return found;
  }

  /** Some of it may be memory that the GPU did not have, so none is used again. */
  #discard(memories: readonly Memory[]): void {
    for (const memory of memories) {
      memory.invalid = true;
      this.#pool.give(memory);
    }
  }

  #error({ ask, said }: Refusal): DeviceError {
    const asked = `webgpu: ${ask.what()} takes ${ask.bytes} bytes, and `;
    if (said !== null && said.kind !== "out-of-memory") return new DeviceError(`${asked}the GPU gives none: ${said.kind}: ${said.message}`);
    const { held, limit } = this.#pool;
    const full = said === null ? `${held} bytes are held of a memoryLimit of ${limit}` : `the GPU is out of memory; ${held} bytes are held`;
    const wayOut = 'dispose() what is no longer needed, evaluate in smaller parts, or configure({ device: "cpu" }).';
    return new DeviceError(`${asked}${full}. ${wayOut}${said === null ? "" : `\n${said.message}`}`);
  }
}
