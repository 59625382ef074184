import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';

/** Why `/readyz` answers 503. The reason is for programs; the message says to people what is wrong, and nothing about where things are. */
export type Unreadiness = { readonly reason: string; readonly message: string };

export const notReady = {
  starting: { reason: 'STARTING', message: 'The server is starting.' },
  stopping: { reason: 'STOPPING', message: 'The server is shutting down.' },
  database: { reason: 'DATABASE_UNAVAILABLE', message: 'The database does not answer.' },
  migrations: {
    reason: 'MIGRATIONS_PENDING',
    message: 'The database lacks migrations that this version needs. Start a process with MIGRATE_ON_START=true.',
  },
} as const satisfies Record<string, Unreadiness>;

/** Balancers wait a few seconds for an answer. */
const answerMsMax = 3000;

/**
 * Asks the database whether it can serve this version. However many ask at once, one question is under way, and it is answered in time.
 * The log is told when the answer changes.
 */
export function createReadiness(
  findPending: () => Promise<readonly string[]>,
  log: Log,
): () => Promise<Unreadiness | null> {
  let asking: Promise<Unreadiness | null> | null = null;
  let lastReason: string | null = null;

  async function look(): Promise<Unreadiness | null> {
    try {
      const pending = await findPending();
      tell(pending.length === 0 ? null : notReady.migrations, { pending });
      return pending.length === 0 ? null : notReady.migrations;
    } catch (error) {
      tell(notReady.database, { err: error });
      return notReady.database;
    }
  }

  function tell(why: Unreadiness | null, fields: object): void {
    const reason = why?.reason ?? null;
    if (reason === lastReason) return;
    lastReason = reason;
    if (why === null) log.info({}, 'ready again');
    else log.warn({ ...fields, reason }, 'not ready');
  }

  return async () => {
    asking ??= look().finally(() => {
      asking = null;
    });
    const late = new AbortController();
    const tooLate = delay(answerMsMax, notReady.database, { signal: late.signal }).catch(() => null);
    const answer = await Promise.race([asking, tooLate]);
    late.abort();
    return answer;
  };
}
