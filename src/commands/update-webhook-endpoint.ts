import { z } from 'zod';
import { changeWebhookEndpoint, type StoredWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { parseInput } from './input.ts';
import {
  checkDestination,
  findOwnEndpoint,
  noSuchEndpoint,
  type WebhookParts,
  webhookFields,
} from './webhook-input.ts';

const inputSchema = z.object({
  url: webhookFields.url.nullish(),
  description: webhookFields.description.nullish(),
  eventTypes: webhookFields.eventTypes.nullish(),
  ordered: webhookFields.ordered.nullish(),
});

/**
 * Changes an endpoint; null leaves a field as it is. Events that wait go to the new URL. Other event types apply to events that the endpoint
 * has not come to yet.
 *
 * @throws {InvalidInputError} @throws {NotFoundError}
 */
export async function updateWebhookEndpoint(
  parts: WebhookParts,
  merchantId: string,
  id: string,
  input: unknown,
): Promise<StoredWebhookEndpoint> {
  const { db, clock, webhookRules } = parts;
  const given = parseInput(inputSchema, input);
  if (given.url != null) checkDestination(given.url, webhookRules);
  const held = await findOwnEndpoint(parts, merchantId, id);
  const change = {
    url: given.url ?? held.url,
    description: given.description ?? held.description,
    eventTypes: given.eventTypes ?? held.eventTypes,
    ordered: given.ordered ?? held.ordered,
  };
  const changed = await changeWebhookEndpoint(db.pool, merchantId, id, change, clock.now());
  if (changed === null) throw noSuchEndpoint();
  return changed;
}
