/** Choices read from a list of numbers, so that shorter lists and smaller numbers are simpler programs. */
import { at } from "../../compiler/ir/errors.ts";

export class Genes {
  readonly #list: readonly number[];
  #next = 0;

  constructor(list: readonly number[]) {
    this.#list = list;
  }

  /** 0 … n-1; 0 once the list is used up. */
  below(n: number): number {
    const gene = this.#list[this.#next++] ?? 0;
    return n <= 1 ? 0 : gene % n;
  }

  from<T>(list: readonly T[]): T {
    return at(list, this.below(list.length));
  }

  /** True once in n; false for 0. */
  oneIn(n: number): boolean {
    return this.below(n) === n - 1;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => at(rest.splice(this.below(rest.length), 1), 0));
  }

  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.oneIn(2));
  }
}
