import { authenticationRequired, cardNamed, type Decline, declineError, type TestCard } from './cards.ts';
import { chargeIntent, recordDeclinedCharge } from './charges.ts';
import { type StripeErrorBody, unexpectedState } from './errors.ts';
import { recordEvent } from './events.ts';
import { chargeObject, intentObject, paymentMethodObject } from './objects.ts';
import { attachCard, markSucceeded, outcomeSubject } from './payment-intents.ts';
import type { IntentRow, IntentStatus, StripeState } from './state.ts';

/** Stripe keeps an authorization for about seven days. */
export const authorizationSeconds = 7 * 24 * 3600;

const confirmable: ReadonlySet<IntentStatus> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
]);
/** The result of an attempt to pay. A caller in the API responds to `declined` with 402. */
export type Attempt = { readonly intent: IntentRow; readonly declined: StripeErrorBody | null };

export type ConfirmOptions = { readonly returnUrl: string | null; readonly errorOnRequiresAction: boolean };

/** Charges the card, or the attached card. @throws {StripeRefusal} when the state of the intent does not allow that. */
export function confirmIntent(
  stripe: StripeState,
  current: IntentRow,
  card: TestCard | null,
  options: ConfirmOptions,
): Attempt {
  if (!confirmable.has(current.status)) {
    throw unexpectedState(
      `You cannot confirm this PaymentIntent because it has a status of ${current.status}. ` +
        `Only a PaymentIntent with one of the following statuses may be confirmed: ${[...confirmable].join(', ')}.`,
      intentObject(stripe, current),
    );
  }
  const intent = card ? attachCard(stripe, current, card) : current;
  if (intent.card === null) {
    throw unexpectedState(
      "You cannot confirm this PaymentIntent because it's missing a payment method. " +
        'Update the PaymentIntent with a payment method and then confirm it again.',
      intentObject(stripe, intent),
    );
  }
  const chosen = cardNamed(intent.card);
  if (!chosen.requiresAuthentication) return tryCharge(stripe, intent);
  if (options.errorOnRequiresAction) return failAttempt(stripe, intent, authenticationRequired);
  const waiting = stripe.intents.put({
    ...intent,
    status: 'requires_action',
    returnUrl: options.returnUrl,
    lastError: null,
  });
  recordEvent(stripe, 'payment_intent.requires_action', intentObject(stripe, waiting));
  return { intent: waiting, declined: null };
}

/** The buyer passes or fails 3-D Secure. @throws {StripeRefusal} when the intent does not require an action. */
export function completeAuthentication(stripe: StripeState, intent: IntentRow, passed: boolean): Attempt {
  if (intent.status !== 'requires_action') {
    throw unexpectedState(
      `This PaymentIntent does not require authentication: it has a status of ${intent.status}.`,
      intentObject(stripe, intent),
    );
  }
  if (passed) return tryCharge(stripe, intent);
  const failed = stripe.intents.put({
    ...intent,
    status: 'requires_payment_method',
    paymentMethod: null,
    card: null,
    lastError: {
      type: 'invalid_request_error',
      code: 'payment_intent_authentication_failure',
      declineCode: null,
      message:
        'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new ' +
        'PaymentMethod to attempt to fulfill this PaymentIntent again.',
      charge: null,
      card: intent.card,
    },
  });
  recordEvent(stripe, 'payment_intent.payment_failed', intentObject(stripe, failed));
  const { type: _type, code, message } = failed.lastError ?? {};
  return { intent: failed, declined: { type: 'card_error', code, message: message ?? '' } };
}

/** Ends the status `processing`. Does nothing in any other status. */
export function finishProcessing(stripe: StripeState, intentId: string, outcome: 'succeeded' | 'failed'): void {
  const intent = stripe.intents.get(intentId);
  if (intent?.status !== 'processing') return;
  if (outcome === 'failed') failAttempt(stripe, intent, { code: 'processing_error', message: 'The payment failed.' });
  else chargeCard(stripe, intent);
}

function tryCharge(stripe: StripeState, intent: IntentRow): Attempt {
  const { decline } = cardNamed(intent.card ?? '');
  if (decline) return failAttempt(stripe, intent, decline);
  const rule = stripe.faults.takeOutcome(
    ['processing_then_succeeded', 'processing_then_failed'],
    outcomeSubject(intent),
  );
  if (!rule) return { intent: chargeCard(stripe, intent), declined: null };
  const processing = stripe.intents.put({ ...intent, status: 'processing', lastError: null });
  recordEvent(stripe, 'payment_intent.processing', intentObject(stripe, processing));
  if (rule.ms !== null) {
    stripe.schedule(rule.ms, rule.fault === 'processing_then_failed' ? 'finish_failed' : 'finish_succeeded', intent.id);
  }
  return { intent: processing, declined: null };
}

function chargeCard(stripe: StripeState, intent: IntentRow): IntentRow {
  const captured = intent.captureMethod !== 'manual';
  const charge = chargeIntent(stripe, intent, captured);
  const charged = { ...intent, latestCharge: charge.id, lastError: null };
  if (captured) return markSucceeded(stripe, { ...charged, amountReceived: intent.amount });
  const rule = stripe.faults.takeOutcome(['authorization_lapses'], outcomeSubject(intent));
  const lapsesInMs = rule ? (rule.ms ?? 0) : authorizationSeconds * 1000;
  const authorized = stripe.intents.put({
    ...charged,
    status: 'requires_capture',
    amountCapturable: intent.amount,
  });
  recordEvent(stripe, 'payment_intent.amount_capturable_updated', intentObject(stripe, authorized));
  stripe.schedule(lapsesInMs, 'lapse_authorization', authorized.id);
  return authorized;
}

function failAttempt(stripe: StripeState, intent: IntentRow, decline: Decline): Attempt {
  const paymentMethod = intent.paymentMethod ?? stripe.newId('pm_');
  const card = intent.card ?? 'visa';
  const charge = recordDeclinedCharge(stripe, { ...intent, card, paymentMethod }, decline);
  const failed = stripe.intents.put({
    ...intent,
    status: 'requires_payment_method',
    card: null,
    paymentMethod: null,
    latestCharge: charge.id,
    lastError: {
      type: 'card_error',
      code: decline.code,
      declineCode: decline.declineCode ?? null,
      message: decline.message,
      charge: charge.id,
      card,
    },
  });
  recordEvent(stripe, 'charge.failed', chargeObject(stripe, charge));
  recordEvent(stripe, 'payment_intent.payment_failed', intentObject(stripe, failed));
  const method = paymentMethodObject(paymentMethod, card, charge.created);
  return { intent: failed, declined: { ...declineError(decline), charge: charge.id, payment_method: method } };
}
