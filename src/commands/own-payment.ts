import { NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { findVisiblePayment } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';

/** The payment with this id. @throws {NotFoundError} when it does not exist, or the caller cannot see its order. */
export async function findOwnPayment({ db }: CommandContext, actor: Actor, paymentId: string): Promise<Payment> {
  if (!isId('payment', paymentId)) throw new NotFoundError('paymentId: is not a payment id.');
  const payment = await findVisiblePayment(db.pool, actor, paymentId);
  if (payment === null) throw new NotFoundError('There is no such payment.');
  return payment;
}
