/** Samples of what runs in this process. */

/** Of what is done when the call returns. */
export function timed(run: () => void): (runs: number) => number {
  return (runs) => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) run();
    return (performance.now() - start) / 1000;
  };
}

/** Of what is done when its promise resolves. */
export function timedAsync(run: () => Promise<void>): (runs: number) => Promise<number> {
  return async (runs) => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) await run();
    return (performance.now() - start) / 1000;
  };
}
