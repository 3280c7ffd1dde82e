/** What a peer must answer to: lazuli itself is one. */

/** An operand; its name is how the formula calls it. */
export interface Input {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What is to be computed of which numbers. Several cases may share a program: matmul at three sizes. */
export interface Task {
  readonly program: string;
  readonly inputs: readonly Input[];
}

/** Numbers as a peer gives them. */
export type Results = readonly ArrayLike<number | bigint>[];

/** One way to compute a task, with its inputs in place. */
export interface Contestant {
  readonly name: string;
  /** Seconds that this many evaluations take, each done before the next one starts. Nothing is read back. */
  readonly sample: (runs: number) => number | Promise<number>;
  /** Evaluates once and reads the results back. */
  readonly results: () => Results | Promise<Results>;
  /** Lets the memory go. */
  readonly release: () => void;
}

export interface Peer {
  /** The product and its version, for the reader of the table. */
  readonly version: string;
  readonly threads: number;
  /** The ways in which it computes a task; none where it cannot. The fastest counts. */
  readonly prepare: (task: Task) => readonly Contestant[] | Promise<readonly Contestant[]>;
  readonly close: () => void;
}

export interface OpenOptions {
  readonly threads: number;
  /** Where a page finds the folder of the installed peers; null in Node. */
  readonly base: string | null;
}

/** How a peer is loaded. */
export type Open = (options: OpenOptions) => Promise<Peer>;
