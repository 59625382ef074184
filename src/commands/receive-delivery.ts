import { firstPaymentIdIn } from '../domain/ids.ts';
import { insertDelivery, insertRejectedDelivery } from '../events/inbox.ts';
import type { PaymentProvider, VerifiedWebhook, WebhookDelivery } from '../providers/provider.ts';
import { WebhookRejectedError } from '../providers/provider.ts';
import { hintPayment } from '../store/payment-store.ts';
import type { CommandContext } from './context.ts';

const headersKept = ['content-type', 'user-agent'];

/**
 * Verifies a callback and commits it to the inbox. Once this returns the provider may be told that we have it.
 *
 * @returns the delivery that waits to be applied, or null when it had come before.
 * @throws {WebhookRejectedError} when it must not be believed. If it names a payment of ours, that one is asked soon, once.
 */
export async function receiveDelivery(
  context: CommandContext,
  provider: PaymentProvider,
  delivery: WebhookDelivery,
): Promise<string | null> {
  const verified = await verify(context, provider, delivery);
  await context.failpoint('callback.verified');
  return insertDelivery(context.db.pool, {
    provider: provider.name,
    providerAccount: provider.account,
    ...verified,
    headers: keptOf(provider, delivery),
    body: delivery.body,
    receivedAt: delivery.receivedAt,
  });
}

async function verify(
  { db, log }: CommandContext,
  provider: PaymentProvider,
  delivery: WebhookDelivery,
): Promise<VerifiedWebhook> {
  try {
    return await verifyByNewestKeys(provider, delivery);
  } catch (error) {
    if (!(error instanceof WebhookRejectedError)) throw error;
    const { reason } = error;
    const { body, receivedAt } = delivery;
    const named = firstPaymentIdIn(body.toString('latin1')) ?? undefined;
    // The cause says what an operator can look at; what a stranger has sent says nothing.
    const why = error.cause instanceof Error ? error.cause.message.slice(0, 300) : undefined;
    log.warn({ provider: provider.name, reason, why, paymentId: named }, 'a callback was refused');
    const noted = async () => {
      const headers = keptOf(provider, delivery);
      await insertRejectedDelivery(db.pool, { provider: provider.name, reason, headers, body, receivedAt });
      if (named !== undefined) await hintPayment(db.pool, named, receivedAt);
    };
    // The refusal stands, whether or not it can be noted.
    await noted().catch((cause: unknown) => log.warn({ err: cause }, 'a refused callback could not be noted'));
    throw error;
  }
}

async function verifyByNewestKeys(provider: PaymentProvider, delivery: WebhookDelivery): Promise<VerifiedWebhook> {
  try {
    return provider.verifyWebhook(delivery);
  } catch (error) {
    const isOfUnknownKey = error instanceof WebhookRejectedError && error.reason === 'UNKNOWN_KEY';
    if (!isOfUnknownKey || !(await provider.renewKeys(delivery))) throw error;
    return provider.verifyWebhook(delivery);
  }
}

/** Only what verification and inspection need: others may carry secrets of whatever stands before us. */
function keptOf({ webhookHeaders }: PaymentProvider, { headers }: WebhookDelivery): Record<string, string> {
  const kept = new Set([...headersKept, ...webhookHeaders]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => kept.has(name)));
}
