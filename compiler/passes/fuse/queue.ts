/** A queue that gives the greatest first; equals in the order in which they came. */
export class Queue<T> {
  readonly #heap: Entry<T>[] = [];
  #turns = 0;

  add(item: T, rank: number): void {
    const heap = this.#heap;
    const entry = { item, rank, turn: this.#turns++ };
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = entry;
  }

  next(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.item;
    let place = 0;
    for (;;) {
      const below = this.#greaterBelow(place);
      const entry = heap[below];
      if (entry === undefined || !isBefore(entry, last)) break;
      heap[place] = entry;
      place = below;
    }
    heap[place] = last;
    return first.item;
  }

  /** The place of the greater of the two below another. */
  #greaterBelow(place: number): number {
    const left = 2 * place + 1;
    const a = this.#heap[left];
    const b = this.#heap[left + 1];
    return a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
  }
}

interface Entry<T> {
  readonly item: T;
  readonly rank: number;
  readonly turn: number;
}

const isBefore = (a: Entry<unknown>, b: Entry<unknown>): boolean => a.rank > b.rank || (a.rank === b.rank && a.turn < b.turn);
