import { expect, test } from 'vitest';
import type { Evidence } from '../../src/domain/payment.ts';
import { isRelease, refundSchema, reportOfRefund } from '../../src/providers/stripe/refunds.ts';

const refundId = 'rfd_01kb2x3y4z5a6b7c8d9e0f1g2h';
const evidence: Evidence = { source: 'QUERY', providerTime: null, receivedAt: new Date('2026-11-23T12:00:00.000Z') };

const aRefund = (facts: object) =>
  refundSchema.parse({
    ...{ object: 'refund', id: 're_1', amount: 374, currency: 'eur', created: 1_795_000_000, status: 'succeeded' },
    ...{ reason: null, payment_intent: 'pi_1', metadata: {}, balance_transaction: 'txn_1', ...facts },
  });

test.each<[what: string, facts: object, releases: boolean]>([
  ['made in the console', {}, false],
  [
    'of ours, while no balance has moved for it',
    { balance_transaction: null, metadata: { refund_id: refundId } },
    false,
  ],
  ['made in the console, and still pending', { balance_transaction: null, status: 'pending' }, false],
  ['that gives back what was never captured', { balance_transaction: null }, true],
  ['of an authorization that lapsed', { reason: 'expired_uncaptured_charge' }, true],
])('a refund %s: it releases an authorization: %s', (_what, facts, releases) => {
  expect(isRelease(aRefund(facts))).toBe(releases);
});

test.each<[status: string | null, told: string | null]>([
  ['succeeded', 'SUCCEEDED'],
  ['pending', 'PENDING'],
  ['requires_action', 'PENDING'],
  [null, 'PENDING'],
  ['failed', 'FAILED'],
  ['canceled', 'FAILED'],
  ['something_new', null],
])('a refund with the status %s is %s', (status, told) => {
  expect(reportOfRefund(aRefund({ status }), evidence)?.status ?? null).toBe(told);
});

test('a refund tells our id only where it is one', () => {
  expect(reportOfRefund(aRefund({ metadata: { refund_id: refundId } }), evidence)?.refundId).toBe(refundId);
  expect(reportOfRefund(aRefund({ metadata: { refund_id: 'r-42' } }), evidence)?.refundId).toBeNull();
});
