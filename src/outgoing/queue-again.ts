import type { Database } from '../database/database.ts';
import { newId } from '../domain/ids.ts';
import type { LoggedEvent } from '../events/log.ts';
import { earlierOf } from '../events/log-time.ts';
import {
  lockWebhookEndpoint,
  resumeWebhookEndpoint,
  type StoredWebhookEndpoint,
  wakeWebhookEndpoint,
} from '../store/webhook-endpoint-store.ts';
import { queueWebhookMessages, restartWebhookMessages } from '../store/webhook-message-store.ts';
import { insertWebhookReplay, type WebhookReplay } from '../store/webhook-replay-store.ts';

/** Makes a message of an event that is sent once more, and wakes the endpoint. */
export function queueAgain(
  db: Database,
  { id, ordered }: StoredWebhookEndpoint,
  event: LoggedEvent,
  at: Date,
): Promise<void> {
  return db.transaction(async (tx) => {
    await lockWebhookEndpoint(tx, id);
    await queueWebhookMessages(tx, { endpointId: id, ordered, at }, [event], true);
    await wakeWebhookEndpoint(tx, id, at);
  });
}

/**
 * Stores a replay of a range, and wakes the endpoint. The range ends where the endpoint is now: later events are sent anyway. Null when the
 * endpoint is gone.
 */
export function startReplay(
  db: Database,
  endpointId: string,
  {
    from,
    until,
    occurredFrom,
    occurredBefore,
  }: Pick<WebhookReplay, 'from' | 'until' | 'occurredFrom' | 'occurredBefore'>,
  at: Date,
): Promise<WebhookReplay | null> {
  return db.transaction(async (tx) => {
    const position = await lockWebhookEndpoint(tx, endpointId);
    if (position === null) return null;
    const { epoch, xid, pos } = earlierOf(until, position);
    const replay: WebhookReplay = {
      ...{ id: newId('webhookReplay'), endpointId, from, until: { epoch, xid, pos } },
      ...{ occurredFrom, occurredBefore, events: 0, createdAt: at, finishedAt: null },
    };
    await insertWebhookReplay(tx, replay);
    await wakeWebhookEndpoint(tx, endpointId, at);
    return replay;
  });
}

/** Resumes an endpoint if it is paused. The messages that wait are due at once, and count their attempts anew. */
export function resumeWithMessages(db: Database, endpointId: string, at: Date): Promise<void> {
  return db.transaction(async (tx) => {
    await lockWebhookEndpoint(tx, endpointId);
    if (await resumeWebhookEndpoint(tx, endpointId, at)) await restartWebhookMessages(tx, endpointId, at);
  });
}
