import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import { refusalOfAmount } from '../amount-limits.ts';
import { utcDay } from '../bill.ts';
import { type PaymentProvider, WebhookRejectedError } from '../provider.ts';
import { accountIdOf } from './account.ts';
import { cardLimitsOf } from './amounts.ts';
import { readStripeBill } from './bill.ts';
import { openStripe } from './client.ts';
import { isLiveKey, type StripeConfig } from './config.ts';
import { messageOfEvent, parseEvent } from './events.ts';
import type { CallOptions } from './http-client.ts';
import { instantOf, type StripePaymentIntent } from './objects.ts';
import { createStripePayments } from './payments.ts';
import { redactStripeEvent } from './redaction.ts';
import { createStripeRefunds } from './refunds.ts';
import { verifyStripeSignature } from './webhook.ts';

/** `account` is the name that `accountNameOf` returns. */
export type StripeOptions = StripeConfig & { readonly account: string; readonly now: () => Date };

export function createStripeProvider(options: StripeOptions): PaymentProvider {
  const { account, now } = options;
  const client = openStripe(options);
  const { stripe, runCall } = client;
  const isLive = isLiveKey(options.secretKey);

  const evidence = (source: EvidenceSource, providerTime: Date | null): Evidence => ({
    source,
    providerTime,
    receivedAt: now(),
  });

  const confirmActionOf = (intent: StripePaymentIntent): NextAction | null =>
    // A PaymentIntent of Checkout is paid on Checkout's page.
    intent.client_secret == null || intent.metadata.flow === 'REDIRECT'
      ? null
      : {
          kind: 'CONFIRM_CARD',
          ...{ clientSecret: intent.client_secret, publishableKey: options.publishableKey },
          ...(options.cardFormUrl !== undefined && { formUrl: options.cardFormUrl }),
        };

  const paymentsBy = (call: CallOptions) => createStripePayments(stripe, call, { isLive, evidence, confirmActionOf });
  const refundsBy = (call: CallOptions) => createStripeRefunds(stripe, call, evidence);

  return {
    name: 'STRIPE',
    method: 'CARD',
    account,
    // Earlier versions used these names for every account.
    formerAccounts: [new URL(options.apiBase).hostname === 'api.stripe.com' ? 'default' : 'sandbox'],
    ...(options.cardFormUrl !== undefined && { cardFormUrl: options.cardFormUrl }),
    flows: ['EMBEDDED', 'REDIRECT'],
    needs: { REDIRECT: ['returnUrl'] },
    webhookContentType: 'application/json',
    webhookHeaders: ['stripe-signature'],
    acknowledgement: { status: 200, contentType: 'application/json', body: '{"received":true}' },
    refusalOf: (offer) => refusalOfAmount('Cards take', cardLimitsOf(offer.currency), offer, 'PAYMENT'),
    refusalOfPart: (part) => refusalOfAmount('Cards take', cardLimitsOf(part.currency), part, 'PART'),
    startPayment: (order, signal) => runCall(signal, (call) => paymentsBy(call).start(order)),
    queryPayment: (order, signal) => runCall(signal, (call) => paymentsBy(call).query(order)),
    closePayment: (order, signal) => runCall(signal, (call) => paymentsBy(call).close(order)),
    capturePayment: (order, wanted, signal) => runCall(signal, (call) => paymentsBy(call).capture(order, wanted)),
    startRefund: (refund, signal) => runCall(signal, (call) => refundsBy(call).start(refund)),
    queryRefund: (refund, signal) => runCall(signal, (call) => refundsBy(call).query(refund)),
    listRefunds: ({ providerPaymentId }, signal) =>
      runCall(signal, async (call) => ({
        refunds: providerPaymentId === null ? [] : await refundsBy(call).ofPayment(providerPaymentId),
        returned: null,
      })),
    verifyWebhook({ headers, body, receivedAt }) {
      verifyStripeSignature(headers['stripe-signature'], body, options.webhookSecrets, receivedAt);
      const event = parseEvent(body);
      if (event.livemode !== isLive) throw new WebhookRejectedError('FOREIGN');
      return { eventId: event.id, eventType: event.type };
    },
    renewKeys: async () => ({ isHeld: false, outcome: 'not_asked' }), // // secrets come from the configuration
    readWebhook(body, receivedAt) {
      const event = parseEvent(body);
      const eventEvidence: Evidence = { source: 'CALLBACK', providerTime: instantOf(event.created), receivedAt };
      return messageOfEvent(event, eventEvidence, { accountId: accountIdOf(account), isLive }, confirmActionOf);
    },
    redactWebhook: redactStripeEvent,
    billDay: utcDay,
    readBill: async (date, signal) => readStripeBill(client, date, signal),
  };
}
