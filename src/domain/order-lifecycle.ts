import { sumOf } from './money.ts';
import type { CloseTarget } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { isLive } from './payment.ts';
import { restartChecks } from './payment-checks.ts';

/**
 * Starts to close an order. New payments are refused and its live payments are closed. The order ends when the last live
 * payment has ended, or immediately when there is none.
 */
export function closeOrder(change: OrderChange, closeTarget: CloseTarget, cancelReason: string | null): void {
  change.record('ORDER_CLOSING', { order: { status: 'CLOSING', closeTarget, cancelReason } });
  change.planOrder({ dueAt: null });
  for (const payment of change.payments) {
    if (isLive(payment)) closePayment(change, payment.id, closeTarget);
  }
  endClosing(change);
}

/** Marks a live payment as CANCELING and plans its close at the provider. Has no effect on a CANCELING payment. */
export function closePayment(change: OrderChange, paymentId: string, closeTarget: CloseTarget): void {
  if (change.payment(paymentId).status === 'CANCELING') return;
  change.record('PAYMENT_CANCELING', { payment: { id: paymentId, status: 'CANCELING', closeTarget } });
  change.plan(paymentId, { nextAction: null, captureMinor: null });
  restartChecks(change, paymentId);
}

/**
 * Confirms the order when it is authorized or paid in full, and closes its other live payments. A partial capture of a full
 * authorization is enough, because the merchant chose the captured amount.
 *
 * @param paidBy the id of the payment that stays open.
 */
export function confirm(change: OrderChange, paidBy: string): void {
  const { status, authorizedMinor, totalMinor } = change.order;
  // Late money confirms a closed order. `closeTarget` keeps the former status, to which `endLate` can return.
  const closeTarget = status === 'CANCELED' || status === 'EXPIRED' ? status : null;
  if (status === 'CONFIRMED') return;
  const appliedMinor = sumOf(change.payments, (payment) => payment.appliedMinor);
  if (authorizedMinor < totalMinor && appliedMinor < totalMinor) return;
  change.record('ORDER_CONFIRMED', { order: { status: 'CONFIRMED', closeTarget } });
  change.planOrder({ dueAt: null });
  // Close the other live payments: the buyer could pay them as well.
  for (const { id, status } of change.payments) {
    if (id !== paidBy && isLive({ status })) closePayment(change, id, 'CANCELED');
  }
}

/** Ends an order that is being closed when it has no live payment left. */
export function endClosing(change: OrderChange): void {
  const { status, closeTarget } = change.order;
  if (status !== 'CLOSING' || closeTarget === null || change.payments.some(isLive)) return;
  change.record(closeTarget === 'EXPIRED' ? 'ORDER_EXPIRED' : 'ORDER_CANCELED', {
    order: { status: closeTarget, closeTarget: null },
  });
}

/**
 * The change of an order when one of its payments ends without money. A confirmed order whose only authorization was voided
 * or has expired becomes OPEN again, until it expires. Empty when the order does not change.
 *
 * @param endedId the id of the payment that ends.
 */
export function reopened(change: OrderChange, endedId: string): { order?: { readonly status: 'OPEN' } } {
  const { order, payments } = change;
  const isHeld = payments.some(({ id, authorizedMinor }) => id !== endedId && authorizedMinor > 0n);
  const isOver = order.status === 'CONFIRMED' && !isHeld && order.closeTarget === null;
  return isOver ? { order: { status: 'OPEN' } } : {};
}

/** Returns an order that late money had confirmed to its closed status when no payment holds money any more. */
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
