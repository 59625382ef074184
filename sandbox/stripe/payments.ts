import { authenticationRequired, cardNamed, type Decline, declineError, type TestCard } from './cards.ts';
import { latestCharge, recordRefusedCharge, settleCharge, takeMoney } from './charges.ts';
import { invalid, type StripeErrorBody, unexpectedState } from './errors.ts';
import { recordEvent } from './events.ts';
import { checkChargeAmount, checkGrain } from './money.ts';
import { chargeObject, intentObject, paymentMethodObject } from './objects.ts';
import type { CaptureMethod, Echoed, IntentRow, IntentStatus, Metadata, StripeState } from './state.ts';

/** Stripe holds an authorization for about seven days. */
export const authorizationSeconds = 7 * 24 * 3600;

export type NewIntent = {
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: CaptureMethod;
  readonly description: string | null;
  readonly receiptEmail: string | null;
  readonly metadata: Metadata;
  readonly allowedTypes: readonly string[] | null;
  readonly echoed: Echoed;
  readonly session: string | null;
};

/** An attempt to pay: it went on (`declined: null`), or the bank said no, which the caller answers with 402. */
export type Attempt = { readonly intent: IntentRow; readonly declined: StripeErrorBody | null };

export function createIntent(stripe: StripeState, input: NewIntent): IntentRow {
  checkChargeAmount(input.amount, input.currency, 'amount');
  const id = stripe.newId('pi_');
  const intent = stripe.intents.put({
    ...input,
    id,
    created: stripe.clock.wireSeconds(),
    clientSecret: stripe.newId(`${id}_secret_`),
    status: 'requires_payment_method',
    amountCapturable: 0,
    amountReceived: 0,
    card: null,
    paymentMethod: null,
    latestCharge: null,
    lastError: null,
    returnUrl: null,
    canceledAt: null,
    cancellationReason: null,
  });
  recordEvent(stripe, 'payment_intent.created', intentObject(stripe, intent));
  return intent;
}

/** Puts a card to an intent without trying it, as `create` with a payment method but without `confirm` does. */
export function attachCard(stripe: StripeState, intent: IntentRow, card: TestCard): IntentRow {
  const attached = { card: card.name, paymentMethod: stripe.newId('pm_'), status: 'requires_confirmation' as const };
  return stripe.intents.put({ ...intent, ...attached });
}

export type ConfirmOptions = { readonly returnUrl: string | null; readonly errorOnRequiresAction: boolean };

/** Tries to pay with a card, or with the one attached before. @throws {StripeRefusal} when nothing can be tried now. */
export function confirmIntent(
  stripe: StripeState,
  held: IntentRow,
  card: TestCard | null,
  options: ConfirmOptions,
): Attempt {
  if (!confirmable.has(held.status)) {
    throw unexpectedState(
      `You cannot confirm this PaymentIntent because it has a status of ${held.status}. ` +
        `Only a PaymentIntent with one of the following statuses may be confirmed: ${[...confirmable].join(', ')}.`,
      intentObject(stripe, held),
    );
  }
  const intent = card ? attachCard(stripe, held, card) : held;
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

/** The buyer came through 3-D Secure, or failed there. @throws {StripeRefusal} when nobody waits for them. */
export function completeAuthentication(stripe: StripeState, intent: IntentRow, passed: boolean): Attempt {
  if (intent.status !== 'requires_action') {
    throw unexpectedState(
      `This PaymentIntent waits for no authentication: it has a status of ${intent.status}.`,
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

/** Takes what was authorized, or a part of it; the rest is released. @throws {StripeRefusal} when nothing is authorized. */
export function captureIntent(stripe: StripeState, intent: IntentRow, amountToCapture: number | undefined): IntentRow {
  if (intent.status !== 'requires_capture') {
    throw unexpectedState(
      `This PaymentIntent could not be captured because it has a status of ${intent.status}. ` +
        'Only a PaymentIntent with one of the following statuses may be captured: requires_capture.',
      intentObject(stripe, intent),
    );
  }
  const amount = amountToCapture ?? intent.amountCapturable;
  if (amount < 1) {
    throw invalid('This value must be greater than or equal to 1.', 'amount_to_capture', 'parameter_invalid_integer');
  }
  if (amount > intent.amountCapturable) {
    throw invalid(
      `The requested capture amount is greater than the amount you can capture for this charge (${intent.amountCapturable}).`,
      'amount_to_capture',
      'amount_too_large',
    );
  }
  checkGrain(amount, intent.currency, 'amount_to_capture');
  const charge = latestCharge(stripe, intent);
  if (charge) {
    const captured = settleCharge(stripe, charge, amount);
    recordEvent(stripe, 'charge.captured', chargeObject(stripe, captured));
  }
  return succeed(stripe, { ...intent, amountReceived: amount });
}

const confirmable: ReadonlySet<IntentStatus> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
]);
const cancelable: ReadonlySet<IntentStatus> = new Set([
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
]);

/**
 * Ends an intent that was not paid; an authorization is released.
 *
 * @throws {StripeRefusal} when it cannot be ended any more, or while it belongs to an open Checkout Session.
 */
export function cancelIntent(stripe: StripeState, intent: IntentRow, reason: string | null): IntentRow {
  if (!cancelable.has(intent.status)) {
    throw unexpectedState(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. ` +
        `Only a PaymentIntent with one of the following statuses may be canceled: ${[...cancelable].join(', ')}.`,
      intentObject(stripe, intent),
    );
  }
  if (intent.session !== null && stripe.sessions.get(intent.session)?.status === 'open') {
    throw invalid(
      'You cannot cancel this PaymentIntent because it was created by a Checkout Session. ' +
        'Expire the Checkout Session instead.',
    );
  }
  const canceled = endIntent(stripe, intent, reason, 'charge.refunded');
  const rule = stripe.faults.takeOutcome(['success_after_close'], outcomeSubject(canceled));
  if (rule) stripe.plan(rule.ms ?? 0, 'succeed_anyway', canceled.id);
  return canceled;
}

/** Ends an intent whatever made it; of a held authorization, the charge says how it went. */
export function endIntent(
  stripe: StripeState,
  intent: IntentRow,
  reason: string | null,
  released: 'charge.refunded' | 'charge.expired',
): IntentRow {
  const canceled = stripe.intents.put({
    ...intent,
    status: 'canceled',
    amountCapturable: 0,
    canceledAt: stripe.clock.wireSeconds(),
    cancellationReason: reason,
  });
  const charge = latestCharge(stripe, intent);
  if (charge && intent.status === 'requires_capture') {
    recordEvent(stripe, released, chargeObject(stripe, stripe.charges.put({ ...charge, released: true })));
  }
  recordEvent(stripe, 'payment_intent.canceled', intentObject(stripe, canceled));
  return canceled;
}

/** The authorization ran out before anybody captured it. Nothing happens when it is not held any more. */
export function lapseAuthorization(stripe: StripeState, intentId: string): void {
  const intent = stripe.intents.get(intentId);
  if (intent?.status === 'requires_capture') endIntent(stripe, intent, 'automatic', 'charge.expired');
}

/** Ends `processing`, one way or the other. Nothing happens in any other state. */
export function finishProcessing(stripe: StripeState, intentId: string, outcome: 'succeeded' | 'failed'): void {
  const intent = stripe.intents.get(intentId);
  if (intent?.status !== 'processing') return;
  if (outcome === 'failed') failAttempt(stripe, intent, { code: 'processing_error', message: 'The payment failed.' });
  else chargeCard(stripe, intent);
}

/** The payment goes through whatever we said before, as when the buyer's bank was faster than the cancellation. */
export function succeedAnyway(stripe: StripeState, intentId: string): void {
  const intent = stripe.intents.get(intentId);
  if (!intent || intent.status === 'succeeded') return;
  if (intent.status === 'requires_capture') {
    captureIntent(stripe, intent, undefined);
    return;
  }
  const charge = takeMoney(stripe, { ...intent, card: intent.card ?? 'visa' }, true);
  const { amount } = intent;
  succeed(stripe, {
    ...intent,
    card: charge.card,
    paymentMethod: charge.paymentMethod,
    latestCharge: charge.id,
    amountReceived: amount,
    canceledAt: null,
    cancellationReason: null,
  });
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
    stripe.plan(rule.ms, rule.fault === 'processing_then_failed' ? 'finish_failed' : 'finish_succeeded', intent.id);
  }
  return { intent: processing, declined: null };
}

function chargeCard(stripe: StripeState, intent: IntentRow): IntentRow {
  const captured = intent.captureMethod !== 'manual';
  const charge = takeMoney(stripe, intent, captured);
  const charged = { ...intent, latestCharge: charge.id, lastError: null };
  if (captured) return succeed(stripe, { ...charged, amountReceived: intent.amount });
  const rule = stripe.faults.takeOutcome(['authorization_lapses'], outcomeSubject(intent));
  const lapsesInMs = rule ? (rule.ms ?? 0) : authorizationSeconds * 1000;
  const held = stripe.intents.put({
    ...charged,
    status: 'requires_capture',
    amountCapturable: intent.amount,
  });
  recordEvent(stripe, 'payment_intent.amount_capturable_updated', intentObject(stripe, held));
  stripe.plan(lapsesInMs, 'lapse_authorization', held.id);
  return held;
}

function succeed(stripe: StripeState, intent: IntentRow): IntentRow {
  const paid = stripe.intents.put({
    ...intent,
    status: 'succeeded',
    amountCapturable: 0,
    lastError: null,
  });
  recordEvent(stripe, 'payment_intent.succeeded', intentObject(stripe, paid));
  return paid;
}

function failAttempt(stripe: StripeState, intent: IntentRow, decline: Decline): Attempt {
  const paymentMethod = intent.paymentMethod ?? stripe.newId('pm_');
  const card = intent.card ?? 'visa';
  const charge = recordRefusedCharge(stripe, { ...intent, card, paymentMethod }, decline);
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

/** What an outcome rule is matched against: the whole row, so that `contains` may name an id or a metadata value. */
export function outcomeSubject(row: { readonly id: string }): { text: string } {
  return { text: JSON.stringify(row) };
}
