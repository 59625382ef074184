import { after } from '../domain/clock.ts';
import { applyPaymentReport, markUnknown, postponeCheck } from '../domain/decide.ts';
import type { OrderAggregate } from '../domain/order-change.ts';
import { isGivenUp, isLive, type Payment } from '../domain/payment.ts';
import type { PaymentReport } from '../domain/report.ts';
import { NotExecutedError, OutcomeUnknownError, RejectedError } from '../providers/provider.ts';
import { loadOrder } from '../store/order-store.ts';
import { findPayment } from '../store/payment-store.ts';
import { type CommandContext, changeAndWake, providerOf } from './context.ts';
import { callDeadlineMs, paymentOrderOf } from './payment-order.ts';
import { rejectionOf } from './submit-payment.ts';

/** Whether the provider answered; what it said is in the payment then. */
export type CheckOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'unanswered'; readonly retryAfterMs: number; readonly cause: Error };

const unansweredRetryAfterMs = 5000;

/**
 * Asks the provider about one payment and applies what it says. A payment that is being closed is closed there; one that never
 * reached the provider is submitted again, under the same key. An answer that does not come plans the next question.
 */
export async function checkPayment(context: CommandContext, paymentId: string): Promise<CheckOutcome> {
  const found = await findPayment(context.db.pool, paymentId);
  const held = found === null ? null : await loadOrder(context.db.pool, found.orderId);
  const payment = held?.payments.find(({ id }) => id === paymentId);
  if (held === null || payment === undefined) throw new Error(`Payment ${paymentId} is gone.`);
  if (!isLive(payment) && !isGivenUp(payment)) return { kind: 'answered' };
  let report: PaymentReport | null;
  try {
    report = await ask(context, held, payment);
  } catch (error) {
    return unanswered(context, payment, error);
  }
  await changeAndWake(context, payment.orderId, (change) => {
    if (report !== null) applyPaymentReport(change, report);
    if (isLive(change.payment(paymentId))) postponeCheck(change, paymentId);
  });
  return { kind: 'answered' };
}

/** What the provider says; null when it says that there is nothing, and that proves nothing yet. */
async function ask(context: CommandContext, held: OrderAggregate, payment: Payment): Promise<PaymentReport | null> {
  const provider = providerOf(context, payment);
  const paymentOrder = paymentOrderOf(held, payment);
  const deadline = () => AbortSignal.timeout(callDeadlineMs);
  if (payment.status === 'CANCELING') {
    const answer = await provider.closePayment(paymentOrder, deadline());
    return answer.kind === 'report' ? answer.report : neverStarted(payment, context.clock.now());
  }
  const answer = await provider.queryPayment(paymentOrder, deadline());
  if (answer.kind === 'report') return answer.report;
  if (payment.status !== 'SUBMITTING' && payment.status !== 'UNKNOWN') return null;
  try {
    return await provider.startPayment(paymentOrder, deadline());
  } catch (error) {
    if (error instanceof RejectedError) return rejectionOf(payment.id, error.failure, context.clock.now());
    throw error;
  }
}

async function unanswered(context: CommandContext, { id, orderId }: Payment, error: unknown): Promise<CheckOutcome> {
  const isExpected =
    error instanceof OutcomeUnknownError || error instanceof NotExecutedError || error instanceof RejectedError;
  if (!isExpected) throw error;
  context.log.warn({ err: error, paymentId: id }, 'the provider did not say what became of a payment');
  await changeAndWake(context, orderId, (change) => {
    const payment = change.payment(id);
    if (payment.status === 'SUBMITTING' && error instanceof NotExecutedError) {
      // Certainly not done: still to be submitted, and nothing is unknown about it.
      change.plan(id, { leasedUntil: null, checkAt: after(change.at, error.retryAfterMs) });
    } else if (payment.status === 'SUBMITTING') markUnknown(change, id);
    else if (isLive(payment)) postponeCheck(change, id);
  });
  const retryAfterMs = error instanceof NotExecutedError ? error.retryAfterMs : unansweredRetryAfterMs;
  return { kind: 'unanswered', retryAfterMs, cause: error };
}

/** The provider holds nothing under our id and nobody is submitting it: there is nothing that a buyer could still pay. */
function neverStarted({ id }: Payment, receivedAt: Date): PaymentReport {
  return {
    paymentId: id,
    providerPaymentId: null,
    providerReference: null,
    status: 'CANCELED',
    amountMinor: null,
    currency: null,
    capturedMinor: null,
    failure: null,
    nextAction: null,
    evidence: { source: 'QUERY', providerTime: null, receivedAt },
  };
}

/** Carries out at the provider, as far as it answers, what an order that is being closed asks for. The sweeper does the rest. */
export async function closeAtProviders(context: CommandContext, payments: readonly Payment[]): Promise<void> {
  const now = context.clock.now();
  const free = payments.filter(
    ({ status, leasedUntil }) => status === 'CANCELING' && (leasedUntil === null || leasedUntil <= now),
  );
  await Promise.all(free.map(({ id }) => checkPayment(context, id)));
}
