import Stripe from 'stripe';
import type { z } from 'zod';
import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import type { PaymentReport } from '../../domain/report.ts';
import { utcDay } from '../bill.ts';
import {
  type Capture,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type QueryAnswer,
  WebhookRejectedError,
} from '../provider.ts';
import { toStripeAmount } from './amounts.ts';
import { readStripeBill } from './bill.ts';
import { messageOfEvent, parseEvent } from './events.ts';
import type { StripeConfig } from './kind.ts';
import {
  checkoutSessionSchema,
  instantOf,
  paymentIntentSchema,
  reportOfIntent,
  reportOfSession,
  type StripeCheckoutSession,
  type StripePaymentIntent,
} from './objects.ts';
import { answered, parseAnswer } from './outcome.ts';
import { createStripeRefunds } from './refunds.ts';
import { verifyStripeSignature } from './webhook.ts';

export type StripeOptions = StripeConfig & { readonly now: () => Date };

const apiVersion = '2026-10-28.endive';
const requestTimeoutMs = 15_000;
/** A Checkout Session lives 30 minutes to a day, counted from when Stripe makes it, which may be some retries later. */
const sessionLifeMsMin = 60 * 60_000;
const sessionLifeMsMax = 23.5 * 60 * 60_000;
/** Nobody can pay what Stripe has not made. */
const nothing: QueryAnswer = { kind: 'notFound', payableUntil: null };
/** How far around the payment's start its object is looked for, when the answer that named it was lost. */
const searchBeforeMs = 5 * 60_000;
const searchPagesMax = 10;

export function createStripeProvider(options: StripeOptions): PaymentProvider {
  const base = new URL(options.apiBase);
  const stripe = new Stripe(options.secretKey, {
    apiVersion,
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    timeout: requestTimeoutMs,
    maxNetworkRetries: 0, // whoever calls asks again by its own schedule, having committed what it knows
    telemetry: false,
    ...(options.httpClient !== undefined && { httpClient: options.httpClient }),
  });
  const isLive = /^(sk|rk)_live_/.test(options.secretKey);

  const evidence = (source: EvidenceSource, providerTime: Date | null): Evidence => ({
    source,
    providerTime,
    receivedAt: options.now(),
  });

  const confirmBy = (intent: StripePaymentIntent): NextAction | null =>
    // What Checkout makes is paid on Checkout's page.
    intent.client_secret == null || intent.metadata.flow === 'REDIRECT'
      ? null
      : { kind: 'CONFIRM_CARD', clientSecret: intent.client_secret, publishableKey: options.publishableKey };

  async function createIntent(order: PaymentOrder): Promise<PaymentReport> {
    const description = wordsOf(order.description);
    const made = await stripe.paymentIntents.create(
      {
        ...amountOf(order),
        allowed_payment_method_types: ['card'],
        capture_method: order.captureMode === 'MANUAL' ? 'manual' : 'automatic',
        ...(description !== null && { description }),
        metadata: metadataOf(order),
      },
      { idempotencyKey: keyOf(order) },
    );
    const intent = parseAnswer(paymentIntentSchema, made);
    return known(
      reportOfIntent(intent, order.paymentId, evidence('RESPONSE', instantOf(intent.created)), confirmBy(intent)),
    );
  }

  async function createSession(order: PaymentOrder): Promise<PaymentReport> {
    const { amount, currency } = amountOf(order);
    const returnUrl = order.returnUrl ?? '';
    const name = wordsOf(order.description) ?? `Order ${order.orderNumber}`;
    const lifeMs = order.expiresAt.getTime() - order.createdAt.getTime();
    const life = Math.min(Math.max(lifeMs, sessionLifeMsMin), sessionLifeMsMax);
    const made = await stripe.checkout.sessions.create(
      {
        mode: 'payment',
        line_items: [{ quantity: 1, price_data: { currency, unit_amount: amount, product_data: { name } } }],
        success_url: returnUrl,
        cancel_url: returnUrl,
        client_reference_id: order.paymentId,
        // Counted from what was frozen, never from now: a repetition must send the same parameters.
        expires_at: Math.floor((order.createdAt.getTime() + life) / 1000),
        payment_intent_data: {
          capture_method: order.captureMode === 'MANUAL' ? 'manual' : 'automatic',
          metadata: { ...metadataOf(order), flow: order.flow },
        },
      },
      { idempotencyKey: keyOf(order) },
    );
    const session = parseAnswer(checkoutSessionSchema, made);
    return known(reportOfSession(session, order.paymentId, evidence('RESPONSE', instantOf(session.created))));
  }

  async function findIntent(order: PaymentOrder): Promise<StripePaymentIntent | null> {
    if (order.providerPaymentId !== null) {
      return parseAnswer(paymentIntentSchema, await stripe.paymentIntents.retrieve(order.providerPaymentId));
    }
    return search(
      (page) => stripe.paymentIntents.list(page),
      order,
      paymentIntentSchema,
      (intent) => intent.metadata.payment_id === order.paymentId,
    );
  }

  async function findSession(order: PaymentOrder): Promise<StripeCheckoutSession | null> {
    const expand = ['payment_intent'];
    let id = order.providerReference;
    if (id === null) {
      const found = await search(
        (page) => stripe.checkout.sessions.list(page),
        order,
        checkoutSessionSchema,
        (session) => session.client_reference_id === order.paymentId,
      );
      id = found?.id ?? null;
    }
    if (id === null) return null;
    return parseAnswer(checkoutSessionSchema, await stripe.checkout.sessions.retrieve(id, { expand }));
  }

  async function query(order: PaymentOrder): Promise<QueryAnswer> {
    if (order.flow === 'REDIRECT') {
      const session = await findSession(order);
      if (session === null) return nothing;
      return { kind: 'report', report: known(reportOfSession(session, order.paymentId, evidence('QUERY', null))) };
    }
    const intent = await findIntent(order);
    if (intent === null) return nothing;
    return {
      kind: 'report',
      report: known(reportOfIntent(intent, order.paymentId, evidence('QUERY', null), confirmBy(intent))),
    };
  }

  async function close(order: PaymentOrder): Promise<QueryAnswer> {
    const asked = await query(order);
    if (asked.kind === 'notFound') return asked;
    const { status, providerPaymentId, providerReference } = asked.report;
    if (status !== 'ACTION_REQUIRED' && status !== 'AUTHORIZED' && status !== 'PROCESSING') return asked;
    try {
      // A session that still waits for its buyer is expired; its PaymentIntent must not be touched before it is complete.
      if (status === 'ACTION_REQUIRED' && providerReference !== null)
        await stripe.checkout.sessions.expire(providerReference);
      else if (providerPaymentId !== null) await stripe.paymentIntents.cancel(providerPaymentId);
    } catch (error) {
      // Refused: it has moved meanwhile, most likely because the buyer was faster. What it is now is asked below.
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    }
    const closed = await query(order);
    if (closed.kind === 'report' && closed.report.status === 'ACTION_REQUIRED') await cancelIntentOf(closed.report);
    else return closed;
    return query(order);
  }

  /** Of a session that is complete, its buyer's bank having refused later: no page pays it any more, and only its PaymentIntent is open. */
  async function cancelIntentOf({ providerPaymentId }: PaymentReport): Promise<void> {
    if (providerPaymentId === null) return;
    try {
      await stripe.paymentIntents.cancel(providerPaymentId);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    }
  }

  async function capture(order: PaymentOrder, { amountMinor, attempt }: Capture): Promise<PaymentReport> {
    if (order.providerPaymentId === null) throw new RangeError(`Stripe has not named payment ${order.paymentId}.`);
    const { amount } = amountOf({ ...order, amountMinor });
    const made = await stripe.paymentIntents.capture(
      order.providerPaymentId,
      { amount_to_capture: amount },
      { idempotencyKey: `${order.paymentId}_capture_${attempt}` },
    );
    const intent = parseAnswer(paymentIntentSchema, made);
    return known(reportOfIntent(intent, order.paymentId, evidence('RESPONSE', null)));
  }

  const refunds = createStripeRefunds(stripe, evidence);

  return {
    name: 'STRIPE',
    method: 'CARD',
    // A sandbox’s payments are never asked about, let alone made again, at the real Stripe, nor the other way round.
    account: base.hostname === 'api.stripe.com' ? 'default' : 'sandbox',
    flows: ['EMBEDDED', 'REDIRECT'],
    needs: { REDIRECT: ['returnUrl'] },
    webhookContentType: 'application/json',
    webhookHeaders: ['stripe-signature'],
    acknowledgement: { status: 200, contentType: 'application/json', body: '{"received":true}' },
    refusalOf({ amountMinor, currency }) {
      return toStripeAmount(amountMinor, currency) === null
        ? `Cards do not take this amount of ${currency}: at most eight digits in the units that Stripe counts in.`
        : null;
    },
    startPayment: (order, signal) =>
      answered(signal, () => (order.flow === 'REDIRECT' ? createSession(order) : createIntent(order))),
    queryPayment: (order, signal) => answered(signal, () => query(order)),
    closePayment: (order, signal) => answered(signal, () => close(order)),
    capturePayment: (order, wanted, signal) => answered(signal, () => capture(order, wanted)),
    startRefund: (refund, signal) => answered(signal, () => refunds.start(refund)),
    queryRefund: (refund, signal) => answered(signal, () => refunds.query(refund)),
    listRefunds: ({ providerPaymentId }, signal) =>
      answered(signal, async () => ({
        refunds: providerPaymentId === null ? [] : await refunds.ofPayment(providerPaymentId),
        returned: null,
      })),
    verifyWebhook({ headers, body, receivedAt }) {
      verifyStripeSignature(headers['stripe-signature'], body, options.webhookSecrets, receivedAt);
      const event = parseEvent(body);
      if (event.livemode !== isLive) throw new WebhookRejectedError('FOREIGN');
      return { eventId: event.id, eventType: event.type };
    },
    renewKeys: async () => false, // secrets are configured
    readWebhook(body, receivedAt) {
      const event = parseEvent(body);
      const told: Evidence = { source: 'CALLBACK', providerTime: instantOf(event.created), receivedAt };
      return messageOfEvent(event, told, confirmBy);
    },
    billDay: utcDay,
    readBill: async (date, signal) => readStripeBill(stripe, date, signal),
  };
}

function amountOf({ amountMinor, currency }: PaymentOrder): { amount: number; currency: string } {
  const amount = toStripeAmount(amountMinor, currency);
  if (amount === null) throw new RangeError('A payment was started with an amount that Stripe does not take.');
  return { amount, currency: currency.toLowerCase() };
}

/** Stripe refuses a text that is there and empty. */
function wordsOf(text: string | null): string | null {
  return text === null || text.trim() === '' ? null : text;
}

/** The key that Stripe knows the creation by. It changes never: another attempt is another payment. */
function keyOf({ paymentId }: PaymentOrder): string {
  return `${paymentId}_create_1`;
}

function metadataOf({ paymentId, orderNumber }: PaymentOrder): Record<string, string> {
  return { payment_id: paymentId, order_number: orderNumber };
}

type Page = { created: { gte: number }; limit: number; starting_after?: string };

/** Looks among what was made since the payment started for the object that carries our id. */
async function search<T extends { readonly id: string }>(
  list: (page: Page) => PromiseLike<{ data: readonly unknown[]; has_more: boolean }>,
  { createdAt }: PaymentOrder,
  schema: z.ZodType<T>,
  isOurs: (object: T) => boolean,
): Promise<T | null> {
  const gte = Math.floor((createdAt.getTime() - searchBeforeMs) / 1000);
  let last: string | undefined;
  for (let page = 0; page < searchPagesMax; page += 1) {
    const { data, has_more: hasMore } = await list({
      created: { gte },
      limit: 100,
      ...(last !== undefined && { starting_after: last }),
    });
    const objects = data.map((object) => parseAnswer(schema, object));
    const found = objects.find(isOurs);
    if (found !== undefined) return found;
    last = objects.at(-1)?.id;
    if (!hasMore || last === undefined) return null;
  }
  throw new OutcomeUnknownError(
    `Stripe made more than ${searchPagesMax * 100} objects since; ours was not among those read.`,
  );
}

function known(report: PaymentReport | null): PaymentReport {
  if (report === null) throw new OutcomeUnknownError('Stripe answered with a status that we do not know.');
  return report;
}
