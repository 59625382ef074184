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
import { changeOrder } from '../store/order-writer.ts';

import { findRefund } from '../store/refund-store.ts';

/**
 * What became of a difference. `APPLIED`: our side says now what the bill says. `KNOWN_MEANWHILE`: a callback or another run was faster.
 * `IN_REVIEW`: a person must decide. `TOO_EARLY`: what it follows from is not known yet and is asked about now. `ASKED`: the provider
 * was asked, and does not say what the bill says.
 */
export type Settlement = {
  readonly action: 'APPLIED' | 'KNOWN_MEANWHILE' | 'IN_REVIEW' | 'TOO_EARLY' | 'ASKED';
  /** The refund of ours that stands for the line now, also where it was made just now. */
  readonly refundId: string | null;
};

/** What a line names, where that is a payment of ours. */
export type NamedOurs = { readonly payment: HeldPayment; readonly refund: HeldRefund | null };

/** Applies a bill line as one more report about a payment or a refund of ours. Applying it again changes nothing. */
export async function settleDifference(
  context: CommandContext,
  line: BillLine,
  { payment, refund }: NamedOurs,
): Promise<Settlement> {
  if (line.kind === 'payment') {
    const outcome = await changeOrder(context, 'check.answer', { orderId: payment.orderId }, (change) =>
      applyPaymentReport(change, paymentReportOf(line, payment.id, change.at)),
    );
    return settlementOf(outcome, null);
  }
  const isDenied =
    refund?.status === 'FAILED' && line.status === 'SUCCEEDED' && refund.amountMinor === line.amountMinor;
  if (isDenied) return askAboutRefund(context, refund.id);
  return changeOrder(context, 'refund.answer', { orderId: payment.orderId }, (change) => {
    const outcome = applyRefundReport(change, payment.id, refundReportOf(line, change.at), newId('refund'));
    return settlementOf(outcome, refundIdOf(change, payment.id, line));
  });
}

/** A bill that lists the same money twice. Whether the provider moved it twice, only a person can find out. */
export async function reviewRepetition(
  context: CommandContext,
  line: BillLine,
  { payment: { orderId, id: paymentId }, refund }: NamedOurs,
): Promise<Settlement> {
  const name = line.merchantNumber ?? paymentId;
  await changeOrder(context, 'check.answer', { orderId }, (change) => {
    needReview(change, 'AMOUNT_MISMATCH', `${name}: the provider’s bill of the day lists it more than once.`);
  });
  return { action: 'IN_REVIEW', refundId: refund?.id ?? null };
}

/** The bill may be older than the failure that we know of: only an answer of now decides. */
async function askAboutRefund(context: CommandContext, refundId: string): Promise<Settlement> {
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
      // Superseded: it moved on between our reading and our writing.
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
