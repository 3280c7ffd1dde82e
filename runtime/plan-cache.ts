/** Keeps what was made from a key: compiled plans by the structure of the graph. */

/** A text, or a sequence of integers that spells a structure. */
export type CacheKey = string | ArrayLike<number>;

interface Entry<T> {
  readonly bucket: string | number;
  readonly key: CacheKey;
  readonly value: T;
  /** Rises with every use of any entry. */
  used: number;
}

/** A 32-bit hash of a sequence. Equal sequences have equal hashes, and that is all that is relied on. */
function hashOf(key: ArrayLike<number>): number {
  let hash = key.length;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] ?? 0), 0x9e3779b1) ^ (hash >>> 15);
  return hash;
}

function sameKey(a: CacheKey, b: CacheKey): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * A cache of at most `capacity` entries that forgets the one not asked for longest. A hit is confirmed by comparing whole keys,
 * never by the hash alone. Keys must not change once they are in.
 */
export class PlanCache<T> {
  readonly capacity: number;
  readonly #buckets = new Map<string | number, Entry<T>[]>();
  readonly #hash: (key: ArrayLike<number>) => number;
  #size = 0;
  #uses = 0;

  constructor(capacity: number = 512, hash: (key: ArrayLike<number>) => number = hashOf) {
    this.capacity = capacity;
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  /** The value kept under an equal key, or undefined. */
  get(key: CacheKey): T | undefined {
    const entry = this.#find(this.#bucketOf(key), key);
    if (entry === undefined) return undefined;
    entry.used = ++this.#uses;
    return entry.value;
  }

  /** Keeps `value`, in place of what was kept under an equal key. */
  set(key: CacheKey, value: T): void {
    const bucket = this.#bucketOf(key);
    const old = this.#find(bucket, key);
    if (old !== undefined) this.#forget(old);
    const entry = { bucket, key, value, used: ++this.#uses };
    const list = this.#buckets.get(bucket);
    if (list === undefined) this.#buckets.set(bucket, [entry]);
    else list.push(entry);
    this.#size++;
    if (this.#size > this.capacity) for (const oldest of this.#inOrder().slice(0, this.#size - this.capacity)) this.#forget(oldest);
  }

  /** What is kept, least recently used first. */
  values(): T[] {
    return this.#inOrder().map((e) => e.value);
  }

  clear(): void {
    this.#buckets.clear();
    this.#size = 0;
  }

  /** Finding is frequent and forgetting is not: so what is found is only numbered. */
  #inOrder(): Entry<T>[] {
    return Array.from(this.#buckets.values())
      .flat()
      .sort((a, b) => a.used - b.used);
  }

  #bucketOf(key: CacheKey): string | number {
    return typeof key === "string" ? key : this.#hash(key);
  }

  #find(bucket: string | number, key: CacheKey): Entry<T> | undefined {
    const list = this.#buckets.get(bucket);
    if (list === undefined) return undefined;
    for (const entry of list) if (sameKey(entry.key, key)) return entry;
    return undefined;
  }

  #forget(entry: Entry<T>): void {
    const rest = this.#buckets.get(entry.bucket)?.filter((e) => e !== entry) ?? [];
    this.#size--;
    if (rest.length === 0) this.#buckets.delete(entry.bucket);
    else this.#buckets.set(entry.bucket, rest);
  }
}
