import { z } from 'zod';
import { SealBrokenError } from '../accounts/sealing.ts';
import { newWebhookSecret, sealWebhookSecrets, unsealWebhookSecrets } from '../accounts/webhook-secrets.ts';
import { after } from '../domain/clock.ts';
import { Secret } from '../domain/secret.ts';
import { replaceWebhookSecrets } from '../store/webhook-endpoint-store.ts';
import type { NewEndpoint } from './create-webhook-endpoint.ts';
import { parseInput } from './input.ts';
import {
  findOwnEndpoint,
  noSuchEndpoint,
  requireMasterKeys,
  type WebhookParts,
  webhookFields,
} from './webhook-input.ts';

const daySeconds = 86_400;
const weekSeconds = 7 * daySeconds;

const inputSchema = z.object({
  secret: webhookFields.secret.nullish(),
  keepPreviousSeconds: z
    .int()
    .min(0, 'must be at least 0.')
    .max(weekSeconds, `must be at most ${weekSeconds}.`)
    .nullish(),
});

/**
 * Gives an endpoint a new secret. For a while, a day unless the caller says otherwise, messages have a signature of each secret, so that
 * receivers can change over. A secret that was kept from an earlier rotation ends.
 *
 * @throws {InvalidInputError} @throws {NotFoundError}
 */
export async function rotateWebhookSecret(
  parts: WebhookParts,
  merchantId: string,
  id: string,
  input: unknown,
): Promise<NewEndpoint> {
  const { db, clock } = parts;
  const { secret: given, keepPreviousSeconds } = parseInput(inputSchema, input);
  const masterKeys = requireMasterKeys(parts.masterKeys);
  const held = await findOwnEndpoint(parts, merchantId, id);
  const now = clock.now();
  const keptMs = (keepPreviousSeconds ?? daySeconds) * 1000;
  const previous = keptMs === 0 ? null : currentOf();
  const secret = given == null ? newWebhookSecret() : new Secret(given);
  const sealed = sealWebhookSecrets(held, { current: secret, previous }, masterKeys.current);
  const endpoint = await replaceWebhookSecrets(db.pool, held, sealed, previous && after(now, keptMs), now);
  if (endpoint === null) throw noSuchEndpoint();
  return { endpoint, secret };

  /** Null when it cannot be decrypted: then a rotation is the remedy. */
  function currentOf(): Secret | null {
    try {
      return unsealWebhookSecrets(held, held, masterKeys).current;
    } catch (error) {
      if (error instanceof SealBrokenError) return null;
      throw error;
    }
  }
}
