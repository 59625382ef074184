import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence, PaymentFailure, ReportedPaymentStatus } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';

/** The merchant and app of our payments. */
export type Merchant = { readonly mchId: string; readonly appId: string };

/** An amount in fen. */
export const fen = z.int().positive();
/** The currency. WeChat Pay often omits it; the default is CNY. */
export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .nullish()
  .transform((code) => code ?? 'CNY');
/**
 * A time such as `2026-11-21T08:00:00+08:00`. Null for an invalid one, because only the precision of our records
 * depends on it.
 */
export const instant = z
  .string()
  .nullish()
  .transform((text) =>
    z.iso.datetime({ offset: true }).safeParse(text).success && text != null ? new Date(text) : null,
  );
/** WeChat Pay's id. It is empty until WeChat Pay assigns one. */
export const providerName = z
  .string()
  .max(64)
  .nullish()
  .transform((name) => name || null);

/** The fields of a payment that we read. States are open sets, so they are text here and mapped below. */
export const transactionSchema = z.object({
  mchid: z.string(),
  appid: z.string(),
  out_trade_no: z.string(),
  transaction_id: providerName,
  trade_state: z.string(),
  success_time: instant,
  /** Absent in some answers about unpaid orders. `payer_total`, which coupons reduce, is not used. */
  amount: z.object({ total: fen, currency }).nullish(),
});
export type Transaction = z.infer<typeof transactionSchema>;

/** The answer with status 202 while the buyer enters a password. */
export const inProgressSchema = z.object({ code: z.enum(['USERPAYING', 'USER_PAYING']) });

/** Why a payment belongs to another merchant or app, as a readable sentence; null when it is ours. */
export function foreignReasonOf(
  { mchid, appid }: { readonly mchid: string; readonly appid?: string },
  { mchId, appId }: Merchant,
): string | null {
  if (mchid !== mchId) return `WeChat Pay reports it for merchant ${mchid}, not ${mchId}.`;
  if (appid !== undefined && appid !== appId) return `WeChat Pay reports it for app ${appid}, not ${appId}.`;
  return null;
}

/** Our payment id in the merchant number; null for a number of another integration. */
export function paymentIdOf(number: string): string | null {
  return isId('payment', number) ? number : null;
}

/**
 * Converts a transaction to a report; null for an unknown state.
 *
 * @throws {RangeError} when it is paid and has no amount or no id.
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
    throw new RangeError('WeChat Pay reports a paid payment without its amount or its id.');
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
    case 'REFUND': // paid, and refunded in part or in full since
      return 'SUCCEEDED';
    case 'CLOSED': // the state is the same after a close and after expiry
      return hasExpired ? 'EXPIRED' : 'CANCELED';
    case 'REVOKED':
      return 'CANCELED';
    case 'PAYERROR':
      return 'FAILED';
    default:
      return null; // a state that WeChat Pay added later: no conclusion, queried again
  }
}
