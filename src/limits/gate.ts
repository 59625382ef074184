/** Bounds what is in progress at the same time, so that a node that has too much to do says so before everything is slow. */
export type Gate = {
  /** Resolves to the function that ends the work, at once or when other work ends. Null when the work must not begin. */
  enter(): Promise<(() => void) | null>;
  /**
   * Frees a place until the returned function is called: some work in progress waits for a provider and costs nothing meanwhile. Without
   * it, a provider that does not answer would take all places.
   */
  pause(): () => void;
  /** The work in progress without what is paused, and the work that waits. */
  counts(): { readonly inProgress: number; readonly waiting: number };
};

export type GateParts = {
  readonly inFlightMax: number;
  readonly queuedMax: number;
  /** True when everything is slow already: then nothing may wait. */
  readonly isLate?: () => boolean;
};

/** At most `inFlightMax` are in progress, and `queuedMax` wait, the first one first. */
export function createGate({ inFlightMax, queuedMax, isLate = () => false }: GateParts): Gate {
  let inFlight = 0;
  let paused = 0;
  const queue: (() => void)[] = [];

  /** Background work calls providers as well and has no place here, so more may be paused than are in progress. */
  const isFull = () => inFlight - Math.min(paused, inFlight) >= inFlightMax;

  function admitNext(): void {
    while (queue.length > 0 && !isFull()) {
      inFlight += 1;
      queue.shift()?.();
    }
  }

  function once(work: () => void): () => void {
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      work();
      admitNext();
    };
  }

  const leaving = () =>
    once(() => {
      inFlight -= 1;
    });

  return {
    async enter() {
      if (!isFull()) inFlight += 1;
      else if (queue.length >= queuedMax || isLate()) return null;
      else await new Promise<void>((resolve) => queue.push(resolve));
      return leaving();
    },
    pause() {
      paused += 1;
      admitNext();
      return once(() => {
        paused -= 1;
      });
    },
    counts: () => ({ inProgress: inFlight - Math.min(paused, inFlight), waiting: queue.length }),
  };
}
