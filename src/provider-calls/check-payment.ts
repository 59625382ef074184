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
import { aboutOrder } from '../logging/trace.ts';
import {
  isProviderError,
  NotExecutedError,
  type PaymentProvider,
  type QueryAnswer,
  type RefundList,
  RejectedError,
} from '../providers/provider.ts';
import { loadOrder } from '../store/order-store.ts';
import { changeOrder } from '../store/order-writer.ts';
import { findPayment } from '../store/payment-store.ts';
import { isConfigured, logProviderError, providerOf } from './accounts.ts';
import type { CommandContext } from './context.ts';
import { isOvertaken } from './refunds.ts';
import { callDeadlineMs, paymentOrderOf } from './requests.ts';
import { rejectionOf } from './submit-payment.ts';

/** Whether the provider answered; what it said is in the payment then. */
export type CheckOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'unanswered'; readonly retryAfterMs: number; readonly cause: Error };

const unansweredRetryAfterMs = 5000;
const endedRetryAfterMs = 60 * 60_000;

/** What the provider said. No report: it has nothing under our id, which proves nothing yet. */
type Answer = {
  readonly report: PaymentReport | null;
  readonly list: RefundList;
  /** Until when a buyer could still pay what we have given up and the provider has never heard of. */
  readonly payableUntil: Date | null;
  /** What we had given up was open there, and was closed. */
  readonly isClosedAnew: boolean;
  /** Why a capture that was asked for will not be, for good; null when nothing of the kind was said. */
  readonly captureRefusal: PaymentFailure | null;
};

/**
 * Asks the provider about one payment and applies what it says. A payment that is being closed is closed there; one that never
 * reached the provider is submitted again, and a capture that did not is asked for again, under the same keys; of one that succeeded
 * its refunds are asked for. An answer that does not come plans the next question. With `renew`, what the buyer acts by is asked for anew
 * once it has run out: somebody waits for it.
 */
export async function checkPayment(
  context: CommandContext,
  paymentId: string,
  action: 'renew' | 'keep' = 'keep',
): Promise<CheckOutcome> {
  const found = await findPayment(context.db.pool, paymentId);
  const held = found === null ? null : await loadOrder(context.db.pool, found.orderId);
  const payment = held?.payments.find(({ id }) => id === paymentId);
  if (held === null || payment === undefined) throw new Error(`Payment ${paymentId} is gone.`);
  aboutOrder(payment.orderId);
  const step = payment.status === 'CANCELING' ? 'close' : 'check';
  let answer: Answer;
  try {
    answer = await ask(context, held, payment, action === 'renew');
  } catch (error) {
    return unanswered(context, payment, error);
  }
  await context.failpoint(`${step}.called`);
  await changeOrder(context, `${step}.answer`, { orderId: payment.orderId }, (change) =>
    apply(change, held, payment, answer),
  );
  return { kind: 'answered' };
}

async function ask(
  context: CommandContext,
  held: OrderAggregate,
  payment: Payment,
  isToRenew: boolean,
): Promise<Answer> {
  const provider = providerOf(context, payment);
  const paymentOrder = paymentOrderOf(held, payment);
  const signal = AbortSignal.timeout(callDeadlineMs);
  if (payment.status === 'SUCCEEDED') return { ...nothing, list: await provider.listRefunds(paymentOrder, signal) };
  if (payment.status === 'CANCELING') {
    const closed = await provider.closePayment(paymentOrder, signal);
    const { report, payableUntil } = answerOf(closed);
    return { ...nothing, payableUntil, report: report ?? neverStarted(payment, context.clock.now()) };
  }
  const asked = await provider.queryPayment(paymentOrder, signal);
  if (asked.kind === 'notFound') {
    const isToBeSubmitted = payment.status === 'SUBMITTING' || payment.status === 'UNKNOWN';
    if (isToBeSubmitted) return { ...nothing, report: await submitAgain(context, provider, held, payment, signal) };
    // Nobody has opened what was handed out yet, and it has run out.
    const isOver = isToRenew && lacksAction(payment, context.clock.now()) && asked.payableUntil !== null;
    if (isOver) return { ...nothing, report: await startAnew(provider, held, payment, signal) };
    return answerOf(asked);
  }
  const { status } = asked.report;
  if (status === 'ACTION_REQUIRED' && isAbandoned(payment)) {
    // What we gave up can still be paid there: the call that was to close it, or the one that made it, was lost.
    return { ...answerOf(await provider.closePayment(paymentOrder, signal)), isClosedAnew: true };
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
  isClosedAnew: false,
  captureRefusal: null,
};

function answerOf(answer: QueryAnswer): Answer {
  if (answer.kind === 'report') return { ...nothing, report: answer.report };
  return { ...nothing, payableUntil: answer.payableUntil };
}

/** Some providers say by what the buyer acts only when the payment is started: repeated, that says it anew. */
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
  return (await startAnew(provider, held, payment, signal)) ?? asked;
}

/** The same payment, told once more. Null when that is refused: it has moved meanwhile, and the next question tells. */
async function startAnew(
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
  const { report, list, isClosedAnew, captureRefusal } = answer;
  // Where the close was refused, its buyer can still pay.
  const isOpen = isClosedAnew && report?.status === 'ACTION_REQUIRED';
  const payableUntil = isOpen ? asked.expiresAt : answer.payableUntil;
  if (captureRefusal !== null) refuseCapture(change, id, asked.captureAttempt, captureRefusal);
  const { status } = change.payment(id);
  if (report?.status === 'AUTHORIZED' && status !== asked.status && isAbandoned({ status })) {
    // It ended while we asked: which of the two is the newer one only another question tells.
    change.plan(id, { checkAt: change.at, leasedUntil: null });
    return;
  }
  if (report !== null) applyPaymentReport(change, report);
  // What an earlier version has recorded as surplus, and could not send back.
  if (change.payment(id).surplusMinor > 0n) refundSurplus(change, id);
  for (const refund of list.refunds) {
    if (!isOvertaken(change, held, id, refund)) applyRefundReport(change, id, refund, newId('refund'));
  }
  compareReturned(change, id, list.returned);
  postponeCheck(change, id);
  if (isClosedAnew) restartAbandonedChecks(change, id);
  if (payableUntil !== null) watchLink(change, id, payableUntil);
}

async function unanswered(context: CommandContext, { id, orderId }: Payment, error: unknown): Promise<CheckOutcome> {
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { paymentId: id }, 'the provider did not say what became of a payment');
  await changeOrder(context, 'check.answer', { orderId }, (change) => {
    const { status } = change.payment(id);
    if (!isLive({ status }) && !(error instanceof RejectedError)) {
      // The few questions that are left about a payment that has ended are not used up by a provider that does not answer.
      change.plan(id, { leasedUntil: null, checkAt: after(change.at, endedRetryAfterMs) });
    } else if (status === 'SUBMITTING' && error instanceof NotExecutedError) {
      // Certainly not done: still to be submitted, and nothing is unknown about it.
      postponeSubmission(change, id, error.retryAfterMs);
    } else if (status === 'SUBMITTING') markUnknown(change, id);
    else postponeCheck(change, id);
  });
  const retryAfterMs = error instanceof NotExecutedError ? error.retryAfterMs : unansweredRetryAfterMs;
  return { kind: 'unanswered', retryAfterMs, cause: error };
}

/** The provider holds nothing under our id and nobody is submitting it: there is nothing that a buyer could still pay. */
export function neverStarted({ id }: Payment, receivedAt: Date): PaymentReport {
  const evidence: Evidence = { source: 'QUERY', providerTime: null, receivedAt };
  return paymentReport({ paymentId: id, status: 'CANCELED', evidence });
}

/**
 * Closes at their providers the payments of an order that is being closed, as far as they answer. The sweeper does the rest; a payment whose
 * account is not configured waits until it is.
 */
export async function closeAtProviders(context: CommandContext, payments: readonly Payment[]): Promise<void> {
  const now = context.clock.now();
  const closable = payments.filter(
    (payment) => payment.status === 'CANCELING' && isFree(payment, now) && isConfigured(context, payment),
  );
  await Promise.all(closable.map(({ id }) => checkPayment(context, id)));
}
