/** Bounds what is in progress at the same time, so that a node that has too much to do says so before everything is slow. */
export type Gate = {
  /** Resolves to the function that ends the work, at once or when other work ends. Null when the work must not begin. */
  enter(): Promise<(() => void) | null>;
};

/** At most `inFlightMax` are in progress, and `queuedMax` wait, the first one first. */
export function createGate(inFlightMax: number, queuedMax: number): Gate {
  let inFlight = 0;
  const queue: (() => void)[] = [];

  function admitted(): () => void {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const next = queue.shift(); // takes over the place
      if (next === undefined) inFlight -= 1;
      else next();
    };
  }

  return {
    async enter() {
      if (inFlight < inFlightMax) inFlight += 1;
      else if (queue.length >= queuedMax) return null;
      else await new Promise<void>((resolve) => queue.push(resolve));
      return admitted();
    },
  };
}
