/** Giving up on a session that says nothing any more. */
export interface Patience {
  /** Starts the time anew. */
  readonly heard: () => void;
  /** Rejects when nothing was heard for too long. */
  readonly over: Promise<never>;
  readonly end: () => void;
}

export function patience(seconds: number): Patience {
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (error: Error) => void = () => undefined;
  const over = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  over.catch(() => undefined);
  const end = (): void => clearTimeout(timer);
  const heard = (): void => {
    end();
    timer = setTimeout(() => giveUp(new Error(`nothing was heard of it for ${seconds} s`)), seconds * 1000);
  };
  heard();
  return { heard, over, end };
}

/** Long enough for the slowest case of the slowest peer. */
export const silence = 300;
