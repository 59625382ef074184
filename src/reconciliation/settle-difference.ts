import { providerActor } from '../domain/actor.ts';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { applyRefundReport } from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { BillLine } from '../domain/reconciliation.ts';
import { type HeldPayment, type HeldRefund, paymentReportOf, refundReportOf } from '../domain/reconciliation.ts';
import type { ReportOutcome } from '../domain/report.ts';
import { needReview } from '../domain/review.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { checkRefund } from '../provider-calls/refunds.ts';
import { changeOrder } from '../store/change-order.ts';
import { findRefund } from '../store/refund-store.ts';

/**
 * The result of settling one difference.
 *
 * - `APPLIED`: our state now equals the bill.
 * - `KNOWN_MEANWHILE`: a callback or another run was faster.
 * - `IN_REVIEW`: a person must decide.
 * - `TOO_EARLY`: the refund’s payment is not captured here yet. A check is scheduled at once.
 * - `ASKED`: the provider was queried and does not confirm the bill.
 */
export type Settlement = {
  readonly action: 'APPLIED' | 'KNOWN_MEANWHILE' | 'IN_REVIEW' | 'TOO_EARLY' | 'ASKED';
  /** Our refund that the line is about, including one that was just created for it; null when there is none. */
  readonly refundId: string | null;
};

/** Our payment that a line is about, and our refund if the line has one that we know. */
export type NamedOurs = { readonly payment: HeldPayment; readonly refund: HeldRefund | null };

/** Applies a bill line as a report about one of our payments or refunds. Applying it again has no effect. */
export async function settleDifference(
  context: CommandContext,
  line: BillLine,
  { payment, refund }: NamedOurs,
): Promise<Settlement> {
  if (line.kind === 'payment') {
    const outcome = await changeOrder(
      context,
      'check.answer',
      { orderId: payment.orderId, actor: providerActor(payment) },
      (change) => applyPaymentReport(change, paymentReportOf(line, payment.id, change.at)),
    );
    return settlementOf(outcome, null);
  }
  const isDenied =
    refund?.status === 'FAILED' && line.status === 'SUCCEEDED' && refund.amountMinor === line.amountMinor;
  if (isDenied) return queryFailedRefund(context, refund.id);
  return changeOrder(
    context,
    'refund.answer',
    { orderId: payment.orderId, actor: providerActor(payment) },
    (change) => {
      const outcome = applyRefundReport(change, payment.id, refundReportOf(line, change.at), newId('refund'));
      return settlementOf(outcome, refundIdOf(change, payment.id, line));
    },
  );
}

/** Puts an order into review because the bill lists its money twice. Only a person can find out whether the provider moved it twice. */
export async function reviewRepetition(
  context: CommandContext,
  line: BillLine,
  { payment, refund }: NamedOurs,
): Promise<Settlement> {
  const { orderId, id: paymentId } = payment;
  const name = line.merchantNumber ?? paymentId;
  await changeOrder(context, 'check.answer', { orderId, actor: providerActor(payment) }, (change) => {
    needReview(change, 'AMOUNT_MISMATCH', `${name}: the provider’s bill of the day lists it more than once.`);
  });
  return { action: 'IN_REVIEW', refundId: refund?.id ?? null };
}

/**
 * Queries a refund that failed here but succeeded in the bill. The bill may be older than the failure, so only a
 * current answer decides.
 */
async function queryFailedRefund(context: CommandContext, refundId: string): Promise<Settlement> {
  await checkRefund(context, refundId);
  const refund = await findRefund(context.db.pool, refundId);
  return { action: refund?.status === 'SUCCEEDED' ? 'APPLIED' : 'ASKED', refundId };
}

function settlementOf(outcome: ReportOutcome, refundId: string | null): Settlement {
  switch (outcome.effect) {
    case 'applied':
      return { action: 'APPLIED', refundId };
    case 'repeated':
      return { action: 'KNOWN_MEANWHILE', refundId };
    case 'early':
      return { action: 'TOO_EARLY', refundId };
    case 'refused':
      // Superseded: the state changed between our read and our write.
      return { action: outcome.reason === 'mismatch' ? 'IN_REVIEW' : 'KNOWN_MEANWHILE', refundId };
  }
}

function refundIdOf(change: OrderChange, paymentId: string, line: BillLine): string | null {
  const refunds = change.refunds.filter((refund) => refund.paymentId === paymentId);
  const known = refunds.find(
    ({ providerRefundId }) => providerRefundId !== null && providerRefundId === line.providerRefundId,
  );
  return (known ?? refunds.find(({ id }) => id === line.merchantNumber))?.id ?? null;
}
