import { z } from 'zod';
import { newWebhookSecret, sealWebhookSecrets } from '../accounts/webhook-secrets.ts';
import { InvalidInputError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { Secret } from '../domain/secret.ts';
import { readLogEnd } from '../events/log.ts';
import {
  countWebhookEndpoints,
  insertWebhookEndpoint,
  type StoredWebhookEndpoint,
} from '../store/webhook-endpoint-store.ts';
import { parseInput } from './input.ts';
import {
  checkDestination,
  findOwnEndpoint,
  requireMasterKeys,
  type WebhookParts,
  webhookFields,
} from './webhook-input.ts';

/** Enough for every system of a merchant, and few enough to send each event to all of them. */
const endpointsMax = 100;

const inputSchema = z.object({
  url: webhookFields.url,
  description: webhookFields.description.nullish(),
  eventTypes: webhookFields.eventTypes.nullish(),
  ordered: webhookFields.ordered.nullish(),
  secret: webhookFields.secret.nullish(),
});

/** An endpoint with its secret, which is returned this once. */
export type NewEndpoint = { readonly endpoint: StoredWebhookEndpoint; readonly secret: Secret };

/**
 * Registers a URL that gets the merchant's events from now on. Events of the past can be replayed.
 *
 * @throws {InvalidInputError}
 */
export async function createWebhookEndpoint(
  parts: WebhookParts,
  merchantId: string,
  input: unknown,
): Promise<NewEndpoint> {
  const { db, clock, webhookRules } = parts;
  const { url, description, eventTypes, ordered, secret: given } = parseInput(inputSchema, input);
  checkDestination(url, webhookRules);
  const masterKeys = requireMasterKeys(parts.masterKeys);
  if ((await countWebhookEndpoints(db.pool, merchantId)) >= endpointsMax) {
    throw new InvalidInputError([
      { path: 'url', message: `cannot be added: there are ${endpointsMax} endpoints, the maximum. Delete one.` },
    ]);
  }
  const row = { id: newId('webhookEndpoint'), merchantId };
  const secret = given == null ? newWebhookSecret() : new Secret(given);
  await insertWebhookEndpoint(db.pool, {
    ...row,
    ...{ url, description: description ?? null, eventTypes: eventTypes ?? [], ordered: ordered ?? true },
    ...sealWebhookSecrets(row, { current: secret, previous: null }, masterKeys.current),
    ...(await readLogEnd(db.pool)),
    createdAt: clock.now(),
  });
  return { endpoint: await findOwnEndpoint(parts, merchantId, row.id), secret };
}
