import { describe, expect, test } from 'vitest';
import type { CheckoutOrder } from '../../web/checkout/order.ts';
import { screenOf } from '../../web/checkout/screen.ts';
import { stateOf } from '../../web/shop/order-state.ts';

const payment = { id: 'pay_1', status: 'SUCCEEDED' };

function orderThatIs(status: CheckoutOrder['status'], paymentStatus: CheckoutOrder['paymentStatus']): CheckoutOrder {
  return { status, paymentStatus, payments: [payment] } as unknown as CheckoutOrder;
}

describe.each(['CANCELED', 'EXPIRED'] as const)('an order that is %s', (status) => {
  test.each<[CheckoutOrder['paymentStatus'], outcome: string, state: string]>([
    ['PAID', 'late', 'LATE'],
    ['PARTIALLY_PAID', 'late', 'LATE'],
    ['OVERPAID', 'late', 'LATE'],
    ['PARTIALLY_REFUNDED', 'late', 'LATE'],
    ['AUTHORIZED', 'lateAuthorized', 'LATE'],
    ['REFUNDED', 'refunded', 'REFUNDED'],
  ])('and %s tells the buyer where the money is', (paymentStatus, outcome, state) => {
    const order = orderThatIs(status, paymentStatus);
    expect(screenOf(order, false, true)).toEqual({ kind: 'done', outcome, payment });
    expect(stateOf(order)).toBe(state);
  });

  test('and UNPAID was not charged; while a payment is in progress nobody says so', () => {
    const reason = status === 'CANCELED' ? 'canceled' : 'expired';
    expect(screenOf(orderThatIs(status, 'UNPAID'), false, true)).toEqual({ kind: 'over', reason });
    expect(stateOf(orderThatIs(status, 'UNPAID'))).toBe(status);
    expect(screenOf(orderThatIs(status, 'PENDING'), false, true)).toEqual({ kind: 'over', reason: 'closing' });
    expect(stateOf(orderThatIs(status, 'PENDING'))).toBe('PENDING');
  });
});
