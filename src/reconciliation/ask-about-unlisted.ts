import { providerActor } from '../domain/actor.ts';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { applyRefundReport } from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import type { OrderAggregate } from '../domain/order-change.ts';
import { needReview } from '../domain/review.ts';
import { providerOf } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { paymentOrderOf, refundNameOf, withinCallDeadline } from '../provider-calls/requests.ts';
import { isProviderError } from '../providers/provider.ts';
import { changeOrder } from '../store/change-order.ts';
import { loadOrder } from '../store/order-store.ts';
import type { Unlisted } from '../store/reconciliation-store.ts';

/**
 * The result of querying the provider about money that its bill does not list.
 *
 * - `CONFIRMED`: the provider confirms the money. No review is needed.
 * - `APPLIED`: the provider reports another state now, and we have applied it.
 * - `IN_REVIEW`: the provider does not confirm what we have recorded.
 * - `UNANSWERED`: the provider did not answer. Another run queries it again.
 */
export type UnlistedAnswer = 'CONFIRMED' | 'APPLIED' | 'IN_REVIEW' | 'UNANSWERED';

/** Queries the provider about money that we have recorded as moved and that its bill does not list, and applies the answer. */
export async function askAboutUnlisted(
  context: CommandContext,
  kind: 'payment' | 'refund',
  unlisted: Unlisted,
): Promise<UnlistedAnswer> {
  const held = await loadOrder(context.db.pool, unlisted.orderId);
  if (held === null) throw new Error(`Order ${unlisted.orderId} no longer exists.`);
  try {
    return await (kind === 'payment' ? queryPayment : queryRefund)(context, held, unlisted);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    context.log.warn({ err: error, id: unlisted.id }, 'money that a bill does not list could not be queried');
    return 'UNANSWERED';
  }
}

async function queryPayment(context: CommandContext, held: OrderAggregate, { id }: Unlisted): Promise<UnlistedAnswer> {
  const payment = held.payments.find((candidate) => candidate.id === id);
  if (payment === undefined) throw new Error(`Payment ${id} no longer exists.`);
  const provider = providerOf(context, payment);
  const order = paymentOrderOf(held, payment);
  const answer = await withinCallDeadline((signal) => provider.queryPayment(order, signal));
  return changeOrder(context, 'check.answer', { orderId: held.order.id, actor: providerActor(payment) }, (change) => {
    if (answer.kind === 'report' && answer.report.status === 'SUCCEEDED') {
      const outcome = applyPaymentReport(change, answer.report);
      return outcome.effect === 'refused' ? 'IN_REVIEW' : 'CONFIRMED';
    }
    const answered = answer.kind === 'report' ? answer.report.status : 'not found';
    needReview(
      change,
      'AMOUNT_MISMATCH',
      `${id}: recorded as SUCCEEDED, but not in the provider’s bill of the day. When queried, the provider answers: ${answered}.`,
    );
    return 'IN_REVIEW';
  });
}

async function queryRefund(context: CommandContext, held: OrderAggregate, { id }: Unlisted): Promise<UnlistedAnswer> {
  const refund = held.refunds.find((candidate) => candidate.id === id);
  const payment = held.payments.find((candidate) => candidate.id === refund?.paymentId);
  if (refund === undefined || payment === undefined) throw new Error(`Refund ${id} no longer exists.`);
  const provider = providerOf(context, payment);
  const name = refundNameOf(held, refund);
  const answer = await withinCallDeadline((signal) => provider.queryRefund(name, signal));
  return changeOrder(context, 'refund.answer', { orderId: held.order.id, actor: providerActor(payment) }, (change) => {
    if (answer.kind === 'report' && answer.report.status !== 'PENDING') {
      const outcome = applyRefundReport(change, payment.id, answer.report, newId('refund'));
      if (outcome.effect === 'refused') return 'IN_REVIEW';
      return answer.report.status === 'SUCCEEDED' ? 'CONFIRMED' : 'APPLIED';
    }
    const answered = answer.kind === 'report' ? answer.report.status : 'not found';
    needReview(
      change,
      'REFUND_ABNORMAL',
      `${id}: recorded as SUCCEEDED, but not in the provider’s bill of the day. When queried, the provider answers: ${answered}.`,
    );
    return 'IN_REVIEW';
  });
}
