import Stripe from 'stripe';
import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import type { PaymentReport } from '../../domain/report.ts';
import { type Capture, OutcomeUnknownError, type PaymentOrder, type QueryAnswer } from '../provider.ts';
import { toStripeAmount } from './amounts.ts';
import type { CallOptions } from './http-client.ts';
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

/**
 * Stripe accepts 30 minutes to 24 hours, counted from the creation of the Checkout Session, which may follow several
 * retries.
 */
const sessionLifeMsMin = 60 * 60_000;
const sessionLifeMsMax = 23.5 * 60 * 60_000;
/** Nobody can pay an object that Stripe has not created. */
const nothing: QueryAnswer = { kind: 'notFound', payableUntil: null };
/**
 * How far before the payment's start the search for its object begins, when the response with the object's id was lost.
 */
const searchBeforeMs = 5 * 60_000;
/** Payment methods that settle or decline at once. Others would finish days after the order. */
const allowedTypes = ['card'];

export type PaymentParts = {
  readonly isLive: boolean;
  readonly evidence: (source: EvidenceSource, providerTime: Date | null) => Evidence;
  /** The next action for a PaymentIntent; null when it is paid on Checkout's page. */
  readonly confirmActionOf: (intent: StripePaymentIntent) => NextAction | null;
};

/**
 * Payments at Stripe, for one call: PaymentIntents, and Checkout Sessions that create a PaymentIntent when the buyer pays.
 * Idempotency keys are derived from our ids.
 */
export function createStripePayments(
  stripe: Stripe,
  options: CallOptions,
  { isLive, evidence, confirmActionOf }: PaymentParts,
) {
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
      { ...options, idempotencyKey: keyOf(order) },
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
        // Computed from the stored order and not from the current time: a repeated call must send the same parameters.
        expires_at: Math.floor((order.createdAt.getTime() + life) / 1000),
        payment_intent_data: {
          capture_method: order.captureMode === 'MANUAL' ? 'manual' : 'automatic',
          metadata: { ...metadataOf(order), flow: order.flow },
        },
      },
      { ...options, idempotencyKey: keyOf(order) },
    );
    if (isReplay(made)) return reportOfSessionNow(order, await retrieveSession(made.id));
    const session = parseAnswer(checkoutSessionSchema, made);
    requireMatch(sessionMismatch(session, order.paymentId, isLive));
    return requireKnown(reportOfSession(session, order.paymentId, evidence('RESPONSE', instantOf(session.created))));
  }

  async function retrieveIntent(id: string): Promise<StripePaymentIntent> {
    return parseAnswer(
      paymentIntentSchema,
      await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] }, options),
    );
  }

  async function retrieveSession(id: string): Promise<StripeCheckoutSession> {
    const found = await stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent.latest_charge'] }, options);
    return parseAnswer(checkoutSessionSchema, found);
  }

  /** Finds the PaymentIntent with our id among those created since the payment started. */
  async function findIntent({ paymentId, createdAt }: PaymentOrder): Promise<StripePaymentIntent | null> {
    const made = readList(
      (page) => stripe.paymentIntents.list({ ...page, created: since(createdAt) }, options),
      (object) => parseAnswer(paymentIntentSchema, object),
    );
    for await (const intent of made) if (intent.metadata.payment_id === paymentId) return intent;
    return null;
  }

  async function findSession({ paymentId, createdAt }: PaymentOrder): Promise<StripeCheckoutSession | null> {
    const made = readList(
      (page) => stripe.checkout.sessions.list({ ...page, created: since(createdAt) }, options),
      (object) => parseAnswer(checkoutSessionSchema, object),
    );
    for await (const session of made) {
      const isOurs = sessionMismatch(session, paymentId, isLive) === null;
      if (isOurs) return retrieveSession(session.id);
    }
    return null;
  }

  /** @throws {OutcomeUnknownError} when the object belongs to another payment. */
  function reportOfIntentNow(order: PaymentOrder, intent: StripePaymentIntent): PaymentReport {
    requireMatch(intentMismatch(intent, order.paymentId, isLive));
    return requireKnown(reportOfIntent(intent, order.paymentId, evidence('QUERY', null), confirmActionOf(intent)));
  }

  /** @throws {OutcomeUnknownError} when the object belongs to another payment. */
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
    const found = await query(order);
    if (found.kind === 'notFound') return found;
    const { status, providerPaymentId, providerReference } = found.report;
    if (status !== 'ACTION_REQUIRED' && status !== 'AUTHORIZED' && status !== 'PROCESSING') return found;
    try {
      // An open session is expired. Its PaymentIntent must not be changed before the session is complete.
      if (status === 'ACTION_REQUIRED' && providerReference !== null)
        await stripe.checkout.sessions.expire(providerReference, {}, options);
      else if (providerPaymentId !== null) await stripe.paymentIntents.cancel(providerPaymentId, {}, options);
    } catch (error) {
      // Refused because the state has changed, most likely because the buyer paid. The state is queried below.
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    }
    const closed = await query(order);
    if (closed.kind === 'report' && closed.report.status === 'ACTION_REQUIRED') await cancelIntentOf(closed.report);
    else return closed;
    return query(order);
  }

  /**
   * Cancels the PaymentIntent of a complete session whose payment the bank refused later. The page is closed, so only
   * the PaymentIntent is still open.
   */
  async function cancelIntentOf({ providerPaymentId }: PaymentReport): Promise<void> {
    if (providerPaymentId === null) return;
    try {
      await stripe.paymentIntents.cancel(providerPaymentId, {}, options);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    }
  }

  async function capture(order: PaymentOrder, { amountMinor, attempt }: Capture): Promise<PaymentReport> {
    if (order.providerPaymentId === null) throw new RangeError(`Payment ${order.paymentId} has no Stripe id.`);
    const { amount } = amountOf({ ...order, amountMinor });
    const made = await stripe.paymentIntents.capture(
      order.providerPaymentId,
      { amount_to_capture: amount },
      { ...options, idempotencyKey: `${order.paymentId}_capture_${attempt}` },
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
  if (amount === null) throw new RangeError('A payment was started with an amount that Stripe does not accept.');
  return { amount, currency: currency.toLowerCase() };
}

/** Stripe refuses empty text. */
function nonBlank(text: string | null): string | null {
  return text === null || text.trim() === '' ? null : text;
}

/** The idempotency key of the creation. It never changes: another attempt is another payment. */
function keyOf({ paymentId }: PaymentOrder): string {
  return `${paymentId}_create_1`;
}

/**
 * True for the stored response of an earlier call with the same key. It has the state of that time, and its page may
 * have expired.
 */
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
  if (report === null) throw new OutcomeUnknownError('Stripe answered with an unknown status.');
  return report;
}
