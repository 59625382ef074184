import { latestCharge } from './charges.ts';
import { sessionObject } from './checkout-objects.ts';
import { balanceTransactionObject, chargeObject, intentObject, refundObject, type Wire } from './objects.ts';
import type { IntentRow, RefundRow, StripeState } from './state.ts';

/** What became of one payment of the merchant's, summed over every PaymentIntent that carries its id in its metadata. */
export type PaymentTotals = {
  currency: string;
  paymentIntents: number;
  /** Times that money was taken or held; more than one is a double charge. */
  charges: number;
  /** Held now and not captured. */
  authorized: number;
  captured: number;
  /** Refunds that succeeded and have not failed since. */
  refunded: number;
  refundPending: number;
};

/** A refund as the API shows it, and who made it. */
export type LedgerRefund = Wire & Pick<RefundRow, 'id' | 'amount' | 'currency' | 'status' | 'metadata' | 'origin'>;

export type StripeLedger = {
  readonly paymentIntents: readonly Wire[];
  readonly checkoutSessions: readonly Wire[];
  readonly charges: readonly Wire[];
  readonly refunds: readonly LedgerRefund[];
  readonly balanceTransactions: readonly Wire[];
  /** By `metadata.payment_id`. */
  readonly totals: Readonly<Record<string, Readonly<PaymentTotals>>>;
};

/** The Stripe side's truth, oldest first; with `paymentId`, only what concerns that one. */
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
