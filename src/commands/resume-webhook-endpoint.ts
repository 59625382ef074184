import { resumeWithMessages } from '../outgoing/queue-again.ts';
import type { StoredWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { findOwnEndpoint, type WebhookParts } from './webhook-input.ts';

/**
 * Resumes a paused endpoint: it gets everything that waited, in sequence, and again has three days for each event. Repeating it has no effect.
 *
 * @throws {NotFoundError}
 */
export async function resumeWebhookEndpoint(
  parts: Pick<WebhookParts, 'db' | 'clock'>,
  merchantId: string,
  id: string,
): Promise<StoredWebhookEndpoint> {
  const { db, clock } = parts;
  await findOwnEndpoint(parts, merchantId, id);
  await resumeWithMessages(db, id, clock.now());
  return findOwnEndpoint(parts, merchantId, id);
}
