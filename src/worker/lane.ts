/** The result of one round of a lane. */
export type Round = {
  /** The number of started pieces. */
  readonly taken: number;
  /** True when all free places were filled. More pieces may be due, so the next round can start at once. */
  readonly isFull: boolean;
};

/**
 * Runs one kind of work with a fixed number of places, each for one piece at a time. A piece that hangs blocks only its
 * own place: the other places are refilled in the meantime.
 */
export type Lane = {
  /** A readable name, for logs. */
  readonly name: string;
  /**
   * Claims as many pieces as there are free places and starts all of them at once, so that no piece waits while its
   * lease runs. Resolves when a place is free again, possibly long before the started pieces have ended.
   */
  runOnce(): Promise<Round>;
  /** Resolves when no piece is running. */
  idle(): Promise<void>;
};

/**
 * @param claim leases at most `limit` pieces to this process and returns them.
 * @param work must not reject: its errors are not logged.
 */
export function createLane<T>(
  name: string,
  concurrencyMax: number,
  claim: (limit: number) => Promise<readonly T[]>,
  work: (piece: T) => Promise<void>,
): Lane {
  const underWay = new Set<Promise<void>>();
  // A claim in progress reserves its places, so that concurrent rounds do not fill them twice.
  let claiming = 0;

  const begin = (piece: T): void => {
    const working = work(piece).finally(() => underWay.delete(working));
    underWay.add(working);
  };
  const beginDue = async (free: number): Promise<Round> => {
    claiming += free;
    try {
      const pieces = await claim(free);
      for (const piece of pieces) begin(piece);
      return { taken: pieces.length, isFull: pieces.length === free };
    } finally {
      claiming -= free;
    }
  };

  return {
    name,
    async runOnce() {
      const free = concurrencyMax - underWay.size - claiming;
      const round = free > 0 ? await beginDue(free) : { taken: 0, isFull: true };
      if (underWay.size >= concurrencyMax) await Promise.race(underWay);
      return round;
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
