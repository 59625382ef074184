import { comparePositions, type LogPosition, posMax } from '../events/cursor.ts';
import { readLogEnd, readMerchantLog, wholeLog } from '../events/log.ts';
import { laterOf } from '../events/log-time.ts';
import { lockWebhookEndpoint, moveWebhookCursor, type StoredWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { queueWebhookMessages } from '../store/webhook-message-store.ts';
import { findOpenWebhookReplay, moveWebhookReplay } from '../store/webhook-replay-store.ts';
import { type OutgoingContext, turn } from './context.ts';

/** The number of events that one transaction turns into messages. */
export const queuedTogetherMax = 100;

/** Turns the next events of the log, and of a replay, into messages. Returns the number of new messages. */
export async function queueEvents(context: OutgoingContext, endpoint: StoredWebhookEndpoint): Promise<number> {
  return (await queueNews(context, endpoint)) + (await queueReplay(context, endpoint));
}

/**
 * The messages are written in the transaction that moves the position: whatever happens, an event before the position has a message, and one
 * after it will get one.
 */
async function queueNews({ db, clock, failpoint }: OutgoingContext, endpoint: StoredWebhookEndpoint): Promise<number> {
  const { id, merchantId, ordered } = endpoint;
  // First: every event up to there is readable by the next statement.
  const end = await readLogEnd(db.pool);
  const events = await readMerchantLog(db.pool, merchantId, {
    ...wholeLog,
    ...{ limit: queuedTogetherMax, types: typesOf(endpoint), after: endpoint },
  });
  const last = events.at(-1);
  const isFull = events.length === queuedTogetherMax;
  const position = last === undefined ? end : isFull ? last : laterOf(last, end);
  if (comparePositions(position, endpoint) <= 0) return 0;
  return db.transaction(async (tx) => {
    const locked = await lockWebhookEndpoint(tx, id);
    // Another node has gone on after our lease ended, or the merchant has chosen other events.
    if (locked === null || comparePositions(locked, endpoint) !== 0) return 0;
    await queueWebhookMessages(tx, { endpointId: id, ordered, at: clock.now() }, events, false);
    await failpoint('webhook.queued');
    await moveWebhookCursor(tx, id, position);
    return events.length;
  }, turn);
}

async function queueReplay({ db, clock }: OutgoingContext, endpoint: StoredWebhookEndpoint): Promise<number> {
  const { id, merchantId, ordered } = endpoint;
  const replay = await findOpenWebhookReplay(db.pool, id);
  if (replay === null) return 0;
  const events = await readMerchantLog(db.pool, merchantId, {
    ...{ limit: queuedTogetherMax, types: typesOf(endpoint), direction: 'asc' },
    ...{ after: replay.from, before: justAfter(replay.until) },
    ...{ occurredFrom: replay.occurredFrom, occurredBefore: replay.occurredBefore },
  });
  const isFinished = events.length < queuedTogetherMax;
  return db.transaction(async (tx) => {
    if ((await lockWebhookEndpoint(tx, id)) === null) return 0;
    const current = await findOpenWebhookReplay(tx, id);
    if (current?.id !== replay.id || comparePositions(current.from, replay.from) !== 0) return 0; // another node has gone on
    const at = clock.now();
    await queueWebhookMessages(tx, { endpointId: id, ordered, at }, events, true);
    await moveWebhookReplay(tx, replay.id, events.at(-1) ?? replay.from, events.length, isFinished ? at : null);
    return events.length;
  }, turn);
}

function typesOf({ eventTypes }: StoredWebhookEndpoint): StoredWebhookEndpoint['eventTypes'] | null {
  return eventTypes.length === 0 ? null : eventTypes;
}

function justAfter({ epoch, xid, pos }: LogPosition): LogPosition {
  return pos === posMax ? { epoch, xid: xid + 1n, pos: 0n } : { epoch, xid, pos: pos + 1n };
}
