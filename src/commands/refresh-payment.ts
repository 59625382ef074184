import { ProviderUnavailableError } from '../domain/errors.ts';
import { checkConfigured } from '../provider-calls/accounts.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { claimRefresh } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';
import { findOwnPayment } from './own-payment.ts';

const unanswered =
  'The provider did not answer. The payment may have been made: do not start another one. The provider is queried again automatically.';

/**
 * Queries the provider about a payment now. Returns the payment's id. Within a second of the last query, the provider is not queried again.
 *
 * @throws {ProviderUnavailableError} when the provider does not answer.
 */
export async function refreshPayment(context: CommandContext, actor: Actor, paymentId: string): Promise<string> {
  const { db, clock } = context;
  const payment = await findOwnPayment(context, actor, paymentId);
  const now = clock.now();
  const isBeingSubmitted = payment.status === 'SUBMITTING' && payment.leasedUntil !== null && payment.leasedUntil > now;
  if (isBeingSubmitted) return paymentId;
  checkConfigured(context, payment);
  if (!(await claimRefresh(db, payment, now))) return paymentId;
  const outcome = await checkPayment(context, paymentId, 'renew');
  if (outcome.kind === 'unanswered')
    throw new ProviderUnavailableError(outcome.retryAfterMs, { cause: outcome.cause }, unanswered);
  return paymentId;
}
