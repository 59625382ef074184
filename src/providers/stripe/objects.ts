import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import { isCurrency } from '../../domain/money.ts';
import type { Evidence, NextAction, PaymentFailure, ReportedPaymentStatus } from '../../domain/payment.ts';
import { type Card, type PaymentReport, paymentReport } from '../../domain/report.ts';
import { fromStripeAmount } from './amounts.ts';

/** A charge where it is expanded, reduced to what a person recognizes the card by. It decides nothing, so any other shape counts as none. */
const chargeSchema = z.object({
  payment_method_details: z.object({
    card: z.object({ brand: z.string().regex(/^[a-z_]{1,32}$/), last4: z.string().regex(/^\d{4}$/) }),
  }),
});

/** The fields of Stripe's objects that we read. Statuses are open sets, so they are text here and mapped below. */
export const paymentIntentSchema = z.object({
  object: z.literal('payment_intent'),
  id: z.string().startsWith('pi_'),
  status: z.string(),
  amount: z.int().nonnegative(),
  amount_received: z.int().nonnegative(),
  currency: z.string(),
  created: z.int(),
  livemode: z.boolean().optional(),
  client_secret: z.string().nullish(),
  cancellation_reason: z.string().nullish(),
  metadata: z.record(z.string(), z.string()),
  latest_charge: z.union([z.string(), chargeSchema]).nullish().catch(null),
  last_payment_error: z
    .object({
      code: z.string().nullish(),
      decline_code: z.string().nullish(),
      message: z.string().nullish(),
      charge: z.string().nullish(),
      payment_method: z.object({ id: z.string() }).nullish(),
    })
    .nullish(),
});
export type StripePaymentIntent = z.infer<typeof paymentIntentSchema>;

export const checkoutSessionSchema = z.object({
  object: z.literal('checkout.session'),
  id: z.string().startsWith('cs_'),
  status: z.string().nullable(),
  payment_status: z.string(),
  amount_total: z.int().nonnegative().nullable(),
  currency: z.string().nullable(),
  created: z.int(),
  expires_at: z.int(),
  url: z.string().nullish(),
  livemode: z.boolean().optional(),
  client_reference_id: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  payment_link: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  payment_intent: z.union([z.string(), paymentIntentSchema]).nullish(),
});
export type StripeCheckoutSession = z.infer<typeof checkoutSessionSchema>;

export const eventSchema = z.object({
  object: z.literal('event'),
  id: z.string().regex(/^evt_[\w-]{1,250}$/),
  type: z.string().regex(/^[\w.]{1,255}$/),
  livemode: z.boolean(),
  /**
   * The account of the event when it differs from the endpoint's account: a connected account, or one of an
   * organization.
   */
  account: z.string().nullish(),
  context: z.string().nullish(),
  created: z.int(),
  data: z.object({ object: z.looseObject({ object: z.string() }) }),
});

export function instantOf(unixSeconds: number): Date {
  return new Date(unixSeconds * 1000);
}

/** Our payment id in the object; null when it has none, as with objects of other integrations. */
export function paymentIdOf(name: string | null | undefined): string | null {
  return name !== null && name !== undefined && isId('payment', name) ? name : null;
}

/**
 * Converts a PaymentIntent to a report; null for an unknown status. A declined attempt does not fail the payment,
 * because the buyer may try another card.
 *
 * @throws {RangeError} for an invalid amount or currency.
 */
export function reportOfIntent(
  intent: StripePaymentIntent,
  paymentId: string,
  evidence: Evidence,
  nextAction: NextAction | null = null,
): PaymentReport | null {
  const status = statusOfIntent(intent);
  if (status === null) return null;
  const currency = currencyOf(intent.currency);
  return paymentReport({
    paymentId,
    providerPaymentId: intent.id,
    status,
    amountMinor: fromStripeAmount(intent.amount, currency),
    currency,
    capturedMinor: status === 'SUCCEEDED' ? fromStripeAmount(intent.amount_received, currency) : null,
    failure: status === 'ACTION_REQUIRED' ? failureOf(intent) : null,
    nextAction: status === 'ACTION_REQUIRED' ? nextAction : null,
    card: cardOf(intent),
    evidence,
  });
}

/** Null unless the latest charge is expanded and was paid by card. */
function cardOf({ latest_charge: charge }: StripePaymentIntent): Card | null {
  return typeof charge === 'object' && charge !== null ? charge.payment_method_details.card : null;
}

/**
 * Converts a Checkout Session to a report; null for an unknown status. An open session has the page as next action. For
 * a complete session the PaymentIntent decides. When the PaymentIntent has moved money, it always decides, whatever the
 * session's own status is.
 */
export function reportOfSession(
  session: StripeCheckoutSession,
  paymentId: string,
  evidence: Evidence,
): PaymentReport | null {
  const { payment_intent: intent } = session;
  const intentId = typeof intent === 'string' ? intent : (intent?.id ?? null);
  const isExpanded = typeof intent === 'object' && intent !== null;
  if (isExpanded && (session.status === 'complete' || hasMovedMoney(intent))) {
    const report = reportOfIntent(intent, paymentId, evidence);
    if (report === null) return null;
    const reported = { ...report, providerReference: session.id };
    // The complete page accepts no payment any more. Either a delayed payment failed, or the buyer still has to bring
    // the money to a bank.
    if (report.status !== 'ACTION_REQUIRED') return reported;
    if (intent.status === 'requires_payment_method') return failedLater(reported);
    return { ...reported, status: 'PROCESSING', failure: null };
  }
  const status = statusOfSession(session);
  if (status === null || session.currency === null || session.amount_total === null) return null;
  const currency = currencyOf(session.currency);
  const amountMinor = fromStripeAmount(session.amount_total, currency);
  return paymentReport({
    paymentId,
    providerPaymentId: intentId,
    providerReference: session.id,
    status,
    amountMinor,
    currency,
    capturedMinor: status === 'SUCCEEDED' ? amountMinor : null,
    failure: status === 'ACTION_REQUIRED' && isExpanded ? failureOf(intent) : null,
    nextAction: status === 'ACTION_REQUIRED' ? redirectTo(session, evidence.receivedAt) : null,
    evidence,
  });
}

/** A complete session whose delayed payment failed. It cannot be paid again. */
export function failedLater(report: PaymentReport): PaymentReport {
  const failure: PaymentFailure = {
    reason: 'provider_error',
    message: 'The payment did not go through.',
    providerCode: 'async_payment_failed',
    attempt: null,
  };
  return { ...report, status: 'FAILED', capturedMinor: null, nextAction: null, failure };
}

function statusOfIntent({ status, cancellation_reason: reason }: StripePaymentIntent): ReportedPaymentStatus | null {
  switch (status) {
    case 'requires_payment_method':
    case 'requires_confirmation':
    case 'requires_action':
      return 'ACTION_REQUIRED';
    case 'processing':
      return 'PROCESSING';
    case 'requires_capture':
      return 'AUTHORIZED';
    case 'succeeded':
      return 'SUCCEEDED';
    case 'canceled':
      return reason === 'automatic' || reason === 'expired' ? 'EXPIRED' : 'CANCELED';
    default:
      return null; // a status that Stripe added later: no conclusion, queried again
  }
}

function hasMovedMoney({ status }: StripePaymentIntent): boolean {
  return status === 'processing' || status === 'requires_capture' || status === 'succeeded';
}

/** A complete session is not always paid: some methods settle days later, and a manual capture only authorizes. */
function statusOfSession({
  status,
  payment_status: paymentStatus,
}: StripeCheckoutSession): ReportedPaymentStatus | null {
  switch (status) {
    case 'open':
      return 'ACTION_REQUIRED';
    case 'expired':
      return 'EXPIRED';
    case 'complete':
      return paymentStatus === 'paid' ? 'SUCCEEDED' : 'PROCESSING';
    default:
      return null;
  }
}

function redirectTo({ url, expires_at: seconds }: StripeCheckoutSession, now: Date): NextAction | null {
  const expiresAt = instantOf(seconds);
  if (url === null || url === undefined || expiresAt <= now) return null;
  return { kind: 'REDIRECT', url, expiresAt: expiresAt.toISOString() };
}

export function currencyOf(code: string): string {
  const currency = code.toUpperCase();
  if (!isCurrency(currency)) throw new RangeError(`${code} is not a currency of ISO 4217.`);
  return currency;
}

const reasons: Readonly<Record<string, string>> = {
  card_declined: 'card_declined',
  insufficient_funds: 'insufficient_funds',
  expired_card: 'expired_card',
  incorrect_cvc: 'incorrect_cvc',
  payment_intent_authentication_failure: 'authentication_failed',
  authentication_required: 'authentication_failed',
  processing_error: 'provider_error',
};

function failureOf({ last_payment_error: error }: StripePaymentIntent): PaymentFailure | null {
  if (error === null || error === undefined) return null;
  const { code = null, decline_code: declineCode = null, message, charge, payment_method: method } = error;
  return {
    reason: reasons[declineCode ?? ''] ?? reasons[code ?? ''] ?? 'card_declined',
    message: message ?? 'The card was declined.',
    providerCode: declineCode ?? code,
    // A failed authentication creates no charge, but every attempt has its own payment method.
    attempt: charge ?? method?.id ?? declineCode ?? code,
  };
}
