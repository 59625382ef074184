import type { Order } from '../../src/domain/order.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';

export type OrderMoney = Pick<Order, 'id' | 'currency'>;
export type PaymentMoney = Pick<
  Payment,
  | ('id' | 'orderId' | 'currency' | 'amountMinor' | 'authorizedMinor' | 'capturedMinor' | 'refundedMinor')
  | ('reservedMinor' | 'appliedMinor' | 'surplusMinor' | 'quarantinedMinor')
>;
export type RefundMoney = Pick<Refund, 'id' | 'orderId' | 'paymentId' | 'status' | 'currency' | 'amountMinor'>;

/** Invariant 1 for a payment: its columns, and the refunds that two of them sum up. */
export function findAmountsOutOfBounds(
  orders: readonly OrderMoney[],
  payments: readonly PaymentMoney[],
  refunds: readonly RefundMoney[],
): string[] {
  return [
    ...payments.flatMap((payment) => outOfBounds(payment, refunds)),
    ...[...payments, ...refunds].flatMap(({ id, orderId, currency }) => {
      const order = orders.find((candidate) => candidate.id === orderId);
      return order === undefined || order.currency === currency
        ? []
        : [`${id} is in ${currency}, its order in ${order.currency}`];
    }),
  ];
}

function outOfBounds(payment: PaymentMoney, refunds: readonly RefundMoney[]): string[] {
  const { id, amountMinor, authorizedMinor, capturedMinor, refundedMinor, reservedMinor } = payment;
  const ofPayment = refunds.filter(({ paymentId }) => paymentId === id);
  const sumIn = (...statuses: readonly Refund['status'][]): bigint =>
    ofPayment.filter(({ status }) => statuses.includes(status)).reduce((sum, refund) => sum + refund.amountMinor, 0n);
  const succeeded = sumIn('SUCCEEDED');
  const underWay = sumIn('PENDING', 'UNKNOWN');
  const rules: readonly (readonly [holds: boolean, what: string])[] = [
    [refundedMinor >= 0n && reservedMinor >= 0n, `refunded ${refundedMinor} or reserved ${reservedMinor} is below 0`],
    [
      refundedMinor + reservedMinor <= capturedMinor,
      `refunded ${refundedMinor} + reserved ${reservedMinor} is more than captured ${capturedMinor}`,
    ],
    [capturedMinor <= authorizedMinor, `captured ${capturedMinor} is more than authorized ${authorizedMinor}`],
    [authorizedMinor <= amountMinor, `authorized ${authorizedMinor} is more than its amount ${amountMinor}`],
    [refundedMinor === succeeded, `refunded is ${refundedMinor}, its succeeded refunds sum up to ${succeeded}`],
    [reservedMinor === underWay, `reserved is ${reservedMinor}, its refunds under way sum up to ${underWay}`],
  ];
  return rules.filter(([holds]) => !holds).map(([, what]) => `${id}: ${what}`);
}

/** Invariant 1 for the order. */
export function findWrongSums(
  orders: readonly Pick<Order, 'id' | (typeof summed)[number]>[],
  payments: readonly PaymentMoney[],
): string[] {
  return orders.flatMap((order) =>
    summed.flatMap((name) => {
      const sum = payments
        .filter(({ orderId }) => orderId === order.id)
        .reduce((total, payment) => total + payment[name], 0n);
      return order[name] === sum ? [] : [`${order.id}: ${name} is ${order[name]}, its payments sum up to ${sum}`];
    }),
  );
}

const summed = ['authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor'] as const;

/** Invariant 3. */
export function findMoneyWithoutPlace(payments: readonly PaymentMoney[]): string[] {
  return payments
    .filter(
      ({ capturedMinor, appliedMinor, surplusMinor, quarantinedMinor }) =>
        capturedMinor !== appliedMinor + surplusMinor + quarantinedMinor ||
        [appliedMinor, surplusMinor, quarantinedMinor].some((share) => share < 0n),
    )
    .map(
      ({ id, capturedMinor, appliedMinor, surplusMinor, quarantinedMinor }) =>
        `${id}: captured ${capturedMinor}, applied ${appliedMinor}, surplus ${surplusMinor}, quarantined ${quarantinedMinor}`,
    );
}

export type ClosedOrder = Pick<Order, 'id' | 'status' | 'reviewReasons'>;

/** Invariant 7. The amount of a pending refund is reserved; `isResolved` means that an operator decided to keep the money. */
export function findClosedOrdersWithMoney(
  orders: readonly ClosedOrder[],
  payments: readonly PaymentMoney[],
  isResolved: (orderId: string) => boolean,
): string[] {
  return orders
    .filter(
      ({ status, reviewReasons }) => (status === 'CANCELED' || status === 'EXPIRED') && reviewReasons.length === 0,
    )
    .filter(({ id }) => !isResolved(id))
    .flatMap(({ id, status }) =>
      payments
        .filter(({ orderId }) => orderId === id)
        .map((payment) => ({
          ...payment,
          keptMinor: payment.capturedMinor - payment.refundedMinor - payment.reservedMinor,
        }))
        .filter(({ keptMinor }) => keptMinor > 0n)
        .map((payment) => `${id} is ${status} and keeps ${payment.keptMinor} of ${payment.id}`),
    );
}

/** Invariant 7 for money that came too late: nobody has decided about it, and no refund covers it. */
export function findForgottenLateMoney(
  orders: readonly Pick<Order, 'id' | 'reviewReasons'>[],
  payments: readonly PaymentMoney[],
): string[] {
  const isAsked = (orderId: string) =>
    orders.some(({ id, reviewReasons }) => id === orderId && reviewReasons.includes('LATE_PAYMENT'));
  return payments
    .filter(({ orderId }) => !isAsked(orderId))
    .map((payment) => ({
      ...payment,
      // What is refunded or reserved beyond the rest of the payment covers the late money.
      waitingMinor:
        payment.quarantinedMinor > 0n
          ? payment.capturedMinor -
            payment.refundedMinor -
            payment.reservedMinor -
            payment.appliedMinor -
            payment.surplusMinor
          : 0n,
    }))
    .filter(({ waitingMinor }) => waitingMinor > 0n)
    .map(({ id, waitingMinor }) => `${id}: ${waitingMinor} came too late, and nobody is asked`);
}

/**
 * Invariant 13. A refund of any origin that exceeds the rest of the payment uses the surplus. If the surplus refund failed, the order is in
 * review until an operator decides.
 */
export function findSurplusKept(
  orders: readonly ClosedOrder[],
  payments: readonly PaymentMoney[],
  refunds: readonly (RefundMoney & Pick<Refund, 'origin'>)[],
  isResolved: (orderId: string) => boolean,
): string[] {
  return payments
    .filter(({ surplusMinor }) => surplusMinor > 0n)
    .filter(({ id, orderId, capturedMinor, refundedMinor, reservedMinor }) => {
      const ofSurplus = refunds.filter(({ paymentId, origin }) => paymentId === id && origin === 'SURPLUS');
      if (ofSurplus.some(({ status }) => status !== 'FAILED') || refundedMinor + reservedMinor === capturedMinor)
        return false;
      const isAsked = orders.some((order) => order.id === orderId && order.reviewReasons.length > 0);
      return ofSurplus.length === 0 || !(isAsked || isResolved(orderId));
    })
    .map(({ id, surplusMinor }) => `${id} brought ${surplusMinor} beyond its order, and keeps it`);
}
