import { z } from 'zod';
import { masterKeyMissing } from '../accounts/account-settings.ts';
import type { MasterKeys } from '../accounts/master-key.ts';
import { webhookSecretProblem } from '../accounts/webhook-secrets.ts';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { eventTypes } from '../domain/event.ts';
import { isId } from '../domain/ids.ts';
import { type DestinationRules, destinationProblem } from '../outgoing/destination.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { findWebhookEndpoint, type StoredWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { reference, text } from './input.ts';

/** What the commands on webhook endpoints work with. */
export type WebhookParts = Pick<CommandContext, 'db' | 'clock'> & {
  readonly masterKeys: MasterKeys | null;
  readonly webhookRules: DestinationRules;
};

const descriptionMax = 256;

/** The fields of an endpoint that people set. */
export const webhookFields = {
  url: reference(1, 4096),
  description: text(0, descriptionMax),
  eventTypes: z.array(z.enum(eventTypes, { error: 'is not an event type.' })).transform((types) => [...new Set(types)]),
  ordered: z.boolean(),
  secret: z.string().superRefine((secret, { addIssue }) => {
    const message = webhookSecretProblem(secret);
    if (message !== null) addIssue({ code: 'custom', message });
  }),
};

/** @throws {InvalidInputError} when events may not be sent there. */
export function checkDestination(url: string, rules: DestinationRules): void {
  const message = destinationProblem(url, rules);
  if (message !== null) throw new InvalidInputError([{ path: 'url', message }]);
}

/** @throws {InvalidInputError} on a server that cannot encrypt secrets. */
export function requireMasterKeys(masterKeys: MasterKeys | null): MasterKeys {
  if (masterKeys === null) throw new InvalidInputError([{ path: 'MASTER_KEY', message: masterKeyMissing }]);
  return masterKeys;
}

/** @throws {NotFoundError} when the merchant has no such endpoint. */
export async function findOwnEndpoint(
  { db }: Pick<WebhookParts, 'db'>,
  merchantId: string,
  id: string,
): Promise<StoredWebhookEndpoint> {
  // Text that is no id may hold what the database refuses, such as a NUL.
  const endpoint = isId('webhookEndpoint', id) ? await findWebhookEndpoint(db.pool, merchantId, id) : null;
  if (endpoint === null) throw noSuchEndpoint();
  return endpoint;
}

export function noSuchEndpoint(): NotFoundError {
  return new NotFoundError('There is no such webhook endpoint.');
}
