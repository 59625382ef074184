import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';

/** Why `/readyz` answers 503. `reason` is machine-readable; `message` is for people and contains no addresses. */
export type Unreadiness = { readonly reason: string; readonly message: string };

export const notReady = {
  starting: { reason: 'STARTING', message: 'The server is starting.' },
  stopping: { reason: 'STOPPING', message: 'The server is shutting down.' },
  database: { reason: 'DATABASE_UNAVAILABLE', message: 'The database does not answer.' },
  migrations: {
    reason: 'MIGRATIONS_PENDING',
    message:
      'Migrations that this version needs are not applied to the database. Start a process with MIGRATE_ON_START=true.',
  },
} as const satisfies Record<string, Unreadiness>;

/** Load balancers wait only a few seconds for an answer. */
const answerMsMax = 3000;

/**
 * Returns a function that checks whether the database can serve this version. Concurrent calls share one query, and each is answered within
 * `answerMsMax`. A change of the result is logged.
 */
export function createReadiness(
  findPending: () => Promise<readonly string[]>,
  log: Log,
): () => Promise<Unreadiness | null> {
  let query: Promise<Unreadiness | null> | null = null;
  let lastReason: string | null = null;

  async function check(): Promise<Unreadiness | null> {
    try {
      const pending = await findPending();
      logChange(pending.length === 0 ? null : notReady.migrations, { pending });
      return pending.length === 0 ? null : notReady.migrations;
    } catch (error) {
      logChange(notReady.database, { err: error });
      return notReady.database;
    }
  }

  function logChange(why: Unreadiness | null, fields: object): void {
    const reason = why?.reason ?? null;
    if (reason === lastReason) return;
    lastReason = reason;
    if (why === null) log.info({}, 'ready again');
    else log.warn({ ...fields, reason }, 'not ready');
  }

  return async () => {
    query ??= check().finally(() => {
      query = null;
    });
    const answered = new AbortController();
    const timeout = delay(answerMsMax, notReady.database, { signal: answered.signal }).catch(() => null);
    const answer = await Promise.race([query, timeout]);
    answered.abort();
    return answer;
  };
}
