import { after } from '../domain/clock.ts';
import { RateLimitedError } from '../domain/errors.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type CardFailuresOf, findCardFailure } from '../store/card-failure-store.ts';
import { findIntent, type Intent } from '../store/idempotency-store.ts';
import type { Actor } from './actor.ts';

/** Failed card payments of one customer, or of one order, within the window; then no further one starts. */
export const cardFailuresMax = 10;
/** The same for one client address, which several people may share. */
export const cardFailuresPerAddressMax = 30;
export const cardFailureWindowMs = 3_600_000;

/** A call that wants to pay an order by card. */
export type CardAttempt = { readonly intent: Intent; readonly orderId: string };

/**
 * Refuses a new card payment after many failed ones: somebody may be trying stolen cards. A repeated call starts no payment. Servers are judged by the customer that they name alone,
 * because their address stands for all of the merchant's buyers.
 *
 * @throws {RateLimitedError}
 */
export async function checkCardTesting(
  { db, clock, lookups }: Pick<CommandContext, 'db' | 'clock' | 'lookups'>,
  { role, merchantId }: Actor,
  { intent, orderId }: CardAttempt,
  address: string | null,
): Promise<void> {
  const order = await lookups.orderCustomer(orderId);
  const customerId = order?.merchantId === merchantId ? order.customerId : null;
  const limits: { readonly of: CardFailuresOf; readonly max: number }[] = [];
  if (customerId !== null) limits.push({ of: { merchantId, customerId }, max: cardFailuresMax });
  else if (role !== 'MERCHANT') limits.push({ of: { orderId }, max: cardFailuresMax });
  if (address !== null) limits.push({ of: { merchantId, address }, max: cardFailuresPerAddressMax });
  const now = clock.now();
  for (const { of, max } of limits) {
    const failedAt = await findCardFailure(db.pool, of, { newer: max - 1, since: after(now, -cardFailureWindowMs) });
    if (failedAt === null) continue;
    if ((await findIntent(db.pool, intent)) !== null) return;
    const retryAfterMs = Math.max(1, failedAt.getTime() + cardFailureWindowMs - now.getTime());
    throw new RateLimitedError(
      retryAfterMs,
      'Too many card payments have failed. Try again later, or pay by another method.',
    );
  }
}
