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

/** A refund as answers have it. */
export const refundSchema = z.object({ ...refundFields, status: z.string() });

/** A refund as notifications have it: its status goes by another name, and nothing says for which app it is. */
export const notifiedRefundSchema = z
  .object({ ...refundFields, mchid: z.string(), refund_status: z.string() })
  .transform(({ refund_status: status, ...refund }) => ({ ...refund, status }));

export type WechatpayRefund = z.infer<typeof refundSchema>;

/** What a refund says; null when its status is one that we do not know. */
export function reportOfRefund(refund: WechatpayRefund, evidence: Evidence): RefundReport | null {
  const { status: stated, out_refund_no: number, refund_id: providerName, amount } = refund;
  const status = statusOf(stated);
  if (status === null) return null;
  const isOurs = isId('refund', number);
  return refundReport({
    refundId: isOurs ? number : null,
    // WeChat Pay is asked about a refund by the number alone that whoever made it has given it.
    providerRefundId: isOurs ? providerName : number,
    status,
    amountMinor: BigInt(amount.refund),
    currency: amount.currency,
    failure: status === 'FAILED' || stated === 'ABNORMAL' ? failureOf(stated) : null,
    evidence,
  });
}

/** What a refund says of the payment: it was paid, or nothing of it could go back. */
export function paymentBehind(refund: WechatpayRefund, paymentId: string, evidence: Evidence): PaymentReport {
  const { transaction_id: providerPaymentId, amount } = refund;
  const totalMinor = BigInt(amount.total);
  return paymentReport({
    paymentId,
    providerPaymentId,
    status: 'SUCCEEDED',
    amountMinor: totalMinor,
    currency: amount.currency,
    capturedMinor: totalMinor,
    evidence: { ...evidence, providerTime: null }, // it was paid some time before
  });
}

function statusOf(status: string): ReportedRefundStatus | null {
  switch (status) {
    case 'PROCESSING':
    case 'ABNORMAL': // not over: put right in the merchant platform it still goes out, and until then its amount is taken
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
      ? 'The money has not reached the buyer, whose card or account takes none. It must be handled in WeChat Pay’s merchant platform.'
      : 'WeChat Pay has closed the refund: the money stays with the merchant.',
    providerCode: status,
    attempt: null,
  };
}
