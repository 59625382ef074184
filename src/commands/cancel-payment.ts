import { isPayer } from '../domain/actor.ts';
import { PaymentNotCancelableError } from '../domain/errors.ts';
import { closePayment } from '../domain/order-lifecycle.ts';
import { closeAtProviders } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/change-order.ts';
import { type Actor, ownOrder } from './actor.ts';
import { findOwnPayment } from './own-payment.ts';

/**
 * Voids an authorized payment, or closes an unpaid one. Returns the payment's id. Repeating the call has no effect.
 *
 * @throws {PaymentNotCancelableError} when it has ended otherwise, is being captured, or is being submitted.
 */
export async function cancelPayment(context: CommandContext, actor: Actor, paymentId: string): Promise<string> {
  const { orderId } = await findOwnPayment(context, actor, paymentId);
  const payment = await changeOrder(context, 'close.intent', ownOrder(actor, orderId), (change) => {
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
        closePayment(change, paymentId, 'CANCELED');
        break;
      case 'AUTHORIZED':
        if (isPayer(change.actor.kind)) {
          throw new PaymentNotCancelableError(paymentId, 'it is authorized, so only the merchant can cancel it');
        }
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
