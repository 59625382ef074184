import { expect, test } from 'vitest';
import { applyRefundReport } from '../../src/domain/apply-refund-report.ts';
import type { CaptureMode } from '../../src/domain/order.ts';
import type { PaymentFlow } from '../../src/domain/payment.ts';
import type { PaymentReport } from '../../src/domain/report.ts';
import { startRefund } from '../../src/domain/start-refund.ts';
import type { WebhookMessage } from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { paymentIntentSchema, reportOfIntent } from '../../src/providers/stripe/objects.ts';
import { firstId, OrderStory, second, totalMinor } from '../domain/order-story.ts';

const provider = createStripeProvider({
  ...{ secretKey: 'sk_test_1', publishableKey: 'pk_test_1', webhookSecrets: ['whsec_12345678'] },
  ...{ apiBase: 'http://127.0.0.1:9', account: 'acct_1.test', now: () => second(10) },
});
const created = second(10).getTime() / 1000;
const refundId = 'rfd_00000000000000000000000001';
const consoleRefundId = 'rfd_00000000000000000000000002';

type StripeEvent = { readonly type: string; readonly object: object };

const intent = (type: string, status: string, facts: object = {}): StripeEvent => ({
  type: `payment_intent.${type}`,
  object: {
    ...{ object: 'payment_intent', id: 'pi_1', status, amount: 1000, amount_received: 0, currency: 'eur', created },
    ...{ livemode: false, client_secret: 'pi_1_secret_1', metadata: { payment_id: firstId }, ...facts },
  },
});
const page = (type: string, paymentStatus: string): StripeEvent => ({
  type: `checkout.session.${type}`,
  object: {
    ...{ object: 'checkout.session', id: 'cs_1', status: 'complete', payment_status: paymentStatus, livemode: false },
    ...{ amount_total: 1000, currency: 'eur', created, expires_at: created + 3600, url: null, payment_intent: 'pi_1' },
    ...{ client_reference_id: firstId, metadata: { payment_id: firstId } },
  },
});
const refund = (type: string, status: string, facts: object = {}): StripeEvent => ({
  type: `refund.${type}`,
  object: {
    ...{ object: 'refund', id: 're_1', amount: 250, currency: 'eur', created, status, payment_intent: 'pi_1' },
    ...{ metadata: {}, balance_transaction: 'txn_1', ...facts },
  },
});
const charge = (type: string): StripeEvent => ({ type: `charge.${type}`, object: { object: 'charge', id: 'ch_1' } });

const declined = { code: 'card_declined', decline_code: 'generic_decline', message: 'No.', charge: 'ch_0' };
const paid = { amount_received: 1000 };
const ours = { metadata: { refund_id: refundId, payment_id: firstId } };

function messageOf({ type, object }: StripeEvent, number: number): WebhookMessage {
  const event = { object: 'event', id: `evt_${number}`, type, livemode: false, created, data: { object } };
  return provider.readWebhook(Buffer.from(JSON.stringify(event)), second(11));
}

function answerOf({ object }: StripeEvent): PaymentReport {
  const evidence = { source: 'QUERY', providerTime: null, receivedAt: second(20) } as const;
  const report = reportOfIntent(paymentIntentSchema.parse(object), firstId, evidence);
  if (report === null) throw new Error('The answer says nothing.');
  return report;
}

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutationsOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** Applies one callback, as the inbox does; false when it is early and comes again. */
function apply(story: OrderStory, message: WebhookMessage): boolean {
  switch (message.kind) {
    case 'payment':
      return story.report(message.report).effect !== 'early';
    case 'refund':
      return (
        story.decide((change) => applyRefundReport(change, firstId, message.report, consoleRefundId)).effect !== 'early'
      );
    default:
      return true;
  }
}

/** All of them, and what was early again, until nothing is early or nothing more can be done. */
function deliver(story: OrderStory, messages: readonly WebhookMessage[]): void {
  let waiting = messages;
  for (let round = 0; round < messages.length && waiting.length > 0; round += 1) {
    waiting = waiting.filter((message) => !apply(story, message));
  }
  expect(waiting).toEqual([]);
}

type Case = {
  readonly what: string;
  readonly flow?: PaymentFlow;
  readonly captureMode?: CaptureMode;
  /** What was so before that second. */
  readonly before?: (story: OrderStory) => void;
  readonly events: readonly [StripeEvent, StripeEvent, StripeEvent, StripeEvent, StripeEvent, StripeEvent];
  /** What Stripe answers when it is asked afterwards; left out where the events alone must lead there. */
  readonly asked?: StripeEvent;
  readonly payment: object;
  readonly refunds?: readonly object[];
};

const cases: readonly Case[] = [
  {
    what: 'a declined card, 3-D Secure, and another card that pays',
    events: [
      intent('created', 'requires_payment_method'),
      intent('payment_failed', 'requires_payment_method', { last_payment_error: declined }),
      intent('requires_action', 'requires_action'),
      intent('processing', 'processing'),
      intent('succeeded', 'succeeded', paid),
      charge('succeeded'),
    ],
    payment: { status: 'SUCCEEDED', capturedMinor: totalMinor, failureReason: null, nextAction: null },
  },
  {
    what: 'a page that is complete, and whose bank refuses later',
    flow: 'REDIRECT',
    events: [
      intent('created', 'requires_payment_method', { metadata: { payment_id: firstId, flow: 'REDIRECT' } }),
      intent('processing', 'processing', { metadata: { payment_id: firstId, flow: 'REDIRECT' } }),
      page('completed', 'unpaid'),
      intent('payment_failed', 'requires_payment_method', {
        metadata: { payment_id: firstId, flow: 'REDIRECT' },
        last_payment_error: declined,
      }),
      page('async_payment_failed', 'unpaid'),
      charge('failed'),
    ],
    payment: { status: 'FAILED', capturedMinor: 0n, failureProviderCode: 'async_payment_failed', nextAction: null },
  },
  {
    what: 'an authorization that is captured in part, and a refund in the console',
    captureMode: 'MANUAL',
    events: [
      intent('created', 'requires_payment_method'),
      intent('amount_capturable_updated', 'requires_capture'),
      intent('succeeded', 'succeeded', { amount_received: 600 }),
      charge('captured'),
      refund('created', 'pending'),
      refund('updated', 'succeeded'),
    ],
    payment: { status: 'SUCCEEDED', capturedMinor: 600n, refundedMinor: 250n, reservedMinor: 0n },
    refunds: [{ id: consoleRefundId, status: 'SUCCEEDED', amountMinor: 250n, origin: 'PROVIDER' }],
  },
  {
    what: 'a refund of ours that goes out and comes back',
    before(story) {
      apply(story, messageOf(intent('succeeded', 'succeeded', paid), 0));
      const wanted = {
        id: refundId,
        paymentId: firstId,
        origin: 'REQUESTED',
        amountMinor: 250n,
        reason: null,
      } as const;
      story.decide((change) => startRefund(change, { ...wanted, checkAt: null, leasedUntil: null }));
    },
    events: [
      intent('created', 'requires_payment_method'),
      intent('succeeded', 'succeeded', paid),
      refund('created', 'pending', ours),
      refund('updated', 'succeeded', ours),
      refund('failed', 'failed', { ...ours, failure_reason: 'lost_or_stolen_card' }),
      charge('refunded'),
    ],
    payment: { status: 'SUCCEEDED', capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 0n },
    refunds: [{ id: refundId, status: 'FAILED', failureProviderCode: 'lost_or_stolen_card' }],
  },
  {
    what: 'an authorization that is voided',
    captureMode: 'MANUAL',
    events: [
      intent('created', 'requires_payment_method'),
      intent('requires_action', 'requires_action'),
      intent('amount_capturable_updated', 'requires_capture'),
      refund('created', 'succeeded', { amount: 1000, balance_transaction: null }),
      charge('refunded'),
      intent('canceled', 'canceled', { cancellation_reason: 'requested_by_customer' }),
    ],
    payment: { status: 'CANCELED', capturedMinor: 0n, authorizedMinor: 0n },
    refunds: [],
  },
  {
    what: 'a page that is complete, and whose bank takes its time',
    flow: 'REDIRECT',
    events: [
      intent('created', 'requires_payment_method', { metadata: { payment_id: firstId, flow: 'REDIRECT' } }),
      intent('processing', 'processing', { metadata: { payment_id: firstId, flow: 'REDIRECT' } }),
      page('completed', 'unpaid'),
      charge('pending'),
      charge('updated'),
      intent('created', 'requires_payment_method', { metadata: { payment_id: firstId, flow: 'REDIRECT' } }),
    ],
    payment: { status: 'PROCESSING', capturedMinor: 0n, nextAction: null },
  },
  {
    what: 'cards that are declined while the bank is at work, which only asking tells apart',
    events: [
      intent('created', 'requires_payment_method'),
      intent('requires_action', 'requires_action'),
      intent('processing', 'processing'),
      intent('payment_failed', 'requires_payment_method', { last_payment_error: declined }),
      intent('processing', 'processing'),
      charge('failed'),
    ],
    asked: intent('asked', 'processing'),
    payment: { status: 'PROCESSING', capturedMinor: 0n },
  },
  {
    what: 'a payment on a page and all of it back at once',
    flow: 'REDIRECT',
    events: [
      page('completed', 'paid'),
      intent('succeeded', 'succeeded', paid),
      refund('created', 'pending', { amount: 1000 }),
      refund('updated', 'succeeded', { amount: 1000 }),
      charge('succeeded'),
      charge('refunded'),
    ],
    payment: { status: 'SUCCEEDED', capturedMinor: totalMinor, refundedMinor: totalMinor, reservedMinor: 0n },
    refunds: [{ id: consoleRefundId, status: 'SUCCEEDED', amountMinor: totalMinor }],
  },
];

test.each(cases)(
  '$what: six events of one second lead to the same in each of their 720 orders, each of them twice',
  ({ flow = 'EMBEDDED', captureMode = 'AUTOMATIC', before, events, asked, payment, refunds = [] }) => {
    const messages = events.map(messageOf);
    for (const order of permutationsOf(messages)) {
      for (const delivered of [order.flatMap((message) => [message, message]), [...order, ...order]]) {
        const story = new OrderStory({ captureMode }).pay(firstId, { flow });
        story.passTo(12);
        before?.(story);
        deliver(story, delivered);
        if (asked) story.report(answerOf(asked));
        expect(story.payment()).toMatchObject(payment);
        expect(story.held.refunds).toMatchObject(refunds);
        expect(story.order.reviewReasons).not.toContain('AMOUNT_MISMATCH');
      }
    }
  },
);
