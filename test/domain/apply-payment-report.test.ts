import { describe, expect, test } from 'vitest';
import type { EventType } from '../../src/domain/event.ts';
import type { LatePaymentPolicy } from '../../src/domain/order.ts';
import type { OrderChange } from '../../src/domain/order-change.ts';
import { closePayment } from '../../src/domain/order-lifecycle.ts';
import type { Payment, PaymentStatus, ReportedPaymentStatus } from '../../src/domain/payment.ts';
import { markUnknown, noteUnreadableCallback, postponeCheck } from '../../src/domain/payment-checks.ts';
import type { PaymentReport } from '../../src/domain/report.ts';
import { unknownDelaysMs } from '../../src/domain/schedule.ts';
import { anAnswer, aReport, declined, firstId, OrderStory, second, secondId } from './order-story.ts';

const applied = { effect: 'applied' } as const;
const repeated = { effect: 'repeated' } as const;
const superseded = { effect: 'refused', reason: 'superseded' } as const;
const mismatch = { effect: 'refused', reason: 'mismatch' } as const;

/** A due check without a new result. */
function checkWithoutResult(change: OrderChange): void {
  change.plan(firstId, { checkAt: change.at });
  postponeCheck(change, firstId);
}

const confirmCard = { kind: 'CONFIRM_CARD', clientSecret: 'pi_secret', publishableKey: 'pk' } as const;

/** The captured amount of a payment and its three parts. */
function placed({ capturedMinor, appliedMinor, surplusMinor, quarantinedMinor }: Payment) {
  return { capturedMinor, appliedMinor, surplusMinor, quarantinedMinor };
}

describe('the normal course', () => {
  test('a payment that succeeds confirms its order, with one event for each', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: confirmCard }));
    expect(story.payment().nextAction).toEqual(confirmCard);
    story.report(aReport(firstId, 'SUCCEEDED', 9));
    expect(story.events.map(({ type }) => type)).toEqual([
      ...['ORDER_CREATED', 'PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED'],
    ]);
    expect(story.order).toMatchObject({
      status: 'CONFIRMED',
      paymentStatus: 'PAID',
      capturedMinor: 1000n,
      dueAt: null,
    });
    expect(story.payment()).toMatchObject({
      ...{ status: 'SUCCEEDED', late: false, appliedMinor: 1000n, nextAction: null },
      ...{ succeededAt: second(9), evidenceSource: 'CALLBACK', evidenceProviderTime: second(9) },
    });
  });

  test('without a provider time, a payment succeeded when the report was received', () => {
    const story = new OrderStory().pay();
    story.report(anAnswer(firstId, 'SUCCEEDED', 42));
    expect(story.payment()).toMatchObject({ succeededAt: second(42), evidenceSource: 'QUERY' });
  });

  test('a failed payment leaves its order open for another payment', () => {
    const story = new OrderStory().pay();
    const failure = declined('ch_1');
    expect(story.eventsOf(() => story.report(aReport(firstId, 'FAILED', 5, { failure })))).toEqual(['PAYMENT_FAILED']);
    expect(story.payment()).toMatchObject({ status: 'FAILED', failureReason: 'card_declined' });
    expect(story.order).toMatchObject({ status: 'OPEN', paymentStatus: 'UNPAID' });
  });
});

describe('reports that are late, early or repeated', () => {
  test.each<[held: ReportedPaymentStatus]>([
    ['ACTION_REQUIRED'],
    ['PROCESSING'],
    ['AUTHORIZED'],
    ['SUCCEEDED'],
    ['FAILED'],
    ['CANCELED'],
    ['EXPIRED'],
  ])('a repeated report of %s has no effect', (status) => {
    const story = new OrderStory().pay();
    expect(story.report(aReport(firstId, status))).toEqual(applied);
    const held = story.held;
    expect(story.eventsOf(() => expect(story.report(aReport(firstId, status))).toEqual(repeated))).toEqual([]);
    expect(story.held).toEqual(held);
  });

  test('a callback before the response to our own call advances the payment, and the response does not move it back', () => {
    const story = new OrderStory().pay();
    expect(story.report(aReport(firstId, 'SUCCEEDED', 3))).toEqual(applied);
    const answer = aReport(firstId, 'ACTION_REQUIRED', 1, {
      nextAction: confirmCard,
      evidence: { source: 'RESPONSE', providerTime: second(1), receivedAt: second(4) },
    });
    expect(story.eventsOf(() => expect(story.report(answer)).toEqual(superseded))).toEqual([]);
    expect(story.payment()).toMatchObject({ status: 'SUCCEEDED', nextAction: null, evidenceSource: 'CALLBACK' });
  });

  test('a response that arrives after a callback still brings the next action', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 3));
    expect(story.payment().nextAction).toBeNull();
    const answer = aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: confirmCard, providerReference: 'cs_1' });
    expect(story.eventsOf(() => expect(story.report(answer)).toEqual(repeated))).toEqual([]);
    expect(story.payment()).toMatchObject({ nextAction: confirmCard, providerReference: 'cs_1' });
  });

  test('of two reordered callbacks, the older has no effect on a payment without money', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'PROCESSING', 8));
    expect(story.report(aReport(firstId, 'ACTION_REQUIRED', 5))).toEqual(superseded);
    expect(story.payment().status).toBe('PROCESSING');
    expect(story.report(aReport(firstId, 'ACTION_REQUIRED', 9, { failure: declined('ch_1') }))).toEqual(applied);
    expect(story.payment()).toMatchObject({ status: 'ACTION_REQUIRED', failureAttempt: 'ch_1' });
  });

  test('a success is applied although its callback is older than the held evidence', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'PROCESSING', 8));
    expect(story.report(aReport(firstId, 'SUCCEEDED', 2))).toEqual(applied);
    expect(story.payment()).toMatchObject({ status: 'SUCCEEDED', capturedMinor: 1000n });
  });

  test.each<[reported: ReportedPaymentStatus]>([
    ['FAILED'],
    ['CANCELED'],
    ['EXPIRED'],
    ['ACTION_REQUIRED'],
    ['PROCESSING'],
    ['AUTHORIZED'],
  ])('a succeeded payment does not change after a report of %s', (reported) => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'SUCCEEDED', 5));
    const held = story.held;
    expect(story.eventsOf(() => expect(story.report(aReport(firstId, reported, 9))).toEqual(superseded))).toEqual([]);
    expect(story.held).toEqual(held);
  });
});

describe('declined attempts', () => {
  const attempt = (name: string, at: number) => aReport(firstId, 'ACTION_REQUIRED', at, { failure: declined(name) });

  test('a newly declined attempt makes one event, and its repetition none', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: confirmCard }));
    expect(story.eventsOf(() => story.report(attempt('ch_1', 5)))).toEqual(['PAYMENT_ACTION_REQUIRED']);
    expect(story.eventsOf(() => story.report(attempt('ch_1', 5)))).toEqual([]);
    expect(story.eventsOf(() => story.report(attempt('ch_1', 6)))).toEqual([]);
    expect(story.eventsOf(() => story.report(attempt('ch_2', 7)))).toEqual(['PAYMENT_ACTION_REQUIRED']);
    expect(story.eventsOf(() => story.report(attempt('ch_2', 7)))).toEqual([]);
    expect(story.payment()).toMatchObject({
      ...{ status: 'ACTION_REQUIRED', failureReason: 'card_declined', failureAttempt: 'ch_2', nextAction: confirmCard },
    });
  });

  test('an older declined attempt does not replace a newer one', () => {
    const story = new OrderStory().pay();
    story.report(attempt('ch_2', 7));
    expect(story.eventsOf(() => story.report(attempt('ch_1', 5)))).toEqual([]);
    expect(story.payment().failureAttempt).toBe('ch_2');
  });

  test('a success clears the failure of earlier attempts', () => {
    const story = new OrderStory().pay();
    story.report(attempt('ch_1', 5));
    story.report(aReport(firstId, 'SUCCEEDED', 8));
    expect(story.payment()).toMatchObject({
      ...{ failureReason: null, failureMessage: null, failureProviderCode: null, failureAttempt: null },
    });
  });
});

describe('a different amount, currency or provider payment id than the recorded one', () => {
  test.each<[what: string, said: Partial<PaymentReport>]>([
    ['another amount', { amountMinor: 999n }],
    ['an amount that is a hundred times larger', { amountMinor: 100_000n }],
    ['another currency', { currency: 'USD' }],
    ['another provider payment id', { providerPaymentId: 'pi_other' }],
    ['less captured', { capturedMinor: 999n }],
    ['more captured', { capturedMinor: 1001n }],
  ])('%s: the payment does not change, and the order goes into review once', (_what, said) => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1));
    const held = story.payment();
    const wrong = aReport(firstId, 'SUCCEEDED', 5, said);
    expect(story.eventsOf(() => expect(story.report(wrong)).toEqual(mismatch))).toEqual(['ORDER_REVIEW_NEEDED']);
    expect(story.eventsOf(() => expect(story.report(wrong)).toEqual(mismatch))).toEqual([]);
    expect(story.payment()).toEqual(held);
    expect(story.order).toMatchObject({ status: 'OPEN', reviewReasons: ['AMOUNT_MISMATCH'], capturedMinor: 0n });
    expect(story.events.at(-1)?.changes.note).toContain(firstId);
  });

  test('a correct report is still applied afterwards', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'SUCCEEDED', 5, { amountMinor: 999n }));
    expect(story.report(aReport(firstId, 'SUCCEEDED', 5))).toEqual(applied);
    expect(story.order).toMatchObject({ status: 'CONFIRMED', reviewReasons: ['AMOUNT_MISMATCH'] });
  });

  test('a report without amounts is not a mismatch', () => {
    const story = new OrderStory().pay();
    const bare = { amountMinor: null, currency: null, capturedMinor: null, providerPaymentId: null };
    expect(story.report(aReport(firstId, 'SUCCEEDED', 5, bare))).toEqual(applied);
    expect(story.payment().capturedMinor).toBe(1000n);
  });
});

describe('success after expiry or cancel', () => {
  test.each<[target: 'CANCELED' | 'EXPIRED', reported: ReportedPaymentStatus]>([
    ['EXPIRED', 'EXPIRED'],
    ['EXPIRED', 'CANCELED'],
    ['CANCELED', 'CANCELED'],
    ['CANCELED', 'FAILED'],
  ])(
    'ACCEPT: an order that was %s, with a payment that was %s, is confirmed and goes into review',
    (target, reported) => {
      const story = new OrderStory({}, 'ACCEPT').pay().close(target);
      story.report(aReport(firstId, reported, 4));
      expect(story.order.status).toBe(target);
      expect(story.eventsOf(() => story.report(aReport(firstId, 'SUCCEEDED', 6)))).toEqual([
        ...['PAYMENT_SUCCEEDED', 'ORDER_REVIEW_NEEDED', 'ORDER_CONFIRMED'],
      ]);
      expect(story.order).toMatchObject({
        status: 'CONFIRMED',
        paymentStatus: 'PAID',
        reviewReasons: ['LATE_PAYMENT'],
      });
      expect(story.payment()).toMatchObject({ late: true, appliedMinor: 1000n, surplusMinor: 0n });
    },
  );

  const late = (policy: LatePaymentPolicy): OrderStory => {
    const story = new OrderStory({}, policy).pay().close('EXPIRED');
    story.report(anAnswer(firstId, 'EXPIRED', 4));
    story.report(aReport(firstId, 'SUCCEEDED', 6));
    return story;
  };

  test('REFUND: the whole amount is surplus, and the order stays closed', () => {
    const story = late('REFUND');
    expect(placed(story.payment())).toEqual({
      ...{ capturedMinor: 1000n, appliedMinor: 0n, surplusMinor: 1000n, quarantinedMinor: 0n },
    });
    expect(story.order).toMatchObject({ status: 'EXPIRED', paymentStatus: 'OVERPAID' });
    expect(story.order.reviewReasons).toContain('LATE_PAYMENT');
  });

  test('REVIEW: the whole amount is quarantined, and the order stays closed', () => {
    const story = late('REVIEW');
    expect(placed(story.payment())).toEqual({
      ...{ capturedMinor: 1000n, appliedMinor: 0n, surplusMinor: 0n, quarantinedMinor: 1000n },
    });
    expect(story.order).toMatchObject({ status: 'EXPIRED', reviewReasons: ['LATE_PAYMENT'] });
  });

  test.each<[policy: LatePaymentPolicy]>([['ACCEPT'], ['REFUND'], ['REVIEW']])(
    '%s: money for an abandoned payment is applied to an order that is still open',
    (policy) => {
      const story = new OrderStory({}, policy).pay();
      story.report(aReport(firstId, 'FAILED', 4, { failure: declined('ch_1') }));
      expect(story.eventsOf(() => story.report(aReport(firstId, 'SUCCEEDED', 6)))).toEqual([
        ...['PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED'],
      ]);
      expect(story.payment()).toMatchObject({ late: true, appliedMinor: 1000n, failureReason: null });
      expect(story.order.reviewReasons).toEqual([]);
    },
  );
});

describe('two payments of one order', () => {
  const twoPayments = (): OrderStory => {
    const story = new OrderStory().pay(firstId);
    story.report(aReport(firstId, 'CANCELED', 3));
    return story.pay(secondId);
  };

  test('both succeed: the first is applied, the other is surplus', () => {
    const story = twoPayments();
    story.report(aReport(secondId, 'SUCCEEDED', 5));
    expect(story.eventsOf(() => story.report(aReport(firstId, 'SUCCEEDED', 6)))).toEqual([
      ...['PAYMENT_SUCCEEDED', 'ORDER_REVIEW_NEEDED', 'REFUND_REQUESTED'],
    ]);
    expect(placed(story.payment(secondId))).toMatchObject({ appliedMinor: 1000n, surplusMinor: 0n });
    expect(placed(story.payment(firstId))).toMatchObject({ appliedMinor: 0n, surplusMinor: 1000n });
    expect(story.order).toMatchObject({
      ...{ status: 'CONFIRMED', paymentStatus: 'OVERPAID', capturedMinor: 2000n, reviewReasons: ['SURPLUS'] },
    });
  });

  test('in the opposite order, the other payment is surplus', () => {
    const story = twoPayments();
    story.report(aReport(firstId, 'SUCCEEDED', 5));
    story.report(aReport(secondId, 'SUCCEEDED', 6));
    expect(story.payment(firstId).appliedMinor).toBe(1000n);
    expect(story.payment(secondId).surplusMinor).toBe(1000n);
    expect(story.order.paymentStatus).toBe('OVERPAID');
  });

  test('after a partial capture, the other payment is applied up to the total, and only the rest is surplus', () => {
    const story = new OrderStory({ captureMode: 'MANUAL' }).pay(firstId);
    story.report(aReport(firstId, 'CANCELED', 3));
    story.pay(secondId);
    story.report(aReport(secondId, 'SUCCEEDED', 5, { capturedMinor: 600n }));
    story.report(aReport(firstId, 'SUCCEEDED', 6));
    expect(placed(story.payment(secondId))).toMatchObject({ appliedMinor: 600n, surplusMinor: 0n });
    expect(placed(story.payment(firstId))).toMatchObject({ appliedMinor: 400n, surplusMinor: 600n });
  });
});

describe('closing an order', () => {
  test.each<[target: 'CANCELED' | 'EXPIRED', ends: EventType]>([
    ['CANCELED', 'ORDER_CANCELED'],
    ['EXPIRED', 'ORDER_EXPIRED'],
  ])('without a live payment it is %s immediately', (target, ends) => {
    const story = new OrderStory();
    expect(story.eventsOf(() => story.close(target))).toEqual(['ORDER_CLOSING', ends]);
    expect(story.order).toMatchObject({ status: target, closeTarget: null, dueAt: null });
  });

  test.each<[target: 'CANCELED' | 'EXPIRED', reported: ReportedPaymentStatus, events: EventType[]]>([
    ['EXPIRED', 'CANCELED', ['PAYMENT_EXPIRED', 'ORDER_EXPIRED']], // Stripe reports a payment that we close as canceled
    ['EXPIRED', 'EXPIRED', ['PAYMENT_EXPIRED', 'ORDER_EXPIRED']],
    ['CANCELED', 'CANCELED', ['PAYMENT_CANCELED', 'ORDER_CANCELED']],
    ['CANCELED', 'EXPIRED', ['PAYMENT_CANCELED', 'ORDER_CANCELED']],
    ['EXPIRED', 'FAILED', ['PAYMENT_FAILED', 'ORDER_EXPIRED']],
  ])('it ends %s when the provider reports %s for its payment', (target, reported, events) => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: confirmCard }));
    expect(story.eventsOf(() => story.close(target))).toEqual(['ORDER_CLOSING', 'PAYMENT_CANCELING']);
    expect(story.payment()).toMatchObject({ status: 'CANCELING', closeTarget: target, nextAction: null });
    expect(story.payment().checkAt).not.toBeNull();
    expect(story.eventsOf(() => story.report(anAnswer(firstId, reported, 9)))).toEqual(events);
    expect(story.order).toMatchObject({ status: target, closeTarget: null, paymentStatus: 'UNPAID' });
    expect(story.payment().closeTarget).toBeNull();
  });

  test('when the buyer paid before the close, the order is confirmed and the money is not late', () => {
    const story = new OrderStory().pay().close('EXPIRED');
    expect(story.eventsOf(() => story.report(anAnswer(firstId, 'SUCCEEDED', 9)))).toEqual([
      ...['PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED'],
    ]);
    expect(story.order).toMatchObject({ status: 'CONFIRMED', closeTarget: null, reviewReasons: [] });
    expect(story.payment()).toMatchObject({ late: false, closeTarget: null });
  });

  test('it ends when its last payment has ended', () => {
    const story = new OrderStory().pay(firstId).pay(secondId).close('CANCELED');
    story.report(aReport(firstId, 'CANCELED', 5));
    expect(story.order.status).toBe('CLOSING');
    story.report(aReport(secondId, 'CANCELED', 6));
    expect(story.order.status).toBe('CANCELED');
  });

  test('a payment that is being closed is not closed twice', () => {
    const story = new OrderStory().pay();
    story.decide((change) => closePayment(change, firstId, 'CANCELED'));
    expect(story.eventsOf(() => story.decide((change) => closePayment(change, firstId, 'EXPIRED')))).toEqual([]);
    expect(story.payment().closeTarget).toBe('CANCELED');
  });

  test('a full or partial capture that is reported during the close confirms the order', () => {
    const story = new OrderStory({ captureMode: 'MANUAL' }).pay().close('EXPIRED');
    story.report(anAnswer(firstId, 'SUCCEEDED', 9)); // reported as captured in full
    expect(story.order.status).toBe('CONFIRMED');
    const part = new OrderStory({ captureMode: 'MANUAL' }).pay().close('EXPIRED');
    part.report({ ...anAnswer(firstId, 'SUCCEEDED', 9), capturedMinor: 600n });
    expect(part.order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_PAID' });
  });
});

describe('authorize first, capture later', () => {
  const manual = (policy?: LatePaymentPolicy): OrderStory => new OrderStory({ captureMode: 'MANUAL' }, policy);

  test('an authorization confirms the order, and its capture pays it', () => {
    const story = manual().pay();
    expect(story.eventsOf(() => story.report(aReport(firstId, 'AUTHORIZED', 5)))).toEqual([
      ...['PAYMENT_AUTHORIZED', 'ORDER_CONFIRMED'],
    ]);
    expect(story.order).toMatchObject({ paymentStatus: 'AUTHORIZED', authorizedMinor: 1000n, capturedMinor: 0n });
    expect(story.eventsOf(() => story.report(aReport(firstId, 'SUCCEEDED', 8)))).toEqual(['PAYMENT_SUCCEEDED']);
    expect(story.order).toMatchObject({ paymentStatus: 'PAID', authorizedMinor: 1000n, capturedMinor: 1000n });
  });

  test('a part is captured, and the rest is released', () => {
    const story = manual().pay();
    story.report(aReport(firstId, 'AUTHORIZED', 5));
    expect(story.report(aReport(firstId, 'SUCCEEDED', 8, { capturedMinor: 600n }))).toEqual(applied);
    expect(placed(story.payment())).toMatchObject({ capturedMinor: 600n, appliedMinor: 600n, surplusMinor: 0n });
    expect(story.order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_PAID' });
  });

  test('a partial capture confirms the order even if its authorization was never reported', () => {
    const story = manual().pay();
    story.report(aReport(firstId, 'SUCCEEDED', 8, { capturedMinor: 600n }));
    expect(story.order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_PAID', dueAt: null });
    expect(story.report(aReport(firstId, 'AUTHORIZED', 5))).toEqual(superseded);
  });

  test('a capture of more than the authorized amount is a mismatch', () => {
    const story = manual().pay();
    story.report(aReport(firstId, 'AUTHORIZED', 5));
    expect(story.report(aReport(firstId, 'SUCCEEDED', 8, { capturedMinor: 1001n }))).toEqual(mismatch);
  });

  test('a different captured amount than the recorded one is a mismatch', () => {
    const story = manual().pay();
    story.report(aReport(firstId, 'SUCCEEDED', 8, { capturedMinor: 600n }));
    expect(story.report(aReport(firstId, 'SUCCEEDED', 9, { capturedMinor: 700n }))).toEqual(mismatch);
    expect(story.payment().capturedMinor).toBe(600n);
  });

  test.each<[ended: ReportedPaymentStatus, event: EventType]>([
    ['CANCELED', 'PAYMENT_CANCELED'],
    ['EXPIRED', 'PAYMENT_EXPIRED'],
  ])('an authorization that is %s no longer authorizes an amount', (ended, event) => {
    const story = manual().pay();
    story.report(aReport(firstId, 'AUTHORIZED', 5));
    expect(story.eventsOf(() => story.report(aReport(firstId, ended, 8)))).toEqual([event]);
    expect(story.payment().authorizedMinor).toBe(0n);
    expect(story.order).toMatchObject({ authorizedMinor: 0n, paymentStatus: 'UNPAID' });
  });

  test('an authorization for an order that is already fully authorized is voided', () => {
    const story = manual().pay(firstId);
    story.report(aReport(firstId, 'CANCELED', 3));
    story.pay(secondId);
    story.report(aReport(secondId, 'AUTHORIZED', 5));
    expect(story.eventsOf(() => story.report(anAnswer(firstId, 'AUTHORIZED', 6)))).toEqual([
      ...['PAYMENT_AUTHORIZED', 'PAYMENT_CANCELING'],
    ]);
    expect(story.payment(firstId)).toMatchObject({ status: 'CANCELING', late: true });
    expect(story.payment(firstId).checkAt).not.toBeNull();
    expect(story.payment(secondId).status).toBe('AUTHORIZED');
  });

  test('an authorization is voided when another payment pays the order', () => {
    const story = manual().pay(firstId);
    story.report(aReport(firstId, 'CANCELED', 3));
    story.pay(secondId);
    story.report(aReport(secondId, 'AUTHORIZED', 5));
    expect(story.eventsOf(() => story.report(aReport(firstId, 'SUCCEEDED', 6)))).toEqual([
      ...['PAYMENT_SUCCEEDED', 'PAYMENT_CANCELING'],
    ]);
    expect(story.payment(secondId)).toMatchObject({ status: 'CANCELING', closeTarget: 'CANCELED' });
  });

  const lateAuthorization = (policy: LatePaymentPolicy): OrderStory => {
    const story = manual(policy).pay().close('EXPIRED');
    story.report(anAnswer(firstId, 'EXPIRED', 4));
    story.report(anAnswer(firstId, 'AUTHORIZED', 6));
    return story;
  };

  test.each<[policy: LatePaymentPolicy, payment: PaymentStatus, order: string]>([
    ['ACCEPT', 'AUTHORIZED', 'CONFIRMED'],
    ['REFUND', 'CANCELING', 'EXPIRED'],
    ['REVIEW', 'AUTHORIZED', 'EXPIRED'],
  ])('%s: an authorization after the order closed is %s, and the order %s', (policy, payment, order) => {
    const story = lateAuthorization(policy);
    expect(story.payment()).toMatchObject({ status: payment, late: true });
    expect(story.order).toMatchObject({ status: order, reviewReasons: ['LATE_PAYMENT'] });
    expect(story.payment().checkAt).not.toBeNull();
  });

  test('the delayed callback of a voided authorization does not restore it', () => {
    const story = manual().pay().close('CANCELED');
    story.report(anAnswer(firstId, 'CANCELED', 8));
    expect(story.order.status).toBe('CANCELED');
    expect(story.eventsOf(() => expect(story.report(aReport(firstId, 'AUTHORIZED', 5))).toEqual(superseded))).toEqual(
      [],
    );
    expect(story.order.status).toBe('CANCELED');
  });

  test('the callback of an authorization has no effect when the callback of its end arrived first', () => {
    const story = manual().pay();
    story.report(aReport(firstId, 'EXPIRED', 8));
    expect(story.report(aReport(firstId, 'AUTHORIZED', 8))).toEqual(superseded); // Stripe’s timestamps are whole seconds
    expect(story.report(aReport(firstId, 'AUTHORIZED', 5))).toEqual(superseded);
    expect(story.payment()).toMatchObject({ status: 'EXPIRED', authorizedMinor: 0n });
    expect(story.order.status).toBe('OPEN');
  });

  test('the callback of an authorization that is being voided has no effect', () => {
    const story = manual().pay();
    story.decide((change) => closePayment(change, firstId, 'CANCELED'));
    expect(story.report(aReport(firstId, 'AUTHORIZED', 9))).toEqual(superseded);
    expect(story.payment().status).toBe('CANCELING');
  });
});

describe('unknown outcomes', () => {
  test('a call without an answer makes the payment UNKNOWN, never FAILED, and plans a check after 5 s', () => {
    const story = new OrderStory().pay();
    expect(story.eventsOf(() => story.decide((change) => markUnknown(change, firstId)))).toEqual(['PAYMENT_UNKNOWN']);
    expect(story.payment()).toMatchObject({ status: 'UNKNOWN', checkAttempts: 0, leasedUntil: null });
    expect(story.payment().checkAt?.getTime()).toBe(story.payment().updatedAt.getTime() + 5000);
    expect(story.order.paymentStatus).toBe('PENDING');
  });

  test.each<[held: ReportedPaymentStatus]>([
    ['ACTION_REQUIRED'],
    ['PROCESSING'],
    ['AUTHORIZED'],
    ['SUCCEEDED'],
    ['FAILED'],
    ['CANCELED'],
    ['EXPIRED'],
  ])('a %s payment never becomes UNKNOWN', (status) => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, status));
    const { held } = story;
    expect(story.eventsOf(() => story.decide((change) => markUnknown(change, firstId)))).toEqual([]);
    expect(story.held).toEqual(held);
  });

  test('a payment that is being closed never becomes UNKNOWN', () => {
    const story = new OrderStory().pay();
    story.decide((change) => closePayment(change, firstId, 'CANCELED'));
    expect(story.eventsOf(() => story.decide((change) => markUnknown(change, firstId)))).toEqual([]);
    expect(story.payment().status).toBe('CANCELING');
  });

  test('an UNKNOWN payment gets the status that a callback or a query reports', () => {
    for (const report of [aReport(firstId, 'SUCCEEDED'), anAnswer(firstId, 'SUCCEEDED')]) {
      const story = new OrderStory().pay();
      story.decide((change) => markUnknown(change, firstId));
      expect(story.report(report)).toEqual(applied);
      expect(story.payment()).toMatchObject({ status: 'SUCCEEDED', evidenceSource: report.evidence.source });
    }
  });

  test('after the last check without a result the order goes into review, and the payment stays UNKNOWN', () => {
    const story = new OrderStory().pay();
    story.decide((change) => markUnknown(change, firstId));
    for (let checks = 1; checks < unknownDelaysMs.length; checks += 1) {
      expect(story.eventsOf(() => story.decide(checkWithoutResult))).toEqual([]);
      expect(story.payment()).toMatchObject({ checkAttempts: checks, checkAt: expect.any(Date), leasedUntil: null });
    }
    const last = story.eventsOf(() => story.decide(checkWithoutResult));
    expect(last).toEqual(['ORDER_REVIEW_NEEDED']);
    expect(story.order.reviewReasons).toEqual(['STUCK_UNKNOWN']);
    expect(story.payment()).toMatchObject({ status: 'UNKNOWN', checkAt: null });
    expect(story.eventsOf(() => story.decide(checkWithoutResult))).toEqual([]);
    expect(story.report(aReport(firstId, 'SUCCEEDED', 99))).toEqual(applied);
  });

  test('each check without a new result is followed by the next one of the schedule', () => {
    const story = new OrderStory().pay();
    story.decide((change) => markUnknown(change, firstId));
    const delaysMs = unknownDelaysMs.slice(1, 10).map(() =>
      story.decide((change) => {
        checkWithoutResult(change);
        return (change.payment(firstId).checkAt?.getTime() ?? 0) - change.at.getTime();
      }),
    );
    expect(delaysMs).toEqual(unknownDelaysMs.slice(1, 10));
  });
});

test('checks before their time do not advance the schedule', () => {
  const story = new OrderStory().pay();
  story.decide((change) => markUnknown(change, firstId));
  const { checkAt } = story.payment();
  story.decide((change) => {
    for (let checks = 0; checks < 100; checks += 1) postponeCheck(change, firstId);
  });
  expect(story.payment()).toMatchObject({ status: 'UNKNOWN', checkAttempts: 0, checkAt });
  expect(story.order.reviewReasons).toEqual([]);
});

test('a report of a payment of another order throws a RangeError', () => {
  const story = new OrderStory().pay();
  expect(() => story.report(aReport(secondId, 'SUCCEEDED'))).toThrow(RangeError);
});

test('a decision that throws leaves the order unchanged', () => {
  const story = new OrderStory().pay();
  const { held } = story;
  const copy = structuredClone(held);
  const refuse = () =>
    story.decide((change) => {
      closePayment(change, firstId, 'CANCELED');
      throw new Error('refused');
    });
  expect(refuse).toThrow('refused');
  expect(story.held).toBe(held);
  expect(held).toEqual(copy);
});

describe('a callback that cannot be read', () => {
  const note = (story: OrderStory) =>
    story.eventsOf(() =>
      story.decide((change) => noteUnreadableCallback(change, firstId, 'a verified callback is odd.')),
    );

  test.each<[what: string, reported: ReportedPaymentStatus, checkAt: 'planned' | null]>([
    ['that waits for its buyer', 'ACTION_REQUIRED', 'planned'],
    ['that was paid', 'SUCCEEDED', 'planned'],
    ['without a planned check', 'FAILED', null],
  ])(
    'plans a check of a payment %s after two seconds, keeps its status, and puts the order in review once',
    (_what, reported, planned) => {
      const story = new OrderStory().pay();
      story.report(aReport(firstId, reported, 1));
      if (planned === null) story.decide((change) => change.plan(firstId, { checkAt: null }));
      const { status } = story.payment();
      expect(note(story)).toEqual(['ORDER_REVIEW_NEEDED']);
      const { checkAt } = story.payment();
      expect(story.payment().status).toBe(status);
      expect((checkAt?.getTime() ?? 0) - story.order.updatedAt.getTime()).toBe(2000);
      expect(note(story)).toEqual([]);
      expect(story.payment().checkAt).toEqual(checkAt);
      expect(story.order.reviewReasons).toEqual(['UNREADABLE_CALLBACK']);
    },
  );

  test.each<[reported: ReportedPaymentStatus]>([['SUCCEEDED'], ['FAILED']])(
    'uses up none of the few checks of a payment that is %s',
    (reported) => {
      const next = (unreadable: number) => {
        const story = new OrderStory().pay();
        story.report(aReport(firstId, reported, 1));
        for (let times = 0; times < unreadable; times += 1) {
          note(story);
          story.decide((change) => {
            change.record('ORDER_REVIEW_RESOLVED', { order: { reviewReasons: [] }, note: 'Looked.' });
          });
          note(story); // the same check
          story.passTo(100 * (times + 1));
          story.decide((change) => postponeCheck(change, firstId));
        }
        const { checkAt, checkAttempts } = story.payment();
        return { attempts: checkAttempts, delayMs: (checkAt?.getTime() ?? 0) - story.payment().updatedAt.getTime() };
      };
      expect(next(3).attempts).toBe(next(0).attempts);
      expect(Math.abs(next(3).delayMs - next(0).delayMs)).toBeLessThan(400_000);
    },
  );

  test('does not delay a check that is due sooner', () => {
    const story = new OrderStory().pay();
    story.decide((change) => change.plan(firstId, { checkAt: change.at }));
    const { checkAt } = story.payment();
    note(story);
    expect(story.payment().checkAt).toEqual(checkAt);
  });
});
