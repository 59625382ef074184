import { applyPaymentReport } from './decide.ts';
import { InvalidInputError } from './errors.ts';
import { askFromNowOn, closePayment, confirm, isClosed } from './life.ts';
import type { ReviewReason } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { isLive, type Payment } from './payment.ts';
import { isReserved } from './refund.ts';
import { applyRefundReport, refundSurplus } from './refunding.ts';
import type { PaymentReport, RefundReport, ReportOutcome } from './report.ts';
import { apply } from './sharing.ts';

/** What an operator found out and decided about an order that needed a person. */
export type Resolution = {
  readonly reasons: readonly ReviewReason[];
  readonly resolvedBy: string;
  readonly note: string;
  /** What becomes of money that waits since the order was closed. */
  readonly latePayment: 'ACCEPT' | 'REFUND' | null;
  /** What the operator read in the provider's console. */
  readonly payments: readonly PaymentReport[];
  readonly refunds: readonly (RefundReport & { readonly paymentId: string; readonly refundId: string })[];
};

/**
 * Applies what the operator knows, decides what waits, and takes the reasons back, keeping who and why. What is still unknown after that
 * is asked again from now on. Repeating it changes nothing.
 *
 * @throws {InvalidInputError} when a fact contradicts what is certain, or money waits and nothing is said of it. Nothing is changed then.
 */
export function resolveReview(change: OrderChange, resolution: Resolution): void {
  const { reasons, resolvedBy, note } = resolution;
  applyFacts(change, resolution);
  const held = change.order.reviewReasons.filter((reason) => reasons.includes(reason));
  if (held.includes('LATE_PAYMENT')) decideLatePayments(change, resolution);
  if (held.includes('STUCK_UNKNOWN') || held.includes('REFUND_ABNORMAL')) askAgain(change);
  const { reviewReasons } = change.order;
  const left = reviewReasons.filter((reason) => !held.includes(reason));
  if (left.length === reviewReasons.length) return;
  change.record('ORDER_REVIEW_RESOLVED', { order: { reviewReasons: left }, note, resolvedBy });
}

function applyFacts(change: OrderChange, { payments, refunds }: Resolution): void {
  const issues = [
    ...payments.map((report, index) => issueOf(`payments.${index}`, applyPaymentReport(change, report))),
    ...refunds.map((report, index) =>
      issueOf(`refunds.${index}`, applyRefundReport(change, report.paymentId, report, report.refundId)),
    ),
  ].filter((issue) => issue !== null);
  if (issues.length > 0) throw new InvalidInputError(issues);
}

function issueOf(path: string, outcome: ReportOutcome) {
  switch (outcome.effect) {
    case 'applied':
    case 'repeated':
      return null;
    case 'early':
      return { path, message: 'is more than what is left of the payment.' };
    case 'refused':
      return {
        path,
        message:
          outcome.reason === 'mismatch'
            ? 'has another amount, currency or provider id than ours.'
            : 'contradicts what is certain already.',
      };
  }
}

function decideLatePayments(change: OrderChange, { latePayment, resolvedBy, note }: Resolution): void {
  for (const payment of change.payments.filter((candidate) => waits(change, candidate))) {
    const { id, quarantinedMinor, surplusMinor } = payment;
    if (latePayment === null) {
      throw new InvalidInputError([{ path: 'latePayment', message: `is required: ${id} waits for it.` }]);
    }
    if (payment.status === 'AUTHORIZED') {
      if (latePayment === 'REFUND') closePayment(change, id, 'CANCELED');
      else confirm(change, id);
      continue;
    }
    const shares =
      latePayment === 'ACCEPT'
        ? apply(change, quarantinedMinor)
        : { appliedMinor: 0n, surplusMinor: quarantinedMinor, quarantinedMinor: 0n };
    change.record('ORDER_REVIEW_RESOLVED', {
      payment: { id, ...shares, surplusMinor: surplusMinor + shares.surplusMinor },
      ...{ note, resolvedBy },
    });
    if (shares.surplusMinor > 0n) refundSurplus(change, id);
    if (latePayment === 'ACCEPT') confirm(change, id);
  }
}

/** Money of a closed order about which the merchant's policy leaves the decision to a person. */
function waits(change: OrderChange, { quarantinedMinor, status }: Payment): boolean {
  return quarantinedMinor > 0n || (status === 'AUTHORIZED' && isClosed(change));
}

function askAgain(change: OrderChange): void {
  for (const payment of change.payments) {
    if (isLive(payment) && payment.checkAt === null) askFromNowOn(change, payment.id);
  }
  for (const refund of change.refunds) {
    if (isReserved(refund) && refund.checkAt === null) {
      change.planRefund(refund.id, { checkAt: change.at, checkAttempts: 0, leasedUntil: null });
    }
  }
}
