import { providerActor, systemActor } from '../domain/actor.ts';
import { applyRefundReport, findRefund as findReportedRefund } from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import type { Evidence, Payment, PaymentFailure } from '../domain/payment.ts';
import { isUnderWay, type Refund } from '../domain/refund.ts';
import { markRefundUnknown, postponeRefundCheck, postponeRefundSubmission } from '../domain/refund-checks.ts';
import { type RefundReport, refundReport } from '../domain/report.ts';
import { aboutOrder } from '../logging/request-log.ts';
import { isProviderError, NotExecutedError, RejectedError } from '../providers/provider.ts';
import { changeOrder } from '../store/change-order.ts';
import { loadOrder } from '../store/order-store.ts';
import { findRefund } from '../store/refund-store.ts';
import { logProviderError, providerOf } from './accounts.ts';
import type { CommandContext } from './context.ts';
import { refundNameOf, refundOrderOf, withinCallDeadline } from './requests.ts';

/**
 * Submits a refund to its provider and applies the answer. The refund must be committed, with its amount reserved, and
 * leased to the caller. Without an answer the refund becomes UNKNOWN. Its amount is released only when the provider
 * refuses the refund or reports it as failed.
 */
export async function submitRefund(context: CommandContext, orderId: string, refundId: string): Promise<void> {
  const { held, refund, payment } = await loadRefund(context, orderId, refundId);
  let report: RefundReport;
  try {
    report = await withinCallDeadline((signal) =>
      providerOf(context, payment).startRefund(refundOrderOf(held, refund), signal),
    );
  } catch (error) {
    await refundFailed(context, refund, payment, error);
    return;
  }
  await context.failpoint('refund.called');
  await changeOrder(context, 'refund.answer', { orderId, actor: providerActor(payment) }, (change) => {
    if (!isOvertaken(change, held, payment.id, report))
      applyRefundReport(change, refund.paymentId, report, newId('refund'));
    release(change, refundId);
  });
}

/**
 * Queries the provider about one refund and applies the answer. A refund that never reached the provider is submitted again, under the same
 * idempotency key. Without an answer, the next check is scheduled.
 */
export async function checkRefund(context: CommandContext, refundId: string): Promise<void> {
  const found = await findRefund(context.db.pool, refundId);
  if (found === null) throw new Error(`Refund ${refundId} no longer exists.`);
  aboutOrder(context.log, found.orderId);
  const loaded = await loadRefund(context, found.orderId, refundId);
  await withinCallDeadline((signal) => check(context, loaded, signal));
}

async function check(context: CommandContext, { held, refund, payment }: LoadedRefund, signal: AbortSignal) {
  const { id: refundId } = refund;
  const order = refundOrderOf(held, refund);
  let report: RefundReport | null = null;
  try {
    const answer = await providerOf(context, payment).queryRefund(refundNameOf(held, refund), signal);
    if (answer.kind === 'report') report = answer.report;
  } catch (error) {
    return unanswered(context, refund, error);
  }
  try {
    // A refund that was made in the provider's console must not be submitted by us.
    const isOurs = refund.origin !== 'PROVIDER';
    if (report === null && isOurs && isUnderWay(refund))
      report = await providerOf(context, payment).startRefund(order, signal);
  } catch (error) {
    return refundFailed(context, refund, payment, error);
  }
  await context.failpoint('refund.called');
  await changeOrder(context, 'refund.answer', { orderId: refund.orderId, actor: providerActor(payment) }, (change) => {
    if (report !== null && !isOvertaken(change, held, refund.paymentId, report)) {
      applyRefundReport(change, refund.paymentId, report, newId('refund'));
    }
    postponeRefundCheck(change, refundId);
    change.planRefund(refundId, { leasedUntil: null });
  });
}

/** Handles a query without an answer. If the provider never confirmed the refund, its outcome is unknown. */
async function unanswered(context: CommandContext, { id, orderId, providerRefundId }: Refund, error: unknown) {
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { refundId: id }, 'the state of a refund could not be queried');
  await changeOrder(context, 'refund.answer', { orderId, actor: systemActor }, (change) => {
    if (change.refund(id).status === 'PENDING' && providerRefundId === null) markRefundUnknown(change, id);
    else postponeRefundCheck(change, id);
    change.planRefund(id, { leasedUntil: null });
  });
}

type LoadedRefund = { readonly held: OrderAggregate; readonly refund: Refund; readonly payment: Payment };

/** Loads a refund with its payment and its order, as committed. */
async function loadRefund(context: CommandContext, orderId: string, refundId: string): Promise<LoadedRefund> {
  const held = await loadOrder(context.db.pool, orderId);
  const refund = held?.refunds.find(({ id }) => id === refundId);
  const payment = held?.payments.find(({ id }) => id === refund?.paymentId);
  if (held == null || refund === undefined || payment === undefined)
    throw new Error(`Refund ${refundId} no longer exists.`);
  return { held, refund, payment };
}

/** Records a refund call that was refused or not answered. @throws the error itself when it is not a provider error. */
async function refundFailed(context: CommandContext, refund: Refund, payment: Payment, error: unknown): Promise<void> {
  const { id, orderId, paymentId } = refund;
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { refundId: id }, 'a refund was not executed, or its outcome is unknown');
  const actor = error instanceof RejectedError ? providerActor(payment) : systemActor;
  await changeOrder(context, 'refund.answer', { orderId, actor }, (change) => {
    if (error instanceof RejectedError) {
      applyRefundReport(change, paymentId, refusalOf(refund, error.failure, change.at), null);
    } else if (error instanceof NotExecutedError) {
      postponeRefundSubmission(change, id, error.retryAfterMs);
    } else if (change.refund(id).status === 'PENDING') markRefundUnknown(change, id);
    else postponeRefundCheck(change, id);
    release(change, id);
  });
}

function release(change: OrderChange, refundId: string): void {
  change.planRefund(refundId, { leasedUntil: null });
}

/** A FAILED report from the refusal of our own call. */
function refusalOf(refund: Refund, failure: PaymentFailure, receivedAt: Date): RefundReport {
  const { id: refundId, providerRefundId, amountMinor, currency } = refund;
  const evidence: Evidence = { source: 'RESPONSE', providerTime: null, receivedAt };
  return refundReport({ refundId, providerRefundId, amountMinor, currency, status: 'FAILED', failure, evidence });
}

/**
 * True when the report says SUCCEEDED but the refund failed here during the call. The report may be older than the
 * failure, so it must not be applied; the refund is scheduled for another check.
 */
export function isOvertaken(
  change: OrderChange,
  held: OrderAggregate,
  paymentId: string,
  report: RefundReport,
): boolean {
  const now = findReportedRefund(change, paymentId, report);
  if (report.status !== 'SUCCEEDED' || now?.status !== 'FAILED') return false;
  if (held.refunds.some(({ id, status }) => id === now.id && status === 'FAILED')) return false;
  change.planRefund(now.id, { checkAt: change.at, leasedUntil: null });
  return true;
}
