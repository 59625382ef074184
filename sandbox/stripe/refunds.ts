import { checkDivisibility, formatAmount } from './amounts.ts';
import { cardNamed } from './cards.ts';
import { invalid } from './errors.ts';
import { recordEvent } from './events.ts';
import { chargeObject, refundObject } from './objects.ts';
import { outcomeSubject } from './payment-intents.ts';
import type { ChargeRow, Metadata, RefundRow, StripeState } from './state.ts';

/** The time until a refund to one of the refund test cards is decided, on the sandbox's clock. */
export const refundDecisionMs = 10_000;

export type NewRefund = {
  readonly amount: number | undefined;
  readonly reason: string | null;
  readonly metadata: Metadata;
  readonly origin: RefundRow['origin'];
};

/** Refunds a captured charge; without an amount, the rest. @throws {StripeRefusal} when the amount exceeds the rest. */
export function createRefund(stripe: StripeState, charge: ChargeRow, input: NewRefund): RefundRow {
  const left = charge.amountCaptured - charge.amountRefunded;
  if (!charge.captured) throw invalid(`Charge ${charge.id} has not been captured; cancel its PaymentIntent instead.`);
  if (left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, undefined, 'charge_already_refunded');
  }
  const amount = input.amount ?? left;
  if (amount < 1) {
    throw invalid('This value must be greater than or equal to 1.', 'amount', 'parameter_invalid_integer');
  }
  if (amount > left) {
    throw invalid(
      `Refund amount (${formatAmount(amount, charge.currency)}) is greater than unrefunded amount on charge ` +
        `(${formatAmount(left, charge.currency)})`,
      'amount',
    );
  }
  checkDivisibility(amount, charge.currency, 'amount');
  const schedule = scheduleFor(stripe, charge, input.metadata);
  const id = stripe.newId('re_');
  const transaction = recordBalanceTransaction(stripe, 'refund', -amount, charge.currency, id);
  const refund = stripe.refunds.put({
    id,
    created: stripe.clock.wireSeconds(),
    intent: charge.intent,
    charge: charge.id,
    amount,
    currency: charge.currency,
    status: schedule.status,
    reason: input.reason,
    failureReason: null,
    metadata: input.metadata,
    balanceTransaction: transaction,
    failureBalanceTransaction: null,
    origin: input.origin,
  });
  const refunded = stripe.charges.put({ ...charge, amountRefunded: charge.amountRefunded + amount });
  recordEvent(stripe, 'refund.created', refundObject(refund));
  recordEvent(stripe, 'charge.refunded', chargeObject(stripe, refunded));
  if (schedule.next && schedule.delayMs !== null) stripe.schedule(schedule.delayMs, schedule.next, refund.id);
  return refund;
}

/** Completes a pending refund. Does nothing in any other state. */
export function finishRefund(stripe: StripeState, refundId: string): void {
  const refund = stripe.refunds.get(refundId);
  if (refund?.status !== 'pending') return;
  const done = stripe.refunds.put({ ...refund, status: 'succeeded' });
  recordEvent(stripe, 'refund.updated', refundObject(done));
}

/** The bank returns the money, possibly long after the refund succeeded. Does nothing to a failed refund. */
export function failRefund(stripe: StripeState, refundId: string, failureReason = 'unknown'): void {
  const refund = stripe.refunds.get(refundId);
  if (!refund || refund.status === 'failed' || refund.status === 'canceled') return;
  const failed = stripe.refunds.put({
    ...refund,
    status: 'failed',
    failureReason,
    failureBalanceTransaction: recordBalanceTransaction(
      stripe,
      'refund_failure',
      refund.amount,
      refund.currency,
      refund.id,
    ),
  });
  const charge = stripe.charges.get(refund.charge);
  if (charge) stripe.charges.put({ ...charge, amountRefunded: charge.amountRefunded - refund.amount });
  recordEvent(stripe, 'refund.updated', refundObject(failed));
  recordEvent(stripe, 'refund.failed', refundObject(failed));
}

type RefundSchedule = {
  readonly status: 'pending' | 'succeeded';
  readonly next: 'refund_succeeded' | 'refund_failed' | null;
  /** Null: the console decides. */
  readonly delayMs: number | null;
};

function scheduleFor(stripe: StripeState, charge: ChargeRow, metadata: Metadata): RefundSchedule {
  const subject = outcomeSubject({ ...charge, ...metadata });
  const rule = stripe.faults.takeOutcome(
    ['refund_pending_then_succeeded', 'refund_pending_then_failed', 'refund_fails_later'],
    subject,
  );
  switch (rule?.fault) {
    case 'refund_pending_then_succeeded':
      return { status: 'pending', next: 'refund_succeeded', delayMs: rule.ms };
    case 'refund_pending_then_failed':
      return { status: 'pending', next: 'refund_failed', delayMs: rule.ms };
    case 'refund_fails_later':
      return { status: 'succeeded', next: 'refund_failed', delayMs: rule.ms };
    case undefined:
      return scheduleForCard(charge);
  }
}

function scheduleForCard(charge: ChargeRow): RefundSchedule {
  switch (cardNamed(charge.card).refundOutcome) {
    case 'succeeds':
      return { status: 'succeeded', next: null, delayMs: null };
    case 'pending_then_succeeds':
      return { status: 'pending', next: 'refund_succeeded', delayMs: refundDecisionMs };
    case 'succeeds_then_fails':
      return { status: 'succeeded', next: 'refund_failed', delayMs: refundDecisionMs };
  }
}

function recordBalanceTransaction(
  stripe: StripeState,
  type: 'refund' | 'refund_failure',
  amount: number,
  currency: string,
  source: string,
): string {
  const id = stripe.newId('txn_');
  const created = stripe.clock.wireSeconds();
  return stripe.balanceTransactions.put({ id, created, type, amount, fee: 0, currency, source, description: null }).id;
}
