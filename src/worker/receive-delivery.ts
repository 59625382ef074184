import { isInfoLogged } from '../domain/log.ts';
import type { Delivery, Inbox } from '../events/inbox.ts';
import { withLogOf } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { PaymentProvider, VerifiedWebhook, WebhookDelivery } from '../providers/provider.ts';
import { WebhookRejectedError } from '../providers/provider.ts';
import { rememberSpan } from '../store/trace-store.ts';
import { note } from '../telemetry/observe.ts';

const headersKept = ['content-type', 'user-agent'];

/**
 * Verifies a callback and commits it to the inbox. It may be acknowledged only after this returns.
 *
 * @param isClaimed true when the caller applies the delivery at once.
 * @returns the new delivery, or null for a duplicate.
 * @throws {WebhookRejectedError} when the callback cannot be verified; the caller logs and records it.
 */
export async function receiveDelivery(
  context: CommandContext,
  inbox: Inbox,
  provider: PaymentProvider,
  delivery: WebhookDelivery,
  isClaimed: boolean,
): Promise<Delivery | null> {
  const startedAt = performance.now();
  const verified = await verifyByNewestKeys(withLogOf(context, provider), delivery);
  await context.failpoint('callback.verified');
  const stored = await inbox.run({
    provider: provider.name,
    providerAccount: provider.account,
    ...verified,
    headers: keptHeadersOf(provider, delivery),
    body: provider.redactWebhook(delivery.body, 'to_be_read'),
    ...{ receivedAt: delivery.receivedAt, isClaimed },
  });
  note({ kind: 'callback', provider: provider.name, outcome: stored === null ? 'duplicate' : 'kept' });
  if (stored !== null) await rememberSpan(context.db.pool, stored.id, delivery.receivedAt);
  if (isInfoLogged(context.log)) {
    const durationMs = Math.round(performance.now() - startedAt);
    const outcome = stored === null ? { outcome: 'duplicate' } : { deliveryId: stored.id, outcome: 'kept' };
    const { name, account } = provider;
    context.log.info({ provider: name, account, ...verified, durationMs, ...outcome }, 'callback received');
  }
  return stored;
}

async function verifyByNewestKeys(provider: PaymentProvider, delivery: WebhookDelivery): Promise<VerifiedWebhook> {
  try {
    return provider.verifyWebhook(delivery);
  } catch (error) {
    const isOfUnknownKey = error instanceof WebhookRejectedError && error.reason === 'UNKNOWN_KEY';
    if (!isOfUnknownKey || !(await provider.renewKeys(delivery)).isHeld) throw error;
    return provider.verifyWebhook(delivery);
  }
}

/**
 * The headers that verification and inspection need. The others are not kept: they may contain secrets of a proxy in
 * front of this server.
 */
export function keptHeadersOf(
  { webhookHeaders }: PaymentProvider,
  { headers }: WebhookDelivery,
): Record<string, string> {
  const kept = new Set([...headersKept, ...webhookHeaders]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => kept.has(name)));
}
