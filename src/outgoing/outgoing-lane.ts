import { randomUUID } from 'node:crypto';
import { overloadIn } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { leaseMs } from '../domain/lease.ts';
import type { LogPosition } from '../events/cursor.ts';
import { readLogEnd, readLogTail } from '../events/log.ts';
import { logOfPiece } from '../logging/request-log.ts';
import {
  claimWebhookEndpoints,
  type StoredWebhookEndpoint,
  wakeMissedWebhookEndpoints,
  wakeWebhookEndpoints,
} from '../store/webhook-endpoint-store.ts';
import type { OutgoingContext } from './context.ts';
import { takeTurn } from './take-turn.ts';

/** The number of endpoints that a node works on at the same time. Each has a few requests under way. */
export const endpointsMax = 64;
/** The number of events that one look at the end of the log reads. */
const tailLimit = 1000;
/** How often endpoints are looked for that have events and were not woken, because a node died. */
const missedIntervalMs = 60_000;

type Claimed = { readonly endpoint: StoredWebhookEndpoint; readonly leaseId: string };

export type Outgoing = {
  /** Wakes the endpoints that have new events, and leases as many as are due to this process, at most `limit`. */
  claim(limit: number): Promise<readonly Claimed[]>;
  /** Works on one endpoint. Never rejects. Returns the number of attempts. */
  work(claimed: Claimed): Promise<number>;
  /** Works on all endpoints that are due, until none is. Returns the number of attempts. */
  runOnce(): Promise<number>;
};

/** Delivers events to the endpoints of merchants. Any number of nodes may do it: each endpoint is leased by one of them. */
export function createOutgoing(context: OutgoingContext): Outgoing {
  const { db, clock } = context;
  let position: LogPosition | null = null;
  let missedAt: Date | null = null;

  /** Reads who has new events since the last call. The first call, and one a minute, finds all who have any. */
  async function wake(): Promise<void> {
    const now = clock.now();
    if (position === null || missedAt === null || now >= after(missedAt, missedIntervalMs)) {
      position ??= await readLogEnd(db.pool);
      missedAt = now;
      await wakeMissedWebhookEndpoints(db.pool, now);
    }
    for (;;) {
      const rows = await readLogTail(db.pool, position, tailLimit);
      const merchants = [...new Set(rows.map(({ merchantId }) => merchantId))];
      if (merchants.length > 0) await wakeWebhookEndpoints(db.pool, merchants, now);
      position = rows.at(-1) ?? position;
      if (rows.length < tailLimit) return;
    }
  }

  async function claim(limit: number): Promise<readonly Claimed[]> {
    await wake();
    const now = clock.now();
    const leaseId = randomUUID();
    const lease = { id: leaseId, until: after(now, leaseMs) };
    const endpoints = await claimWebhookEndpoints(db.pool, now, lease, limit);
    return endpoints.map((endpoint) => ({ endpoint, leaseId }));
  }

  async function work({ endpoint, leaseId }: Claimed): Promise<number> {
    const log = logOfPiece(context.log);
    try {
      return await takeTurn({ ...context, log }, endpoint, leaseId);
    } catch (error) {
      const level = overloadIn(error) === null ? 'error' : 'warn';
      log[level](
        { err: error, webhookEndpointId: endpoint.id },
        'a turn of a webhook endpoint failed and will be retried',
      );
      return 0; // due again when the lease ends
    }
  }

  return {
    claim,
    work,
    async runOnce() {
      let attempts = 0;
      for (;;) {
        const claimed = await claim(endpointsMax);
        if (claimed.length === 0) return attempts;
        const counts = await Promise.all(claimed.map(work));
        attempts += counts.reduce((sum, count) => sum + count, 0);
      }
    },
  };
}
