import { checkChargeAmount, checkDivisibility } from './amounts.ts';
import type { TestCard } from './cards.ts';
import { chargeIntent, latestCharge, settleCharge } from './charges.ts';
import { invalid, unexpectedState } from './errors.ts';
import { recordEvent } from './events.ts';
import { chargeObject, intentObject } from './objects.ts';
import type { CaptureMethod, Echoed, IntentRow, IntentStatus, Metadata, StripeState } from './state.ts';

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

/** Attaches a card without charging it, as `create` with a payment method and without `confirm` does. */
export function attachCard(stripe: StripeState, intent: IntentRow, card: TestCard): IntentRow {
  const attached = { card: card.name, paymentMethod: stripe.newId('pm_'), status: 'requires_confirmation' as const };
  return stripe.intents.put({ ...intent, ...attached });
}

/** Captures an authorization or a part of it, and releases the rest. @throws {StripeRefusal} when nothing is authorized. */
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
  checkDivisibility(amount, intent.currency, 'amount_to_capture');
  const charge = latestCharge(stripe, intent);
  if (charge) {
    const captured = settleCharge(stripe, charge, amount);
    recordEvent(stripe, 'charge.captured', chargeObject(stripe, captured));
  }
  return markSucceeded(stripe, { ...intent, amountReceived: amount });
}

const cancelable: ReadonlySet<IntentStatus> = new Set([
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
]);

/**
 * Cancels an unpaid intent and releases its authorization.
 *
 * @throws {StripeRefusal} when its state does not allow that, and while it belongs to an open Checkout Session.
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
  if (rule) stripe.schedule(rule.ms ?? 0, 'succeed_anyway', canceled.id);
  return canceled;
}

/** Cancels an intent, with or without a session. `released` is the event for the charge of a released authorization. */
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

/** The authorization expires. Does nothing when the intent is not authorized. */
export function lapseAuthorization(stripe: StripeState, intentId: string): void {
  const intent = stripe.intents.get(intentId);
  if (intent?.status === 'requires_capture') endIntent(stripe, intent, 'automatic', 'charge.expired');
}

/** Succeeds an unpaid intent in any state, as when the bank charges the buyer before it processes the cancellation. */
export function forceSuccess(stripe: StripeState, intentId: string): void {
  const intent = stripe.intents.get(intentId);
  if (!intent || intent.status === 'succeeded') return;
  if (intent.status === 'requires_capture') {
    captureIntent(stripe, intent, undefined);
    return;
  }
  const charge = chargeIntent(stripe, { ...intent, card: intent.card ?? 'visa' }, true);
  const { amount } = intent;
  markSucceeded(stripe, {
    ...intent,
    card: charge.card,
    paymentMethod: charge.paymentMethod,
    latestCharge: charge.id,
    amountReceived: amount,
    canceledAt: null,
    cancellationReason: null,
  });
}

/** Marks an intent as paid. */
export function markSucceeded(stripe: StripeState, intent: IntentRow): IntentRow {
  const paid = stripe.intents.put({
    ...intent,
    status: 'succeeded',
    amountCapturable: 0,
    lastError: null,
  });
  recordEvent(stripe, 'payment_intent.succeeded', intentObject(stripe, paid));
  return paid;
}

/** The subject of an outcome rule: the complete row, so that `contains` may be an id or a metadata value. */
export function outcomeSubject(row: { readonly id: string }): { text: string } {
  return { text: JSON.stringify(row) };
}
