import { deleteWebhookEndpoint as remove } from '../store/webhook-endpoint-store.ts';
import { findOwnEndpoint, noSuchEndpoint, type WebhookParts } from './webhook-input.ts';

/** Deletes an endpoint for good. Nothing is sent to it any more, and its delivery log goes. @throws {NotFoundError} */
export async function deleteWebhookEndpoint(
  parts: Pick<WebhookParts, 'db' | 'clock'>,
  merchantId: string,
  id: string,
): Promise<string> {
  await findOwnEndpoint(parts, merchantId, id);
  if (!(await remove(parts.db.pool, merchantId, id, parts.clock.now()))) throw noSuchEndpoint();
  return id;
}
