import type { Decline } from './cards.ts';
import { recordEvent } from './events.ts';
import { chargeObject } from './objects.ts';
import type { ChargeRow, IntentRow, StripeState } from './state.ts';

/** Charges the intent's card and captures the amount, or only authorizes it. */
export function chargeIntent(stripe: StripeState, intent: IntentRow, captured: boolean): ChargeRow {
  const authorized = newCharge(stripe, intent, null);
  const charge = captured ? settleCharge(stripe, authorized, intent.amount) : stripe.charges.put(authorized);
  recordEvent(stripe, 'charge.succeeded', chargeObject(stripe, charge));
  return charge;
}

/** Records a declined charge. The caller records the event, which includes the changed intent. */
export function recordDeclinedCharge(stripe: StripeState, intent: IntentRow, decline: Decline): ChargeRow {
  return stripe.charges.put(newCharge(stripe, intent, decline));
}

/** Captures a part or all of an authorized charge, and records it in the balance. */
export function settleCharge(stripe: StripeState, charge: ChargeRow, amount: number): ChargeRow {
  const transaction = stripe.balanceTransactions.put({
    id: stripe.newId('txn_'),
    created: stripe.clock.wireSeconds(),
    type: 'charge',
    amount,
    fee: Math.min(amount, Math.ceil((amount * 29) / 1000) + 30),
    currency: charge.currency,
    source: charge.id,
    description: null,
  });
  return stripe.charges.put({
    ...charge,
    captured: true,
    amountCaptured: amount,
    balanceTransaction: transaction.id,
  });
}

export function latestCharge(stripe: StripeState, intent: IntentRow): ChargeRow | undefined {
  return intent.latestCharge === null ? undefined : stripe.charges.get(intent.latestCharge);
}

function newCharge(stripe: StripeState, intent: IntentRow, decline: Decline | null): ChargeRow {
  return {
    id: stripe.newId('ch_'),
    created: stripe.clock.wireSeconds(),
    intent: intent.id,
    amount: intent.amount,
    amountCaptured: 0,
    amountRefunded: 0,
    currency: intent.currency,
    status: decline === null ? 'succeeded' : 'failed',
    captured: false,
    released: false,
    card: intent.card ?? 'visa',
    paymentMethod: intent.paymentMethod ?? stripe.newId('pm_'),
    failureCode: decline?.code ?? null,
    declineCode: decline?.declineCode ?? null,
    failureMessage: decline?.message ?? null,
    balanceTransaction: null,
  };
}
