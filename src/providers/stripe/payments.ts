import Stripe from 'stripe';
import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import type { PaymentReport } from '../../domain/report.ts';
import { type Capture, OutcomeUnknownError, type PaymentOrder, type QueryAnswer } from '../provider.ts';
import { toStripeAmount } from './amounts.ts';
import { readList } from './lists.ts';
import {
  checkoutSessionSchema,
  instantOf,
  paymentIntentSchema,
  reportOfIntent,
  reportOfSession,
  type StripeCheckoutSession,
  type StripePaymentIntent,
} from './objects.ts';
import { parseAnswer } from './outcome.ts';
import { intentMismatch, requireMatch, sessionMismatch } from './ownership.ts';

/** A Checkout Session lives 30 minutes to a day, counted from when Stripe makes it, which may be some retries later. */
const sessionLifeMsMin = 60 * 60_000;
const sessionLifeMsMax = 23.5 * 60 * 60_000;
/** Nobody can pay what Stripe has not made. */
const nothing: QueryAnswer = { kind: 'notFound', payableUntil: null };
/** How far before the payment's start its object is looked for, when the answer that named it was lost. */
const searchBeforeMs = 5 * 60_000;
/** What a payment may be made by: what is settled at once, or declined at once. Others would end days after the order. */
const allowedTypes = ['card'];

export type PaymentParts = {
  readonly isLive: boolean;
  readonly evidence: (source: EvidenceSource, providerTime: Date | null) => Evidence;
  /** What the buyer's page needs to pay an intent; null for one that is paid on Checkout's page. */
  readonly confirmActionOf: (intent: StripePaymentIntent) => NextAction | null;
};

/** Payments at Stripe: PaymentIntents, and Checkout Sessions that make theirs when the buyer pays. Under keys made from our ids. */
export function createStripePayments(stripe: Stripe, { isLive, evidence, confirmActionOf }: PaymentParts) {
  async function createIntent(order: PaymentOrder): Promise<PaymentReport> {
    const description = nonBlank(order.description);
    const made = await stripe.paymentIntents.create(
      {
        ...amountOf(order),
        allowed_payment_method_types: allowedTypes,
        capture_method: order.captureMode === 'MANUAL' ? 'manual' : 'automatic',
        ...(description !== null && { description }),
        metadata: metadataOf(order),
      },
      { idempotencyKey: keyOf(order) },
    );
    if (isReplay(made)) return reportOfIntentNow(order, await retrieveIntent(made.id));
    const intent = parseAnswer(paymentIntentSchema, made);
    requireMatch(intentMismatch(intent, order.paymentId, isLive));
    return requireKnown(
      reportOfIntent(intent, order.paymentId, evidence('RESPONSE', instantOf(intent.created)), confirmActionOf(intent)),
    );
  }

  async function createSession(order: PaymentOrder): Promise<PaymentReport> {
    const { amount, currency } = amountOf(order);
    const returnUrl = order.returnUrl ?? '';
    const name = nonBlank(order.description) ?? `Order ${order.orderNumber}`;
    const lifeMs = order.expiresAt.getTime() - order.createdAt.getTime();
    const life = Math.min(Math.max(lifeMs, sessionLifeMsMin), sessionLifeMsMax);
    const made = await stripe.checkout.sessions.create(
      {
        mode: 'payment',
        allowed_payment_method_types: allowedTypes,
        line_items: [{ quantity: 1, price_data: { currency, unit_amount: amount, product_data: { name } } }],
        success_url: returnUrl,
        cancel_url: returnUrl,
        client_reference_id: order.paymentId,
        metadata: metadataOf(order),
        // Counted from what was frozen, never from now: a repetition must send the same parameters.
        expires_at: Math.floor((order.createdAt.getTime() + life) / 1000),
        payment_intent_data: {
          capture_method: order.captureMode === 'MANUAL' ? 'manual' : 'automatic',
          metadata: { ...metadataOf(order), flow: order.flow },
        },
      },
      { idempotencyKey: keyOf(order) },
    );
    if (isReplay(made)) return reportOfSessionNow(order, await retrieveSession(made.id));
    const session = parseAnswer(checkoutSessionSchema, made);
    requireMatch(sessionMismatch(session, order.paymentId, isLive));
    return requireKnown(reportOfSession(session, order.paymentId, evidence('RESPONSE', instantOf(session.created))));
  }

  async function retrieveIntent(id: string): Promise<StripePaymentIntent> {
    return parseAnswer(paymentIntentSchema, await stripe.paymentIntents.retrieve(id));
  }

  async function retrieveSession(id: string): Promise<StripeCheckoutSession> {
    const found = await stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent'] });
    return parseAnswer(checkoutSessionSchema, found);
  }

  /** Looks among what was made since the payment started for the PaymentIntent that carries our id. */
  async function findIntent({ paymentId, createdAt }: PaymentOrder): Promise<StripePaymentIntent | null> {
    const made = readList(
      (page) => stripe.paymentIntents.list({ ...page, created: since(createdAt) }),
      (object) => parseAnswer(paymentIntentSchema, object),
    );
    for await (const intent of made) if (intent.metadata.payment_id === paymentId) return intent;
    return null;
  }

  async function findSession({ paymentId, createdAt }: PaymentOrder): Promise<StripeCheckoutSession | null> {
    const made = readList(
      (page) => stripe.checkout.sessions.list({ ...page, created: since(createdAt) }),
      (object) => parseAnswer(checkoutSessionSchema, object),
    );
    for await (const session of made) {
      const isOurs = sessionMismatch(session, paymentId, isLive) === null;
      if (isOurs) return retrieveSession(session.id);
    }
    return null;
  }

  /** @throws {OutcomeUnknownError} when it is not the payment's. */
  function reportOfIntentNow(order: PaymentOrder, intent: StripePaymentIntent): PaymentReport {
    requireMatch(intentMismatch(intent, order.paymentId, isLive));
    return requireKnown(reportOfIntent(intent, order.paymentId, evidence('QUERY', null), confirmActionOf(intent)));
  }

  /** @throws {OutcomeUnknownError} when it is not the payment's. */
  function reportOfSessionNow(order: PaymentOrder, session: StripeCheckoutSession): PaymentReport {
    requireMatch(sessionMismatch(session, order.paymentId, isLive));
    return requireKnown(reportOfSession(session, order.paymentId, evidence('QUERY', null)));
  }

  async function query(order: PaymentOrder): Promise<QueryAnswer> {
    const { providerPaymentId: intentId, providerReference: sessionId } = order;
    if (order.flow === 'REDIRECT') {
      const session = sessionId === null ? await findSession(order) : await retrieveSession(sessionId);
      return session === null ? nothing : { kind: 'report', report: reportOfSessionNow(order, session) };
    }
    const intent = intentId === null ? await findIntent(order) : await retrieveIntent(intentId);
    return intent === null ? nothing : { kind: 'report', report: reportOfIntentNow(order, intent) };
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
    requireMatch(intentMismatch(intent, order.paymentId, isLive));
    return requireKnown(reportOfIntent(intent, order.paymentId, evidence('RESPONSE', null)));
  }

  return {
    start: (order: PaymentOrder) => (order.flow === 'REDIRECT' ? createSession(order) : createIntent(order)),
    query,
    close,
    capture,
  };
}

function amountOf({ amountMinor, currency }: PaymentOrder): { amount: number; currency: string } {
  const amount = toStripeAmount(amountMinor, currency);
  if (amount === null) throw new RangeError('A payment was started with an amount that Stripe does not take.');
  return { amount, currency: currency.toLowerCase() };
}

/** Stripe refuses a text that is there and empty. */
function nonBlank(text: string | null): string | null {
  return text === null || text.trim() === '' ? null : text;
}

/** The key that Stripe knows the creation by. It changes never: another attempt is another payment. */
function keyOf({ paymentId }: PaymentOrder): string {
  return `${paymentId}_create_1`;
}

/** True for the answer to an earlier call under the same key, word for word: what it says was so then, and its page may be over since. */
function isReplay({ lastResponse }: Stripe.Response<object>): boolean {
  return lastResponse.headers['idempotent-replayed'] === 'true';
}

function since(createdAt: Date): { gte: number } {
  return { gte: Math.floor((createdAt.getTime() - searchBeforeMs) / 1000) };
}

function metadataOf({ paymentId, orderNumber }: PaymentOrder): Record<string, string> {
  return { payment_id: paymentId, order_number: orderNumber };
}

function requireKnown(report: PaymentReport | null): PaymentReport {
  if (report === null) throw new OutcomeUnknownError('Stripe answered with a status that we do not know.');
  return report;
}
