import { pauseWebhookEndpoint as pause, type StoredWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { findOwnEndpoint, type WebhookParts } from './webhook-input.ts';

/** Pauses an endpoint: its events wait in the log. Repeating it has no effect. @throws {NotFoundError} */
export async function pauseWebhookEndpoint(
  parts: Pick<WebhookParts, 'db' | 'clock'>,
  merchantId: string,
  id: string,
): Promise<StoredWebhookEndpoint> {
  await findOwnEndpoint(parts, merchantId, id);
  await pause(parts.db.pool, id, 'REQUESTED', parts.clock.now());
  return findOwnEndpoint(parts, merchantId, id);
}
