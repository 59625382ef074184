/** What one round of a lane did. */
export type Round = {
  /** How many pieces it has begun. */
  readonly taken: number;
  /** It had a place for no more, so more may be due: the next round may follow at once. */
  readonly isFull: boolean;
};

/**
 * Work of one kind, so many pieces at a time and no more. A piece that hangs holds its own place and no other: places that come free are
 * filled while it hangs.
 */
export type Lane = {
  /** For people and logs. */
  readonly name: string;
  /**
   * Claims as many pieces as there are places free and begins all of them at once, so that none waits while its lease runs. Resolves
   * when a place is free again, which may be long before what it has begun has ended.
   */
  runOnce(): Promise<Round>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
};

/** `claim` takes up to so many pieces and holds them for us. `work` must not fail: nobody would hear of it. */
export function createLane<T>(
  name: string,
  placesMax: number,
  claim: (limit: number) => Promise<readonly T[]>,
  work: (piece: T) => Promise<void>,
): Lane {
  const underWay = new Set<Promise<void>>();
  // A claim that is under way keeps the places it asks for, so that two rounds at once do not fill them twice.
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
      const free = placesMax - underWay.size - claiming;
      const round = free > 0 ? await beginDue(free) : { taken: 0, isFull: true };
      if (underWay.size >= placesMax) await Promise.race(underWay);
      return round;
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
