import { SealBrokenError } from '../accounts/sealing.ts';
import { unsealWebhookSecrets, type WebhookSecrets } from '../accounts/webhook-secrets.ts';
import { after } from '../domain/clock.ts';
import { leaseMs } from '../domain/lease.ts';
import { findEvents, type LoggedEvent } from '../events/log.ts';
import {
  releaseWebhookEndpoint,
  renewWebhookLease,
  type StoredWebhookEndpoint,
} from '../store/webhook-endpoint-store.ts';
import { findDueWebhookMessages, findWebhookProbe, type WebhookMessage } from '../store/webhook-message-store.ts';
import type { OutgoingContext } from './context.ts';
import { deliver } from './deliver.ts';
import { queuedTogetherMax, queueEvents } from './queue-events.ts';
import { connectionsPerEndpoint } from './transport.ts';

/** The number of messages after which an endpoint with more of them lets others have its place. */
const messagesPerTurn = 200;
/** After this time no message of a batch is begun, so that the last one ends before the lease does. */
const batchMsMax = 10_000;
/** An endpoint whose secrets cannot be decrypted is tried again after this time. */
const brokenDelayMs = 10 * 60_000;

/**
 * Works on one leased endpoint: turns events into messages and sends those that are due, until there are none, the endpoint fails, or others
 * should have their turn. Returns the number of attempts.
 */
export async function takeTurn(
  context: OutgoingContext,
  claimed: StoredWebhookEndpoint,
  leaseId: string,
): Promise<number> {
  const { db, clock, log, masterKeys } = context;
  let sent = 0;
  const leave = async (again: Date | null) => {
    await releaseWebhookEndpoint(db, claimed.id, leaseId, again);
    return sent;
  };
  for (;;) {
    const lease = { id: leaseId, until: after(clock.now(), leaseMs) };
    const endpoint = await renewWebhookLease(db.pool, claimed.id, lease);
    if (endpoint === null) return leave(null); // taken over, or paused
    if (masterKeys === null) return leave(after(clock.now(), brokenDelayMs));
    const secrets = secretsOf(endpoint, masterKeys);
    if (secrets instanceof SealBrokenError) {
      log.error({ err: secrets, webhookEndpointId: endpoint.id }, 'a webhook endpoint has no usable secret');
      return leave(after(clock.now(), brokenDelayMs));
    }
    const isDown = endpoint.retryAt !== null;
    const { messages, queued } = await nextMessages(context, endpoint, isDown);
    if (messages.length === 0 && queued === 0) return leave(null);
    const batch = await sendBatch(context, endpoint, secrets, messages);
    sent += batch.sent;
    // Events that came since then wake the endpoint, and messages that were left over are due.
    const isAll = Math.max(messages.length, queued) < queuedTogetherMax;
    if (batch.isStopped || isAll) return leave(null);
    if (sent >= messagesPerTurn) return leave(clock.now());
  }
}

function secretsOf(
  endpoint: StoredWebhookEndpoint,
  masterKeys: NonNullable<OutgoingContext['masterKeys']>,
): WebhookSecrets | SealBrokenError {
  try {
    return unsealWebhookSecrets(endpoint, endpoint, masterKeys);
  } catch (error) {
    if (error instanceof SealBrokenError) return error;
    throw error;
  }
}

type Next = { readonly messages: readonly WebhookMessage[]; readonly queued: number };

/** The messages to send now. The log is read when fewer are due than a batch has. */
async function nextMessages(context: OutgoingContext, endpoint: StoredWebhookEndpoint, isDown: boolean): Promise<Next> {
  const { db, clock } = context;
  const find = async (): Promise<readonly WebhookMessage[]> => {
    if (!isDown) return findDueWebhookMessages(db.pool, endpoint, clock.now(), queuedTogetherMax);
    const probe = await findWebhookProbe(db.pool, endpoint, clock.now());
    return probe === null ? [] : [probe];
  };
  const messages = await find();
  // While the endpoint is down, the log is the queue: it costs nothing there.
  if (isDown ? messages.length > 0 : messages.length === queuedTogetherMax) return { messages, queued: 0 };
  const queued = await queueEvents(context, endpoint);
  return { messages: messages.length > 0 || queued === 0 ? messages : await find(), queued };
}

/**
 * Sends messages, those of one order one after the other. After a failure the order's other messages wait if the endpoint is ordered.
 * `isStopped`: the endpoint gets nothing more for now.
 */
async function sendBatch(
  context: OutgoingContext,
  endpoint: StoredWebhookEndpoint,
  secrets: WebhookSecrets,
  messages: readonly WebhookMessage[],
): Promise<{ readonly sent: number; readonly isStopped: boolean }> {
  const { db, clock } = context;
  const events = await findEvents(
    db.pool,
    endpoint.merchantId,
    messages.map(({ eventId }) => eventId),
  );
  const orders = [...groupedByOrder(messages).values()];
  const endMs = clock.now().getTime() + batchMsMax;
  let sent = 0;
  let isStopped = false;

  async function sendOrder(ofOrder: readonly WebhookMessage[]): Promise<void> {
    for (const message of ofOrder) {
      if (isStopped || clock.now().getTime() >= endMs) return;
      sent += 1;
      const attempted = await deliver(context, endpoint, secrets, message, eventOf(message, events));
      isStopped ||= attempted.isStopped;
      if (!attempted.isDelivered && endpoint.ordered) return;
    }
  }
  async function work(): Promise<void> {
    for (let next = orders.shift(); next !== undefined; next = orders.shift()) await sendOrder(next);
  }

  const ends = await Promise.allSettled(Array.from({ length: connectionsPerEndpoint }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return { sent, isStopped };
}

function eventOf({ eventId }: WebhookMessage, events: ReadonlyMap<string, LoggedEvent>): LoggedEvent {
  const event = events.get(eventId);
  if (event === undefined) throw new Error(`The log has no event ${eventId}. The log is never deleted: this is a bug.`);
  return event;
}

function groupedByOrder(messages: readonly WebhookMessage[]): ReadonlyMap<string, readonly WebhookMessage[]> {
  const groups = new Map<string, WebhookMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.orderId);
    if (group === undefined) groups.set(message.orderId, [message]);
    else group.push(message);
  }
  return groups;
}
