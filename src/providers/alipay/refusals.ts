import type { PaymentFailure } from '../../domain/payment.ts';
import { RejectedError } from '../provider.ts';

type FailureText = Pick<PaymentFailure, 'reason' | 'message'>;

/** What Alipay's sub codes are in our words; `provider_error` for the others. */
const failures: Readonly<Record<string, FailureText>> = {
  'ACQ.TRADE_HAS_CLOSE': { reason: 'expired', message: 'Alipay has closed this payment.' },
  'ACQ.SELLER_BALANCE_NOT_ENOUGH': {
    reason: 'insufficient_funds',
    message: 'The Alipay account of the merchant does not hold enough for this refund.',
  },
  'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL': {
    reason: 'provider_error',
    message: 'Alipay refunds this payment only as a whole.',
  },
  'ACQ.REASON_TRADE_REFUND_FEE_ERR': {
    reason: 'provider_error',
    message: 'The refund is larger than what Alipay holds of the payment.',
  },
  'ACQ.TRADE_HAS_FINISHED': { reason: 'expired', message: 'Alipay does not refund this payment any more.' },
  'ACQ.TRADE_STATUS_ERROR': {
    reason: 'provider_error',
    message: 'The payment is in no state in which Alipay refunds it.',
  },
  'ACQ.TRADE_NOT_ALLOW_REFUND': { reason: 'provider_error', message: 'Alipay does not refund this payment.' },
  'ACQ.TRADE_NOT_EXIST': { reason: 'provider_error', message: 'Alipay does not know the payment.' },
  'ACQ.REASON_TRADE_BEEN_FREEZEN': { reason: 'provider_error', message: 'Alipay has frozen the payment.' },
};

/** After these a refund certainly was not made. About any other sub code nothing is certain: money may have gone back. */
const refundRefusals = new Set([
  ...['ACQ.SELLER_BALANCE_NOT_ENOUGH', 'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', 'ACQ.REASON_TRADE_REFUND_FEE_ERR'],
  ...['ACQ.TRADE_HAS_FINISHED', 'ACQ.TRADE_STATUS_ERROR', 'ACQ.TRADE_NOT_ALLOW_REFUND', 'ACQ.TRADE_NOT_EXIST'],
  ...['ACQ.REASON_TRADE_BEEN_FREEZEN'],
]);

/** Closing came to nothing because the trade has moved, or is none yet. What it is now is to be asked. */
const closeRefusals = new Set([
  ...['ACQ.TRADE_NOT_EXIST', 'ACQ.TRADE_STATUS_ERROR', 'ACQ.REASON_TRADE_STATUS_INVALID'],
  ...['ACQ.TRADE_HAS_SUCCESS', 'ACQ.TRADE_HAS_CLOSE', 'ACQ.TRADE_HAS_FINISHED'],
]);

export const tradeNotExist = 'ACQ.TRADE_NOT_EXIST';
export const tradeHasSuccess = 'ACQ.TRADE_HAS_SUCCESS';

export function isDefiniteRefundRefusal(subCode: string): boolean {
  return refundRefusals.has(subCode);
}

export function isCloseOvertaken(subCode: string): boolean {
  return closeRefusals.has(subCode);
}

/** Alipay's refusal, as the failure that the API shows. */
export function rejectionBy(subCode: string): RejectedError {
  const { reason, message } = failures[subCode] ?? { reason: 'provider_error', message: 'Alipay refused.' };
  return new RejectedError({ reason, message, providerCode: subCode, attempt: null });
}
