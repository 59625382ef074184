import { NotFoundError, ProviderUnavailableError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { checkConfigured } from '../provider-calls/accounts.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { claimRefresh, findPayment } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';

const unanswered =
  'The provider did not answer. The payment may have been made: do not start another one. The provider is queried again automatically.';

/**
 * Queries the provider about a payment now. Returns the payment's id. Within a second of the last query, the provider is not queried again.
 *
 * @throws {ProviderUnavailableError} when the provider does not answer.
 */
export async function refreshPayment(context: CommandContext, actor: Actor, paymentId: string): Promise<string> {
  if (!isId('payment', paymentId)) throw new NotFoundError('paymentId: is not a payment id.');
  const { db, clock } = context;
  const payment = await findPayment(db.pool, paymentId);
  if (payment === null || payment.merchantId !== actor.merchantId) throw new NotFoundError('There is no such payment.');
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
