import { latestCharge } from './charges.ts';
import { sessionObject } from './checkout-objects.ts';
import { balanceTransactionObject, chargeObject, intentObject, refundObject, type StripeObject } from './objects.ts';
import type { IntentRow, RefundRow, StripeState } from './state.ts';

/** The totals of one payment of the merchant, over all PaymentIntents with its id in their metadata. */
export type PaymentTotals = {
  currency: string;
  paymentIntents: number;
  /** The number of captured or authorized charges; more than one is a double charge. */
  charges: number;
  /** The amount that is authorized and not captured. */
  authorized: number;
  captured: number;
  /** The total of succeeded refunds that have not failed since. */
  refunded: number;
  refundPending: number;
};

/** A refund as the API returns it, and its origin. */
export type LedgerRefund = StripeObject &
  Pick<RefundRow, 'id' | 'amount' | 'currency' | 'status' | 'metadata' | 'origin'>;

export type StripeLedger = {
  readonly paymentIntents: readonly StripeObject[];
  readonly checkoutSessions: readonly StripeObject[];
  readonly charges: readonly StripeObject[];
  readonly refunds: readonly LedgerRefund[];
  readonly balanceTransactions: readonly StripeObject[];
  /** By `metadata.payment_id`. */
  readonly totals: Readonly<Record<string, Readonly<PaymentTotals>>>;
};

/** The true state at Stripe, oldest first; with `paymentId`, only of that payment. */
export function readStripeLedger(stripe: StripeState, paymentId: string | null): StripeLedger {
  const intents = [...stripe.intents.all()].filter(
    (row) => paymentId === null || row.metadata.payment_id === paymentId,
  );
  const ids = new Set(intents.map((row) => row.id));
  const sessions = [...stripe.sessions.all()].filter(
    (row) => paymentId === null || row.intentMetadata.payment_id === paymentId || row.metadata.payment_id === paymentId,
  );
  const charges = [...stripe.charges.all()].filter((row) => ids.has(row.intent));
  const refunds = [...stripe.refunds.all()].filter((row) => ids.has(row.intent));
  const sources = new Set([...charges, ...refunds].map((row) => row.id));
  return {
    paymentIntents: intents.map((row) => intentObject(stripe, row)),
    checkoutSessions: sessions.map((row) => sessionObject(stripe, row)),
    charges: charges.map((row) => chargeObject(stripe, row)),
    refunds: refunds.map(refundInLedger),
    balanceTransactions: [...stripe.balanceTransactions.all()]
      .filter((row) => sources.has(row.source))
      .map(balanceTransactionObject),
    totals: totalsByPayment(stripe, intents, refunds),
  };
}

function refundInLedger(row: RefundRow): LedgerRefund {
  const { id, amount, currency, status, metadata, origin } = row;
  return { ...refundObject(row), id, amount, currency, status, metadata, origin };
}

function totalsByPayment(
  stripe: StripeState,
  intents: readonly IntentRow[],
  refunds: readonly RefundRow[],
): StripeLedger['totals'] {
  const totals = new Map<string, PaymentTotals>();
  for (const intent of intents) {
    const paymentId = intent.metadata.payment_id;
    if (paymentId === undefined) continue;
    const total = totals.get(paymentId) ?? {
      currency: intent.currency,
      paymentIntents: 0,
      charges: 0,
      authorized: 0,
      captured: 0,
      refunded: 0,
      refundPending: 0,
    };
    totals.set(paymentId, total);
    const charge = latestCharge(stripe, intent);
    total.paymentIntents += 1;
    total.charges += charge?.status === 'succeeded' ? 1 : 0;
    total.authorized += intent.amountCapturable;
    total.captured += intent.amountReceived;
  }
  for (const refund of refunds) {
    const total = totals.get(stripe.intents.get(refund.intent)?.metadata.payment_id ?? '');
    if (!total) continue;
    if (refund.status === 'succeeded') total.refunded += refund.amount;
    if (refund.status === 'pending') total.refundPending += refund.amount;
  }
  return Object.fromEntries(totals);
}
