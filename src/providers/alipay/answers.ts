import { z } from 'zod';
import type { Evidence, NextAction } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';
import { instantOfBeijing } from '../beijing-time.ts';
import { OutcomeUnknownError } from '../provider.ts';
import { fenOfYuan } from '../yuan.ts';

/** Text that is there; null when it is absent or empty, which Alipay uses alike. */
export const givenText = z
  .string()
  .nullish()
  .transform((text) => text || null);

/** What we read of answers and callbacks about a trade. Statuses are an open set, so they are text here and mapped below. */
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

/** An answer as we read it. What is none may follow something that happened. */
export function parseAnswer<T>(schema: z.ZodType<T>, node: unknown): T {
  const parsed = schema.safeParse(node);
  if (parsed.success) return parsed.data;
  throw new OutcomeUnknownError('Alipay answered with what its protocol does not know.', { cause: parsed.error });
}

/** A signature says who answered, and not what was asked: an answer about another trade is a mix-up, or an old one that is replayed. */
export function mustConcern(paymentId: string, outTradeNo: string): void {
  if (outTradeNo !== paymentId) throw new OutcomeUnknownError('Alipay answered about another trade.');
}

export type TradeStatus = 'ACTION_REQUIRED' | 'SUCCEEDED' | 'CLOSED_UNPAID';

/**
 * What a trade's status says; null for one that we do not know. TRADE_CLOSED is the end of two stories: never paid, and paid but given
 * back since.
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
 * The report on a trade. `closedAs`: what it means that nobody paid and nobody can.
 * @throws {RangeError} when its amount or its currency cannot be.
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

/** Yuan, unless the trade says otherwise: then that is reported, and the core refuses it. */
function currencyOf({ trans_currency: priced, settle_currency: settled }: Trade): string {
  const currency = [priced, settled].find((code) => code !== null && code !== 'CNY') ?? 'CNY';
  if (!/^[A-Z]{3}$/.test(currency)) throw new RangeError('A currency of ISO 4217 was expected.');
  return currency;
}

/** @throws {RangeError} when it is there, and no instant. */
export function instantIn(text: string | null): Date | null {
  return text === null ? null : instantOfBeijing(text);
}
