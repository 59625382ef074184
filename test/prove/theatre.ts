import type { Database } from '../../src/database/database.ts';
import { describeSchedule } from './describe.ts';
import { scheduleOf } from './generate.ts';
import { invariants } from './invariants.ts';
import { startLocalNode } from './local-node.ts';
import { clearDatabase, forgetTimers } from './rows.ts';
import { type Failure, runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';
import { Tally } from './tally.ts';
import type { StartNode } from './world.ts';

/** The result of one schedule. `failure` is null when every invariant held. */
export type Result = {
  readonly seed: number;
  readonly failure: readonly string[] | null;
  /** True when the schedule hangs. Its process must not be used for another one. */
  readonly isStuck: boolean;
  readonly tookMs: number;
};

export type TheatreParts = {
  readonly database: Database;
  readonly slots: number;
  /** Starts a node elsewhere; omitted when nodes run in this process. */
  readonly startNode?: StartNode;
  /** The command that replays a seed. With nodes in separate processes only the plan is the same; the timing can differ. */
  readonly replay: (seed: number) => string;
  /** Called before each step. */
  readonly onStep?: (what: string) => void;
  /** Called with every detail of the run. */
  readonly trace?: (what: string) => void;
};

/** A schedule that takes longer in real time hangs. */
export const stuckAfterMs = 120_000;
/** The number of schedules after which the embedded database is emptied. */
const schedulesPerClearing = 50;

/** Runs schedules sequentially on one database. */
export class Theatre {
  readonly #parts: TheatreParts;
  #run = 0;

  constructor(parts: TheatreParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async play(seed: number, tally = new Tally()): Promise<Result> {
    const { database, slots, startNode, trace = () => {}, onStep = () => {} } = this.#parts;
    const beganMs = performance.now();
    // Not on a server: only a superuser can empty the log there.
    if (database.kind === 'pglite' && this.#run % schedulesPerClearing === 0) await clearDatabase(database.pool);
    else await forgetTimers(database.pool);
    this.#run += 1;
    const schedule = scheduleOf(seed);
    const running = { at: 'the beginning' };
    const stage = {
      ...{ database, slots, tally, trace },
      startNode:
        startNode ??
        (({ slot: _slot, ...parts }) =>
          startLocalNode({ ...parts, database, pauses: database.kind === 'pglite' ? 0 : parts.pauses })),
      onStep: (what: string) => {
        running.at = what;
        trace(what);
        onStep(what);
      },
    };
    let isStuck = false;
    const failure = await withinTime(runSchedule(schedule, stage)).catch((error: unknown): Failure => {
      isStuck = error instanceof StuckError;
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { violations: [{ invariant: 10, what }], at: running.at };
    });
    const said = failure === null ? null : this.#tell(schedule, failure);
    return { seed, isStuck, failure: said, tookMs: performance.now() - beganMs };
  }

  #tell(schedule: Schedule, { violations, at }: Failure): string[] {
    const numbers = [...new Set(violations.map(({ invariant }) => invariant))].sort((a, b) => a - b);
    return [
      `seed ${schedule.seed} fails`,
      ...describeSchedule(schedule).map((line) => `  ${line}`),
      `  failed at ${at}`,
      ...numbers.flatMap((number) => [
        `  invariant ${number}: ${invariants[number]}`,
        ...violations.filter(({ invariant }) => invariant === number).map(({ what }) => `    ${what}`),
      ]),
      `  replay: ${this.#parts.replay(schedule.seed)}`,
      ...(this.#parts.database.kind === 'pglite'
        ? []
        : ['  (the seed replays what was meant to happen; how it raced is up to the machine)']),
    ];
  }
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StuckError()), stuckAfterMs);
  });
  try {
    return await Promise.race([work, stuck]);
  } finally {
    clearTimeout(timer);
  }
}

class StuckError extends Error {
  constructor() {
    super(`It is stuck: it has taken ${stuckAfterMs / 1000} s.`);
  }
}
