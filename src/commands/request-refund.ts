import { z } from 'zod';
import { RefundExceedsPaymentError } from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import { isFree, leasedFrom } from '../domain/lease.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { refundableMinor } from '../domain/payment.ts';
import { isUnderWay } from '../domain/refund.ts';
import { needsApproval } from '../domain/refund-approval.ts';
import { startRefund } from '../domain/start-refund.ts';
import { checkAmount, isConfigured } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { checkRefund, submitRefund } from '../provider-calls/refunds.ts';
import { changeOrderByIntent } from '../store/change-order.ts';
import { type Claim, hashOf, type Intent } from '../store/idempotency-store.ts';
import { type Actor, keyOwnerOf, ownOrder } from './actor.ts';
import { amountMinor, idempotencyKey, parseInput, text } from './input.ts';
import { findOwnPayment } from './own-payment.ts';

const inputSchema = z.object({
  idempotencyKey,
  paymentId: z.string().refine((id) => isId('payment', id), 'is not a payment id.'),
  amountMinor,
  reason: text(0, 80).nullish(),
});

/**
 * Refunds a payment in full or in part. Returns the refund's id. A repeated call with the same key returns the id of the same refund. The
 * amount is reserved under the order's lock before the provider is called, so that concurrent refunds never exceed the payment. An operator's
 * refund above the merchant's limit is reserved and waits for `approveRefund`.
 *
 * @throws {RefundExceedsPaymentError} when the amount is larger than the refundable rest.
 */
export async function requestRefund(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...wanted } = parseInput(inputSchema, input);
  const { paymentId, amountMinor, reason } = wanted;
  const payment = await findOwnPayment(context, actor, paymentId);
  const { orderId } = payment;
  const intent: Intent = {
    ...{ merchantId: actor.merchantId, owner: keyOwnerOf(actor), operation: 'requestRefund', key },
    inputHash: hashOf(wanted),
  };
  const id = newId('refund');
  const begun = await changeOrderByIntent(
    context,
    'refund.intent',
    ownOrder(actor, orderId),
    intent,
    (change, prior): Decided => {
      if (prior !== null && !isConfigured(context, payment)) {
        return { result: { id: prior.resultId, next: 'nothing' }, claim: null };
      }
      if (prior !== null) return { result: resume(change, prior.resultId), claim: null };
      const { currency, ...held } = change.payment(paymentId);
      checkAmount(context, payment, amountMinor);
      if (refundableMinor(held) < amountMinor) {
        throw new RefundExceedsPaymentError(refundableMinor(held), currency, held.status === 'SUCCEEDED');
      }
      const origin = 'REQUESTED';
      const isHeld = needsApproval(change, amountMinor);
      startRefund(change, {
        ...{ id, paymentId, origin, amountMinor, reason: reason ?? null, approval: isHeld ? 'NEEDED' : null },
        ...{ requestedByKind: change.actor.kind, requestedById: change.actor.id },
        ...(isHeld ? { checkAt: null, leasedUntil: null } : leasedFrom(change.at)),
      });
      return { result: { id, next: isHeld ? 'nothing' : 'submit' }, claim: { resultId: id, attempt: null } };
    },
  );
  if (begun.next === 'submit') await submitRefund(context, orderId, begun.id);
  // The provider forgets our idempotency key after a day and would then make a second refund, so it is queried first.
  if (begun.next === 'ask') await checkRefund(context, begun.id);
  return begun.id;
}

type Begun = { readonly id: string; readonly next: 'submit' | 'ask' | 'nothing' };
type Decided = { readonly result: Begun; readonly claim: Claim | null };

/**
 * Handles a repeated call with the same idempotency key. The provider is queried only when it has not confirmed the refund yet and no other
 * caller has leased it.
 */
function resume(change: OrderChange, id: string): Begun {
  const refund = change.refund(id);
  const isOpen =
    refund.status === 'PENDING' && isUnderWay(refund) && refund.providerRefundId === null && isFree(refund, change.at);
  if (isOpen) change.planRefund(id, leasedFrom(change.at));
  return { id, next: isOpen ? 'ask' : 'nothing' };
}
