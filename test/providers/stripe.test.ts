import { describe, expect, test } from 'vitest';
import type { PaymentReport } from '../../src/domain/report.ts';
import {
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  RejectedError,
  type WebhookMessage,
} from '../../src/providers/provider.ts';
import { publishableKey, tenDollars } from '../sandbox/rig.ts';
import {
  anOrderToPay,
  cards,
  failureOf,
  knowing,
  openReceiver,
  openStripeRig,
  patient,
  reportIn,
  type StripeRig,
} from './stripe-rig.ts';

type Started = { readonly rig: StripeRig; readonly order: PaymentOrder; readonly started: PaymentReport };

/** A payment that was started, and whose first answer is known. */
async function start(facts: Partial<PaymentOrder> = {}, rig?: StripeRig): Promise<Started> {
  const opened = rig ?? (await openStripeRig());
  const order = anOrderToPay(facts);
  const started = await opened.provider.startPayment(order, patient());
  return { rig: opened, order: knowing(order, started), started };
}

async function query({ rig, order }: Pick<Started, 'rig' | 'order'>): Promise<PaymentReport> {
  return reportIn(await rig.provider.queryPayment(order, patient()));
}

describe('starting', () => {
  test('P01 EMBEDDED asks the buyer for a card, with what the card form needs', async () => {
    const { started, order } = await start();
    expect(started).toMatchObject({
      ...{ paymentId: order.paymentId, status: 'ACTION_REQUIRED', amountMinor: 1000n, currency: 'EUR' },
      ...{ capturedMinor: null, failure: null, providerReference: null },
      providerPaymentId: expect.stringMatching(/^pi_/),
      nextAction: { kind: 'CONFIRM_CARD', clientSecret: expect.stringContaining('_secret_'), publishableKey },
      evidence: { source: 'RESPONSE', providerTime: expect.any(Date), receivedAt: expect.any(Date) },
    });
  });

  test('P02 REDIRECT sends the buyer to a page', async () => {
    const { started, order } = await start({ flow: 'REDIRECT' });
    expect(started).toMatchObject({
      ...{ paymentId: order.paymentId, status: 'ACTION_REQUIRED', amountMinor: 1000n, currency: 'EUR' },
      providerPaymentId: null,
      providerReference: expect.stringMatching(/^cs_/),
      nextAction: { kind: 'REDIRECT', url: expect.stringMatching(/^http/), expiresAt: expect.stringMatching(/Z$/) },
    });
  });

  test.each<PaymentOrder['flow']>(['EMBEDDED', 'REDIRECT'])(
    'P03 %s started again is the same payment',
    async (flow) => {
      const { rig, order, started } = await start({ flow });
      const again = await rig.provider.startPayment(
        { ...order, providerPaymentId: null, providerReference: null },
        patient(),
      );
      expect({ ...again, evidence: null }).toEqual({ ...started, evidence: null });
      const { paymentIntents, checkoutSessions } = await rig.ledger(order);
      expect(paymentIntents.length + checkoutSessions.length).toBe(1);
    },
  );

  test('P04 sixteen that start the same payment at once make one', async () => {
    const rig = await openStripeRig();
    const order = anOrderToPay();
    const calls = Array.from({ length: 16 }, () => rig.provider.startPayment(order, patient()));
    const made = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled');
    expect(made.length).toBeGreaterThan(0);
    expect((await rig.ledger(order)).paymentIntents).toHaveLength(1);
  });

  test.each<[amountMinor: bigint, currency: string, amount: number]>([
    [500n, 'JPY', 500],
    [5120n, 'KWD', 5120],
    [500n, 'ISK', 50_000],
    [50_000n, 'MGA', 500],
  ])('P05 %i minor units of %s are %i there and come back as they were', async (amountMinor, currency, amount) => {
    const { rig, order, started } = await start({ amountMinor, currency });
    expect(started).toMatchObject({ amountMinor, currency });
    expect((await rig.ledger(order)).paymentIntents).toMatchObject([{ amount }]);
    await rig.pay(started);
    expect(await query({ rig, order })).toMatchObject({ status: 'SUCCEEDED', amountMinor, capturedMinor: amountMinor });
  });

  test.each<[what: string, description: string | null]>([
    ['no description', null],
    ['an empty description', ''],
    ['a blank description', ' '],
    ['a description in any script', '門票 × 2 🙂'],
    ['the longest description', 'x'.repeat(127)],
  ])('P06 a payment with %s starts in both flows', async (_what, description) => {
    const rig = await openStripeRig();
    for (const flow of ['EMBEDDED', 'REDIRECT'] as const) {
      const { started } = await start({ flow, description }, rig);
      expect(started.status).toBe('ACTION_REQUIRED');
    }
  });

  test.each([60, 1800, 86_400, 604_800])('P07 a page opens for an order that lives %i seconds', async (seconds) => {
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + seconds * 1000);
    expect((await start({ flow: 'REDIRECT', createdAt, expiresAt })).started.status).toBe('ACTION_REQUIRED');
  });

  test('P08 an amount that cannot be paid by card is refused beforehand, in words', async () => {
    const { provider } = await openStripeRig();
    const refusalOf = (amountMinor: bigint, currency: string) =>
      provider.refusalOf({ amountMinor, currency, captureMode: 'AUTOMATIC' });
    expect(refusalOf(1000n, 'EUR')).toBeNull();
    expect(refusalOf(100_000_000n, 'EUR')).toContain('EUR');
    expect(refusalOf(5124n, 'KWD')).toContain('KWD');
  });
});

type State = {
  readonly state: string;
  readonly facts?: Partial<PaymentOrder>;
  readonly bring: (payment: Started) => Promise<unknown>;
  readonly says: Partial<Record<keyof PaymentReport, unknown>>;
};

const onPage = { flow: 'REDIRECT' } as const;
const held = { captureMode: 'MANUAL' } as const;
const nothing = async () => undefined;
const control = ({ rig, started }: Started, act: string, body: object = {}) =>
  rig.sandbox.control('POST', `/stripe/payment_intents/${started.providerPaymentId}/${act}`, body);

const open: State[] = [
  {
    state: 'a card form that nobody has filled in',
    bring: nothing,
    says: { status: 'ACTION_REQUIRED', failure: null, nextAction: expect.objectContaining({ kind: 'CONFIRM_CARD' }) },
  },
  {
    state: 'a declined card',
    bring: ({ rig, started }) => rig.pay(started, cards.declined),
    says: {
      status: 'ACTION_REQUIRED',
      failure: {
        ...{ reason: 'card_declined', message: 'Your card was declined.', providerCode: 'generic_decline' },
        attempt: expect.stringMatching(/^ch_/),
      },
      nextAction: expect.objectContaining({ kind: 'CONFIRM_CARD' }),
    },
  },
  {
    state: 'a card without funds',
    bring: ({ rig, started }) => rig.pay(started, cards.insufficientFunds),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'insufficient_funds' }) },
  },
  {
    state: 'a card that is expired',
    bring: ({ rig, started }) => rig.pay(started, 'pm_card_chargeDeclinedExpiredCard'),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'expired_card' }) },
  },
  {
    state: 'a card with a wrong code',
    bring: ({ rig, started }) => rig.pay(started, 'pm_card_chargeDeclinedIncorrectCvc'),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'incorrect_cvc' }) },
  },
  {
    state: 'a bank that asks the buyer',
    bring: ({ rig, started }) => rig.pay(started, cards.threeDSecure),
    says: { status: 'ACTION_REQUIRED', failure: null },
  },
  {
    state: 'a page that nobody has visited',
    facts: onPage,
    bring: nothing,
    says: {
      status: 'ACTION_REQUIRED',
      providerPaymentId: null,
      nextAction: expect.objectContaining({ kind: 'REDIRECT' }),
    },
  },
  {
    state: 'a page where a card was declined',
    facts: onPage,
    bring: ({ rig, started }) => rig.press(started, 'decline'),
    says: {
      status: 'ACTION_REQUIRED',
      providerPaymentId: expect.stringMatching(/^pi_/),
      failure: expect.objectContaining({ reason: 'card_declined' }),
      nextAction: expect.objectContaining({ kind: 'REDIRECT' }),
    },
  },
];

const authorized: State[] = [
  {
    state: 'a card that is held',
    facts: held,
    bring: ({ rig, started }) => rig.pay(started),
    says: { status: 'AUTHORIZED', amountMinor: 1000n, capturedMinor: null },
  },
  {
    state: 'a card that is held by a page',
    facts: { ...onPage, ...held },
    bring: ({ rig, started }) => rig.press(started, 'pay'),
    says: { status: 'AUTHORIZED', amountMinor: 1000n, capturedMinor: null, providerPaymentId: expect.any(String) },
  },
];

const paid: State[] = [
  {
    state: 'a card that paid',
    bring: ({ rig, started }) => rig.pay(started),
    says: { status: 'SUCCEEDED', amountMinor: 1000n, capturedMinor: 1000n, nextAction: null, failure: null },
  },
  {
    state: 'a card that paid after another was declined',
    bring: async ({ rig, started }) => {
      await rig.pay(started, cards.declined);
      await rig.pay(started);
    },
    says: { status: 'SUCCEEDED', capturedMinor: 1000n, failure: null },
  },
  {
    state: 'a hold that was captured in part',
    facts: held,
    bring: async ({ rig, started }) => {
      await rig.pay(started);
      await rig.sandbox.stripe.paymentIntents.capture(started.providerPaymentId ?? '', { amount_to_capture: 600 });
    },
    says: { status: 'SUCCEEDED', amountMinor: 1000n, capturedMinor: 600n },
  },
  {
    state: 'a page that was paid',
    facts: onPage,
    bring: ({ rig, started }) => rig.press(started, 'pay'),
    says: {
      ...{ status: 'SUCCEEDED', amountMinor: 1000n, capturedMinor: 1000n, nextAction: null },
      ...{ providerPaymentId: expect.stringMatching(/^pi_/), providerReference: expect.stringMatching(/^cs_/) },
    },
  },
  {
    state: 'a form that was canceled and paid in spite of it',
    bring: async (payment) => {
      await payment.rig.sandbox.stripe.paymentIntents.cancel(payment.started.providerPaymentId ?? '');
      await control(payment, 'succeed');
    },
    says: { status: 'SUCCEEDED', capturedMinor: 1000n },
  },
];

const ended: State[] = [
  {
    state: 'a form that was canceled',
    bring: ({ rig, started }) => rig.sandbox.stripe.paymentIntents.cancel(started.providerPaymentId ?? ''),
    says: { status: 'CANCELED', capturedMinor: null, nextAction: null },
  },
  {
    state: 'a hold that lapsed',
    facts: held,
    bring: async (payment) => {
      await payment.rig.pay(payment.started);
      await control(payment, 'lapse');
    },
    says: { status: 'EXPIRED', capturedMinor: null },
  },
  {
    state: 'a page that expired',
    facts: onPage,
    bring: ({ rig, started }) => rig.sandbox.stripe.checkout.sessions.expire(started.providerReference ?? ''),
    says: { status: 'EXPIRED', nextAction: null },
  },
  {
    state: 'a page that expired after a declined card',
    facts: onPage,
    bring: async ({ rig, started }) => {
      await rig.press(started, 'decline');
      await rig.sandbox.stripe.checkout.sessions.expire(started.providerReference ?? '');
    },
    says: { status: 'EXPIRED', nextAction: null },
  },
];

const processing: State = {
  state: 'a bank that takes its time',
  bring: async ({ rig, started }) => {
    await rig.fault({ fault: 'processing_then_succeeded' });
    await rig.pay(started);
  },
  says: { status: 'PROCESSING', capturedMinor: null },
};

async function bring({ facts, bring }: State): Promise<Started> {
  const payment = await start(facts);
  await bring(payment);
  return payment;
}

describe('asking', () => {
  test.each([...open, ...authorized, ...paid, ...ended, processing])(
    'P10 asked about $state, it says what is so',
    async (state) => {
      const payment = await bring(state);
      expect(await query(payment)).toMatchObject({
        ...{ paymentId: payment.order.paymentId, amountMinor: 1000n, currency: 'EUR' },
        ...state.says,
        evidence: { source: 'QUERY', receivedAt: expect.any(Date) },
      });
    },
  );

  test.each<PaymentOrder['flow']>(['EMBEDDED', 'REDIRECT'])('P11 %s is found by our own id alone', async (flow) => {
    const { rig, order, started } = await start({ flow });
    await start({ flow }, rig); // another one beside it
    const lost = { ...order, providerPaymentId: null, providerReference: null };
    const found = reportIn(await rig.provider.queryPayment(lost, patient()));
    expect(found).toMatchObject({
      ...{ providerPaymentId: started.providerPaymentId, providerReference: started.providerReference },
      nextAction: started.nextAction,
    });
  });

  test('P12 it is found among hundreds', async () => {
    const { rig, order, started } = await start();
    await Promise.all(Array.from({ length: 120 }, () => rig.sandbox.stripe.paymentIntents.create(tenDollars)));
    const lost = { ...order, providerPaymentId: null };
    expect(reportIn(await rig.provider.queryPayment(lost, patient())).providerPaymentId).toBe(
      started.providerPaymentId,
    );
  });

  test.each<PaymentOrder['flow']>(['EMBEDDED', 'REDIRECT'])('P13 %s that never arrived is not found', async (flow) => {
    const { rig } = await start({ flow });
    expect(await rig.provider.queryPayment(anOrderToPay({ flow }), patient())).toEqual({
      kind: 'notFound',
      payableUntil: null,
    });
    expect(await rig.provider.closePayment(anOrderToPay({ flow }), patient())).toEqual({
      kind: 'notFound',
      payableUntil: null,
    });
  });

  test('P14 a 3-D Secure check that the buyer failed is an attempt with a name', async () => {
    const { rig, order, started } = await start();
    await rig.pay(started, cards.threeDSecure);
    const { next_action: action } = await rig.sandbox.stripe.paymentIntents.retrieve(started.providerPaymentId ?? '');
    await rig.sandbox.post(action?.redirect_to_url?.url ?? '', { action: 'fail' });
    const { failure } = await query({ rig, order });
    expect(failure).toMatchObject({ reason: 'authentication_failed', attempt: expect.stringMatching(/^pm_/) });
  });

  test('P15 money that came to a page after it expired is reported', async () => {
    const { rig, order, started } = await start(onPage);
    await rig.press(started, 'decline');
    await rig.fault({ fault: 'success_after_close' });
    await rig.sandbox.stripe.checkout.sessions.expire(started.providerReference ?? '');
    await rig.sandbox.control('POST', '/clock', { advanceMs: 1000 });
    expect(await query({ rig, order })).toMatchObject({ status: 'SUCCEEDED', capturedMinor: 1000n });
  });
});

describe('closing', () => {
  const close = async ({ rig, order }: Started) => reportIn(await rig.provider.closePayment(order, patient()));

  test.each([...open, ...authorized])('P20 $state is closed, and nobody can pay it any more', async (state) => {
    const payment = await bring(state);
    const isPage = state.facts?.flow === 'REDIRECT' && state.facts.captureMode === undefined;
    expect(await close(payment)).toMatchObject({ status: isPage ? 'EXPIRED' : 'CANCELED', nextAction: null });
    const { rig, started, order } = payment;
    if (order.flow === 'REDIRECT') await rig.press(started, 'pay');
    else await rig.pay(started);
    expect((await query(payment)).capturedMinor).toBeNull();
  });

  test.each(paid)('P21 $state is not closed, and the money is reported', async (state) => {
    const payment = await bring(state);
    expect(await close(payment)).toMatchObject(state.says);
  });

  test.each(ended)('P22 $state is closed already', async (state) => {
    const payment = await bring(state);
    expect(await close(payment)).toMatchObject(state.says);
  });

  test('P23 a bank that takes its time is waited for', async () => {
    expect(await close(await bring(processing))).toMatchObject({ status: 'PROCESSING' });
  });

  test('P24 closing twice is no error', async () => {
    const payment = await start();
    expect(await close(payment)).toMatchObject({ status: 'CANCELED' });
    expect(await close(payment)).toMatchObject({ status: 'CANCELED' });
  });

  test('P25 what is closed is found by our own id alone', async () => {
    const { rig, order } = await start();
    const lost = { ...order, providerPaymentId: null };
    expect(reportIn(await rig.provider.closePayment(lost, patient()))).toMatchObject({ status: 'CANCELED' });
  });
});

/** A call whose caller loses patience once the sandbox has met the fault. */
async function untilMet<T>(rig: StripeRig, call: (signal: AbortSignal) => Promise<T>): Promise<unknown> {
  const deadline = new AbortController();
  const failure = failureOf(call(deadline.signal));
  await rig.faultsAreMet();
  deadline.abort(new Error('out of patience'));
  return failure;
}

const create = { operation: 'payment_intents.create' };

describe('no clear answer', () => {
  test.each<[fault: string, isMade: boolean]>([
    ['timeout_before', false],
    ['timeout_after', true],
    ['error_500_before', false],
    ['error_500_after', true],
    ['malformed', true],
  ])('P30 after %s nobody knows, and starting again makes no second payment', async (fault, isMade) => {
    const rig = await openStripeRig();
    const order = anOrderToPay();
    await rig.fault({ fault, match: create });
    const failure = await untilMet(rig, (signal) => rig.provider.startPayment(order, signal));
    expect(failure).toBeInstanceOf(OutcomeUnknownError);
    expect((await rig.ledger(order)).paymentIntents).toHaveLength(isMade ? 1 : 0);
    const asked = await rig.provider.queryPayment(order, patient());
    expect(asked.kind).toBe(isMade ? 'report' : 'notFound');
    if (!isMade) await rig.provider.startPayment(order, patient());
    expect((await rig.ledger(order)).paymentIntents).toHaveLength(1);
  });

  // The SDK tries once more by itself after a reset, hence many of them.
  test.each<[fault: string, isMade: boolean]>([
    ['reset_before', false],
    ['reset_after', true],
  ])('P31 after %s nobody knows, and there is one payment at most', async (fault, isMade) => {
    const rig = await openStripeRig();
    const order = anOrderToPay();
    await rig.fault({ fault, match: create, times: 9 });
    expect(await failureOf(rig.provider.startPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect((await rig.ledger(order)).paymentIntents).toHaveLength(isMade ? 1 : 0);
  });

  test.each(['timeout_before', 'error_500_before', 'malformed'])(
    'P32 after %s a question has no answer',
    async (fault) => {
      const { rig, order } = await start();
      await rig.fault({ fault, match: { operation: 'payment_intents.retrieve' } });
      const failure = await untilMet(rig, (signal) => rig.provider.queryPayment(order, signal));
      expect(failure).toBeInstanceOf(OutcomeUnknownError);
    },
  );

  test.each(['timeout_after', 'error_500_after', 'malformed'])(
    'P33 after %s it is not said that a payment was closed',
    async (fault) => {
      const { rig, order } = await start();
      await rig.fault({ fault, match: { operation: 'payment_intents.cancel' } });
      const failure = await untilMet(rig, (signal) => rig.provider.closePayment(order, signal));
      expect(failure).toBeInstanceOf(OutcomeUnknownError);
      expect(reportIn(await rig.provider.closePayment(order, patient()))).toMatchObject({ status: 'CANCELED' });
    },
  );

  test('P34 a search that fails is not taken for nothing found', async () => {
    const { rig, order } = await start();
    await rig.fault({ fault: 'error_500_before', match: { operation: 'payment_intents.list' } });
    const lost = { ...order, providerPaymentId: null };
    expect(await failureOf(rig.provider.queryPayment(lost, patient()))).toBeInstanceOf(OutcomeUnknownError);
  });

  test('P35 the same payment with another amount is not denied: something exists under its key', async () => {
    const { rig, order } = await start();
    const other = rig.provider.startPayment({ ...order, amountMinor: 2000n }, patient());
    expect(await failureOf(other)).toBeInstanceOf(OutcomeUnknownError);
    expect((await rig.ledger(order)).paymentIntents).toMatchObject([{ amount: 1000 }]);
  });

  test('P36 a key that is in use leaves the outcome open', async () => {
    const rig = await openStripeRig();
    const order = anOrderToPay();
    await rig.fault({ fault: 'delay', target: 'request', match: create, ms: 3_600_000 });
    const first = new AbortController();
    const waiting = failureOf(rig.provider.startPayment(order, first.signal));
    await rig.faultsAreMet();
    expect(await failureOf(rig.provider.startPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
    first.abort();
    expect(await waiting).toBeInstanceOf(OutcomeUnknownError);
  });

  test('P37 a provider that is not there leaves the outcome open', async () => {
    const rig = await openStripeRig();
    await rig.sandbox.close();
    expect(await failureOf(rig.provider.startPayment(anOrderToPay(), patient()))).toBeInstanceOf(OutcomeUnknownError);
  });

  test('P38 a call whose time is up before it begins ends at once', async () => {
    const { rig, order } = await start();
    expect(await failureOf(rig.provider.queryPayment(order, AbortSignal.abort()))).toBeInstanceOf(OutcomeUnknownError);
  });
});

describe('a clear no', () => {
  test.each(['rate_limit', 'lock_timeout'])(
    'P40 after %s nothing was done, and the same key works afterwards',
    async (fault) => {
      const rig = await openStripeRig();
      const order = anOrderToPay();
      await rig.fault({ fault, match: create });
      const failure = await failureOf(rig.provider.startPayment(order, patient()));
      expect(failure).toBeInstanceOf(NotExecutedError);
      expect(failure).toMatchObject({ retryAfterMs: expect.any(Number) });
      expect((await rig.ledger(order)).paymentIntents).toEqual([]);
      expect((await rig.provider.startPayment(order, patient())).status).toBe('ACTION_REQUIRED');
    },
  );

  test('P41 a key of ours that is not accepted did nothing, and refuses no payment', async () => {
    const rig = await openStripeRig({ key: 'sk_test_somebody_else' });
    const order = anOrderToPay();
    expect(await failureOf(rig.provider.startPayment(order, patient()))).toBeInstanceOf(NotExecutedError);
    expect(await failureOf(rig.provider.queryPayment(order, patient()))).toBeInstanceOf(NotExecutedError);
    expect(await failureOf(rig.provider.closePayment(order, patient()))).toBeInstanceOf(NotExecutedError);
  });

  test('P42 an amount too small for Stripe is refused for good', async () => {
    const rig = await openStripeRig();
    const order = anOrderToPay({ amountMinor: 1n });
    const failure = await failureOf(rig.provider.startPayment(order, patient()));
    expect(failure).toBeInstanceOf(RejectedError);
    expect(failure).toMatchObject({ failure: { reason: 'provider_error', providerCode: 'amount_too_small' } });
    expect((await rig.ledger(order)).paymentIntents).toEqual([]);
  });

  test('P44 an object that the account does not hold is no payment that was never made', async () => {
    const { rig } = await start();
    for (const order of [
      anOrderToPay({ providerPaymentId: 'pi_gone' }),
      anOrderToPay({ ...onPage, providerReference: 'cs_gone' }),
    ]) {
      expect(await failureOf(rig.provider.queryPayment(order, patient()))).toBeInstanceOf(RejectedError);
      expect(await failureOf(rig.provider.closePayment(order, patient()))).toBeInstanceOf(RejectedError);
    }
  });

  test('P43 what a provider’s refusal says to the buyer names no key, no parameter and no address', async () => {
    const rig = await openStripeRig();
    const failure = await failureOf(rig.provider.startPayment(anOrderToPay({ amountMinor: 1n }), patient()));
    expect(String(failure)).not.toMatch(/sk_test|127\.0\.0\.1|amount/);
  });
});

describe('callbacks', () => {
  /** Everything that was posted until an event of the last type came, as the adapter reads it after verifying it. */
  async function toldUntil(
    type: string,
    act: (rig: StripeRig) => Promise<unknown>,
  ): Promise<Map<string, WebhookMessage>> {
    const receiver = await openReceiver();
    const rig = await openStripeRig({ receiver });
    await act(rig);
    const received = await receiver.until((all) => all.some(({ event }) => event.type === type));
    return new Map(
      received.map(({ headers, body }) => {
        const receivedAt = new Date();
        const signature = String(headers['stripe-signature']);
        const raw = Buffer.from(body, 'utf8');
        const verified = rig.provider.verifyWebhook({
          headers: { 'stripe-signature': signature },
          body: raw,
          receivedAt,
        });
        return [verified.eventType, rig.provider.readWebhook(raw, receivedAt)] as const;
      }),
    );
  }

  type Callback = {
    readonly type: string;
    readonly facts?: Partial<PaymentOrder>;
    readonly bring: (payment: Started) => Promise<unknown>;
    readonly says: Partial<Record<keyof PaymentReport, unknown>> | string;
  };

  const callbacks: readonly Callback[] = [
    {
      type: 'payment_intent.created',
      bring: nothing,
      says: {
        status: 'ACTION_REQUIRED',
        nextAction: expect.objectContaining({ kind: 'CONFIRM_CARD', clientSecret: expect.stringMatching(/_secret_/) }),
      },
    },
    {
      type: 'payment_intent.payment_failed',
      bring: ({ rig, started }) => rig.pay(started, cards.insufficientFunds),
      says: {
        status: 'ACTION_REQUIRED',
        failure: expect.objectContaining({ reason: 'insufficient_funds', attempt: expect.stringMatching(/^ch_/) }),
      },
    },
    {
      type: 'payment_intent.requires_action',
      bring: ({ rig, started }) => rig.pay(started, cards.threeDSecure),
      says: { status: 'ACTION_REQUIRED', failure: null },
    },
    { type: 'payment_intent.processing', bring: processing.bring, says: { status: 'PROCESSING' } },
    {
      type: 'payment_intent.amount_capturable_updated',
      facts: held,
      bring: ({ rig, started }) => rig.pay(started),
      says: { status: 'AUTHORIZED', capturedMinor: null },
    },
    {
      type: 'payment_intent.succeeded',
      bring: ({ rig, started }) => rig.pay(started),
      says: { status: 'SUCCEEDED', capturedMinor: 1000n, failure: null },
    },
    {
      type: 'payment_intent.succeeded',
      facts: held,
      bring: async ({ rig, started }) => {
        await rig.pay(started);
        await rig.sandbox.stripe.paymentIntents.capture(started.providerPaymentId ?? '', { amount_to_capture: 1 });
      },
      says: { status: 'SUCCEEDED', amountMinor: 1000n, capturedMinor: 1n },
    },
    {
      type: 'payment_intent.canceled',
      bring: ({ rig, order }) => rig.provider.closePayment(order, patient()),
      says: { status: 'CANCELED' },
    },
    {
      type: 'payment_intent.canceled',
      facts: held,
      bring: async (payment) => {
        await payment.rig.pay(payment.started);
        await control(payment, 'lapse');
      },
      says: { status: 'EXPIRED' },
    },
    {
      type: 'checkout.session.completed',
      facts: onPage,
      bring: ({ rig, started }) => rig.press(started, 'pay'),
      says: {
        ...{ status: 'SUCCEEDED', capturedMinor: 1000n, providerPaymentId: expect.stringMatching(/^pi_/) },
        providerReference: expect.stringMatching(/^cs_/),
      },
    },
    {
      type: 'payment_intent.succeeded',
      facts: onPage,
      bring: ({ rig, started }) => rig.press(started, 'pay'),
      says: { status: 'SUCCEEDED', capturedMinor: 1000n, providerPaymentId: expect.stringMatching(/^pi_/) },
    },
    {
      type: 'checkout.session.completed',
      facts: { ...onPage, ...held },
      bring: ({ rig, started }) => rig.press(started, 'pay'),
      says: { status: 'PROCESSING', capturedMinor: null }, // complete is not paid: the authorization comes by itself
    },
    {
      type: 'checkout.session.async_payment_succeeded',
      facts: onPage,
      bring: async (payment) => payLater(payment, 'succeeded'),
      says: { status: 'SUCCEEDED', capturedMinor: 1000n },
    },
    {
      type: 'checkout.session.async_payment_failed',
      facts: onPage,
      bring: async (payment) => payLater(payment, 'failed'),
      says: 'says_nothing_new',
    },
    {
      type: 'checkout.session.expired',
      facts: onPage,
      bring: ({ rig, order }) => rig.provider.closePayment(order, patient()),
      says: { status: 'EXPIRED', providerReference: expect.stringMatching(/^cs_/) },
    },
    { type: 'charge.succeeded', bring: ({ rig, started }) => rig.pay(started), says: 'type_not_used' },
    {
      type: 'charge.failed',
      bring: ({ rig, started }) => rig.pay(started, cards.declined),
      says: 'type_not_used',
    },
  ];

  const told = callbacks.map((row) => ({
    ...row,
    word: typeof row.says === 'string' ? row.says : String(row.says.status),
  }));
  test.each(told)('P50 $type tells $word', async ({ type, facts, bring, says }) => {
    const payment: { paymentId?: string } = {};
    const messages = await toldUntil(type, async (rig) => {
      const started = await start(facts, rig);
      payment.paymentId = started.order.paymentId;
      await bring(started);
    });
    const expected =
      typeof says === 'string'
        ? { kind: 'ignored', reason: says }
        : {
            kind: 'payment',
            isCreation: type === 'payment_intent.created',
            report: {
              ...{ ...payment, amountMinor: 1000n, currency: 'EUR', ...says },
              evidence: { source: 'CALLBACK', providerTime: expect.any(Date), receivedAt: expect.any(Date) },
            },
          };
    expect(messages.get(type)).toMatchObject(expected);
  });

  async function payLater({ rig, started, order }: Started, outcome: string): Promise<void> {
    await rig.fault({ fault: `processing_then_${outcome}` });
    await rig.press(started, 'pay');
    const { paymentIntents } = await rig.ledger(order);
    await rig.sandbox.control('POST', `/stripe/payment_intents/${paymentIntents[0]?.id}/finish`, { outcome });
  }

  test.each<[what: string, metadata: Record<string, string>]>([
    ['without metadata', {}],
    ['with another integration’s id', { payment_id: 'inv_42' }],
    ['with an order’s id in the place of a payment’s', { payment_id: 'ord_01kb2x3y4z5a6b7c8d9e0f1g2h' }],
  ])('P51 the events of a payment %s are ignored', async (_what, metadata) => {
    const messages = await toldUntil('payment_intent.succeeded', (rig) =>
      rig.sandbox.stripe.paymentIntents.create({
        ...tenDollars,
        metadata,
        confirm: true,
        payment_method: 'pm_card_visa',
      }),
    );
    expect(messages.get('payment_intent.succeeded')).toEqual({ kind: 'ignored', reason: 'not_ours' });
  });

  test('P52 the events of another integration’s page are ignored', async () => {
    const messages = await toldUntil('checkout.session.expired', async (rig) => {
      const { id } = await rig.sandbox.stripe.checkout.sessions.create({
        mode: 'payment',
        success_url: 'https://else.example',
        line_items: [
          { price_data: { currency: 'eur', unit_amount: 500, product_data: { name: 'Else' } }, quantity: 1 },
        ],
      });
      await rig.sandbox.stripe.checkout.sessions.expire(id);
    });
    expect(messages.get('checkout.session.expired')).toEqual({ kind: 'ignored', reason: 'not_ours' });
  });

  test('P53 a refund made in the console tells its amount, and the payment by the provider’s id', async () => {
    let providerPaymentId: string | null = null;
    const messages = await toldUntil('refund.created', async (rig) => {
      const { started } = await start({}, rig);
      await rig.pay(started);
      ({ providerPaymentId } = started);
      await rig.sandbox.control('POST', '/stripe/refunds', { payment_intent: providerPaymentId, amount: 500 });
    });
    expect(messages.get('refund.created')).toMatchObject({
      ...{ kind: 'refund', paymentId: null, providerPaymentId },
      report: {
        refundId: null,
        providerRefundId: expect.stringMatching(/^re_/),
        status: 'SUCCEEDED',
        amountMinor: 500n,
      },
    });
  });

  test('P54 the charge’s own event of a refund is ignored: it would count twice', async () => {
    const messages = await toldUntil('charge.refunded', async (rig) => {
      const { started } = await start({}, rig);
      await rig.pay(started);
      await rig.sandbox.control('POST', '/stripe/refunds', { payment_intent: started.providerPaymentId, amount: 500 });
    });
    expect(messages.get('charge.refunded')).toEqual({ kind: 'ignored', reason: 'type_not_used' });
  });
});
