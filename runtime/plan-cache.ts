/** Keeps what was made from a key: compiled plans by the structure of the graph. */

/** A text, or a sequence of integers that spells a structure. */
export type CacheKey = string | Int32Array;

interface Entry<T> {
  readonly bucket: string | number;
  readonly key: CacheKey;
  readonly value: T;
}

/** A 32-bit hash of a sequence (murmur's mixing). Equal sequences have equal hashes, and that is all that is relied on. */
function hashOf(key: Int32Array): number {
  let hash = key.length;
  for (const word of key) {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    hash ^= k;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
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
  /** In the order of last use, oldest first. */
  readonly #order = new Set<Entry<T>>();
  readonly #hash: (key: Int32Array) => number;

  constructor(capacity: number = 512, hash: (key: Int32Array) => number = hashOf) {
    this.capacity = capacity;
    this.#hash = hash;
  }

  get size(): number {
    return this.#order.size;
  }

  /** The value kept under an equal key, or undefined. */
  get(key: CacheKey): T | undefined {
    const entry = this.#find(this.#bucketOf(key), key);
    if (entry === undefined) return undefined;
    this.#order.delete(entry);
    this.#order.add(entry);
    return entry.value;
  }

  /** Keeps `value`, in place of what was kept under an equal key. */
  set(key: CacheKey, value: T): void {
    const bucket = this.#bucketOf(key);
    const old = this.#find(bucket, key);
    if (old !== undefined) this.#forget(old);
    const entry = { bucket, key, value };
    const list = this.#buckets.get(bucket);
    if (list === undefined) this.#buckets.set(bucket, [entry]);
    else list.push(entry);
    this.#order.add(entry);
    for (const oldest of this.#order) {
      if (this.#order.size <= this.capacity) break;
      this.#forget(oldest);
    }
  }

  /** What is kept, least recently used first. */
  values(): T[] {
    return Array.from(this.#order, (e) => e.value);
  }

  clear(): void {
    this.#buckets.clear();
    this.#order.clear();
  }

  #bucketOf(key: CacheKey): string | number {
    return typeof key === "string" ? key : this.#hash(key);
  }

  #find(bucket: string | number, key: CacheKey): Entry<T> | undefined {
    return this.#buckets.get(bucket)?.find((e) => sameKey(e.key, key));
  }

  #forget(entry: Entry<T>): void {
    this.#order.delete(entry);
    const rest = this.#buckets.get(entry.bucket)?.filter((e) => e !== entry) ?? [];
    if (rest.length === 0) this.#buckets.delete(entry.bucket);
    else this.#buckets.set(entry.bucket, rest);
  }
}
