import type Stripe from 'stripe';
import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence, EvidenceSource, PaymentFailure } from '../../domain/payment.ts';
import type { ReportedRefundStatus } from '../../domain/refund.ts';
import { type RefundReport, refundReport } from '../../domain/report.ts';
import { OutcomeUnknownError, type RefundAnswer, type RefundName, type RefundOrder } from '../provider.ts';
import { fromStripeAmount, toStripeAmount } from './amounts.ts';
import type { CallOptions } from './http-client.ts';
import { readList } from './lists.ts';
import { currencyOf, instantOf } from './objects.ts';
import { parseAnswer } from './outcome.ts';

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

type CreateEvidence = (source: EvidenceSource, providerTime: Date | null) => Evidence;

/** Refunds of PaymentIntents at Stripe, for one call. Idempotency keys are derived from our ids. */
export function createStripeRefunds(stripe: Stripe, options: CallOptions, evidence: CreateEvidence) {
  async function* refundsOf(intentId: string): AsyncGenerator<StripeRefund> {
    const listed = readList(
      (page) => stripe.refunds.list({ ...page, payment_intent: intentId }, options),
      (object) => parseAnswer(refundSchema, object),
    );
    for await (const refund of listed) yield requireRefundOf(refund, intentId);
  }

  async function findNamed(intentId: string, refundId: string | null): Promise<StripeRefund | null> {
    for await (const refund of refundsOf(intentId)) if (refund.metadata?.refund_id === refundId) return refund;
    return null;
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
        { ...options, idempotencyKey: `${refundId}_create_1` },
      );
      const parsed = requireRefundOf(parseAnswer(refundSchema, made), intentOf(refund));
      return requireKnown(reportOfRefund(parsed, evidence('RESPONSE', instantOf(parsed.created))));
    },

    async query(refund: RefundName): Promise<RefundAnswer> {
      const { refundId, providerRefundId } = refund;
      const found =
        providerRefundId === null
          ? await findNamed(intentOf(refund), refundId)
          : requireRefundOf(
              parseAnswer(refundSchema, await stripe.refunds.retrieve(providerRefundId, {}, options)),
              intentOf(refund),
            );
      if (found === null) return { kind: 'notFound' };
      return { kind: 'report', report: requireKnown(reportOfRefund(found, evidence('QUERY', null))) };
    },

    async ofPayment(intentId: string): Promise<RefundReport[]> {
      const reports: RefundReport[] = [];
      for await (const refund of refundsOf(intentId)) {
        const report = isRelease(refund) ? null : reportOfRefund(refund, evidence('QUERY', null));
        if (report !== null) reports.push(report);
      }
      return reports;
    },
  };
}

/** @throws {OutcomeUnknownError} when the refund belongs to another payment. */
function requireRefundOf(refund: StripeRefund, intentId: string): StripeRefund {
  if (intentIdOf(refund) === intentId) return refund;
  throw new OutcomeUnknownError(`Stripe answered with another object: ${refund.id} does not belong to ${intentId}.`);
}

/** The PaymentIntent of a refund. */
export function intentIdOf({ payment_intent: intent }: StripeRefund): string | null {
  return typeof intent === 'string' ? intent : (intent?.id ?? null);
}

/**
 * True for the refund object that Stripe creates when an authorization is voided, lapses or is captured in part. The
 * released amount was never captured: no balance changed, and none of our captured money is refunded.
 */
export function isRelease({ status, reason, balance_transaction: moved, metadata }: StripeRefund): boolean {
  if (reason === 'expired_uncaptured_charge') return true;
  return status === 'succeeded' && moved === null && metadata?.refund_id === undefined;
}

/**
 * Converts Stripe's refund to a report; null for an unknown status.
 *
 * @throws {RangeError} for an invalid amount or currency.
 */
export function reportOfRefund(refund: StripeRefund, evidence: Evidence): RefundReport | null {
  const status = statusOf(refund);
  if (status === null) return null;
  const currency = currencyOf(refund.currency);
  const named = refund.metadata?.refund_id;
  return refundReport({
    refundId: named !== undefined && isId('refund', named) ? named : null,
    providerRefundId: refund.id,
    status,
    amountMinor: fromStripeAmount(refund.amount, currency),
    currency,
    reason: refund.metadata?.reason ?? refund.reason ?? null,
    failure: status === 'FAILED' ? failureOf(refund) : null,
    evidence,
  });
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
  if (providerPaymentId === null) throw new RangeError(`The payment of refund ${refundId} has no Stripe id.`);
  return providerPaymentId;
}

function amountOf({ amountMinor, currency, refundId }: RefundOrder): number {
  const amount = toStripeAmount(amountMinor, currency);
  if (amount === null) throw new RangeError(`Refund ${refundId} has an amount that Stripe does not accept.`);
  return amount;
}

function requireKnown(report: RefundReport | null): RefundReport {
  if (report === null) throw new OutcomeUnknownError('Stripe answered with an unknown status.');
  return report;
}
