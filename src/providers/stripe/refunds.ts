import type Stripe from 'stripe';
import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence, EvidenceSource, PaymentFailure } from '../../domain/payment.ts';
import type { ReportedRefundStatus } from '../../domain/refund.ts';
import type { RefundReport } from '../../domain/report.ts';
import { OutcomeUnknownError, type RefundAnswer, type RefundName, type RefundOrder } from '../provider.ts';
import { fromStripeAmount, toStripeAmount } from './amounts.ts';
import { currencyOf, instantOf } from './objects.ts';
import { parseAnswer } from './outcome.ts';

/** How many refunds of one payment are read, a hundred a page. */
const pagesMax = 10;

export const refundSchema = z.object({
  object: z.literal('refund'),
  id: z.string().regex(/^(re|pyr)_/),
  amount: z.int().positive(),
  currency: z.string(),
  created: z.int(),
  status: z.string().nullable(),
  reason: z.string().nullish(),
  failure_reason: z.string().nullish(),
  payment_intent: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  balance_transaction: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
});
type StripeRefund = z.infer<typeof refundSchema>;

type Told = (source: EvidenceSource, providerTime: Date | null) => Evidence;

/** Refunds at Stripe: of PaymentIntents, under keys made from our ids. */
export function createStripeRefunds(stripe: Stripe, evidence: Told) {
  async function list(intentId: string): Promise<StripeRefund[]> {
    const refunds: StripeRefund[] = [];
    for (let page = 0; page < pagesMax; page += 1) {
      const last = refunds.at(-1)?.id;
      const { data, has_more: hasMore } = await stripe.refunds.list({
        payment_intent: intentId,
        limit: 100,
        ...(last !== undefined && { starting_after: last }),
      });
      refunds.push(...data.map((refund) => parseAnswer(refundSchema, refund)));
      if (!hasMore || data.length === 0) return refunds;
    }
    throw new OutcomeUnknownError(`A payment has more than ${pagesMax * 100} refunds; not all of them were read.`);
  }

  return {
    async start(refund: RefundOrder): Promise<RefundReport> {
      const { refundId, paymentId, reason } = refund;
      const made = await stripe.refunds.create(
        {
          payment_intent: intentOf(refund),
          amount: amountOf(refund),
          metadata: { refund_id: refundId, payment_id: paymentId, ...(reason && { reason }) },
        },
        { idempotencyKey: `${refundId}_create_1` },
      );
      const parsed = parseAnswer(refundSchema, made);
      return known(reportOfRefund(parsed, evidence('RESPONSE', instantOf(parsed.created))));
    },

    async query(refund: RefundName): Promise<RefundAnswer> {
      const { refundId, providerRefundId } = refund;
      const found =
        providerRefundId === null
          ? (await list(intentOf(refund))).find(({ metadata }) => metadata?.refund_id === refundId)
          : parseAnswer(refundSchema, await stripe.refunds.retrieve(providerRefundId));
      if (found === undefined) return { kind: 'notFound' };
      return { kind: 'report', report: known(reportOfRefund(found, evidence('QUERY', null))) };
    },

    async ofPayment(intentId: string): Promise<RefundReport[]> {
      const refunds = await list(intentId);
      return refunds
        .filter((refund) => !isRelease(refund))
        .map((refund) => reportOfRefund(refund, evidence('QUERY', null)))
        .filter((report) => report !== null);
    },
  };
}

/** The PaymentIntent that a refund is of. */
export function intentIdOf({ payment_intent: intent }: StripeRefund): string | null {
  return typeof intent === 'string' ? intent : (intent?.id ?? null);
}

/**
 * True for what Stripe calls a refund when an authorization is voided, lapses or is captured in part: the rest was never captured, so no
 * balance moved, and nothing of what we captured goes back.
 */
export function isRelease({ status, reason, balance_transaction: moved, metadata }: StripeRefund): boolean {
  if (reason === 'expired_uncaptured_charge') return true;
  return status === 'succeeded' && moved === null && metadata?.refund_id === undefined;
}

/**
 * What Stripe's refund says; null when its status is one that we do not know.
 * @throws {RangeError} when its amount or its currency cannot be.
 */
export function reportOfRefund(refund: StripeRefund, evidence: Evidence): RefundReport | null {
  const status = statusOf(refund);
  if (status === null) return null;
  const currency = currencyOf(refund.currency);
  const named = refund.metadata?.refund_id;
  return {
    refundId: named !== undefined && isId('refund', named) ? named : null,
    providerRefundId: refund.id,
    status,
    amountMinor: fromStripeAmount(refund.amount, currency),
    currency,
    reason: refund.metadata?.reason ?? refund.reason ?? null,
    failure: status === 'FAILED' ? failureOf(refund) : null,
    evidence,
  };
}

function statusOf({ status }: StripeRefund): ReportedRefundStatus | null {
  switch (status) {
    case null:
    case 'pending':
    case 'requires_action':
      return 'PENDING';
    case 'succeeded':
      return 'SUCCEEDED';
    case 'failed':
    case 'canceled':
      return 'FAILED';
    default:
      return null;
  }
}

function failureOf({ status, failure_reason: code = null }: StripeRefund): PaymentFailure {
  return {
    reason: status === 'canceled' ? 'canceled' : 'provider_error',
    message: 'The bank did not take the money back, or sent it back.',
    providerCode: code,
    attempt: null,
  };
}

function intentOf({ providerPaymentId, refundId }: RefundName): string {
  if (providerPaymentId === null) throw new RangeError(`Refund ${refundId} is of a payment that Stripe has not named.`);
  return providerPaymentId;
}

function amountOf({ amountMinor, currency, refundId }: RefundOrder): number {
  const amount = toStripeAmount(amountMinor, currency);
  if (amount === null) throw new RangeError(`Refund ${refundId} has an amount that Stripe does not take.`);
  return amount;
}

function known(report: RefundReport | null): RefundReport {
  if (report === null) throw new OutcomeUnknownError('Stripe answered with a status that we do not know.');
  return report;
}
