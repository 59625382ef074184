import { apply, openMinorOf } from './allocation.ts';
import { applyPaymentReport } from './apply-payment-report.ts';
import { applyRefundReport } from './apply-refund-report.ts';
import { InvalidInputError } from './errors.ts';
import { formatMoney } from './money.ts';
import type { ReviewReason } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { closePayment, confirm, isClosed } from './order-lifecycle.ts';
import { isLive, waitingMinor } from './payment.ts';
import { restartChecks } from './payment-checks.ts';
import { isUnderWay } from './refund.ts';
import type { PaymentReport, RefundReport, ReportOutcome } from './report.ts';
import { needReview } from './review.ts';
import { refundSurplus } from './start-refund.ts';

/** An operator's findings and decision about an order in review. */
export type Resolution = {
  readonly reasons: readonly ReviewReason[];
  readonly note: string;
  /** The decision about quarantined money and late authorizations. Null when there are none. */
  readonly latePayment: 'ACCEPT' | 'REFUND' | null;
  /** The states of payments and refunds that the operator read in the provider's console. */
  readonly payments: readonly PaymentReport[];
  readonly refunds: readonly (RefundReport & { readonly paymentId: string; readonly refundId: string })[];
};

/**
 * Applies the operator's findings and decision, removes the review reasons, and records the note. Payments
 * and refunds whose outcome is still unknown are checked again. A repetition has no effect.
 *
 * @throws {InvalidInputError} when a finding contradicts the recorded state, or when `latePayment` is null although money
 * waits for a decision, or is set although none does. Nothing is changed then.
 */
export function resolveReview(change: OrderChange, resolution: Resolution): void {
  const { reasons, note } = resolution;
  const eventsBefore = change.events.length;
  applyFacts(change, resolution);
  const hasStated = change.events.length > eventsBefore;
  const held = change.order.reviewReasons.filter((reason) => reasons.includes(reason));
  // An earlier version did not put money back into review when the refund that it was reserved for was not approved.
  const isForgotten = reasons.includes('LATE_PAYMENT') && change.payments.some((payment) => waitingMinor(payment) > 0n);
  if (held.includes('LATE_PAYMENT') || isForgotten) decideLatePayments(change, resolution);
  if (held.includes('STUCK_UNKNOWN') || held.includes('REFUND_ABNORMAL')) resumeChecks(change);
  const { reviewReasons } = change.order;
  const left = reviewReasons.filter((reason) => !held.includes(reason));
  if (left.length === reviewReasons.length && !hasStated) return;
  change.record('ORDER_REVIEW_RESOLVED', { order: { reviewReasons: left }, note });
}

function applyFacts(change: OrderChange, { payments, refunds }: Resolution): void {
  const issues = [
    ...payments.map((report, index) => issueOf(`payments.${index}`, applyPaymentReport(change, report))),
    ...refunds.map((report, index) =>
      issueOf(`refunds.${index}`, applyRefundReport(change, report.paymentId, report, null)),
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
      return { path, message: 'exceeds the refundable amount of the payment.' };
    case 'refused':
      return {
        path,
        message:
          outcome.reason === 'mismatch'
            ? 'has a different amount, currency or provider id than the recorded one.'
            : 'contradicts the recorded status.',
      };
  }
}

function decideLatePayments(change: OrderChange, { latePayment, note }: Resolution): void {
  const captured = change.payments.filter((payment) => waitingMinor(payment) > 0n);
  const authorized = change.payments.filter(({ status }) => status === 'AUTHORIZED' && isClosed(change));
  const [first] = [...captured, ...authorized];
  if (first === undefined && latePayment !== null) {
    throw new InvalidInputError([
      {
        path: 'latePayment',
        message: 'must be null: no late money waits for a decision. Use requestRefund to refund money of the order.',
      },
    ]);
  }
  if (first !== undefined && latePayment === null) {
    throw new InvalidInputError([
      { path: 'latePayment', message: `is required: the money of ${first.id} waits for a decision.` },
    ]);
  }
  for (const payment of captured) {
    const { id, appliedMinor, surplusMinor, quarantinedMinor } = payment;
    const waiting = waitingMinor(payment);
    const shares =
      latePayment === 'ACCEPT'
        ? apply(change, waiting)
        : { appliedMinor: 0n, surplusMinor: waiting, quarantinedMinor: 0n };
    change.record('ORDER_REVIEW_RESOLVED', {
      payment: {
        id,
        appliedMinor: appliedMinor + shares.appliedMinor,
        surplusMinor: surplusMinor + shares.surplusMinor,
        quarantinedMinor: quarantinedMinor - waiting,
      },
      note,
    });
    if (shares.surplusMinor > 0n) {
      const surplus = formatMoney({ amountMinor: shares.surplusMinor, currency: payment.currency });
      needReview(change, 'SURPLUS', `${id}: a surplus of ${surplus} is to be refunded to the buyer.`);
      refundSurplus(change, id, 'person');
    }
    if (latePayment === 'ACCEPT') confirm(change, id);
  }
  for (const { id } of authorized) {
    // An order that is paid needs no authorization.
    if (latePayment === 'REFUND' || openMinorOf(change) === 0n) closePayment(change, id, 'CANCELED');
    else confirm(change, id);
  }
}

/** Restarts the checks of live payments and unfinished refunds whose check schedule has ended. */
function resumeChecks(change: OrderChange): void {
  for (const payment of change.payments) {
    if (isLive(payment) && payment.checkAt === null) restartChecks(change, payment.id);
  }
  for (const refund of change.refunds) {
    if (isUnderWay(refund) && refund.checkAt === null) {
      change.planRefund(refund.id, { checkAt: change.at, checkAttempts: 0, leasedUntil: null });
    }
  }
}
