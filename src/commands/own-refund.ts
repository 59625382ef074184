import { NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import type { Refund } from '../domain/refund.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { findVisiblePayment } from '../store/payment-store.ts';
import { findRefund } from '../store/refund-store.ts';
import type { Actor } from './actor.ts';

/** The refund with this id. @throws {NotFoundError} when it does not exist, or the caller cannot see its order. */
export async function findOwnRefund({ db }: CommandContext, actor: Actor, refundId: string): Promise<Refund> {
  if (!isId('refund', refundId)) throw new NotFoundError('refundId: is not a refund id.');
  const refund = await findRefund(db.pool, refundId);
  const payment = refund === null ? null : await findVisiblePayment(db.pool, actor, refund.paymentId);
  if (refund === null || payment === null) throw new NotFoundError('There is no such refund.');
  return refund;
}
