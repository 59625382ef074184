import { after } from './clock.ts';
import { formatMoney } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { surplusRefundedOf } from './order-sums.ts';
import { type Payment, type PaymentFailure, refundableMinor, waitingMinor } from './payment.ts';
import { classifyRefundReport, isReserved, type Refund, type RefundFacts } from './refund.ts';
import { restartRefundChecks } from './refund-checks.ts';
import type { RefundReport, ReportOutcome } from './report.ts';
import { needReview, settleReviews } from './review.ts';
import { nextRefundCheckAt, settledDelayMsMin } from './schedule.ts';
import { newRefund, refundSurplus, startRefund } from './start-refund.ts';

/**
 * Applies what is reported of one refund of the payment. Applying it again changes nothing. A refund that we hold nothing of, made in the
 * provider's console or made a second time under a number of ours, is recorded as `newRefundId`, a fresh id; null asks about it first,
 * for there is nothing frozen to compare its amount with.
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
    return newRefundId === null ? early(change, payment) : adopt(change, payment, report, newRefundId);
  }
  const { amountMinor, currency } = report;
  if ((amountMinor ?? refund.amountMinor) !== refund.amountMinor || (currency ?? refund.currency) !== refund.currency) {
    const reported = formatMoney({
      amountMinor: amountMinor ?? refund.amountMinor,
      currency: currency ?? refund.currency,
    });
    needReview(change, 'REFUND_ABNORMAL', `${refund.id}: reported with ${reported}, not ${formatMoney(refund)}.`);
    return { effect: 'refused', reason: 'mismatch' };
  }
  if (report.status === 'PENDING' && report.failure !== null && isReserved(refund)) {
    noteStuck(change, refund.id, report.failure);
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

/**
 * Compares what we know of a payment's refunds with how much went back by the provider's account. What we have never heard of was done in
 * the provider's console, and its callback was lost: the provider lists nothing, so only its bill says what it was.
 */
export function compareReturned(
  change: OrderChange,
  paymentId: string,
  returned: 'NONE' | 'SOME' | 'ALL' | null,
): void {
  const { capturedMinor, refundedMinor, reservedMinor } = change.payment(paymentId);
  const knownMinor = refundedMinor + reservedMinor;
  const isUnheardOf = (returned === 'ALL' && knownMinor < capturedMinor) || (returned === 'SOME' && knownMinor === 0n);
  if (!isUnheardOf) return;
  needReview(
    change,
    'REFUND_ABNORMAL',
    `${paymentId}: the provider has sent back more than we know of; its bill says what.`,
  );
}

/** The provider can neither pay it out nor give it up by itself: somebody must see to it there. */
function noteStuck(change: OrderChange, refundId: string, { message }: PaymentFailure): void {
  needReview(change, 'REFUND_ABNORMAL', `${refundId}: ${message}`);
}

/**
 * The refund of ours that a report is about; null for one that we hold nothing of. The provider's id decides where both sides have one:
 * a report that names a refund of ours, and is about another object at the provider, is about another refund, and its money counts too.
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

/** The provider has it now, and says so for the first time. */
function accept(change: OrderChange, refund: Refund, report: RefundReport): ReportOutcome {
  const { providerRefundId } = report;
  if (report.status !== 'PENDING' || providerRefundId === null || refund.providerRefundId !== null) {
    return { effect: 'repeated' };
  }
  change.record('REFUND_PENDING', { payment: { id: refund.paymentId }, refund: reportedFacts(refund, report) });
  restartRefundChecks(change, refund.id);
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
      // After a failure only an answer to a question of ours says so: a callback may be the older of the two.
      if (!wasReserved && report.evidence.source === 'CALLBACK') return askAgain(change, refund);
      if (!wasReserved && refundableMinor(payment) < amountMinor) return early(change, payment);
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
  if (report.status === 'FAILED') takeUp(change, payment.id);
  if (report.status === 'FAILED' && (!wasReserved || refund.origin === 'SURPLUS')) {
    needReview(change, 'REFUND_ABNORMAL', `${refund.id}: the money has not reached the buyer.`);
  }
  if (report.status !== 'PENDING') watch(change, payment.id, report);
  return { effect: 'applied' };
}

/** What a refund that failed leaves behind: surplus that it had stood in the way of, or late money that waits again. */
function takeUp(change: OrderChange, paymentId: string): void {
  const payment = change.payment(paymentId);
  if (payment.surplusMinor > surplusRefundedOf(payment, change.refunds)) refundSurplus(change, paymentId);
  if (waitingMinor(payment) > 0n) needReview(change, 'LATE_PAYMENT', `${paymentId}: paid after the order was closed.`);
}

/** A refund that was made in the provider's console, as soon as its money is seen to be there. */
function adopt(change: OrderChange, payment: Payment, report: RefundReport, id: string): ReportOutcome {
  const { amountMinor, currency, providerRefundId, reason } = report;
  if (amountMinor === null || amountMinor < 1n || currency !== payment.currency || providerRefundId === null) {
    needReview(change, 'REFUND_ABNORMAL', `${payment.id}: a refund was reported that cannot be of this payment.`);
    return { effect: 'refused', reason: 'mismatch' };
  }
  const wanted = { id, paymentId: payment.id, origin: 'PROVIDER', amountMinor, reason, leasedUntil: null } as const;
  if (report.status === 'FAILED') {
    const made = newRefund(change, { ...wanted, checkAt: null });
    change.addRefund({ ...made, ...reportedFacts(made, report), ...failureOf(report), id, status: 'FAILED' });
    return { effect: 'applied' };
  }
  if (refundableMinor(payment) < amountMinor) return early(change, payment);
  if (report.refundId !== null) {
    needReview(change, 'REFUND_ABNORMAL', `${report.refundId}: the provider has made it twice.`);
  }
  startRefund(change, { ...wanted, checkAt: nextRefundCheckAt('PENDING', 0, change.at) });
  const refund = change.refund(id);
  if (report.status === 'PENDING' && report.failure !== null) noteStuck(change, refund.id, report.failure);
  if (report.status === 'PENDING') return accept(change, refund, report);
  return advance(change, change.payment(payment.id), refund, report);
}

/** The money is not there yet by what we know: the payment, and whatever holds its money back, is asked about now. */
function early(change: OrderChange, { id }: Payment): ReportOutcome {
  change.plan(id, { checkAt: change.at, leasedUntil: null });
  for (const refund of change.refunds) {
    if (refund.paymentId === id && isReserved(refund)) change.planRefund(refund.id, { checkAt: change.at });
  }
  return { effect: 'early' };
}

function askAgain(change: OrderChange, refund: Refund): ReportOutcome {
  change.planRefund(refund.id, { checkAt: change.at, leasedUntil: null });
  return { effect: 'refused', reason: 'superseded' };
}

/** A refund that ended may still be reversed, and one that was refused may have been overtaken by another: asked for later, or now. */
function watch(change: OrderChange, paymentId: string, { status, evidence }: RefundReport): void {
  const { checkAt } = change.payment(paymentId);
  const isRefused = status === 'FAILED' && evidence.source === 'RESPONSE';
  const next = isRefused ? change.at : after(change.at, settledDelayMsMin);
  if (checkAt === null || checkAt <= change.at || checkAt > next)
    change.plan(paymentId, { checkAt: next, checkAttempts: 0 });
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
    failureMessage: failure?.message ?? 'The provider could not send the money back.',
    failureProviderCode: failure?.providerCode ?? null,
  };
}

const noFailure = { failureReason: null, failureMessage: null, failureProviderCode: null } as const;

function timeOf({ evidence }: RefundReport): Date {
  return evidence.providerTime ?? evidence.receivedAt;
}
