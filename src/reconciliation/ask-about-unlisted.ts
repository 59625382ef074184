import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { applyRefundReport } from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import type { OrderAggregate } from '../domain/order-change.ts';
import { needReview } from '../domain/review.ts';
import { providerOf } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { callDeadlineMs, paymentOrderOf, refundNameOf } from '../provider-calls/requests.ts';
import { isProviderError } from '../providers/provider.ts';
import { loadOrder } from '../store/order-store.ts';
import { changeOrder } from '../store/order-writer.ts';
import type { Unlisted } from '../store/reconciliation-store.ts';

/**
 * What asking came to. `CONFIRMED`: the provider says that it moved; its bill does not list it, and no review is needed on our side.
 * `APPLIED`: it took back what it had said, and we follow. `IN_REVIEW`: it denies what we hold. `UNANSWERED`: ask again by another run.
 */
export type UnlistedAnswer = 'CONFIRMED' | 'APPLIED' | 'IN_REVIEW' | 'UNANSWERED';

/** Asks the provider about money that we hold as moved and that its bill does not list, and applies what it says. */
export async function askAboutUnlisted(
  context: CommandContext,
  kind: 'payment' | 'refund',
  unlisted: Unlisted,
): Promise<UnlistedAnswer> {
  const held = await loadOrder(context.db.pool, unlisted.orderId);
  if (held === null) throw new Error(`Order ${unlisted.orderId} is gone.`);
  try {
    return await (kind === 'payment' ? askPayment : askRefund)(context, held, unlisted);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    context.log.warn({ err: error, id: unlisted.id }, 'the provider did not say whether what its bill lacks has moved');
    return 'UNANSWERED';
  }
}

async function askPayment(context: CommandContext, held: OrderAggregate, { id }: Unlisted): Promise<UnlistedAnswer> {
  const payment = held.payments.find((candidate) => candidate.id === id);
  if (payment === undefined) throw new Error(`Payment ${id} is gone.`);
  const provider = providerOf(context, payment);
  const answer = await provider.queryPayment(paymentOrderOf(held, payment), AbortSignal.timeout(callDeadlineMs));
  return changeOrder(context, 'check.answer', { orderId: held.order.id }, (change) => {
    if (answer.kind === 'report' && answer.report.status === 'SUCCEEDED') {
      const outcome = applyPaymentReport(change, answer.report);
      return outcome.effect === 'refused' ? 'IN_REVIEW' : 'CONFIRMED';
    }
    const said = answer.kind === 'report' ? answer.report.status : 'that there is none';
    needReview(
      change,
      'AMOUNT_MISMATCH',
      `${id}: held as SUCCEEDED, not in the provider’s bill of the day, and asked, the provider says ${said}.`,
    );
    return 'IN_REVIEW';
  });
}

async function askRefund(context: CommandContext, held: OrderAggregate, { id }: Unlisted): Promise<UnlistedAnswer> {
  const refund = held.refunds.find((candidate) => candidate.id === id);
  const payment = held.payments.find((candidate) => candidate.id === refund?.paymentId);
  if (refund === undefined || payment === undefined) throw new Error(`Refund ${id} is gone.`);
  const provider = providerOf(context, payment);
  const answer = await provider.queryRefund(refundNameOf(held, refund), AbortSignal.timeout(callDeadlineMs));
  return changeOrder(context, 'refund.answer', { orderId: held.order.id }, (change) => {
    if (answer.kind === 'report' && answer.report.status !== 'PENDING') {
      const outcome = applyRefundReport(change, payment.id, answer.report, newId('refund'));
      if (outcome.effect === 'refused') return 'IN_REVIEW';
      return answer.report.status === 'SUCCEEDED' ? 'CONFIRMED' : 'APPLIED';
    }
    const said = answer.kind === 'report' ? answer.report.status : 'that there is none';
    needReview(
      change,
      'REFUND_ABNORMAL',
      `${id}: held as SUCCEEDED, not in the provider’s bill of the day, and asked, the provider says ${said}.`,
    );
    return 'IN_REVIEW';
  });
}
