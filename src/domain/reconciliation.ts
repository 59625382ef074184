import { after } from './clock.ts';
import { isId } from './ids.ts';
import type { Payment } from './payment.ts';
import type { Refund } from './refund.ts';
import { type PaymentReport, paymentReport, type RefundReport, refundReport } from './report.ts';

/** The recorded values of a payment that are compared with a bill. */
export type HeldPayment = Pick<
  Payment,
  | 'id'
  | 'orderId'
  | 'provider'
  | 'status'
  | 'captureMode'
  | 'amountMinor'
  | 'capturedMinor'
  | 'currency'
  | 'providerPaymentId'
>;
/** The recorded values of a refund that are compared with a bill. */
export type HeldRefund = Pick<Refund, 'id' | 'status' | 'amountMinor' | 'currency' | 'providerRefundId'>;

/** One line of a provider's daily bill: a movement of money, completed or in progress. */
export type BillLine = {
  readonly kind: 'payment' | 'refund';
  /** The merchant's number: our id (`pay_…` or `rfd_…`), any text of another system or a console, or null. */
  readonly merchantNumber: string | null;
  /** The merchant's number of the refunded payment; null for a payment line. */
  readonly paymentNumber: string | null;
  readonly providerPaymentId: string | null;
  /** The same id that the provider's adapter uses in refund reports. */
  readonly providerRefundId: string | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** A payment on a bill is always SUCCEEDED. */
  readonly status: 'SUCCEEDED' | 'PENDING' | 'FAILED';
  readonly at: Date;
};

/**
 * The result of comparing one bill line with the recorded state. `FOREIGN`: the line belongs to another system of the
 * merchant and is ignored.
 */
export type LineVerdict = 'MATCHED' | 'MISSING_HERE' | 'DIFFERENT_AMOUNT' | 'FOREIGN';

/** Compares a line with the payment and, for a refund line, the refund that it names. Null when none is recorded. */
export function judgeLine(line: BillLine, payment: HeldPayment | null, refund: HeldRefund | null): LineVerdict {
  if (payment === null) return namesOurs(line) ? 'MISSING_HERE' : 'FOREIGN';
  return line.kind === 'payment' ? judgePayment(line, payment) : judgeRefund(line, refund);
}

function namesOurs({ kind, merchantNumber, paymentNumber }: BillLine): boolean {
  const isOurs = merchantNumber !== null && isId(kind, merchantNumber);
  return isOurs || (paymentNumber !== null && isId('payment', paymentNumber));
}

function judgePayment(line: BillLine, payment: HeldPayment): LineVerdict {
  // A different provider id under the same merchant number is a second payment, which is not recorded here.
  const { providerPaymentId } = payment;
  const isAnother =
    providerPaymentId !== null && line.providerPaymentId !== null && providerPaymentId !== line.providerPaymentId;
  if (isAnother) return 'MISSING_HERE';
  const isTaken = payment.status === 'SUCCEEDED';
  if (line.currency !== payment.currency || !isPossible(line.amountMinor, payment)) return 'DIFFERENT_AMOUNT';
  return isTaken ? 'MATCHED' : 'MISSING_HERE';
}

function isPossible(amountMinor: bigint, { status, captureMode, ...payment }: HeldPayment): boolean {
  if (status === 'SUCCEEDED') return amountMinor === payment.capturedMinor;
  return captureMode === 'AUTOMATIC' ? amountMinor === payment.amountMinor : amountMinor <= payment.amountMinor;
}

function judgeRefund(line: BillLine, refund: HeldRefund | null): LineVerdict {
  if (refund === null) return 'MISSING_HERE';
  if (line.amountMinor !== refund.amountMinor || line.currency !== refund.currency) return 'DIFFERENT_AMOUNT';
  // A bill shows the state at its creation. A refund that was pending then may have ended since.
  const isSame = line.status === 'PENDING' ? refund.status !== 'UNKNOWN' : line.status === refund.status;
  return isSame ? 'MATCHED' : 'MISSING_HERE';
}

/**
 * The payment report in a bill line. A bill states the captured amount, which a partial capture makes smaller than the
 * payment's amount. `amountMinor` is therefore null.
 */
export function paymentReportOf(line: BillLine, paymentId: string, receivedAt: Date): PaymentReport {
  return paymentReport({
    paymentId,
    providerPaymentId: line.providerPaymentId,
    status: 'SUCCEEDED',
    currency: line.currency,
    capturedMinor: line.amountMinor,
    evidence: { source: 'RECONCILIATION', providerTime: line.at, receivedAt },
  });
}

/** The refund report in a bill line. A bill does not state when a refund failed, so `providerTime` is null then. */
export function refundReportOf(line: BillLine, receivedAt: Date): RefundReport {
  const { merchantNumber, providerRefundId, status, amountMinor, currency, at } = line;
  return refundReport({
    refundId: merchantNumber !== null && isId('refund', merchantNumber) ? merchantNumber : null,
    ...{ providerRefundId, status, amountMinor, currency },
    evidence: { source: 'RECONCILIATION', providerTime: status === 'FAILED' ? null : at, receivedAt },
  });
}

/**
 * The provider's clock may differ from ours by this much. Money that moved closer than this to the start or end of a day
 * may be in the bill of the adjacent day.
 */
export const dayBorderMs = 60_000;

/** True when money that moved between the two instants must be in the bill of this day and cannot be in another one. */
export function isCertainlyWithin(
  moved: { readonly earliest: Date; readonly latest: Date },
  day: { readonly from: Date; readonly until: Date },
): boolean {
  return moved.earliest >= after(day.from, dayBorderMs) && moved.latest < after(day.until, -dayBorderMs);
}
