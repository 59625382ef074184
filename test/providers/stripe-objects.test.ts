import { expect, test } from 'vitest';
import type { Evidence } from '../../src/domain/payment.ts';
import {
  checkoutSessionSchema,
  paymentIdOf,
  paymentIntentSchema,
  reportOfIntent,
  reportOfSession,
} from '../../src/providers/stripe/objects.ts';

// What Stripe can say and the sandbox never does.

const paymentId = 'pay_01kb2x3y4z5a6b7c8d9e0f1g2h';
const evidence: Evidence = { source: 'QUERY', providerTime: null, receivedAt: new Date(0) };

const intent = paymentIntentSchema.parse({
  object: 'payment_intent',
  id: 'pi_1',
  status: 'requires_payment_method',
  amount: 1000,
  amount_received: 0,
  currency: 'eur',
  created: 1,
  metadata: { payment_id: paymentId },
});
const session = checkoutSessionSchema.parse({
  object: 'checkout.session',
  id: 'cs_1',
  status: 'open',
  payment_status: 'unpaid',
  amount_total: 1000,
  currency: 'eur',
  created: 1,
  expires_at: 2,
  url: 'https://checkout.stripe.com/c/pay/cs_1',
  client_reference_id: paymentId,
});

test.each<[status: string, reason: string | null, says: string | null]>([
  ['requires_payment_method', null, 'ACTION_REQUIRED'],
  ['requires_confirmation', null, 'ACTION_REQUIRED'],
  ['requires_action', null, 'ACTION_REQUIRED'],
  ['processing', null, 'PROCESSING'],
  ['requires_capture', null, 'AUTHORIZED'],
  ['succeeded', null, 'SUCCEEDED'],
  ['canceled', null, 'CANCELED'],
  ['canceled', 'requested_by_customer', 'CANCELED'],
  ['canceled', 'abandoned', 'CANCELED'],
  ['canceled', 'automatic', 'EXPIRED'],
  ['canceled', 'expired', 'EXPIRED'],
  ['a_status_of_next_year', null, null],
])('a PaymentIntent that is %s (%s) says %s', (status, cancellation_reason, says) => {
  const report = reportOfIntent({ ...intent, status, cancellation_reason, amount_received: 1000 }, paymentId, evidence);
  expect(report?.status ?? null).toBe(says);
});

test.each<[status: string | null, paymentStatus: string, says: string | null]>([
  ['open', 'unpaid', 'ACTION_REQUIRED'],
  ['expired', 'unpaid', 'EXPIRED'],
  ['complete', 'paid', 'SUCCEEDED'],
  ['complete', 'unpaid', 'PROCESSING'],
  ['a_status_of_next_year', 'unpaid', null],
  [null, 'unpaid', null],
])('a Checkout Session that is %s and %s says %s', (status, payment_status, says) => {
  expect(reportOfSession({ ...session, status, payment_status }, paymentId, evidence)?.status ?? null).toBe(says);
});

test.each<[sessionStatus: string, intentStatus: string, says: string]>([
  ['expired', 'succeeded', 'SUCCEEDED'],
  ['expired', 'requires_capture', 'AUTHORIZED'],
  ['expired', 'processing', 'PROCESSING'],
  ['open', 'succeeded', 'SUCCEEDED'],
  ['expired', 'canceled', 'EXPIRED'],
  ['expired', 'requires_payment_method', 'EXPIRED'],
  ['open', 'requires_action', 'ACTION_REQUIRED'],
  ['complete', 'succeeded', 'SUCCEEDED'],
])('a session that is %s with a PaymentIntent that is %s says %s', (status, intentStatus, says) => {
  const expanded = { ...intent, status: intentStatus, amount_received: intentStatus === 'succeeded' ? 1000 : 0 };
  expect(reportOfSession({ ...session, status, payment_intent: expanded }, paymentId, evidence)).toMatchObject({
    ...{ status: says, providerPaymentId: 'pi_1', providerReference: 'cs_1' },
    capturedMinor: says === 'SUCCEEDED' ? 1000n : null,
  });
});

const attemptOf = (last_payment_error: object) =>
  reportOfIntent(paymentIntentSchema.parse({ ...intent, last_payment_error }), paymentId, evidence)?.failure?.attempt;

test('two attempts that were declined alike are told apart by their charges', () => {
  const declined = {
    code: 'card_declined',
    decline_code: 'generic_decline',
    message: 'No.',
    payment_method: { id: 'pm_1' },
  };
  expect(attemptOf({ ...declined, charge: 'ch_1' })).not.toBe(attemptOf({ ...declined, charge: 'ch_2' }));
});

test('two authentications that the buyer failed, which make no charge, are told apart all the same', () => {
  const failed = { code: 'payment_intent_authentication_failure', message: 'No.' };
  expect(attemptOf({ ...failed, payment_method: { id: 'pm_1' } })).not.toBe(
    attemptOf({ ...failed, payment_method: { id: 'pm_2' } }),
  );
  expect(attemptOf(failed)).toBe('payment_intent_authentication_failure');
});

test.each(['xxx', 'xau', 'euro', ''])('an object in %j, which is no money, is refused and not reported', (currency) => {
  expect(() => reportOfIntent({ ...intent, currency }, paymentId, evidence)).toThrow(RangeError);
});

test('an amount that is no whole number of our units is refused and not rounded', () => {
  expect(() => reportOfIntent({ ...intent, currency: 'isk', amount: 550 }, paymentId, evidence)).toThrow(RangeError);
});

test.each([null, undefined, '', 'inv_1', 'ord_01kb2x3y4z5a6b7c8d9e0f1g2h', `${paymentId} `, paymentId.toUpperCase()])(
  '%j names no payment of ours',
  (name) => {
    expect(paymentIdOf(name)).toBeNull();
  },
);
