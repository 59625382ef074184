import { z } from 'zod';
import type { Evidence, NextAction } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';
import { instantOfBeijing } from '../beijing-time.ts';
import { OutcomeUnknownError } from '../provider.ts';
import { fenOfYuan } from '../yuan.ts';

/** A text field; null when absent or empty, which Alipay treats alike. */
export const givenText = z
  .string()
  .nullish()
  .transform((text) => text || null);

/** The fields of a trade in answers and callbacks. Statuses are open sets, so they are text here and mapped below. */
export const tradeSchema = z.object({
  out_trade_no: z.string().min(1),
  trade_no: z.string().min(1),
  trade_status: z.string(),
  total_amount: z.string(),
  trans_currency: givenText,
  settle_currency: givenText,
});
export type Trade = z.infer<typeof tradeSchema>;

export const queriedTradeSchema = tradeSchema.extend({ send_pay_date: givenText });

export const precreatedSchema = z.object({ out_trade_no: z.string(), qr_code: z.string().min(1) });
export const refundedSchema = z.object({ out_trade_no: z.string(), fund_change: givenText });
export const queriedRefundSchema = z.object({
  out_trade_no: givenText,
  trade_no: givenText,
  out_request_no: givenText,
  refund_amount: givenText,
  refund_status: givenText,
});

/**
 * Parses an answer.
 *
 * @throws {OutcomeUnknownError} for an unexpected answer: the call may have been executed.
 */
export function parseAnswer<T>(schema: z.ZodType<T>, node: unknown): T {
  const parsed = schema.safeParse(node);
  if (parsed.success) return parsed.data;
  throw new OutcomeUnknownError('Alipay’s answer does not follow its protocol.', { cause: parsed.error });
}

/**
 * Checks that an answer is about our trade: the signature does not cover the request, so a signed answer may be mixed
 * up or replayed.
 *
 * @throws {OutcomeUnknownError} when it is about another trade.
 */
export function requireTrade(paymentId: string, outTradeNo: string): void {
  if (outTradeNo !== paymentId) throw new OutcomeUnknownError('Alipay answered about another trade.');
}

export type TradeStatus = 'ACTION_REQUIRED' | 'SUCCEEDED' | 'CLOSED_UNPAID';

/**
 * Maps a trade's status; null for an unknown one. TRADE_CLOSED has two meanings: never paid, or paid and fully
 * refunded.
 */
export function statusOfTrade(
  { trade_status: status }: Pick<Trade, 'trade_status'>,
  wasPaid: boolean,
): TradeStatus | null {
  switch (status) {
    case 'WAIT_BUYER_PAY':
      return 'ACTION_REQUIRED';
    case 'TRADE_SUCCESS':
    case 'TRADE_FINISHED':
      return 'SUCCEEDED';
    case 'TRADE_CLOSED':
      return wasPaid ? 'SUCCEEDED' : 'CLOSED_UNPAID';
    default:
      return null;
  }
}

/**
 * Builds the report of a trade.
 *
 * @param closedAs the status of a trade that was closed without a payment.
 * @throws {RangeError} for an invalid amount or currency.
 */
export function reportOfTrade(
  trade: Trade,
  status: TradeStatus,
  closedAs: 'CANCELED' | 'EXPIRED',
  evidence: Evidence,
  nextAction: NextAction | null = null,
): PaymentReport {
  const amountMinor = fenOfYuan(trade.total_amount);
  return paymentReport({
    paymentId: trade.out_trade_no,
    providerPaymentId: trade.trade_no,
    status: status === 'CLOSED_UNPAID' ? closedAs : status,
    amountMinor,
    currency: currencyOf(trade),
    capturedMinor: status === 'SUCCEEDED' ? amountMinor : null,
    nextAction: status === 'ACTION_REQUIRED' ? nextAction : null,
    evidence,
  });
}

/** CNY unless the trade states another currency. The core rejects a report in another currency. */
function currencyOf({ trans_currency: priced, settle_currency: settled }: Trade): string {
  const currency = [priced, settled].find((code) => code !== null && code !== 'CNY') ?? 'CNY';
  if (!/^[A-Z]{3}$/.test(currency)) throw new RangeError('An ISO 4217 currency was expected.');
  return currency;
}

/** @throws {RangeError} when the text is not null and not a time. */
export function instantIn(text: string | null): Date | null {
  return text === null ? null : instantOfBeijing(text);
}
