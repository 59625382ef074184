import { providerActor, systemActor } from '../domain/actor.ts';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { applyRefundReport, compareReturned } from '../domain/apply-refund-report.ts';
import { refuseCapture } from '../domain/capture.ts';
import { after } from '../domain/clock.ts';
import { newId } from '../domain/ids.ts';
import { isFree } from '../domain/lease.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import {
  type Evidence,
  isAbandoned,
  isLive,
  lacksAction,
  type Payment,
  type PaymentFailure,
} from '../domain/payment.ts';
import {
  markUnknown,
  postponeCheck,
  postponeSubmission,
  restartAbandonedChecks,
  watchLink,
} from '../domain/payment-checks.ts';
import { type PaymentReport, paymentReport } from '../domain/report.ts';
import { refundSurplus } from '../domain/start-refund.ts';
import { aboutOrder } from '../logging/request-log.ts';
import {
  isProviderError,
  NotExecutedError,
  type PaymentProvider,
  type QueryAnswer,
  type RefundList,
  RejectedError,
} from '../providers/provider.ts';
import { changeOrder } from '../store/change-order.ts';
import { loadOrderOfPayment } from '../store/order-store.ts';
import { isConfigured, logProviderError, providerOf } from './accounts.ts';
import type { CommandContext } from './context.ts';
import { isOvertaken } from './refunds.ts';
import { paymentOrderOf, withinCallDeadline } from './requests.ts';
import { rejectionOf } from './submit-payment.ts';

/** Whether the provider answered. An answer is already applied to the payment. */
export type CheckOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'unanswered'; readonly retryAfterMs: number; readonly cause: Error };

const unansweredRetryAfterMs = 5000;
const endedRetryAfterMs = 60 * 60_000;

/** The provider's answer. */
type Answer = {
  /** Null when the payment was not found, which is not conclusive, or when only its refunds were queried. */
  readonly report: PaymentReport | null;
  readonly list: RefundList;
  /** The time until which a buyer can still pay a payment that the provider does not know yet; null when nobody can. */
  readonly payableUntil: Date | null;
  /** True when an abandoned payment was still open at the provider and a close was sent. */
  readonly isClosedAgain: boolean;
  /** Why the provider refused the requested capture for good; null when it did not. */
  readonly captureRefusal: PaymentFailure | null;
};

/**
 * Queries the provider about one payment and applies the answer. Without an answer, the next check is scheduled.
 *
 * - A payment that is being closed is closed at the provider.
 * - A payment or a capture that never reached the provider is submitted again, under the same idempotency key.
 * - The refunds of a succeeded payment are listed.
 *
 * @param action `renew` when a caller waits for the next action: an expired one is renewed.
 */
export async function checkPayment(
  context: CommandContext,
  paymentId: string,
  action: 'renew' | 'keep' = 'keep',
): Promise<CheckOutcome> {
  const held = await loadOrderOfPayment(context.db.pool, paymentId);
  const payment = held?.payments.find(({ id }) => id === paymentId);
  if (held === null || payment === undefined) throw new Error(`Payment ${paymentId} no longer exists.`);
  aboutOrder(context.log, payment.orderId);
  const step = payment.status === 'CANCELING' ? 'close' : 'check';
  let answer: Answer;
  try {
    answer = await withinCallDeadline((signal) => callProvider(context, held, payment, action === 'renew', signal));
  } catch (error) {
    return unanswered(context, payment, error);
  }
  await context.failpoint(`${step}.called`);
  await changeOrder(context, `${step}.answer`, { orderId: payment.orderId, actor: providerActor(payment) }, (change) =>
    apply(change, held, payment, answer),
  );
  return { kind: 'answered' };
}

async function callProvider(
  context: CommandContext,
  held: OrderAggregate,
  payment: Payment,
  isToRenew: boolean,
  signal: AbortSignal,
): Promise<Answer> {
  const provider = providerOf(context, payment);
  const paymentOrder = paymentOrderOf(held, payment);
  if (payment.status === 'SUCCEEDED') {
    const list = await provider.listRefunds(paymentOrder, signal);
    // A callback does not say which card has paid.
    const lacksCard = payment.method === 'CARD' && payment.cardBrand === null;
    const asked = lacksCard ? await provider.queryPayment(paymentOrder, signal) : null;
    const isPaid = asked?.kind === 'report' && asked.report.status === 'SUCCEEDED';
    return { ...nothing, list, report: isPaid ? asked.report : null };
  }
  if (payment.status === 'CANCELING') {
    const closed = await provider.closePayment(paymentOrder, signal);
    const { report, payableUntil } = answerOf(closed);
    return { ...nothing, payableUntil, report: report ?? neverStarted(payment, context.clock.now()) };
  }
  const asked = await provider.queryPayment(paymentOrder, signal);
  if (asked.kind === 'notFound') {
    const isToBeSubmitted = payment.status === 'SUBMITTING' || payment.status === 'UNKNOWN';
    if (isToBeSubmitted) return { ...nothing, report: await submitAgain(context, provider, held, payment, signal) };
    // The buyer has not opened the link or QR code, and it has expired.
    const isOver = isToRenew && lacksAction(payment, context.clock.now()) && asked.payableUntil !== null;
    if (isOver) return { ...nothing, report: await startAgain(provider, held, payment, signal) };
    return answerOf(asked);
  }
  const { status } = asked.report;
  if (status === 'ACTION_REQUIRED' && isAbandoned(payment)) {
    // The abandoned payment can still be paid at the provider: the call that closed it, or the call that created it, was lost.
    return { ...answerOf(await provider.closePayment(paymentOrder, signal)), isClosedAgain: true };
  }
  if (status === 'ACTION_REQUIRED' && asked.report.nextAction === null) {
    return { ...nothing, report: await withAction(context, provider, held, payment, asked.report, isToRenew, signal) };
  }
  if (status === 'AUTHORIZED' && payment.captureMinor !== null) {
    return captureAgain(provider, held, payment, payment.captureMinor, asked.report, signal);
  }
  return { ...nothing, report: asked.report };
}

const nothing: Answer = {
  report: null,
  list: { refunds: [], returned: null },
  payableUntil: null,
  isClosedAgain: false,
  captureRefusal: null,
};

function answerOf(answer: QueryAnswer): Answer {
  if (answer.kind === 'report') return { ...nothing, report: answer.report };
  return { ...nothing, payableUntil: answer.payableUntil };
}

/** Some providers return the next action only from the call that starts the payment. Repeating that call renews it. */
async function withAction(
  context: CommandContext,
  provider: PaymentProvider,
  held: OrderAggregate,
  payment: Payment,
  asked: PaymentReport,
  isToRenew: boolean,
  signal: AbortSignal,
): Promise<PaymentReport> {
  const now = context.clock.now();
  const isMissing = payment.status === 'SUBMITTING' || payment.status === 'UNKNOWN' || payment.nextAction === null;
  const isWanted = isMissing || (isToRenew && lacksAction(payment, now));
  if (!isWanted || payment.expiresAt <= now) return asked;
  return (await startAgain(provider, held, payment, signal)) ?? asked;
}

/** Repeats the call that started the payment. Null when it is refused: the payment has changed, and the next check gets its state. */
async function startAgain(
  provider: PaymentProvider,
  held: OrderAggregate,
  payment: Payment,
  signal: AbortSignal,
): Promise<PaymentReport | null> {
  try {
    return await provider.startPayment(paymentOrderOf(held, payment), signal);
  } catch (error) {
    if (error instanceof RejectedError) return null;
    throw error;
  }
}

async function submitAgain(
  { clock }: CommandContext,
  provider: PaymentProvider,
  held: OrderAggregate,
  payment: Payment,
  signal: AbortSignal,
): Promise<PaymentReport> {
  try {
    return await provider.startPayment(paymentOrderOf(held, payment), signal);
  } catch (error) {
    if (error instanceof RejectedError) return rejectionOf(payment.id, error.failure, clock.now());
    throw error;
  }
}

async function captureAgain(
  provider: PaymentProvider,
  held: OrderAggregate,
  payment: Payment,
  amountMinor: bigint,
  asked: PaymentReport,
  signal: AbortSignal,
): Promise<Answer> {
  const capture = { amountMinor, attempt: payment.captureAttempt };
  try {
    return { ...nothing, report: await provider.capturePayment(paymentOrderOf(held, payment), capture, signal) };
  } catch (error) {
    if (error instanceof RejectedError) return { ...nothing, report: asked, captureRefusal: error.failure };
    throw error;
  }
}

function apply(change: OrderChange, held: OrderAggregate, asked: Payment, answer: Answer): void {
  const { id } = asked;
  const { report, list, isClosedAgain, captureRefusal } = answer;
  // If the provider refused the close, the buyer can still pay.
  const isOpen = isClosedAgain && report?.status === 'ACTION_REQUIRED';
  const payableUntil = isOpen ? asked.expiresAt : answer.payableUntil;
  if (captureRefusal !== null) refuseCapture(change, id, asked.captureAttempt, captureRefusal);
  const { status } = change.payment(id);
  if (report?.status === 'AUTHORIZED' && status !== asked.status && isAbandoned({ status })) {
    // The payment ended during the query. Only another query shows which state is newer.
    change.plan(id, { checkAt: change.at, leasedUntil: null });
    return;
  }
  if (report !== null) applyPaymentReport(change, report);
  // An earlier version may have recorded a surplus that it could not refund.
  if (change.payment(id).surplusMinor > 0n) refundSurplus(change, id);
  for (const refund of list.refunds) {
    if (!isOvertaken(change, held, id, refund)) applyRefundReport(change, id, refund, newId('refund'));
  }
  compareReturned(change, id, list.returned);
  postponeCheck(change, id);
  if (isClosedAgain) restartAbandonedChecks(change, id);
  if (payableUntil !== null) watchLink(change, id, payableUntil);
}

async function unanswered(context: CommandContext, { id, orderId }: Payment, error: unknown): Promise<CheckOutcome> {
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { paymentId: id }, 'the state of a payment could not be queried');
  await changeOrder(context, 'check.answer', { orderId, actor: systemActor }, (change) => {
    const { status } = change.payment(id);
    if (!isLive({ status }) && !(error instanceof RejectedError)) {
      // A provider that does not answer must not use up the few remaining checks of a payment that has ended.
      change.plan(id, { leasedUntil: null, checkAt: after(change.at, endedRetryAfterMs) });
    } else if (status === 'SUBMITTING' && error instanceof NotExecutedError) {
      // The call was certainly not executed: the payment is still to be submitted, and its outcome is not unknown.
      postponeSubmission(change, id, error.retryAfterMs);
    } else if (status === 'SUBMITTING') markUnknown(change, id);
    else postponeCheck(change, id);
  });
  const retryAfterMs = error instanceof NotExecutedError ? error.retryAfterMs : unansweredRetryAfterMs;
  return { kind: 'unanswered', retryAfterMs, cause: error };
}

/**
 * The report CANCELED for a payment that the provider does not have and that no caller is submitting. There is nothing that a buyer could
 * still pay.
 */
export function neverStarted({ id }: Payment, receivedAt: Date): PaymentReport {
  const evidence: Evidence = { source: 'QUERY', providerTime: null, receivedAt };
  return paymentReport({ paymentId: id, status: 'CANCELED', evidence });
}

/**
 * Closes the payments that are CANCELING at their providers. The sweep retries those whose provider does not answer. A
 * payment whose account is not configured waits until it is.
 */
export async function closeAtProviders(context: CommandContext, payments: readonly Payment[]): Promise<void> {
  const now = context.clock.now();
  const closable = payments.filter(
    (payment) => payment.status === 'CANCELING' && isFree(payment, now) && isConfigured(context, payment),
  );
  // Nothing goes on after its command has ended.
  const ends = await Promise.allSettled(closable.map(({ id }) => checkPayment(context, id)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
