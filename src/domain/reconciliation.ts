import { after } from './clock.ts';
import { isId } from './ids.ts';
import type { Payment } from './payment.ts';
import type { Refund } from './refund.ts';
import { type PaymentReport, paymentReport, type RefundReport, refundReport } from './report.ts';

/** What we hold of a payment, as far as a bill can be compared with it. */
export type HeldPayment = Pick<
  Payment,
  'id' | 'orderId' | 'status' | 'captureMode' | 'amountMinor' | 'capturedMinor' | 'currency' | 'providerPaymentId'
>;
/** The same of a refund. */
export type HeldRefund = Pick<Refund, 'id' | 'status' | 'amountMinor' | 'currency' | 'providerRefundId'>;

/** One line of a provider's daily bill: a movement of money, completed or in progress. */
export type BillLine = {
  readonly kind: 'payment' | 'refund';
  /** The merchant's own number: `pay_…` or `rfd_…` when it is ours, another text for other systems and consoles, null when there is none. */
  readonly merchantNumber: string | null;
  /** Of a refund: the merchant's number of its payment. */
  readonly paymentNumber: string | null;
  readonly providerPaymentId: string | null;
  /** The same name that the provider's adapter uses in refund reports. */
  readonly providerRefundId: string | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** A payment on a bill is always SUCCEEDED. */
  readonly status: 'SUCCEEDED' | 'PENDING' | 'FAILED';
  readonly at: Date;
};

/** What comparing one line with what we hold comes to. `FOREIGN`: of another system of the merchant, and none of our business. */
export type LineVerdict = 'MATCHED' | 'MISSING_HERE' | 'DIFFERENT_AMOUNT' | 'FOREIGN';

/** Judges a line beside the payment, and for refunds the refund, that it names; null where we hold none. */
export function judgeLine(line: BillLine, payment: HeldPayment | null, refund: HeldRefund | null): LineVerdict {
  if (payment === null) return namesOurs(line) ? 'MISSING_HERE' : 'FOREIGN';
  return line.kind === 'payment' ? judgePayment(line, payment) : judgeRefund(line, refund);
}

function namesOurs({ kind, merchantNumber, paymentNumber }: BillLine): boolean {
  const isOurs = merchantNumber !== null && isId(kind, merchantNumber);
  return isOurs || (paymentNumber !== null && isId('payment', paymentNumber));
}

function judgePayment(line: BillLine, payment: HeldPayment): LineVerdict {
  // Under the number of a payment that the provider knows by another id, it took money that we hold nothing of.
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
  // A bill is a picture of its morning: that a refund was under way then says nothing against how it ended.
  const isSame = line.status === 'PENDING' ? refund.status !== 'UNKNOWN' : line.status === refund.status;
  return isSame ? 'MATCHED' : 'MISSING_HERE';
}

/** What a bill says of a payment of ours. It names what was taken, not what was asked for: a capture may have been a part. */
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

/** What it says of a refund. When one failed it does not say. */
export function refundReportOf(line: BillLine, receivedAt: Date): RefundReport {
  const { merchantNumber, providerRefundId, status, amountMinor, currency, at } = line;
  return refundReport({
    refundId: merchantNumber !== null && isId('refund', merchantNumber) ? merchantNumber : null,
    ...{ providerRefundId, status, amountMinor, currency },
    evidence: { source: 'RECONCILIATION', providerTime: status === 'FAILED' ? null : at, receivedAt },
  });
}

/** Two clocks may differ by so much: what is nearer to the end of a day may be in its neighbour's bill. */
export const dayBorderMs = 60_000;

/** Whether money that moved between the two instants must be in the bill of this day, and in no other's. */
export function isCertainlyWithin(
  moved: { readonly earliest: Date; readonly latest: Date },
  day: { readonly from: Date; readonly until: Date },
): boolean {
  return moved.earliest >= after(day.from, dayBorderMs) && moved.latest < after(day.until, -dayBorderMs);
}
