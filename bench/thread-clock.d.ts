/** Types of thread-clock.js. */

/** Milliseconds that the main thread was given of a processor since it started; null where the system does not tell. */
export function threadMs(): number | null;
