/** Bounds what is in progress at the same time, so that a node that has too much to do says so before everything is slow. */
export type Gate = {
  /** Resolves to the function that ends the work, at once or when other work ends. Null when the work must not begin. */
  enter(): Promise<(() => void) | null>;
  /** The same without a promise, for work that may begin at once. Null when it may not. */
  enterNow(): (() => void) | null;
  /** True when `enter` would resolve to null now. It takes no place: of several callers that see false, some may still be refused. */
  refuses(): boolean;
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

/**
 * Beyond so many in progress, new work begins only after everything that has arrived was seen: with thousands at once, those that are refused learn it
 * before the others are worked on.
 */
const promptMax = 32;

/** At most `inFlightMax` are in progress, and `queuedMax` wait, the first one first. */
export function createGate({ inFlightMax, queuedMax, isLate = () => false }: GateParts): Gate {
  let inFlight = 0;
  let paused = 0;
  const queue: (() => void)[] = [];

  /** Background work calls providers as well and has no place here, so more may be paused than are in progress. */
  const inProgress = () => inFlight - Math.min(paused, inFlight);
  const isFull = () => inProgress() >= inFlightMax;

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

  const refuses = () => isFull() && (queue.length >= queuedMax || isLate());
  const leaving = () =>
    once(() => {
      inFlight -= 1;
    });

  return {
    enterNow() {
      if (inProgress() >= Math.min(promptMax, inFlightMax)) return null;
      inFlight += 1;
      return leaving();
    },
    async enter() {
      if (refuses()) return null;
      if (isFull()) await new Promise<void>((resolve) => queue.push(resolve));
      else {
        inFlight += 1;
        if (inProgress() > promptMax) await new Promise(setImmediate);
      }
      return leaving();
    },
    refuses,
    pause() {
      paused += 1;
      admitNext();
      return once(() => {
        paused -= 1;
      });
    },
    counts: () => ({ inProgress: inProgress(), waiting: queue.length }),
  };
}
