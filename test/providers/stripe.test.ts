import { describe, expect, test } from 'vitest';
import type { PaymentReport } from '../../src/domain/report.ts';
import {
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  RejectedError,
  type WebhookMessage,
} from '../../src/providers/provider.ts';
import { checkoutSessionSchema, reportOfSession } from '../../src/providers/stripe/objects.ts';
import { tenDollars } from '../sandbox/rig.ts';
import { failureOf, knowing, patient, reportIn } from './contract-steps.ts';
import { anOrderToPay, cards, openReceiver, openStripeRig, type StripeRig } from './stripe-rig.ts';

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
});

const onPage = { flow: 'REDIRECT' } as const;

describe('asking', () => {
  test('P12 it is found among hundreds', async () => {
    const { rig, order, started } = await start();
    await Promise.all(Array.from({ length: 120 }, () => rig.sandbox.stripe.paymentIntents.create(tenDollars)));
    const lost = { ...order, providerPaymentId: null };
    expect(reportIn(await rig.provider.queryPayment(lost, patient())).providerPaymentId).toBe(
      started.providerPaymentId,
    );
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

describe('pages', () => {
  test('P20 a page takes cards only, and says so to Stripe', async () => {
    const { rig, started } = await start(onPage);
    const session = await rig.sandbox.stripe.checkout.sessions.retrieve(started.providerReference ?? '');
    expect(session.allowed_payment_method_types).toEqual(['card']);
  });

  test.each([
    ['expired', (rig: StripeRig, id: string) => rig.sandbox.stripe.checkout.sessions.expire(id), 'EXPIRED'],
    ['paid', (rig: StripeRig, _id: string, started: PaymentReport) => rig.press(started, 'pay'), 'SUCCEEDED'],
  ])(
    'P21 started again under the same key, a page that is %s is told as it is now, without its link',
    async (_what, act, status) => {
      const { rig, order, started } = await start(onPage);
      await act(rig, started.providerReference ?? '', started);
      const again = await rig.provider.startPayment({ ...order, providerReference: null }, patient());
      expect(again).toMatchObject({ status, nextAction: null, providerReference: started.providerReference });
    },
  );

  test('P22 a link that has run out by our clock is not handed out', async () => {
    const { rig, started } = await start(onPage);
    const session = await rig.sandbox.stripe.checkout.sessions.retrieve(started.providerReference ?? '');
    const at = (receivedAt: Date) =>
      reportOfSession(checkoutSessionSchema.parse(session), started.paymentId, { ...started.evidence, receivedAt });
    expect(at(new Date(session.expires_at * 1000 - 1))?.nextAction).toMatchObject({ kind: 'REDIRECT' });
    expect(at(new Date(session.expires_at * 1000))?.nextAction).toBeNull();
  });
});

describe('whose it is', () => {
  test('P24 an object that is known by its id and is another payment’s says nothing of ours', async () => {
    const { rig, order } = await start();
    const other = await start({}, rig);
    const mixed = { ...order, providerPaymentId: other.started.providerPaymentId };
    expect(await failureOf(rig.provider.queryPayment(mixed, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect(await failureOf(rig.provider.closePayment(mixed, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect(await query(other)).toMatchObject({ status: 'ACTION_REQUIRED' });
    const page = await start(onPage, rig);
    const otherPage = await start(onPage, rig);
    const mixedPage = { ...page.order, providerReference: otherPage.started.providerReference };
    expect(await failureOf(rig.provider.queryPayment(mixedPage, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect(await failureOf(rig.provider.closePayment(mixedPage, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect(await query(otherPage)).toMatchObject({ status: 'ACTION_REQUIRED' });
  });

  test('P25 a refund that is known by its id and is another payment’s says nothing of ours', async () => {
    const { rig, order, started } = await start();
    await rig.pay(started);
    const other = await start({}, rig);
    await rig.pay(other.started);
    const made = await rig.sandbox.stripe.refunds.create({ payment_intent: other.started.providerPaymentId ?? '' });
    const { paymentId, providerPaymentId } = order;
    const name = { refundId: null, paymentId, providerPaymentId, providerRefundId: made.id };
    expect(await failureOf(rig.provider.queryRefund(name, patient()))).toBeInstanceOf(OutcomeUnknownError);
  });
});

const create = { operation: 'payment_intents.create' };

describe('no clear answer', () => {
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
});

describe('a clear no', () => {
  test.each(['lock_timeout'])('P40 after %s nothing was done, and the same key works afterwards', async (fault) => {
    const rig = await openStripeRig();
    const order = anOrderToPay();
    await rig.fault({ fault, match: create });
    const failure = await failureOf(rig.provider.startPayment(order, patient()));
    expect(failure).toBeInstanceOf(NotExecutedError);
    expect(failure).toMatchObject({ retryAfterMs: expect.any(Number) });
    expect((await rig.ledger(order)).paymentIntents).toEqual([]);
    expect((await rig.provider.startPayment(order, patient())).status).toBe('ACTION_REQUIRED');
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
});
