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
      if (underWay.size >= concurrencyMax) {
        await Promise.race(underWay);
        // Pieces that were committed together end together: the next claim fills the places of all of them.
        await new Promise(setImmediate);
      }
      return round;
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/**
 * Lanes of one kind of work, one for each account, as one lane: an account that hangs blocks only its own places. The
 * lane of an account is created when the account has work for the first time.
 *
 * `runOnce` starts the lanes of the accounts that have due work and resolves without waiting for them. A lane that was
 * started goes on by itself while more of its work is due. An error of a lane is thrown by the next `runOnce`.
 *
 * @param findDue returns the accounts that have due work, each under a key of its own.
 */
export function createLaneByAccount<T>(
  name: string,
  findDue: () => Promise<ReadonlyMap<string, T>>,
  laneOf: (account: T) => Lane,
): Lane {
  const lanes = new Map<string, Lane>();
  const running = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  let isStopping = false;

  async function run(lane: Lane): Promise<void> {
    while ((await lane.runOnce()).isFull && !isStopping);
  }
  function start(key: string, account: T): void {
    const lane = lanes.get(key) ?? laneOf(account);
    lanes.set(key, lane);
    const round = run(lane)
      .catch((error: unknown) => failures.push(error))
      .then(() => void running.delete(key));
    running.set(key, round);
  }

  return {
    name,
    async runOnce() {
      isStopping = false;
      if (failures.length > 0) throw failures.splice(0)[0];
      const idle = [...(await findDue())].filter(([key]) => !running.has(key));
      for (const [key, account] of idle) start(key, account);
      return { taken: idle.length, isFull: false };
    },
    async idle() {
      isStopping = true;
      await Promise.all(running.values());
      await Promise.all([...lanes.values()].map((lane) => lane.idle()));
    },
  };
}
