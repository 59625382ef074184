import { NotFoundError, PaymentNotCancelableError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { closePayment } from '../domain/order-lifecycle.ts';
import { closeAtProviders } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/order-writer.ts';
import { findPayment } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';

/**
 * Voids an authorized payment, or closes an unpaid one. Returns the payment's id. Repeating the call has no effect.
 *
 * @throws {PaymentNotCancelableError} when it has ended otherwise, is being captured, or is being submitted.
 */
export async function cancelPayment(context: CommandContext, actor: Actor, paymentId: string): Promise<string> {
  if (!isId('payment', paymentId)) throw new NotFoundError('paymentId: is not a payment id.');
  const found = await findPayment(context.db.pool, paymentId);
  if (found === null || found.merchantId !== actor.merchantId) throw new NotFoundError('There is no such payment.');
  const payment = await changeOrder(context, 'close.intent', found, (change) => {
    const { status, leasedUntil, captureMinor } = change.payment(paymentId);
    if (captureMinor !== null) throw new PaymentNotCancelableError(paymentId, 'it is being captured');
    switch (status) {
      case 'SUBMITTING':
        if (leasedUntil !== null && leasedUntil > change.at) {
          throw new PaymentNotCancelableError(paymentId, 'it is being submitted to the provider; retry in a moment');
        }
        closePayment(change, paymentId, 'CANCELED');
        break;
      case 'ACTION_REQUIRED':
      case 'PROCESSING':
      case 'UNKNOWN':
      case 'AUTHORIZED':
        closePayment(change, paymentId, 'CANCELED');
        break;
      case 'CANCELING':
      case 'CANCELED':
        break;
      case 'SUCCEEDED':
      case 'EXPIRED':
      case 'FAILED':
        throw new PaymentNotCancelableError(paymentId, `it has already ${status.toLowerCase()}`);
    }
    return change.payment(paymentId);
  });
  await closeAtProviders(context, [payment]);
  return paymentId;
}
