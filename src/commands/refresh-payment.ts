import { NotFoundError, ProviderUnavailableError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { checkConfigured } from '../provider-calls/accounts.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { claimRefresh, findPayment } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';

const unasked =
  'The provider did not answer. The payment may have been made: do not pay anew. It is asked again by itself.';

/** Asks the provider now about a payment, at most once a second; who comes sooner gets what is known. Returns the payment's id. */
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
    throw new ProviderUnavailableError(outcome.retryAfterMs, { cause: outcome.cause }, unasked);
  return paymentId;
}
