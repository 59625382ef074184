import type { Decline } from './cards.ts';
import { recordEvent } from './events.ts';
import { chargeObject } from './objects.ts';
import type { Books, ChargeRow, IntentRow } from './state.ts';

/** Charges the intent's card: takes the money, or only holds it until it is captured. */
export function takeMoney(books: Books, intent: IntentRow, captured: boolean): ChargeRow {
  const authorized = newCharge(books, intent, null);
  const charge = captured ? settleCharge(books, authorized, intent.amount) : books.charges.put(authorized);
  recordEvent(books, 'charge.succeeded', chargeObject(books, charge));
  return charge;
}

/** The bank said no: a charge that moved nothing. Its event is the caller's, for it tells of the intent as well. */
export function recordRefusedCharge(books: Books, intent: IntentRow, decline: Decline): ChargeRow {
  return books.charges.put(newCharge(books, intent, decline));
}

/** Takes a part or all of what a charge holds, and enters it into the balance. */
export function settleCharge(books: Books, charge: ChargeRow, amount: number): ChargeRow {
  const transaction = books.balanceTransactions.put({
    id: books.newId('txn_'),
    created: books.clock.wireSeconds(),
    type: 'charge',
    amount,
    fee: Math.min(amount, Math.ceil((amount * 29) / 1000) + 30),
    currency: charge.currency,
    source: charge.id,
    description: null,
  });
  return books.charges.put({
    ...charge,
    captured: true,
    amountCaptured: amount,
    balanceTransaction: transaction.id,
  });
}

export function latestCharge(books: Books, intent: IntentRow): ChargeRow | undefined {
  return intent.latestCharge === null ? undefined : books.charges.get(intent.latestCharge);
}

function newCharge(books: Books, intent: IntentRow, decline: Decline | null): ChargeRow {
  return {
    id: books.newId('ch_'),
    created: books.clock.wireSeconds(),
    intent: intent.id,
    amount: intent.amount,
    amountCaptured: 0,
    amountRefunded: 0,
    currency: intent.currency,
    status: decline === null ? 'succeeded' : 'failed',
    captured: false,
    released: false,
    card: intent.card ?? 'visa',
    paymentMethod: intent.paymentMethod ?? books.newId('pm_'),
    failureCode: decline?.code ?? null,
    declineCode: decline?.declineCode ?? null,
    failureMessage: decline?.message ?? null,
    balanceTransaction: null,
  };
}
