import type { PaymentFailure } from '../../domain/payment.ts';
import { RejectedError } from '../provider.ts';

type FailureText = Pick<PaymentFailure, 'reason' | 'message'>;

/** Our failure reasons for Alipay's sub codes. Other codes become `provider_error`. */
const failures: Readonly<Record<string, FailureText>> = {
  'ACQ.TRADE_HAS_CLOSE': { reason: 'expired', message: 'Alipay has closed this payment.' },
  'ACQ.SELLER_BALANCE_NOT_ENOUGH': {
    reason: 'insufficient_funds',
    message: 'The balance of the merchant’s Alipay account is too low for this refund.',
  },
  'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL': {
    reason: 'provider_error',
    message: 'Alipay refunds this payment only in full.',
  },
  'ACQ.REASON_TRADE_REFUND_FEE_ERR': {
    reason: 'provider_error',
    message: 'The refund exceeds the amount that Alipay can refund.',
  },
  'ACQ.TRADE_HAS_FINISHED': { reason: 'expired', message: 'Alipay no longer refunds this payment.' },
  'ACQ.TRADE_STATUS_ERROR': {
    reason: 'provider_error',
    message: 'Alipay does not refund the payment in its current state.',
  },
  'ACQ.TRADE_NOT_ALLOW_REFUND': { reason: 'provider_error', message: 'Alipay does not refund this payment.' },
  'ACQ.TRADE_NOT_EXIST': { reason: 'provider_error', message: 'Alipay does not know the payment.' },
  'ACQ.REASON_TRADE_BEEN_FREEZEN': { reason: 'provider_error', message: 'Alipay has frozen the payment.' },
};

/** After these codes the refund was certainly not made. After any other code the outcome is unknown. */
const refundRefusals = new Set([
  ...['ACQ.SELLER_BALANCE_NOT_ENOUGH', 'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', 'ACQ.REASON_TRADE_REFUND_FEE_ERR'],
  ...['ACQ.TRADE_HAS_FINISHED', 'ACQ.TRADE_STATUS_ERROR', 'ACQ.TRADE_NOT_ALLOW_REFUND', 'ACQ.TRADE_NOT_EXIST'],
  ...['ACQ.REASON_TRADE_BEEN_FREEZEN'],
]);

/** The close failed because the trade has changed or does not exist yet. Its state must be queried. */
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

/** Converts Alipay's refusal to the failure that the API shows. */
export function rejectionBy(subCode: string): RejectedError {
  const { reason, message } = failures[subCode] ?? { reason: 'provider_error', message: 'Alipay refused the request.' };
  return new RejectedError({ reason, message, providerCode: subCode, attempt: null });
}
