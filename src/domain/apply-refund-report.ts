import { after } from './clock.ts';
import { formatMoney, type Money, sumOf } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { surplusRefundedOf } from './order-sums.ts';
import { type Payment, type PaymentFailure, refundableMinor, waitingMinor } from './payment.ts';
import { checkSoon } from './payment-checks.ts';
import { classifyRefundReport, isReserved, isUnderWay, type Refund, type RefundFacts } from './refund.ts';
import { restartRefundChecks } from './refund-checks.ts';
import type { RefundReport, ReportOutcome } from './report.ts';
import { needReview, settleReviews } from './review.ts';
import { nextRefundCheckAt, settledDelayMsMin } from './schedule.ts';
import { newRefund, refundSurplus, startRefund } from './start-refund.ts';

/**
 * Applies a report of one refund of the payment. Duplicates have no effect.
 *
 * A refund that is not recorded yet was made in the provider's console, or is a second refund under one of our ids. It is
 * recorded under `newRefundId`, a new id. When `newRefundId` is null, such a refund is not recorded and the result is
 * `early`: there is no recorded amount to compare with, so the provider has to be queried first.
 */
export function applyRefundReport(
  change: OrderChange,
  paymentId: string,
  report: RefundReport,
  newRefundId: string | null,
): ReportOutcome {
  const payment = change.payment(paymentId);
  const refund = findRefund(change, paymentId, report);
  if (refund === null) {
    return newRefundId === null ? deferReport(change, payment) : adopt(change, payment, report, newRefundId);
  }
  const difference = differenceFrom(refund, report);
  if (difference !== null) {
    needReview(change, 'REFUND_ABNORMAL', `${refund.id}: ${difference}`);
    return { effect: 'refused', reason: 'mismatch' };
  }
  if (report.status === 'PENDING' && report.failure !== null && isReserved(refund)) {
    reviewStuckRefund(change, refund.id, report.failure);
  }
  switch (classifyRefundReport(refund.status, report.status)) {
    case 'repeats':
      return accept(change, refund, report);
    case 'contradicts':
      return { effect: 'refused', reason: 'superseded' };
    case 'advances':
      return advance(change, payment, refund, report);
  }
}

/** How the amount or the currency of a report differs from what is known, for a review note; null when it states nothing else. */
export function differenceFrom(known: Money, report: Pick<RefundReport, 'amountMinor' | 'currency'>): string | null {
  const reported = {
    amountMinor: report.amountMinor ?? known.amountMinor,
    currency: report.currency ?? known.currency,
  };
  if (reported.amountMinor === known.amountMinor && reported.currency === known.currency) return null;
  return `reported with ${formatMoney(reported)} instead of ${formatMoney(known)}.`;
}

/**
 * Compares the recorded refunds of a payment with the refunded share that the provider states. If the provider refunded
 * more, the order goes into review: the refund was made in the provider's console and its callback was lost. Used for
 * providers that do not list refunds. Only their bill has the details.
 *
 * @param returned null when the provider does not state a share.
 */
export function compareReturned(
  change: OrderChange,
  paymentId: string,
  returned: 'NONE' | 'SOME' | 'ALL' | null,
): void {
  const { capturedMinor, refundedMinor, reservedMinor } = change.payment(paymentId);
  // The provider knows nothing of a refund that waits for approval.
  const knownMinor =
    refundedMinor + reservedMinor - sumOf(waitingFor(change, paymentId), (refund) => refund.amountMinor);
  const isUnrecorded = (returned === 'ALL' && knownMinor < capturedMinor) || (returned === 'SOME' && knownMinor === 0n);
  if (!isUnrecorded) return;
  needReview(
    change,
    'REFUND_ABNORMAL',
    `${paymentId}: the provider has refunded more than is recorded here. Look up the refund in the provider’s bill.`,
  );
}

/** The provider can neither complete nor end the refund by itself. An operator must act there. */
function reviewStuckRefund(change: OrderChange, refundId: string, { message }: PaymentFailure): void {
  needReview(change, 'REFUND_ABNORMAL', `${refundId}: ${message}`);
}

/**
 * The recorded refund that a report is about; null when it is not recorded. If both sides have a provider refund id, that
 * id decides: a report with our refund id but another provider refund id is about a second refund, and its money counts
 * in addition.
 */
export function findRefund(
  { refunds: all }: { readonly refunds: readonly Refund[] },
  paymentId: string,
  { refundId, providerRefundId }: Pick<RefundReport, 'refundId' | 'providerRefundId'>,
): Refund | null {
  const refunds = all.filter((refund) => refund.paymentId === paymentId);
  const known = refunds.find((refund) => providerRefundId !== null && refund.providerRefundId === providerRefundId);
  if (known !== undefined) return known;
  const named = refunds.find(({ id }) => id === refundId);
  if (named === undefined) return null;
  return named.providerRefundId === null || providerRefundId === null ? named : null;
}

/**
 * Records the provider's id when a report states it for the first time: of a pending refund, or of one whose outcome an operator stated. Without
 * the id, every other refund that the provider made under our id would be taken for this one.
 */
function accept(change: OrderChange, refund: Refund, report: RefundReport): ReportOutcome {
  if (report.providerRefundId === null || refund.providerRefundId !== null) return { effect: 'repeated' };
  const isPending = report.status === 'PENDING';
  change.record(isPending ? 'REFUND_PENDING' : 'REFUND_UPDATED', {
    payment: { id: refund.paymentId },
    refund: reportedFacts(refund, report),
  });
  if (isPending) restartRefundChecks(change, refund.id);
  return { effect: 'applied' };
}

function advance(change: OrderChange, payment: Payment, refund: Refund, report: RefundReport): ReportOutcome {
  const { amountMinor } = refund;
  const { id, refundedMinor, reservedMinor } = payment;
  const wasReserved = isReserved(refund);
  const released = wasReserved ? { reservedMinor: reservedMinor - amountMinor } : {};
  switch (report.status) {
    case 'PENDING':
      change.record('REFUND_PENDING', { payment: { id }, refund: reportedFacts(refund, report) });
      break;
    case 'SUCCEEDED':
      // After a failure a callback does not prove success, because it may be older than the failure. Query instead.
      if (!wasReserved && report.evidence.source === 'CALLBACK') return checkInstead(change, refund);
      if (!wasReserved && !makeRoom(change, id, amountMinor)) return deferReport(change, payment);
      change.record('REFUND_SUCCEEDED', {
        payment: { id, refundedMinor: refundedMinor + amountMinor, ...released },
        refund: { ...reportedFacts(refund, report), ...noFailure, succeededAt: timeOf(report) },
      });
      break;
    case 'FAILED':
      change.record('REFUND_FAILED', {
        payment: { id, ...(wasReserved ? released : { refundedMinor: refundedMinor - amountMinor }) },
        refund: { ...reportedFacts(refund, report), ...failureOf(report), succeededAt: null },
      });
      break;
  }
  restartRefundChecks(change, refund.id);
  settleReviews(change);
  if (report.status !== 'PENDING') refundRestOfSurplus(change, payment.id);
  if (report.status === 'FAILED') reviewReleasedAmount(change, payment.id);
  if (report.status === 'FAILED' && (!wasReserved || refund.origin === 'SURPLUS')) {
    needReview(change, 'REFUND_ABNORMAL', `${refund.id}: the refund failed. The buyer has not received the money.`);
  }
  if (report.status !== 'PENDING') planLaterCheck(change, payment.id, report);
  return { effect: 'applied' };
}

/** After the amount of a refund was released: refunds the surplus that was blocked by it, and puts quarantined money back into review. */
export function handleReleasedAmount(change: OrderChange, paymentId: string): void {
  refundRestOfSurplus(change, paymentId);
  reviewReleasedAmount(change, paymentId);
}

/** Refunds the surplus that an earlier refund has blocked, or that was decided while it was under way. */
function refundRestOfSurplus(change: OrderChange, paymentId: string): void {
  const payment = change.payment(paymentId);
  if (payment.surplusMinor > surplusRefundedOf(payment, change.refunds)) refundSurplus(change, paymentId);
}

function reviewReleasedAmount(change: OrderChange, paymentId: string): void {
  if (waitingMinor(change.payment(paymentId)) > 0n)
    needReview(change, 'LATE_PAYMENT', `${paymentId}: paid after the order was closed.`);
}

/** Records a refund that was made in the provider's console, unless its payment does not cover the amount yet. */
function adopt(change: OrderChange, payment: Payment, report: RefundReport, id: string): ReportOutcome {
  const { amountMinor, currency, providerRefundId, reason } = report;
  if (amountMinor === null || amountMinor < 1n || currency !== payment.currency || providerRefundId === null) {
    const note = `${payment.id}: a refund was reported with an amount, currency or id that this payment cannot have.`;
    needReview(change, 'REFUND_ABNORMAL', note);
    return { effect: 'refused', reason: 'mismatch' };
  }
  const wanted = { id, paymentId: payment.id, origin: 'PROVIDER', amountMinor, reason, leasedUntil: null } as const;
  if (report.status === 'FAILED') {
    const made = newRefund(change, { ...wanted, checkAt: null });
    change.addRefund({ ...made, ...reportedFacts(made, report), ...failureOf(report), id, status: 'FAILED' });
    return { effect: 'applied' };
  }
  if (!makeRoom(change, payment.id, amountMinor)) return deferReport(change, payment);
  if (report.refundId !== null) {
    needReview(change, 'REFUND_ABNORMAL', `${report.refundId}: the provider executed this refund twice.`);
  }
  startRefund(change, { ...wanted, checkAt: nextRefundCheckAt('PENDING', 0, change.at) });
  const refund = change.refund(id);
  if (report.status === 'PENDING' && report.failure !== null) reviewStuckRefund(change, refund.id, report.failure);
  if (report.status === 'PENDING') return accept(change, refund, report);
  return advance(change, change.payment(payment.id), refund, report);
}

/** The refunds of a payment that wait for another person. They were never sent to the provider. */
function waitingFor({ refunds }: OrderChange, paymentId: string): Refund[] {
  return refunds.filter(
    (refund) => refund.paymentId === paymentId && refund.approval === 'NEEDED' && isReserved(refund),
  );
}

/**
 * Makes room for a refund that the provider has made: ends refunds that wait for approval, the newest first. The provider would refuse them, and while
 * they wait, the refund that was made would not be recorded.
 *
 * @returns false when there is not enough room all the same. Then nothing is changed.
 */
function makeRoom(change: OrderChange, paymentId: string, amountMinor: bigint): boolean {
  const waiting = waitingFor(change, paymentId);
  const room = () => refundableMinor(change.payment(paymentId));
  if (room() + sumOf(waiting, (refund) => refund.amountMinor) < amountMinor) return false;
  for (const refund of waiting.toReversed()) {
    if (room() >= amountMinor) break;
    const message = 'The amount was refunded at the provider while this refund waited for approval.';
    endUnapproved(change, refund, 'superseded', message);
  }
  return true;
}

/** Ends a refund that waits for approval, by the word of the actor, and releases its amount. */
export function endUnapproved(
  change: OrderChange,
  { id, paymentId, amountMinor }: Refund,
  failureReason: 'rejected' | 'superseded',
  failureMessage: string,
): void {
  const { actor } = change;
  const { reservedMinor } = change.payment(paymentId);
  change.record('REFUND_FAILED', {
    payment: { id: paymentId, reservedMinor: reservedMinor - amountMinor },
    refund: {
      ...{ id, status: 'FAILED', approval: 'REJECTED', decidedByKind: actor.kind, decidedById: actor.id },
      ...{ failureReason, failureMessage },
    },
  });
}

/**
 * Defers a report: by our records, the payment does not cover the refund yet. Checks the payment and its pending refunds
 * now, because the records may be outdated.
 */
function deferReport(change: OrderChange, { id }: Payment): ReportOutcome {
  checkSoon(change, id, change.at);
  change.plan(id, { leasedUntil: null });
  for (const refund of change.refunds) {
    if (refund.paymentId === id && isUnderWay(refund)) change.planRefund(refund.id, { checkAt: change.at });
  }
  return { effect: 'early' };
}

/** Refuses a report that may be outdated, and checks the refund now. */
function checkInstead(change: OrderChange, refund: Refund): ReportOutcome {
  change.planRefund(refund.id, { checkAt: change.at, leasedUntil: null });
  return { effect: 'refused', reason: 'superseded' };
}

/**
 * Plans a check of the payment after a refund ended, because the provider can still reverse the refund. After a refusal in
 * the response to our call, the check is due now: another refund may have used the amount first.
 */
function planLaterCheck(change: OrderChange, paymentId: string, { status, evidence }: RefundReport): void {
  const { checkAt } = change.payment(paymentId);
  const next = after(change.at, settledDelayMsMin);
  if (checkAt === null || checkAt <= change.at || checkAt > next)
    change.plan(paymentId, { checkAt: next, checkAttempts: 0 });
  if (status === 'FAILED' && evidence.source === 'RESPONSE') checkSoon(change, paymentId, change.at);
}

type ReportedFacts = { readonly id: string } & Partial<RefundFacts>;

function reportedFacts(refund: Pick<Refund, 'id' | 'providerRefundId'>, report: RefundReport): ReportedFacts {
  return {
    id: refund.id,
    status: report.status,
    providerRefundId: report.providerRefundId ?? refund.providerRefundId,
    evidenceSource: report.evidence.source,
    evidenceProviderTime: report.evidence.providerTime,
    evidenceReceivedAt: report.evidence.receivedAt,
  };
}

function failureOf({ failure }: RefundReport): Partial<RefundFacts> {
  return {
    failureReason: failure?.reason ?? 'provider_error',
    failureMessage: failure?.message ?? 'The provider could not refund the money.',
    failureProviderCode: failure?.providerCode ?? null,
  };
}

const noFailure = { failureReason: null, failureMessage: null, failureProviderCode: null } as const;

function timeOf({ evidence }: RefundReport): Date {
  return evidence.providerTime ?? evidence.receivedAt;
}
