import { sumOf } from './money.ts';
import type { CloseTarget } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { isLive } from './payment.ts';
import { restartChecks } from './payment-checks.ts';

/** Closes an order for good: no new payment may start; it ends when none of its payments can bring money any more. */
export function closeOrder(change: OrderChange, closeTarget: CloseTarget, cancelReason: string | null): void {
  change.record('ORDER_CLOSING', { order: { status: 'CLOSING', closeTarget, cancelReason } });
  change.planOrder({ dueAt: null });
  for (const payment of change.payments) {
    if (isLive(payment)) closePayment(change, payment.id, closeTarget);
  }
  endClosing(change);
}

/** Marks a live payment as being closed, to be carried out at the provider from now on. */
export function closePayment(change: OrderChange, paymentId: string, closeTarget: CloseTarget): void {
  if (change.payment(paymentId).status === 'CANCELING') return;
  change.record('PAYMENT_CANCELING', { payment: { id: paymentId, status: 'CANCELING', closeTarget } });
  change.plan(paymentId, { nextAction: null, captureMinor: null });
  restartChecks(change, paymentId);
}

/** Confirms the order once it is paid or authorized in full; a merchant who captured a part of that has taken what they wanted. */
export function confirm(change: OrderChange, paidBy: string): void {
  const { status, authorizedMinor, totalMinor } = change.order;
  // Late money confirms an order that was closed: it goes back to that, should the money be held no more.
  const closeTarget = status === 'CANCELED' || status === 'EXPIRED' ? status : null;
  if (status === 'CONFIRMED') return;
  const appliedMinor = sumOf(change.payments, (payment) => payment.appliedMinor);
  if (authorizedMinor < totalMinor && appliedMinor < totalMinor) return;
  change.record('ORDER_CONFIRMED', { order: { status: 'CONFIRMED', closeTarget } });
  change.planOrder({ dueAt: null });
  // Another payment that is still open could be paid as well: it is not wanted any more.
  for (const { id, status } of change.payments) {
    if (id !== paidBy && isLive({ status })) closePayment(change, id, 'CANCELED');
  }
}

/** Ends an order that is being closed as soon as none of its payments can bring money. */
export function endClosing(change: OrderChange): void {
  const { status, closeTarget } = change.order;
  if (status !== 'CLOSING' || closeTarget === null || change.payments.some(isLive)) return;
  change.record(closeTarget === 'EXPIRED' ? 'ORDER_EXPIRED' : 'ORDER_CANCELED', {
    order: { status: closeTarget, closeTarget: null },
  });
}

/**
 * What ends with a payment that held all there was of a confirmed order: an authorization that was voided, or has lapsed, leaves the
 * order as open as it was before, until it expires.
 */
export function reopened(change: OrderChange, endedId: string): { order?: { readonly status: 'OPEN' } } {
  const { order, payments } = change;
  const isHeld = payments.some(({ id, authorizedMinor }) => id !== endedId && authorizedMinor > 0n);
  const isOver = order.status === 'CONFIRMED' && !isHeld && order.closeTarget === null;
  return isOver ? { order: { status: 'OPEN' } } : {};
}

/** Closes again what only late money had confirmed, once that is held no more. */
export function endLate(change: OrderChange): void {
  const { status, closeTarget } = change.order;
  if (status !== 'CONFIRMED' || closeTarget === null) return;
  if (change.payments.some(({ authorizedMinor }) => authorizedMinor > 0n)) return;
  change.record(closeTarget === 'EXPIRED' ? 'ORDER_EXPIRED' : 'ORDER_CANCELED', {
    order: { status: closeTarget, closeTarget: null },
  });
}

export function isClosed({ order }: OrderChange): boolean {
  return order.status === 'CANCELED' || order.status === 'EXPIRED';
}
