import { NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { findEvent } from '../events/log.ts';
import { queueAgain } from '../outgoing/queue-again.ts';
import { findWebhookMessage, type WebhookMessage } from '../store/webhook-message-store.ts';
import { findOwnEndpoint, type WebhookParts } from './webhook-input.ts';

/**
 * Sends one event to an endpoint once more, soon, whatever became of it before: also one that the endpoint never got, and one of another type
 * than it asks for. To a paused endpoint it is sent when that is resumed.
 *
 * @throws {NotFoundError} when the merchant has no such endpoint or event.
 */
export async function resendWebhook(
  parts: Pick<WebhookParts, 'db' | 'clock'>,
  merchantId: string,
  endpointId: string,
  eventId: string,
): Promise<WebhookMessage> {
  const { db, clock } = parts;
  const endpoint = await findOwnEndpoint(parts, merchantId, endpointId);
  const event = isId('event', eventId) ? await findEvent(db.pool, merchantId, eventId) : null;
  if (event === null) throw new NotFoundError('There is no such event.');
  await queueAgain(db, endpoint, event, clock.now());
  const message = await findWebhookMessage(db.pool, endpointId, eventId);
  if (message === null) throw new Error('The message was not written. This is a bug.');
  return message;
}
