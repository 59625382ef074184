import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence, PaymentFailure } from '../../domain/payment.ts';
import type { ReportedRefundStatus } from '../../domain/refund.ts';
import { type PaymentReport, paymentReport, type RefundReport, refundReport } from '../../domain/report.ts';
import { currency, fen, instant } from './transactions.ts';

const refundFields = {
  out_trade_no: z.string(),
  transaction_id: z.string().min(1).max(64),
  out_refund_no: z.string().min(1).max(64),
  refund_id: z.string().min(1).max(64),
  success_time: instant,
  amount: z.object({ refund: fen, total: fen, currency }),
};

/** A refund in answers. */
export const refundSchema = z.object({ ...refundFields, status: z.string() });

/** A refund in notifications: the status has another field name, and the app id is missing. */
export const notifiedRefundSchema = z
  .object({ ...refundFields, mchid: z.string(), refund_status: z.string() })
  .transform(({ refund_status: status, ...refund }) => ({ ...refund, status }));

export type WechatpayRefund = z.infer<typeof refundSchema>;

/** Converts a refund to a report; null for an unknown status. */
export function reportOfRefund(refund: WechatpayRefund, evidence: Evidence): RefundReport | null {
  const { status: stated, out_refund_no: number, refund_id: providerName, amount } = refund;
  const status = statusOf(stated);
  if (status === null) return null;
  const isOurs = isId('refund', number);
  return refundReport({
    refundId: isOurs ? number : null,
    // WeChat Pay accepts queries only by the merchant's refund number, which the creator of the refund chose.
    providerRefundId: isOurs ? providerName : number,
    status,
    amountMinor: BigInt(amount.refund),
    currency: amount.currency,
    failure: status === 'FAILED' || stated === 'ABNORMAL' ? failureOf(stated) : null,
    evidence,
  });
}

/** Derives a report of the payment from a refund: without a successful payment there is no refund. */
export function paymentReportOfRefund(refund: WechatpayRefund, paymentId: string, evidence: Evidence): PaymentReport {
  const { transaction_id: providerPaymentId, amount } = refund;
  const totalMinor = BigInt(amount.total);
  return paymentReport({
    paymentId,
    providerPaymentId,
    status: 'SUCCEEDED',
    amountMinor: totalMinor,
    currency: amount.currency,
    capturedMinor: totalMinor,
    evidence: { ...evidence, providerTime: null }, // the payment is older than the refund
  });
}

function statusOf(status: string): ReportedRefundStatus | null {
  switch (status) {
    case 'PROCESSING':
    case 'ABNORMAL': // not final: the merchant can complete it in the merchant platform, so its amount stays reserved
      return 'PENDING';
    case 'SUCCESS':
      return 'SUCCEEDED';
    case 'CLOSED':
      return 'FAILED';
    default:
      return null;
  }
}

function failureOf(status: string): PaymentFailure {
  const isAbnormal = status === 'ABNORMAL';
  return {
    reason: isAbnormal ? 'abnormal' : 'closed',
    message: isAbnormal
      ? 'The money has not reached the buyer, because the card or account does not accept it. Complete the refund in WeChat Pay’s merchant platform.'
      : 'WeChat Pay closed the refund. The money stays with the merchant.',
    providerCode: status,
    attempt: null,
  };
}
