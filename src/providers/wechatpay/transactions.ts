import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence, PaymentFailure, ReportedPaymentStatus } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';

/** Whose payments these are. */
export type Merchant = { readonly mchId: string; readonly appId: string };

/** Fen. */
export const fen = z.int().positive();
/** China's is the only currency there, and is often left out. */
export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .nullish()
  .transform((code) => code ?? 'CNY');
/** As `2026-11-21T08:00:00+08:00`. Null for what is no instant: nothing depends on it but how well we know when. */
export const instant = z
  .string()
  .nullish()
  .transform((text) =>
    z.iso.datetime({ offset: true }).safeParse(text).success && text != null ? new Date(text) : null,
  );
/** Empty as long as there is none. */
export const providerName = z
  .string()
  .max(64)
  .nullish()
  .transform((name) => name || null);

/** What we read of a payment at WeChat Pay. States are an open set, so they are text here and mapped below. */
export const transactionSchema = z.object({
  mchid: z.string(),
  appid: z.string(),
  out_trade_no: z.string(),
  transaction_id: providerName,
  trade_state: z.string(),
  success_time: instant,
  /** Absent in some answers about what was never paid. `payer_total`, which coupons make smaller, is none of our business. */
  amount: z.object({ total: fen, currency }).nullish(),
});
export type Transaction = z.infer<typeof transactionSchema>;

/** The answer of 202 while the buyer enters a password. */
export const inProgressSchema = z.object({ code: z.enum(['USERPAYING', 'USER_PAYING']) });

/** Why it is not a payment of this merchant's, for people; null when it is. */
export function foreignnessOf(
  { mchid, appid }: { readonly mchid: string; readonly appid?: string },
  { mchId, appId }: Merchant,
): string | null {
  if (mchid !== mchId) return `WeChat Pay reports it for merchant ${mchid}, not ${mchId}.`;
  if (appid !== undefined && appid !== appId) return `WeChat Pay reports it for app ${appid}, not ${appId}.`;
  return null;
}

/** Which payment of ours the number names; null when it names none, as those of other integrations do. */
export function paymentIdOf(number: string): string | null {
  return isId('payment', number) ? number : null;
}

/**
 * What a transaction says of the payment; null when its state is one that we do not know.
 * @throws {RangeError} when it is paid and does not say how much, or by what name.
 */
export function reportOfTransaction(
  transaction: Transaction,
  paymentId: string,
  evidence: Evidence,
  hasExpired: boolean,
): PaymentReport | null {
  const { trade_state: state, transaction_id: providerPaymentId, amount } = transaction;
  const status = statusOf(state, hasExpired);
  if (status === null) return null;
  const isPaid = status === 'SUCCEEDED';
  if (isPaid && (amount == null || providerPaymentId === null)) {
    throw new RangeError('WeChat Pay reports a payment as paid without its amount or its name.');
  }
  return paymentReport({
    paymentId,
    providerPaymentId,
    status,
    amountMinor: amount == null ? null : BigInt(amount.total),
    currency: amount?.currency ?? null,
    capturedMinor: isPaid && amount != null ? BigInt(amount.total) : null,
    failure: status === 'FAILED' ? failed : null,
    evidence,
  });
}

const failed: PaymentFailure = {
  reason: 'provider_error',
  message: 'WeChat Pay could not take the payment.',
  providerCode: 'PAYERROR',
  attempt: null,
};

function statusOf(state: string, hasExpired: boolean): ReportedPaymentStatus | null {
  switch (state) {
    case 'NOTPAY':
      return 'ACTION_REQUIRED';
    case 'USERPAYING':
    case 'ACCEPT':
      return 'PROCESSING';
    case 'SUCCESS':
    case 'REFUND': // paid, and some or all of it sent back since
      return 'SUCCEEDED';
    case 'CLOSED': // the same for what we closed and for what ran out
      return hasExpired ? 'EXPIRED' : 'CANCELED';
    case 'REVOKED':
      return 'CANCELED';
    case 'PAYERROR':
      return 'FAILED';
    default:
      return null; // a state that WeChat Pay added since: nothing to conclude, asked again
  }
}
