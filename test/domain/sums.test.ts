import { expect, test } from 'vitest';
import type { OrderPaymentStatus } from '../../src/domain/order.ts';
import { sumsOf } from '../../src/domain/order-sums.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { RefundFacts } from '../../src/domain/refund.ts';
import { aPayment, firstId, orderId, second as secondAt, secondId } from './order-story.ts';

const live = aPayment(firstId, { status: 'ACTION_REQUIRED' });
const failed = aPayment(firstId, { status: 'FAILED' });
const authorized = aPayment(firstId, { status: 'AUTHORIZED', authorizedMinor: 1000n });
const paid = captured(firstId, 1000n, 0n);
const surplus = captured(secondId, 1000n, 1000n);

function captured(id: string, capturedMinor: bigint, surplusMinor: bigint, refundedMinor = 0n): Payment {
  return aPayment(id, {
    status: 'SUCCEEDED',
    authorizedMinor: 1000n,
    capturedMinor,
    appliedMinor: capturedMinor - surplusMinor,
    surplusMinor,
    refundedMinor,
  });
}

function refunded(payment: Payment, amountMinor: bigint, facts: Partial<RefundFacts> = {}): [Payment, RefundFacts] {
  const isDone = (facts.status ?? 'SUCCEEDED') === 'SUCCEEDED';
  const refund: RefundFacts = {
    id: `rfd_${payment.id.slice(4)}`,
    orderId,
    paymentId: payment.id,
    merchantId: payment.merchantId,
    status: 'SUCCEEDED',
    origin: 'REQUESTED',
    currency: 'EUR',
    amountMinor,
    reason: null,
    requestedByKind: null,
    requestedById: null,
    approval: null,
    decidedByKind: null,
    decidedById: null,
    providerRefundId: null,
    failureReason: null,
    failureMessage: null,
    failureProviderCode: null,
    evidenceSource: null,
    evidenceProviderTime: null,
    evidenceReceivedAt: null,
    createdAt: secondAt(20),
    updatedAt: secondAt(20),
    succeededAt: null,
    ...facts,
  };
  const amounts = isDone ? { refundedMinor: amountMinor } : { reservedMinor: amountMinor };
  return [{ ...payment, ...amounts }, refund];
}

const [refundedInPart, partRefund] = refunded(paid, 400n);
const [refundedInFull, fullRefund] = refunded(paid, 1000n);
const [beingRefunded, pendingRefund] = refunded(paid, 400n, { status: 'PENDING' });
const [surplusRefunded, surplusRefund] = refunded(surplus, 1000n, { origin: 'SURPLUS' });
const [surplusRefundIsPending, pendingSurplusRefund] = refunded(surplus, 1000n, {
  origin: 'SURPLUS',
  status: 'UNKNOWN',
});

// In the order of the rules. A row may match several rules, and the first match decides.
test.each<[status: OrderPaymentStatus, what: string, payments: Payment[], refunds: RefundFacts[]]>([
  ['OVERPAID', 'two payments succeeded', [paid, surplus], []],
  ['OVERPAID', 'the refund of the surplus is pending', [paid, surplusRefundIsPending], [pendingSurplusRefund]],
  ['OVERPAID', 'the applied payment is refunded, the surplus is not', [refundedInFull, surplus], [fullRefund]],
  ['OVERPAID', 'late money is surplus', [surplus], []],
  ['REFUNDED', 'the payment is refunded in full', [refundedInFull], [fullRefund]],
  ['REFUNDED', 'both payments are refunded in full', [refundedInFull, surplusRefunded], [fullRefund, surplusRefund]],
  ['REFUNDED', 'late surplus money is refunded', [surplusRefunded], [surplusRefund]],
  ['PARTIALLY_REFUNDED', 'the payment is refunded in part', [refundedInPart], [partRefund]],
  [
    'PARTIALLY_REFUNDED',
    'the payment is refunded in part and the surplus in full',
    [refundedInPart, surplusRefunded],
    [partRefund, surplusRefund],
  ],
  ['PAID', 'one payment succeeded', [paid], []],
  ['PAID', 'the surplus is refunded', [paid, surplusRefunded], [surplusRefund]],
  ['PAID', 'a refund is pending', [beingRefunded], [pendingRefund]],
  ['PAID', 'another payment is live', [paid, { ...live, id: secondId }], []],
  ['PARTIALLY_PAID', 'a part was captured', [captured(firstId, 600n, 0n)], []],
  ['AUTHORIZED', 'the total is authorized', [authorized], []],
  ['AUTHORIZED', 'an authorization is being voided', [{ ...authorized, status: 'CANCELING' }], []],
  ['PENDING', 'a part is authorized', [{ ...authorized, authorizedMinor: 999n }], []],
  ['PENDING', 'one payment failed and another is live', [failed, { ...live, id: secondId }], []],
  ['UNPAID', 'a payment failed', [failed], []],
  ['UNPAID', 'there is no payment', [], []],
])('an order is %s when %s', (status, _what, payments, refunds) => {
  expect(sumsOf({ totalMinor: 1000n }, payments, refunds).paymentStatus).toBe(status);
});

test('the sums of an order are those of its payments', () => {
  const [other, refund] = refunded({ ...captured(secondId, 700n, 100n) }, 300n, { status: 'PENDING' });
  expect(sumsOf({ totalMinor: 1000n }, [refundedInPart, other], [partRefund, refund])).toEqual({
    paymentStatus: 'OVERPAID',
    authorizedMinor: 2000n,
    capturedMinor: 1700n,
    refundedMinor: 400n,
    reservedMinor: 300n,
  });
});
