import { openMinorOf, shareOut } from './allocation.ts';
import { after } from './clock.ts';
import { formatMoney, sumOf } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { closePayment, confirm, endClosing, endLate, isClosed, reopened } from './order-lifecycle.ts';
import { classifyReport, isAbandoned, lacksAction, type Payment, type PaymentFacts } from './payment.ts';
import { clockSkewMs, restartChecks } from './payment-checks.ts';
import type { PaymentReport, Verdict } from './report.ts';
import { needReview, settleReviews } from './review.ts';
import { refundSurplus } from './start-refund.ts';

/**
 * Applies a report of one payment of the order. Duplicates have no effect.
 *
 * @throws {RangeError} when the order has no such payment.
 */
export function applyPaymentReport(change: OrderChange, report: PaymentReport): Verdict {
  const payment = change.payment(report.paymentId);
  const mismatch = mismatchOf(payment, report);
  if (mismatch !== null) {
    needReview(change, 'AMOUNT_MISMATCH', `${payment.id}: ${mismatch}`);
    return { effect: 'refused', reason: 'mismatch' };
  }
  switch (classifyReport(payment.status, report.status)) {
    case 'repeats':
      keepCard(change, payment, report);
      return repeat(change, payment, report);
    case 'contradicts':
      return { effect: 'refused', reason: 'superseded' };
    case 'advances':
      if (isStale(payment, report)) return { effect: 'refused', reason: 'superseded' };
      advance(change, payment, report);
      keepCard(change, payment, report);
      return { effect: 'applied' };
  }
}

/** The card that paid. One that was declined is not kept: another may pay. */
function keepCard(change: OrderChange, { id, cardBrand, cardLast4 }: Payment, { card, status }: PaymentReport): void {
  if (card === null || (status !== 'AUTHORIZED' && status !== 'SUCCEEDED')) return;
  if (card.brand === cardBrand && card.last4 === cardLast4) return;
  change.plan(id, { cardBrand: card.brand, cardLast4: card.last4 });
}

/**
 * Records a callback that has a valid signature and names one of our payments, but belongs to another account at the
 * provider. It changes nothing except that the order goes into review.
 *
 * @param why continues the review note after the payment id and a colon.
 */
export function noteForeignReport(change: OrderChange, paymentId: string, why: string): Verdict {
  needReview(change, 'AMOUNT_MISMATCH', `${paymentId}: ${why}`);
  return { effect: 'refused', reason: 'mismatch' };
}

/** Why a report contradicts the fixed values of the payment, for the review note; null when it does not. */
function mismatchOf(payment: Payment, report: PaymentReport): string | null {
  const { amountMinor, currency, capturedMinor, providerPaymentId } = report;
  if (currency !== null && currency !== payment.currency) {
    return `reported in ${currency} instead of ${payment.currency}.`;
  }
  const format = (minor: bigint) => formatMoney({ amountMinor: minor, currency: payment.currency });
  if (amountMinor !== null && amountMinor !== payment.amountMinor) {
    return `reported with ${format(amountMinor)} instead of ${format(payment.amountMinor)}.`;
  }
  if (
    providerPaymentId !== null &&
    payment.providerPaymentId !== null &&
    providerPaymentId !== payment.providerPaymentId
  ) {
    return `reported with the provider id ${providerPaymentId} instead of ${payment.providerPaymentId}.`;
  }
  if (report.status !== 'SUCCEEDED' || capturedMinor === null) return null;
  if (payment.status === 'SUCCEEDED' && capturedMinor !== payment.capturedMinor) {
    return `reported with ${format(capturedMinor)} captured instead of ${format(payment.capturedMinor)}.`;
  }
  const captureIsWrong =
    payment.captureMode === 'AUTOMATIC' ? capturedMinor !== payment.amountMinor : capturedMinor > payment.amountMinor;
  return captureIsWrong ? `reported with ${format(capturedMinor)} captured of ${format(payment.amountMinor)}.` : null;
}

/**
 * True when a report is older than the recorded evidence. Before money moves, the provider's timestamps decide. An
 * authorization must be newer than a recorded end of the payment: otherwise the delayed callback of a voided
 * authorization would restore it.
 */
function isStale(payment: Payment, report: PaymentReport): boolean {
  const reported = report.evidence.providerTime;
  if (report.status === 'ACTION_REQUIRED' || report.status === 'PROCESSING') {
    const held = payment.evidenceProviderTime ?? queriedAt(payment);
    return held !== null && reported !== null && reported < held;
  }
  if (report.status !== 'AUTHORIZED' || !isAbandoned(payment)) return false;
  const ended = payment.evidenceProviderTime ?? payment.evidenceReceivedAt;
  return ended !== null && (reported ?? report.evidence.receivedAt) <= ended;
}

/** The time of a query result, which has no provider time: the time of our query, minus the possible clock skew. */
function queriedAt({ evidenceSource, evidenceReceivedAt }: Payment): Date | null {
  return evidenceSource === 'QUERY' && evidenceReceivedAt !== null ? after(evidenceReceivedAt, -clockSkewMs) : null;
}

function repeat(change: OrderChange, payment: Payment, report: PaymentReport): Verdict {
  const { failure } = report;
  if (report.status === 'ACTION_REQUIRED') {
    // The response to our own call can arrive after a callback and is then the first to carry the next action. An expired
    // next action is replaced as well.
    if (report.nextAction !== null && lacksAction(payment, change.at)) change.plan(payment.id, plannedBy(report));
    const isNewAttempt = failure !== null && failure.attempt !== payment.failureAttempt && !isStale(payment, report);
    if (isNewAttempt) {
      change.record('PAYMENT_ACTION_REQUIRED', {
        payment: { id: payment.id, ...evidenceOf(report), ...failureOf(report) },
      });
      return { effect: 'applied' };
    }
  }
  return { effect: 'repeated' };
}

function advance(change: OrderChange, payment: Payment, report: PaymentReport): void {
  const before = change.order.status;
  switch (report.status) {
    case 'ACTION_REQUIRED':
      change.record('PAYMENT_ACTION_REQUIRED', { payment: reportedFacts(payment, report) });
      break;
    case 'PROCESSING':
      change.record('PAYMENT_PROCESSING', { payment: reportedFacts(payment, report) });
      break;
    case 'AUTHORIZED':
      authorize(change, payment, report);
      break;
    case 'SUCCEEDED':
      succeed(change, payment, report);
      break;
    case 'FAILED':
      change.record('PAYMENT_FAILED', {
        payment: { ...reportedFacts(payment, report), authorizedMinor: 0n, closeTarget: null },
        ...reopened(change, payment.id),
      });
      break;
    case 'CANCELED':
    case 'EXPIRED':
      end(change, payment, report);
      break;
  }
  const { status, captureMinor } = change.payment(payment.id);
  change.plan(payment.id, {
    ...plannedBy(report),
    nextAction:
      status === 'ACTION_REQUIRED' || status === 'PROCESSING'
        ? (report.nextAction ?? keptAction(payment, status))
        : null,
    captureMinor: status === 'AUTHORIZED' ? captureMinor : null,
  });
  restartChecks(change, payment.id);
  endClosing(change);
  endLate(change);
  settleReviews(change);
  if (before === 'CONFIRMED' && change.order.status === 'OPEN') change.planOrder({ dueAt: change.order.expiresAt });
}

/**
 * Keeps the next action while the provider processes the payment: after a declined card the buyer needs it again, and the
 * callback does not repeat it. A hosted card page is the exception, because it cannot be used again once processing has
 * started.
 */
function keptAction({ method, flow, nextAction }: Payment, status: Payment['status']): Payment['nextAction'] {
  return status === 'PROCESSING' && method === 'CARD' && flow === 'REDIRECT' ? null : nextAction;
}

function authorize(change: OrderChange, payment: Payment, report: PaymentReport): void {
  const wasClosed = isClosed(change);
  const others = change.payments.filter(({ id }) => id !== payment.id);
  const isCovered = sumOf(others, ({ authorizedMinor }) => authorizedMinor) >= change.order.totalMinor;
  change.record('PAYMENT_AUTHORIZED', {
    payment: {
      ...reportedFacts(payment, report),
      authorizedMinor: payment.amountMinor,
      late: isAbandoned(payment) || wasClosed,
      closeTarget: null,
      ...noFailure,
    },
  });
  if (wasClosed) needReview(change, 'LATE_PAYMENT', `${payment.id}: authorized after the order was closed.`);
  const isUnwanted = isCovered || (wasClosed && change.latePaymentPolicy === 'REFUND');
  if (isUnwanted) closePayment(change, payment.id, 'CANCELED');
  else if (!wasClosed || change.latePaymentPolicy === 'ACCEPT') confirm(change, payment.id);
}

function succeed(change: OrderChange, payment: Payment, report: PaymentReport): void {
  const wasClosed = isClosed(change);
  const capturedMinor = report.capturedMinor ?? payment.amountMinor;
  const shares = shareOut(change, capturedMinor);
  change.record('PAYMENT_SUCCEEDED', {
    payment: {
      ...reportedFacts(payment, report),
      authorizedMinor: payment.amountMinor,
      capturedMinor,
      ...shares,
      late: isAbandoned(payment) || wasClosed,
      closeTarget: null,
      ...noFailure,
      succeededAt: report.evidence.providerTime ?? report.evidence.receivedAt,
    },
  });
  if (wasClosed) needReview(change, 'LATE_PAYMENT', `${payment.id}: paid after the order was closed.`);
  if (shares.surplusMinor > 0n) {
    const surplus = formatMoney({ amountMinor: shares.surplusMinor, currency: payment.currency });
    needReview(change, 'SURPLUS', `${payment.id}: a surplus of ${surplus} is refunded to the buyer.`);
    refundSurplus(change, payment.id);
  }
  if (!wasClosed || change.latePaymentPolicy === 'ACCEPT') confirm(change, payment.id);
  if (openMinorOf(change) > 0n) return;
  for (const { id, status } of change.payments) {
    if (status === 'AUTHORIZED') closePayment(change, id, 'CANCELED'); // the order is paid without this authorization
  }
}

function end(change: OrderChange, payment: Payment, report: PaymentReport): void {
  // The reason for our own close decides: after an expired order, the provider reports CANCELED, but the payment expired.
  const status = payment.closeTarget ?? (report.status === 'EXPIRED' ? 'EXPIRED' : 'CANCELED');
  change.record(status === 'EXPIRED' ? 'PAYMENT_EXPIRED' : 'PAYMENT_CANCELED', {
    payment: { ...reportedFacts(payment, report), status, authorizedMinor: 0n, closeTarget: null },
    ...reopened(change, payment.id),
  });
}

function reportedFacts(payment: Payment, report: PaymentReport): { readonly id: string } & Partial<PaymentFacts> {
  return {
    id: payment.id,
    status: report.status,
    providerPaymentId: report.providerPaymentId ?? payment.providerPaymentId,
    ...evidenceOf(report),
    ...(report.failure === null ? {} : failureOf(report)),
  };
}

function plannedBy(
  report: PaymentReport,
): Pick<Payment, 'nextAction' | 'providerReference'> | Pick<Payment, 'nextAction'> {
  const { nextAction, providerReference } = report;
  return providerReference === null ? { nextAction } : { nextAction, providerReference };
}

function evidenceOf({ evidence }: PaymentReport): Partial<PaymentFacts> {
  return {
    evidenceSource: evidence.source,
    evidenceProviderTime: evidence.providerTime,
    evidenceReceivedAt: evidence.receivedAt,
  };
}

function failureOf({ failure }: PaymentReport): Partial<PaymentFacts> {
  if (failure === null) return {};
  return {
    failureReason: failure.reason,
    failureMessage: failure.message,
    failureProviderCode: failure.providerCode,
    failureAttempt: failure.attempt,
  };
}

const noFailure = {
  failureReason: null,
  failureMessage: null,
  failureProviderCode: null,
  failureAttempt: null,
} as const;
